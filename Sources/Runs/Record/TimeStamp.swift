import Glibc

/// Wall-clock time as text.
public enum TimeStamp {
    /// Local time in `strftime`'s format.
    public static func now(format: String) -> String {
        var seconds = time(nil)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return text(&parts, format)
    }

    /// UTC as in RFC 3339, to the second.
    public static var universal: String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return text(&parts, "%Y-%m-%dT%H:%M:%SZ")
    }

    private static func text(_ parts: inout tm, _ format: String) -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
