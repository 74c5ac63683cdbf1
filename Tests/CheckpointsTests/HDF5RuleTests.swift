import Checkpoints
import FileSupport
import TensorCore
import TestSupport
import Testing

/// Each rule of the reader of our own profile, with a file that breaks it and is sound otherwise.
@Suite struct HDF5RuleTests {
    private static let file: HDF5Parts = {
        func dataset(_ values: HDF5Values, _ shape: [Int], _ attributes: [HDF5Attribute] = []) -> HDF5Node<HDF5Values> {
            .dataset(HDF5Dataset(shape: shape, payload: values, attributes: attributes))
        }
        let inner = HDF5Group(members: [HDF5Member(name: "t", node: dataset(.text("some text"), []))])
        let root = HDF5Group<HDF5Values>(
            attributes: [
                HDF5Attribute("text", .string("ab")), HDF5Attribute("list", .strings(["a", "b"])),
                HDF5Attribute("number", .integer(1)),
            ],
            members: [
                HDF5Member(name: "x", node: dataset(.float32([1, 2]), [2], [HDF5Attribute("a", .string("b"))])),
                HDF5Member(name: "y", node: dataset(.float32([3, 4]), [2])),
                HDF5Member(name: "n", node: dataset(.int64([5]), [1])),
                HDF5Member(name: "group", node: .group(inner)),
            ])
        return HDF5Parts((try? HDF5Writer.image(of: root)) ?? [])
    }()

    private static let unreadAttribute =
        (try? HDF5Writer.image(of: HDF5Group(attributes: [HDF5Attribute("a", .unread("u8"))]))) ?? []

    static let superblock = [
        Rule("a file has 48 bytes at least", Array(file.bytes.prefix(47)), "too few for HDF5"),
        Rule("a file begins with the signature", file.bytes.changed(0, [0x88]), "no HDF5"),
        Rule("the superblock's version is 2 or 3", file.superblock(8, [4]), "superblock version 4"),
        Rule("offsets have 8 bytes", file.superblock(9, [4]), "offsets of 4"),
        Rule("lengths have 8 bytes", file.superblock(10, [4]), "lengths of 4"),
        Rule("the superblock's checksum matches", file.bytes.changed(11, [1]), "the checksum does not match"),
        Rule("the base address is 0", file.superblock(12, [1]), "a base address other than 0"),
        Rule("there is no superblock extension", file.superblock(20, wide(0)), "a superblock extension"),
        Rule("no writer left the file open", file.superblock(8, [3, 8, 8, 1]), "left open"),
        Rule("the file is whole", file.superblock(28, wide(1 << 20)), "cut short"),
        Rule("lengths fit 63 bits", file.superblock(28, [0, 0, 0, 0, 0, 0, 0, 0x80]), "out of range"),
        Rule("the root is inside the file", file.superblock(36, wide(1 << 40)), "is said to be at byte"),
        Rule(
            "the root is a group", file.superblock(36, wide(file.addresses["/x"] ?? 0)),
            "the root of the file is no group"),
    ]

