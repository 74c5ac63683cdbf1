import FileSupport
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Interchange

@Suite struct NumPyTests {
    private static func npy(_ header: String, data: Int, version: UInt8 = 1) -> [UInt8] {
        let text = header + "\n"
        let length = withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian, Array.init)
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length.prefix(version == 1 ? 2 : 4) + text.utf8
            + [UInt8](repeating: 0, count: data)
    }

    private static func header(
        _ type: String = "<f4", order: String = "False", shape: String = "(2,)", more: String = ""
    ) -> String {
        "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), \(more)}"
    }

    static let arrayRules = [
        Rule("the array begins with its name", [0x93, 0x4E], "not a NumPy array"),
        Rule("the version is known", npy(header(), data: 8, version: 4), "version 4.0"),
        Rule("the header is whole", Array(npy(header(), data: 0).prefix(40)), "ends in its header"),
        Rule(
            "the header has at most 10,000 bytes", npy(header() + String(repeating: " ", count: 10_001), data: 8),
            "at most 10000"),
        Rule("objects are refused", npy(header("|O"), data: 8), "Python objects"),
        Rule("structures are refused", npy(header("[('a', '<f4')]"), data: 8), "malformed"),
        Rule("big-endian numbers are refused", npy(header(">f4"), data: 8), "'>f4'"),
        Rule("texts are refused", npy(header("<U4"), data: 8), "'<U4'"),
        Rule("raw bytes are refused", npy(header("|V2"), data: 8), "'|V2'"),
        Rule(
            "the shape fills the data in Fortran order", npy(header(order: "True", shape: "(2, 2)"), data: 8),
            "fill the 8 bytes"),
        Rule("expressions are not evaluated", npy(header(shape: "(1+1,)"), data: 8), "malformed"),
        Rule("no other keys are accepted", npy(header(more: "'x': 1"), data: 8), "malformed"),
        Rule("sizes are not negative", npy(header(shape: "(-2,)"), data: 8), "malformed"),
        Rule("there are at most 8 axes", npy(header(shape: "(1, 1, 1, 1, 1, 1, 1, 1, 2)"), data: 8), "9 axes"),
        Rule("the shape must not overflow", npy(header(shape: "(99999999999999, 99999999999999)"), data: 8), "fill"),
        Rule("the shape fills the data", npy(header(shape: "(3,)"), data: 8), "fill the 8 bytes"),
        Rule("nothing follows the data", npy(header(), data: 9), "fill the 9 bytes"),
    ]

    @Test(arguments: arrayRules) func arrayRule(_ rule: Rule) {
        #expect(rule.problem { _ = try NumPyArchive.decode(array: $0[...], name: "x") } == nil)
    }

    private static let archive =
        (try? NumPyArchive.encode(
            [NamedTensor(path: "a", shape: [2], values: [1, 2]), NamedTensor(path: "b", shape: [], values: [3])],
            definition: "d")) ?? []

    private static let local = "PK\u{3}\u{4}"
    private static let central = "PK\u{1}\u{2}"
    private static let end = "PK\u{5}\u{6}"

    private static func stored(_ entries: [(String, [UInt8])]) -> [UInt8] {
        (try? ZipWriter.encode(entries.map { (name: $0.0, contents: $0.1) }, comment: [])) ?? []
    }

    /// A size of both kinds, packed and not, that is too large.
    private static let large: [UInt8] = [0, 0, 0, 0x40, 0, 0, 0, 0x40]

    /// The archive with the end record and locator of zip64; numbers that are nil are right.
    private static func zip64(position: Int? = nil, here: Int? = nil, count: Int? = nil) -> [UInt8] {
        let place = archive.places(of: end).first ?? 0
        let start = archive.places(of: central).first ?? 0
        func wide(_ value: Int) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }
        var record = Array("PK\u{6}\u{6}".utf8) + wide(44) + [UInt8](repeating: 0, count: 12)
        record += wide(here ?? count ?? 2) + wide(count ?? 2) + wide(place - start) + wide(start)
        let locator = Array("PK\u{6}\u{7}".utf8) + [0, 0, 0, 0] + wide(position ?? place) + [1, 0, 0, 0]
        return archive[..<place] + record + locator + archive[place...]
    }

    @Test func arraysInFortranOrderAreRead() throws {
        let tensors = try NumPyArchive.decode(archive: try Fixtures.bytes("fortran.npz")).tensors
        #expect(tensors.map(\.shape) == [[2, 3, 4], [3, 2], [4], [0, 2]])
        #expect(
            try tensors.map { try $0.floats() } == [24, 6, 4, 0].map { count in (0..<count).map { Float($0) } })
    }

    @Test func archivesOfZip64AreRead() throws {
        #expect(try NumPyArchive.decode(archive: Self.zip64()).tensors.map(\.name) == ["a", "b"])
    }

    private static let array = NumPyArchive.encode(NamedTensor(path: "a", shape: [1], values: [1]))

    static let archiveRules = [
        Rule("there is an end record", Array(archive.prefix(100)), "no end record"),
        Rule("the archive is on one disk", archive.changed(end, 0, 4, [1]), "several disks"),
        Rule("the directory ends at the end record", archive.changed(end, 0, 12, [1, 0, 0, 0]), "does not end at"),
        Rule("the directory has all its entries", archive.changed(end, 0, 8, [3, 0, 3, 0]), "are left"),
        Rule("the directory has no more entries", archive.changed(end, 0, 8, [1, 0, 1, 0]), "left over"),
        Rule("there are at most 4,096 entries", archive.changed(end, 0, 8, [0, 0x20, 0, 0x20]), "8192 entries"),
        Rule("entries are not encrypted", archive.changed(central, 0, 8, [1]), "encrypted"),
        Rule("entries are stored or deflated", archive.changed(central, 0, 10, [12]), "method 12"),
        Rule("both headers name the entry alike", archive.changed(local, 0, 30, [0x7A]), "does not agree"),
        Rule("both headers give one size", archive.changed(local, 0, 22, [1]), "does not agree"),
        Rule("both headers give one checksum", archive.changed(local, 0, 14, [1, 2, 3]), "does not agree"),
        Rule("both headers give one method", archive.changed(local, 0, 8, [8]), "does not agree"),
        Rule("both headers give one set of flags", archive.changed(local, 0, 6, [8]), "does not agree"),
        Rule(
            "the local header is inside the file", archive.changed(central, 0, 42, [0, 0, 0, 0x70]),
            "local header of a.npy"),
        Rule(
            "no two entries share bytes",
            stored([("a.npy", array), ("a.npy", array)]).changed(central, 1, 42, [0, 0, 0, 0]), "inside a.npy"),
        Rule("the data matches its CRC-32", archive.changed("NUMPY", 0, 130, [7]), "CRC-32"),
        Rule("no name occurs twice", stored([("a.npy", array), ("a.npy", array)]), "two entries"),
        Rule("no name climbs up", stored([("../a.npy", array)]), "no usable name"),
        Rule("no name is absolute", stored([("/a.npy", array)]), "no usable name"),
        Rule("no name holds a backslash", stored([("a\\b.npy", array)]), "no usable name"),
        Rule("no name holds NUL", stored([("a\0.npy", array)]), "no usable name"),
        Rule("all entries are arrays", stored([("a.txt", array)]), "no .npy"),
        Rule("flags are known", archive.changed(central, 0, 8, [0x10]), "has flags"),
        Rule("entries are in this archive", archive.changed(central, 0, 34, [1]), "on another disk"),
        Rule("entries have their signature", archive.changed(central, 1, 0, [1]), "signature of an entry"),
        Rule(
            "entries are inside the file", archive.changed(central, 0, 20, large).changed(local, 0, 18, large),
            "outside the"),
        Rule("names are UTF-8", archive.changed(central, 0, 46, [0xFF]), "not valid UTF-8"),
        Rule("the end record of zip64 stands before its locator", zip64(position: 1), "no zip64 end record"),
        Rule("the two end records agree", zip64(count: 3), "the two end records differ"),
        Rule("a zip64 archive is on one disk", zip64(here: 1), "several disks"),
        Rule("sizes of stored entries agree", archive.changed(central, 0, 20, [1]), "its two sizes differ"),
    ]

    @Test(arguments: archiveRules) func archiveRule(_ rule: Rule) {
        #expect(rule.problem { _ = try NumPyArchive.decode(archive: $0) } == nil)
    }

    /// An entry of deflated zeros: `claimed` bytes are said to come out, of `packed` that unpack to `actual`.
    private static func deflated(_ fixture: String, claimed: UInt32) throws -> [UInt8] {
        var archive = try Fixtures.bytes(fixture)
        let claim = withUnsafeBytes(of: claimed.littleEndian, Array.init)
        for (index, byte) in claim.enumerated() { archive[archive.places(of: central)[0] + 24 + index] = byte }
        let locals = archive.places(of: local)
        // NumPy's local headers hold sizes of 8 bytes in an extra field behind the name.
        let nameLength = Int(archive[locals[0] + 26])
        for (index, byte) in claim.enumerated() { archive[locals[0] + 30 + nameLength + 4 + index] = byte }
        return archive
    }

    @Test func anEntryUnpacksToExactlyItsSize() throws {
        for claimed: UInt32 in [367, 369] {
            let error = #expect(throws: ZooError.self) {
                try NumPyArchive.decode(archive: try Self.deflated("compressed.npz", claimed: claimed))
            }
            #expect(
                error?.message.contains("does not unpack to exactly \(claimed)") == true, "\(String(describing: error))"
            )
        }
    }

    @Test func anEntryDoesNotClaimMoreThanDeflateCanPack() throws {
        let error = #expect(throws: ZooError.self) {
            try NumPyArchive.decode(archive: try Self.deflated("compressed.npz", claimed: 40_000_000))
        }
        #expect(error?.message.contains("which cannot be") == true, "\(String(describing: error))")
    }

    @Test func anArchiveDoesNotUnpackToMuchMoreThanItsLength() throws {
        var budget = UnpackingBudget(fileByteCount: 1_000)
        try budget.take(40_000_000, for: "a")
        // What is borrowed is given back before more is borrowed.
        for _ in 0..<3 { try budget.borrow(18_000_000, for: "a") }
        #expect(throws: ZooError.self) { try budget.borrow(19_000_000, for: "b") }
        #expect(throws: ZooError.self) { try budget.take(1_000_000, for: "b") }
        #expect(throws: ZooError.self) { try budget.borrow(.max, for: "b") }
        #expect(throws: ZooError.self) { try budget.take(.max, for: "b") }
        try budget.take(400_000, for: "b")
    }

    @Test func filesOfNumPyAreRead() throws {
        let stored = try NumPyArchive.decode(archive: try Fixtures.bytes("numpy.npz")).tensors
        #expect(stored.map(\.name) == ["a.weight", "b", "c"])
        #expect(try stored.map { try $0.floats() } == [[0, 1, 2, 3, 4, 5], [0.5], [0, 1, 2]])
        #expect(stored.map(\.elementTypeName) == ["f32", "f64", "f16"])
        let deflated = try NumPyArchive.decode(archive: try Fixtures.bytes("compressed.npz")).tensors
        #expect(try deflated[0].floats() == (0..<60).map { Float($0) })
    }
}
