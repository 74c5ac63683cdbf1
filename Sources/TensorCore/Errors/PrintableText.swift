extension String {
    /// The text as a terminal may show it: whatever would move the cursor, change colours or turn the direction of what
    /// follows is written as `\u{1B}`. Names and texts from files may hold anything.
    ///
    /// - Parameter keepsLines: whether line feeds and tabs stay.
    public func printable(keepsLines: Bool = false) -> String {
        func isKept(_ scalar: Unicode.Scalar) -> Bool {
            !scalar.isUnprintable || (keepsLines && (scalar == "\n" || scalar == "\t"))
        }
        guard !unicodeScalars.allSatisfy(isKept) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            if isKept(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    /// Control characters, separators of lines and paragraphs, and what turns the direction of text (Unicode Standard
    /// Annex 9).
    public var isUnprintable: Bool {
        switch value {
        case 0..<0x20, 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF, 0x061C: true
        default: false
        }
    }
}