    static let headers = [
        Rule("headers have their signature", file.header("/x", 0, [1]), "version 1, or none at all"),
        Rule("headers have version 2", file.header("/x", 4, [3]), "object header version 3"),
        Rule("headers have known flags", file.header("/x", 5, [0x91]), "object header flags 145"),
        Rule("headers are inside the file", file.header("/x", 10, [0xFF, 0xFF]), "outside the"),
        Rule("headers match their checksum", file.header("/x", 20, [0x77]), "the checksum does not match"),
        Rule(
            "a header's length must not overflow",
            file.header("/x", 5, [0x13]).changed((file.addresses["/x"] ?? 0) + 10, wide(.max)), "the first chunk has"),
        Rule("a continuation leads somewhere", file.message("/", 0x10, 0, nowhere), "leads nowhere"),
        Rule("a continuation is inside the file", file.message("/", 0x10, 0, wide(1 << 40)), "outside the"),
        Rule("a continuation has its signature", file.continuation("/", 0, [0x50]), "signature"),
        Rule("a continuation has 8 bytes at least", file.message("/", 0x10, 8, wide(7)), "has only 7 bytes"),
        Rule("messages are not shared", file.message("/x", 0x01, -1, [2]), "a shared message of type 1"),
        Rule("messages lie inside their block", file.message("/x", 0x01, -3, [0xFF, 0xFF]), "needs 65535 bytes"),
        Rule("messages end with their content", file.message("/x", 0x01, 2, [0]), "8 bytes are left over"),
        Rule("a dataset has one dataspace", file.message("/x", 0x05, -4, [0x01]), "a second dataspace"),
        Rule("a dataset has one datatype", file.message("/x", 0x05, -4, [0x03]), "a second datatype"),
        Rule("a dataset has one layout", file.message("/x", 0x0C, -4, [0x08]), "a second data layout"),
        Rule("data is in the file", file.message("/x", 0x05, -4, [0x07]), "data in external files"),
        Rule("data is not filtered", file.message("/x", 0x05, -4, [0x0B]), "filtered (compressed) data"),
        Rule("groups have no symbol table", file.message("/x", 0x05, -4, [0x11]), "symbol table"),
        Rule("other messages are refused", file.message("/x", 0x05, -4, [0x20]), "a header message of type 32"),
        Rule("no object is group and dataset", file.message("/x", 0x05, -4, [0x0A]), "a group and a dataset at once"),
        Rule("a dataset has a shape", file.message("/x", 0x01, -4, [0]), "neither a whole dataset nor a group"),
        Rule("a dataset has a type", file.message("/x", 0x03, -4, [0]), "neither a whole dataset nor a group"),
        Rule("a dataset has a layout", file.message("/x", 0x08, -4, [0]), "neither a whole dataset nor a group"),
    ]

    static let data = [
        Rule("dataspaces have version 2", file.message("/x", 0x01, 0, [1]), "dataspace version 1"),
        Rule("there are at most 8 axes", file.message("/x", 0x01, 1, [9]), "9 axes"),
        Rule("dataspaces have known flags", file.message("/x", 0x01, 2, [4]), "dataspace flags 4"),
        Rule("dataspaces are scalar or simple", file.message("/x", 0x01, 3, [2]), "a dataspace of kind 2"),
        Rule("shapes do not grow", file.message("/x", 0x01, 12, [9]), "a dataset that can grow"),
        Rule("extents fit 63 bits", file.message("/x", 0x01, 4, nowhere), "out of range"),
        Rule("shapes must not overflow", file.message("/x", 0x01, 4, wide(.max) + wide(.max)), "more than any file"),
        Rule("datatypes have version 1 to 3", file.message("/x", 0x03, 0, [0x01]), "datatype version 0"),
        Rule("datatypes are numbers or strings", file.message("/x", 0x03, 0, [0x16]), "datatype class 6"),
        Rule("reals are IEEE", file.message("/x", 0x03, 10, [31]), "not IEEE little-endian"),
        Rule("reals are little-endian", file.message("/x", 0x03, 1, [0x21]), "not IEEE little-endian"),
        Rule("integers fill their bytes", file.message("/n", 0x03, 10, [63]), "an integer of 63 bits in 8 bytes"),
        Rule("integers are little-endian", file.message("/n", 0x03, 1, [0x09]), "with bits 9"),
        Rule("texts have a fixed length", file.message("/group/t", 0x03, 1, [0x02]), "not fixed-length"),
        Rule("texts are not empty", file.message("/group/t", 0x03, 4, [0, 0, 0, 0]), "not fixed-length"),
        Rule("texts are UTF-8", file.bytes.changed("some text", 0, 2, [0xFF]), "is not UTF-8"),
        Rule("texts hold no NUL", file.bytes.changed("some text", 0, 2, [0]), "contains NUL"),
        Rule("layouts have version 3", file.message("/x", 0x08, 0, [4]), "layout version 4"),
        Rule("data is not compact", file.message("/x", 0x08, 1, [0]), "compact layout"),
        Rule("data is not chunked", file.message("/x", 0x08, 1, [2]), "chunked layout"),
        Rule("data is not virtual", file.message("/x", 0x08, 1, [3]), "virtual layout"),
        Rule("data is contiguous", file.message("/x", 0x08, 1, [9]), "class 9 layout"),
        Rule("data fills the shape", file.message("/x", 0x08, 10, [4]), "4 are stored"),
        Rule("data is somewhere", file.message("/x", 0x08, 2, nowhere), "0 are stored"),
        Rule("data is inside the file", file.message("/x", 0x08, 2, wide(1 << 40)), "outside the"),
        Rule("data shares no byte", file.message("/x", 0x08, 2, wide(file.addresses["/y"] ?? 0)), "begins at byte"),
    ]

