import Checkpoints
import FileSupport
import TensorCore
import Testing

@Suite struct HDF5ReaderTests {
    @Test(arguments: [
        ("", 0xDEAD_BEEF as UInt32), ("Four score and seven years ago", 0x1777_0551),
    ]) func lookup3GivesThePublishedAnswers(_ text: String, _ expected: UInt32) {
        #expect(HDF5Checksum.lookup3(Array(text.utf8)[...]) == expected)
    }

    @Test func treesComeBack() throws {
        var root = HDF5Group<HDF5Values>(attributes: [
            HDF5Attribute("empty", .string("")), HDF5Attribute("list", .strings(["a", "", "ccc"])),
            HDF5Attribute("none", .strings([])), HDF5Attribute("i", .integer(.min)),
            HDF5Attribute("u", .unsigned(.max)), HDF5Attribute("r", .real(-0.0)),
            HDF5Attribute("big", .string(String(repeating: "b", count: 64_000))),
        ])
        let values: [(String, HDF5Values, [Int])] = [
            ("f32", .float32([1, .nan]), [2]), ("f64", .float64([1.5]), []), ("i64", .int64([-1, 2, 3]), [3, 1]),
            ("u64", .uint64([.max]), [1]), ("u8", .uint8([]), [0, 5]), ("größe", .text("ä"), []),
        ]
        for (name, values, shape) in values {
            try root.insert(.dataset(HDF5Dataset(shape: shape, payload: values)), at: ["a", name])
        }
        let source = MemorySource(try HDF5Writer.image(of: root))
        let back = try HDF5Reader.read(source)
        #expect(back.attributes == root.attributes)
        #expect(back.datasets().map(\.path) == values.map { ["a", $0.0] })
        for ((_, dataset), (name, values, shape)) in zip(back.datasets(), values) {
            #expect(dataset.shape == shape, "\(name)")
            let loaded = try dataset.payload.load(from: source)
            #expect(
                loaded.withUnsafeBytes { Array($0) } == values.withUnsafeBytes { Array($0) }, "\(name)")
            #expect(dataset.payload.range.lowerBound % 64 == 0)
        }
    }

    @Test func limitsAreKept() throws {
        let bytes = try Samples.small().encoded()
        let source = MemorySource(bytes, byteCount: bytes.count - 40)
        let changes: [@Sendable (inout HDF5Limits) -> Void] = [
            { $0.objectCount = 5 }, { $0.depth = 1 }, { $0.rank = 3 }, { $0.nameByteCount = 4 },
            { $0.stringCount = 4 }, { $0.attributeCount = 4 },
        ]
        #expect(throws: Never.self) { try HDF5Reader.read(source) }
        for (index, change) in changes.enumerated() {
            var limits = HDF5Limits()
            change(&limits)
            #expect(throws: ZooError.self, "change \(index)") { try HDF5Reader.read(source, limits: limits) }
        }
    }

    @Test func claimsMustLieInsideAndApart() throws {
        var map = ExtentMap(byteCount: 100, format: "HDF5")
        #expect(throws: ZooError.self) { try map.claim(90, 11, "a") }
        #expect(throws: ZooError.self) { try map.claim(.max, 2, "a") }
        #expect(throws: ZooError.self) { try map.claim(0, -1, "a") }
        _ = try map.claim(0, 50, "a")
        _ = try map.claim(50, 10, "b")
        #expect(throws: Never.self) { try map.checkDisjoint() }
        #expect(throws: ZooError.self) { try map.claim(0, 41, "c") }
        _ = try map.claim(59, 1, "c")
        #expect(throws: ZooError.self) { try map.checkDisjoint() }
    }
}
