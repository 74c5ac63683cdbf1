import CKernels
import Glibc

/// What this process may use of the machine: processors by its affinity and the quota of its control groups, memory by that of
/// the machine and their limit.
///
/// Source: control groups version 2 (`cpu.max`, `memory.max`) and version 1 (`cpu.cfs_quota_us`, `cpu.cfs_period_us`,
/// `memory.limit_in_bytes`), Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1.
public struct ProcessLimits: Sendable, Equatable {
    /// At least 1. A share of a processor counts as one.
    public let processorCount: Int
    /// Bytes.
    public let memoryByteCount: Int

    /// Those of this process, as they were when they were first asked for.
    public static let current = ProcessLimits(
        availableProcessors: Int(zk_processor_count()),
        physicalMemory: sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)),
        groups: ControlGroups(root: "/sys/fs/cgroup", membership: ControlGroups.read("/proc/self/cgroup") ?? ""))

    init(availableProcessors: Int, physicalMemory: Int, groups: ControlGroups) {
        let quota = groups.processorQuota.map { max(1, Int($0.rounded(.up))) }
        processorCount = max(1, min(availableProcessors, quota ?? availableProcessors))
        memoryByteCount = min(physicalMemory, groups.memoryLimit ?? physicalMemory)
    }

    /// - Parameter advice: what can be done without so much memory.
    /// - Throws: `ZooError` where `byteCount` bytes are more than three quarters of the memory.
    public func requireMemory(_ byteCount: Int, for what: String, advice: String) throws {
        guard byteCount <= memoryByteCount / 4 * 3 else {
            throw ZooError(
                "\(what) takes \(byteCount >> 20) MB and does not fit in memory (\(memoryByteCount >> 20) MB)",
                advice: advice, code: .limit)
        }
    }
}

/// The control groups that a process is in.
struct ControlGroups {
    /// The folders of the groups, from the innermost outwards, by version.
    private var unified: [String] = []
    private var processor: [String] = []
    private var memory: [String] = []

    /// - Parameters:
    ///   - root: where the file systems of the groups are mounted.
    ///   - membership: the text of `/proc/self/cgroup`: lines `number:controllers:path`.
    init(root: String, membership: String) {
        for line in membership.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let controllers = parts[1].split(separator: ",")
            func folders(_ mount: String) -> [String] {
                var path = parts[2].split(separator: "/")
                var folders: [String] = []
                while true {
                    folders.append(([root + mount] + path.map(String.init)).joined(separator: "/"))
                    guard path.popLast() != nil else { return folders }
                }
            }
            if parts[1].isEmpty { unified = folders("") }
            if controllers.contains("cpu") { processor = folders("/\(parts[1])") + folders("/cpu") }
            if controllers.contains("memory") { memory = folders("/memory") }
        }
    }

    /// How many processors' time the groups may use; nil for as much as there is.
    var processorQuota: Double? {
        let new = unified.compactMap { folder -> Double? in
            let words = (Self.read(folder + "/cpu.max") ?? "").split(whereSeparator: \.isWhitespace)
            guard words.count == 2 else { return nil }
            return Self.share(words[0], of: words[1])
        }
        let old = processor.compactMap { folder -> Double? in
            guard let quota = Self.read(folder + "/cpu.cfs_quota_us"),
                let period = Self.read(folder + "/cpu.cfs_period_us")
            else { return nil }
            return Self.share(quota.prefix { $0 != "\n" }, of: period.prefix { $0 != "\n" })
        }
        return (new + old).min()
    }

    private static func share(_ quota: Substring, of period: Substring) -> Double? {
        guard let quota = Double(quota), let period = Double(period), quota > 0, period > 0 else { return nil }
        return quota / period
    }

    /// Bytes; nil for as many as there are.
    var memoryLimit: Int? {
        (unified.map { $0 + "/memory.max" } + memory.map { $0 + "/memory.limit_in_bytes" })
            .compactMap { Self.read($0).flatMap { Int($0.prefix { $0 != "\n" }) } }.filter { $0 > 0 }.min()
    }

    /// The beginning of a small file; nil where there is none.
    static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }
}
