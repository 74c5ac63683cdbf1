import Foundation
import Glibc
import Testing

@testable import TensorCore

/// Processors by affinity and quota, memory by the limit of the control groups.
@Suite struct ProcessLimitsTests {
    /// Files of control groups in a folder of their own.
    private final class Groups {
        let root: String

        init(_ files: [String: String]) throws {
            var template = Array("/tmp/zoo-groups-XXXXXX".utf8CString)
            root = String(cString: try #require(mkdtemp(&template)))
            for (name, text) in files {
                var folder = root
                for part in name.split(separator: "/").dropLast() {
                    folder += "/\(part)"
                    mkdir(folder, 0o777)
                }
                let stream = try #require(fopen("\(root)/\(name)", "w"))
                fputs(text, stream)
                fclose(stream)
            }
        }

        deinit {
            try? FileManager.default.removeItem(atPath: root)
        }

        func limits(_ membership: String, processors: Int = 8, memory: Int = 64 << 30) -> ProcessLimits {
            ProcessLimits(
                availableProcessors: processors, physicalMemory: memory,
                groups: ControlGroups(root: root, membership: membership))
        }
    }

    @Test(arguments: [("100000 100000", 1), ("150000 100000", 2), ("20000 100000", 1), ("max 100000", 8), ("", 8)])
    func theQuotaOfAGroup(text: String, expected: Int) throws {
        let groups = try Groups(["a/b/cpu.max": text + "\n"])
        #expect(groups.limits("0::/a/b\n").processorCount == expected)
    }

    /// The tightest of the groups that a group is in counts.
    @Test func groupsWithinGroups() throws {
        let groups = try Groups([
            "a/cpu.max": "200000 100000\n", "a/b/cpu.max": "max 100000\n", "a/memory.max": "max\n",
            "a/b/memory.max": "1073741824\n",
        ])
        let limits = groups.limits("0::/a/b\n")
        #expect(limits.processorCount == 2 && limits.memoryByteCount == 1 << 30)
        #expect(groups.limits("0::/a/b\n", processors: 1).processorCount == 1)
        #expect(groups.limits("0::/\n") == groups.limits(""))
    }

    @Test func theFirstVersionOfGroups() throws {
        let groups = try Groups([
            "cpu,cpuacct/x/cpu.cfs_quota_us": "300000\n", "cpu,cpuacct/x/cpu.cfs_period_us": "100000\n",
            "cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "memory/x/memory.limit_in_bytes": "536870912\n",
        ])
        let limits = groups.limits("4:cpu,cpuacct:/x\n3:memory:/x\n")
        #expect(limits.processorCount == 3 && limits.memoryByteCount == 512 << 20)
    }

    @Test func whatDoesNotFitInMemory() throws {
        let limits = try Groups(["memory.max": "1073741824\n"]).limits("0::/\n")
        try limits.requireMemory(700 << 20, for: "it", advice: "")
        let error = #expect(throws: ZooError.self) { try limits.requireMemory(900 << 20, for: "it", advice: "less") }
        #expect(error?.message == "it takes 900 MB and does not fit in memory (1024 MB)")
    }

    /// No more threads than processors by affinity.
    @Test func threadsFollowTheProcess() throws {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let mask = try #require(status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") })
        let allowed = mask.dropFirst("Cpus_allowed:".count).compactMap(\.hexDigitValue).reduce(0) {
            $0 + $1.nonzeroBitCount
        }
        #expect((1...allowed).contains(CPUEngine.processorCount))
    }
}
