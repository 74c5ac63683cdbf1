import Checkpoints
import FileSupport
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Interchange

/// Each rule of the reader of HDF5 of other tools, with a file that breaks it and is sound otherwise.
///
/// h5py.h5 has a superblock of version 0, groups with symbol tables, object headers of version 1, chunks and a heap of
/// strings; no checksums, so that bytes can be changed freely.
@Suite struct ForeignHDF5RuleTests {
    private static let file = (try? Fixtures.bytes("h5py.h5")) ?? []
    private static let nowhere = [UInt8](repeating: 0xFF, count: 8)

    private static func wide(_ value: Int) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }

    /// Where the root's parts begin.
    private static let (tree, heap, symbols, strings) = ("TREE", "HEAP", "SNOD", "GCOL")

    /// The B-tree of the chunks of /chunks: 7 × 5 × 3 f32 in chunks of 3 × 2 × 3. 24 bytes, then per chunk its size, filter
    /// mask, four offsets and address.
    private static let chunkTree = file.places(of: tree).first { file[$0 + 4] == 1 && file[$0 + 6] > 3 } ?? -1
    private static let firstChunk =
        file.indices.contains(chunkTree)
        ? file[chunkTree + 64..<chunkTree + 72].reversed().reduce(0) { $0 << 8 | Int($1) } : -1
    /// The layout message of /chunks: version 3, chunked, four extents, address.
    private static let layout =
        file.indices.first { place in
            file[place...].starts(with: [3, 2, 4]) && file[(place + 11)...].starts(with: [3, 0, 0, 0, 2, 0, 0, 0, 3])
        } ?? -1

    static let superblock = [
        Rule("the superblock's version is known", file.changed(8, [1]), "superblock version 1"),
        Rule("the version of the free space is 0", file.changed(9, [1]), "free space version 1"),
        Rule("the version of the root is 0", file.changed(10, [1]), "root group version 1"),
        Rule("the version of shared messages is 0", file.changed(12, [1]), "shared message version 1"),
        Rule("offsets and lengths have 8 bytes", file.changed(13, [4]), "offsets and lengths of [4, 8] bytes"),
        Rule("the base address is inside the file", file.changed(24, wide(1 << 40)), "is before its base address"),
        Rule("the file is whole", file.changed(40, wide(1 << 40)), "cut short"),
        Rule("there is no file driver", file.changed(48, wide(0)), "a file driver"),
        Rule("the root is inside the file", file.changed(64, wide(1 << 40)), "is said to be at byte"),
    ]

    static let headers = [
        Rule("headers have version 1 or 2", file.changed(0x60, [3]), "or none at all"),
        Rule("a header has all its messages", file.changed(0x62, [9]), "2 of its messages are missing"),
        Rule("kinds of messages are known", file.changed(0x70, [0x0D, 1]), "a header message of type 269"),
        Rule("messages are not shared", file.changed(0x74, [2]), "a shared message of type 16"),
        Rule("a continuation leads somewhere", file.changed(0x78, nowhere), "leads nowhere"),
        Rule("a continuation is inside the file", file.changed(0x78, wide(1 << 40)), "outside the"),
        Rule("no two parts share bytes", file.changed(0x78, wide(0x60)), ""),
        Rule("a symbol table leads somewhere", file.changed(0x328, nowhere), "a symbol table that leads nowhere"),
        Rule("a symbol table has a heap", file.changed(0x330, nowhere), "a symbol table that leads nowhere"),
    ]

    static let groups = [
        Rule("heaps have their signature", file.changed(heap, 0, 0, [1]), "signature"),
        Rule("heaps have version 0", file.changed(heap, 0, 4, [1]), "heap version 1"),
        Rule("names are inside the file", file.changed(heap, 0, 8, wide(1 << 40)), "outside the"),
        Rule("names are somewhere", file.changed(heap, 0, 24, nowhere), "the names are nowhere"),
        Rule("trees have their signature", file.changed(tree, 0, 0, [1]), "signature"),
        Rule("trees of groups hold groups", file.changed(tree, 0, 4, [1]), "node type 1"),
        Rule("trees are not high", file.changed(tree, 0, 5, [17]), "a node of level 17"),
        Rule("the levels of a tree descend", file.changed(tree, 0, 5, [1]), "signature"),
        Rule("entries are inside the file", file.changed(tree, 0, 6, [0xFF, 0xFF]), "outside the"),
        Rule("children are somewhere", file.changed(tree, 0, 32, nowhere), "a child that is nowhere"),
        Rule("symbols have their signature", file.changed(symbols, 0, 0, [1]), "signature"),
        Rule("symbols have version 1", file.changed(symbols, 0, 4, [2]), "symbol node version 2"),
        Rule("symbols are inside the file", file.changed(symbols, 0, 6, [0xFF, 0xFF]), "outside the"),
        Rule("symbols have names", file.changed(symbols, 0, 8, wide(5_000)), "a symbol that leads nowhere"),
        Rule("symbols lead somewhere", file.changed(symbols, 0, 16, nowhere), "a symbol that leads nowhere"),
        Rule("symbols are no links", file.changed(symbols, 0, 24, [2]), "a soft link"),
        Rule("names are usable", file.changed("chunks\0", 0, 0, [0x2F]), "no usable HDF5 name"),
        Rule("names are UTF-8", file.changed("chunks\0", 0, 0, [0xFF]), "is not valid UTF-8, or does not end"),
        Rule(
            "names end", file.changed(0x2C8 + 87, [0x61]).changed(symbols, 0, 8, wide(87)),
            "is not valid UTF-8, or does not end"),
        Rule("names are unique", file.changed(symbols, 0, 48, Array(file[symbolName..<symbolName + 8])), "two members"),
    ]
    private static let symbolName = (file.places(of: symbols).first ?? 0) + 8

    static let texts = [
        Rule("heaps of strings have their signature", file.changed(strings, 0, 0, [1]), "signature"),
        Rule("heaps of strings have version 1", file.changed(strings, 0, 4, [2]), "heap version 2"),
        Rule("heaps of strings have 16 bytes at least", file.changed(strings, 0, 8, wide(8)), "it has 8 bytes"),
        Rule("heaps of strings are inside the file", file.changed(strings, 0, 8, wide(1 << 40)), "outside the"),
        Rule("strings are in their heap", file.changed(strings, 0, 16, [9]), "is not in the heap"),
        Rule("strings are inside their heap", file.changed(strings, 0, 24, wide(1 << 20)), "needs 1048576 bytes"),
        Rule("strings are as long as they are said to be", file.changed(strings, 0, 24, wide(1)), ""),
        Rule("no string is there twice", file.changed(strings, 0, 40, [1]), "object 1 is there twice"),
        Rule("strings are UTF-8", file.changed(strings, 0, 32, [0xFF]), "is not valid UTF-8"),
    ]

    static let chunks = [
        Rule("chunks pass all filters", file.changed(chunkTree + 28, [1]), "skipped a filter"),
        Rule("chunks begin where one may begin", file.changed(chunkTree + 32, wide(1)), "a chunk begins at 1 of 7"),
        Rule("chunks begin inside", file.changed(chunkTree + 32, wide(9)), "a chunk begins at 9 of 7"),
        Rule("chunks are somewhere", file.changed(chunkTree + 64, nowhere), "a child that is nowhere"),
        Rule("chunks are inside the file", file.changed(chunkTree + 24, [0, 0, 0, 0x70]), "outside the"),
        Rule(
            "no chunk is there twice", file.changed(chunkTree + 80, [UInt8](repeating: 0, count: 24)),
            "is there twice"),
        Rule("chunks unpack", file.changed(firstChunk, [0]), "is damaged"),
        Rule("chunks have at most 8 axes", file.changed(layout + 2, [10]), "chunks of 9 axes"),
        Rule("chunks have an axis", file.changed(layout + 2, [1]), "chunks of 0 axes"),
        Rule("chunks are not empty", file.changed(layout + 11, [0]), "chunks of the shape [0, 2, 3, 4]"),
        Rule("chunks are of the data's type", file.changed(layout + 23, [8]), "have the shape"),
        Rule("chunks fit in memory", file.changed(layout + 11, [0, 0, 0, 0x40]), "would take"),
    ]

    private static let latest = (try? Fixtures.bytes("latest.h5")) ?? []
    private static let seals = HDF5Seals(latest)

    /// A rule of the newest format: `bytes` at `offset` of the first structure with a signature, its checksum put right.
    private static func sealed(
        _ name: String, _ signature: String, _ offset: Int, _ bytes: [UInt8], _ message: String
    ) -> Rule {
        let changed = latest.changed(signature, 0, offset, bytes)
        return Rule(name, changed.isEmpty ? [] : seals.applied(to: changed), message)
    }

    static let heaps = [
        Rule("heaps have a checksum", latest.changed("FRHP", 0, 9, [9]), "the checksum does not match"),
        sealed("heaps have version 0", "FRHP", 4, [1], "heap version 1"),
        sealed("heaps have no filters", "FRHP", 7, [1], "a filtered heap"),
        sealed("heaps have blocks in rows", "FRHP", 110, [3], "a heap of 3 blocks"),
        sealed("blocks are not empty", "FRHP", 112, wide(0), "blocks of 0"),
        sealed("blocks are not small", "FRHP", 112, wide(1), "has only 1 bytes"),
        sealed("offsets have at most 62 bits", "FRHP", 128, [64], "a heap of"),
        sealed("the root is inside the file", "FRHP", 132, wide(1 << 40), "outside the"),
        sealed("heaps have at most 64 rows", "FRHP", 140, [65], "has 65 rows"),
        sealed("heaps have no more rows than the file", "FRHP", 140, [60], ""),
        sealed("blocks of blocks belong to the heap", "FHIB", 5, [1], "a block of another heap"),
        sealed("blocks of blocks have version 0", "FHIB", 4, [1], "block version 1"),
        sealed("blocks are inside the file", "FHIB", 17, wide(1 << 40), "outside the"),
        Rule("blocks have a checksum", latest.changed("FHDB", 0, 40, [9]), "the checksum does not match"),
        sealed("blocks belong to the heap", "FHDB", 5, [1], "a block of another heap"),
        sealed("blocks have their place", "FHDB", 13, [1], "of another place"),
    ]

    static let trees = [
        Rule("trees have a checksum", latest.changed("BTHD", 0, 7, [9]), "the checksum does not match"),
        sealed("trees have version 0", "BTHD", 4, [1], "tree version 1"),
        sealed("trees have records of links", "BTHD", 5, [9], "type of records 9"),
        sealed("nodes hold a record", "BTHD", 6, [9, 0, 0, 0], "nodes of 9 bytes"),
        sealed("records have a length", "BTHD", 10, [0, 0], "records of 0"),
        sealed("trees are not high", "BTHD", 12, [17], "17 levels"),
        sealed("nodes have as many records as fit", "BTHD", 24, [0xFF, 0xFF], "has 65535 records"),
        sealed("the root is inside the file", "BTHD", 16, wide(1 << 40), "outside the"),
        sealed("nodes have version 0", "BTLF", 4, [1], "node version 1"),
        sealed("nodes have the type of their tree", "BTLF", 5, [6], "type of records 6"),
        sealed("links are in the heap", "BTLF", 11, [0xFF, 0xFF, 0xFF, 0xFF], "is not in the heap"),
        sealed("links are small", "BTLF", 10, [0x10], "too large for its heap"),
    ]

    static let arrays = [
        Rule("arrays have a checksum", latest.changed("FAHD", 0, 7, [9]), "the checksum does not match"),
        sealed("arrays have version 0", "FAHD", 4, [1], "array version 1"),
        sealed("arrays have the type of their entries", "FAHD", 5, [1], "type of entries 1"),
        sealed("entries have a length", "FAHD", 6, [9], "entries of 9 bytes"),
        sealed("arrays are inside the file", "FAHD", 8, wide(1 << 40), "have 1099511627776 entries"),
        sealed("arrays have as many entries as chunks", "FAHD", 8, wide(1_000), ""),
        sealed("entries are inside the file", "FAHD", 16, wide(1 << 40), "outside the"),
        sealed("extensible arrays have version 0", "EAHD", 4, [1], "array version 1"),
        sealed("extensible arrays have at most 62 bits", "EAHD", 7, [63], "63 bits"),
        sealed("extensible arrays have blocks", "EAHD", 9, [0], "blocks of 0 entries"),
        sealed("extensible arrays have tables", "EAHD", 10, [3], "tables of 3"),
        sealed("pages are not large", "EAHD", 11, [33], "pages of 2^33"),
        sealed("index blocks are inside the file", "EAHD", 60, wide(1 << 40), "outside the"),
        sealed("index blocks belong to the array", "EAIB", 6, [1], "entries of another array"),
        sealed("tables belong to the array", "EASB", 6, [1], "entries of another array"),
        sealed("blocks belong to the array", "EADB", 6, [1], "entries of another array"),
        sealed("entries belong to the array", "FADB", 6, [1], "entries of another array"),
        sealed("chunks are inside the file", "FADB", 14, wide(1 << 40), "outside the"),
    ]

    @Test func theFileWithChecksumsPutRightIsTheFile() {
        #expect(Self.seals.count > 100)
        #expect(Self.seals.applied(to: Self.latest) == Self.latest)
    }

    @Test(arguments: superblock + headers + groups + texts + chunks + heaps + trees + arrays) func rule(_ rule: Rule) {
        #expect(rule.problem { _ = try KerasReader.decode($0) } == nil)
    }

    @Test func thereAreAtMostSoManyChunks() throws {
        var limits = HDF5Limits.foreign
        limits.chunkCount = 3
        let error = #expect(throws: ZooError.self) {
            try HDF5Reader.read(MemorySource(Self.file), limits: limits)
        }
        #expect(error?.message.contains("more than 3 chunks") == true)
    }

    /// A file in the format before Keras 3, with these attributes of the root and of the layer `a`, which has `w` and `v`.
    private static func keras(layers: HDF5AttributeValue, weights: HDF5AttributeValue?) -> [UInt8] {
        let one = HDF5Node<HDF5Values>.dataset(HDF5Dataset(shape: [1], payload: .float32([1])))
        let text = HDF5Node<HDF5Values>.dataset(HDF5Dataset(shape: [], payload: .text("t")))
        let layer = HDF5Group(
            attributes: weights.map { [HDF5Attribute("weight_names", $0)] } ?? [],
            members: [("w", one), ("v", one), ("text", text)].map { HDF5Member(name: $0, node: $1) })
        let root = HDF5Group(
            attributes: [HDF5Attribute("layer_names", layers)], members: [HDF5Member(name: "a", node: .group(layer))])
        return (try? HDF5Writer.image(of: root)) ?? []
    }

    static let lists = [
        Rule("layers are listed as texts", keras(layers: .integer(1), weights: .strings([])), "is no list of names"),
        Rule(
            "listed layers are there", keras(layers: .strings(["b"]), weights: .strings([])), "\"b\" is listed, but not"
        ),
        Rule("layers are groups", keras(layers: .strings(["a/w"]), weights: .strings([])), "is listed, but not there"),
        Rule(
            "no layer is listed twice", keras(layers: .strings(["a", "a"]), weights: .strings(["w"])), "listed twice"),
        Rule("layers list their weights", keras(layers: .strings(["a"]), weights: nil), "does not list its weights"),
        Rule("listed weights are there", keras(layers: .strings(["a"]), weights: .strings(["x"])), "\"x\" of \"a\""),
        Rule(
            "no weight is listed twice", keras(layers: .strings(["a"]), weights: .strings(["w", "v", "w"])),
            "\"w\" of \"a\" is listed twice"),
        Rule(
            "no weight is listed twice under two names",
            keras(layers: .strings(["a"]), weights: .strings(["w", "/w"])), "listed twice"),
        Rule(
            "lists are not long in vain",
            keras(layers: .strings([String](repeating: "a", count: 60_000)), weights: .strings(["w"])), "listed twice"),
        Rule("weights are numbers", keras(layers: .strings(["a"]), weights: .strings(["text"])), "is a text"),
    ]

    @Test(arguments: lists) func list(_ rule: Rule) {
        #expect(rule.problem { _ = try KerasReader.decode($0) } == nil)
    }

    @Test func theSoundListIsRead() throws {
        let bytes = Self.keras(layers: .strings(["a"]), weights: .strings(["w", "v"]))
        #expect(try KerasReader.decode(bytes).tensors.map(\.name) == ["a/w", "a/v"])
    }

    @Test func aCheckpointIsNoFileOfKeras() throws {
        let definition = try Samples.definition(named: "worked-vae")
        let bytes = try Samples.checkpoint(definition).encoded()
        let error = #expect(throws: ZooError.self) { try KerasReader.decode(bytes) }
        #expect(error?.message.contains("a checkpoint of the zoo already") == true)
    }
}