    static let names = [
        Rule("links have version 1", file.message("/", 0x06, 0, [2]), "link version 2"),
        Rule("links have known flags", file.message("/", 0x06, 1, [0x20]), "link flags 32"),
        Rule("links are not soft", file.message("/", 0x06, 1, [0x08, 1]), "a soft link"),
        Rule("links are not external", file.message("/", 0x06, 1, [0x08, 64]), "an external link"),
        Rule("links are hard", file.message("/", 0x06, 1, [0x08, 9]), "a link of type 9"),
        Rule("names are UTF-8", file.message("/", 0x06, 3, [0xFF]), "not valid UTF-8"),
        Rule("names hold no slash", file.message("/", 0x06, 3, [0x2F]), "no usable HDF5 name"),
        Rule("names are not a dot", file.message("/", 0x06, 3, [0x2E]), "no usable HDF5 name"),
        Rule("names hold no control characters", file.message("/", 0x06, 3, [0x07]), "no usable HDF5 name"),
        Rule("names are unique", file.message("/", 0x06, nth: 1, 3, [0x78]), "two members of / are called \"x\""),
        Rule("links lead somewhere", file.message("/", 0x06, -8, fromEnd: true, nowhere), "leads nowhere"),
        Rule(
            "links lead into the file", file.message("/", 0x06, -8, fromEnd: true, wide(1 << 40)),
            "is said to be at byte"),
        Rule(
            "an object has one name",
            file.message("/", 0x06, nth: 1, -8, fromEnd: true, wide(file.addresses["/x"] ?? 0)),
            "two links lead to the object"),
        Rule(
            "there is no cycle",
            file.message("/group", 0x06, -8, fromEnd: true, wide(file.addresses["/"] ?? 0)), ""),
        Rule("link info has version 0", file.message("/", 0x02, 0, [1]), "link info version 1"),
        Rule("link info has known flags", file.message("/", 0x02, 1, [8]), "flags 8"),
        Rule("links are not in a heap", file.message("/", 0x02, 2, wide(64)), "links in a heap"),
        Rule("attribute info has version 0", file.message("/x", 0x15, 0, [1]), "attribute info version 1"),
        Rule("attributes are not in a heap", file.message("/x", 0x15, 2, wide(64)), "attributes in a heap"),
        Rule("attributes have version 3", file.message("/", 0x0C, 0, [1]), "attribute version 1"),
        Rule("attributes have types of their own", file.message("/", 0x0C, 1, [1]), "shared types in an attribute"),
        Rule("attributes have names", file.message("/", 0x0C, 2, [0]), "an attribute without a name"),
        Rule("an attribute's name ends", file.message("/", 0x0C, 13, [0x41]), "does not end with NUL"),
        Rule("an attribute's name is UTF-8", file.message("/", 0x0C, 9, [0xFF]), "not valid UTF-8"),
        Rule("an attribute's name is usable", file.message("/", 0x0C, 9, [0x2F]), "no usable HDF5 name"),
        Rule(
            "names of attributes are unique", file.message("/", 0x0C, nth: 1, 9, Array("text".utf8)),
            "two attributes of / are called \"text\""),
        Rule("an attribute's type is known", file.message("/", 0x0C, nth: 2, 16, [0x18]), "datatype class 8"),
        Rule("attributes hold what the zoo writes", unreadAttribute, "an attribute of type u8 and shape [0]"),
        Rule(
            "texts in attributes are ASCII", file.message("/", 0x0C, -1, fromEnd: true, [0xFF]), "not ASCII"),
        Rule(
            "texts in attributes end with NUL", file.message("/", 0x0C, -2, fromEnd: true, [0]), "not ASCII"),
    ]

    @Test(arguments: superblock + headers + data + names) func rule(_ rule: Rule) {
        let problem = rule.problem { bytes in
            let source = MemorySource(bytes)
            for (_, dataset) in try HDF5Reader.read(source).datasets() {
                _ = try dataset.payload.load(from: source)
            }
        }
        #expect(problem == nil)
    }

    @Test func theFileIsSoundUnchanged() throws {
        let source = MemorySource(Self.file.bytes)
        let root = try HDF5Reader.read(source)
        #expect(root.datasets().map { $0.path.joined(separator: "/") } == ["x", "y", "n", "group/t"])
        #expect(Set(Self.file.addresses.keys) == ["/", "/x", "/y", "/n", "/group", "/group/t"])
    }
}
