import TensorCore
import TestSupport
import Testing

@testable import Interchange

@Suite struct SafeTensorsTests {
    private static func file(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
        let count = length ?? UInt64(header.utf8.count)
        return withUnsafeBytes(of: count.littleEndian, Array.init) + header.utf8 + [UInt8](repeating: 0, count: data)
    }

    private static func one(_ entry: String, data: Int = 8) -> [UInt8] {
        file("{\"a\":{\(entry)}}", data: data)
    }

    private static let sound = #""dtype":"F32","shape":[2],"data_offsets":[0,8]"#

    static let rules = [
        Rule("the length must be there", [1, 2, 3], "too few"),
        Rule("the header must lie inside the file", file("{}", length: 3), "said to have 3 bytes"),
        Rule("the header has at most 100 MB", file("{}", length: 100_000_001), "100000001"),
        Rule("the header's length must not overflow", file("{}", length: .max), "18446744073709551615"),
        Rule("the header begins with a brace", file(" {}"), "does not begin"),
        Rule("nothing but blanks follows the header", file("{}\0"), "follows its end"),
        Rule("no name occurs twice", file(#"{"a":{\#(sound)},"a":{\#(sound)}}"#, data: 8), "\"a\" twice"),
        Rule("no field occurs twice", one(sound + #","dtype":"F32""#), "\"dtype\" twice"),
        Rule("no metadata occurs twice", file(#"{"__metadata__":{"a":"","a":""}}"#), "\"a\" twice"),
        Rule("no name is empty", file(#"{"":{\#(sound)}}"#, data: 8), "no usable name"),
        Rule("no name holds control characters", file(#"{"\u0007":{\#(sound)}}"#, data: 8), "no usable name"),
        Rule("names have at most 255 bytes", file("{\"\(String(repeating: "a", count: 256))\":{\(sound)}}"), "255"),
        Rule(
            "names are UTF-8", [5, 0, 0, 0, 0, 0, 0, 0] + Array("{\"".utf8) + [0xFF] + Array("\":".utf8),
            "not valid UTF-8"),
        Rule("metadata are texts", file(#"{"__metadata__":{"a":1}}"#), "is missing in the text"),
        Rule("the dtype is known", one(#""dtype":"F31","shape":[2],"data_offsets":[0,8]"#), "unknown dtype \"F31\""),
        Rule("the dtype is there", one(#""shape":[2],"data_offsets":[0,8]"#), "lacks"),
        Rule("the shape is there", one(#""dtype":"F32","data_offsets":[0,8]"#), "lacks"),
        Rule("there are two offsets", one(#""dtype":"F32","shape":[2],"data_offsets":[0]"#), "lacks"),
        Rule("the shape fills the range", one(#""dtype":"F32","shape":[3],"data_offsets":[0,8]"#), "8 bytes are given"),
        Rule("offsets do not go back", one(#""dtype":"F32","shape":[2],"data_offsets":[8,0]"#), "before it begins"),
        Rule("sizes are not negative", one(#""dtype":"F32","shape":[-2],"data_offsets":[0,8]"#), "instead of a size"),
        Rule("sizes are whole", one(#""dtype":"F32","shape":[2.0],"data_offsets":[0,8]"#), "instead of a size"),
        Rule("sizes have no exponent", one(#""dtype":"F32","shape":[2e0],"data_offsets":[0,8]"#), "instead of a size"),
        Rule(
            "sizes have no leading zero", one(#""dtype":"F32","shape":[02],"data_offsets":[0,8]"#), "instead of a size"),
        Rule("sizes are no NaN", one(#""dtype":"F32","shape":[NaN],"data_offsets":[0,8]"#), "instead of a size"),
        Rule(
            "sizes fit 64 bits", one(#""dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]"#),
            "instead of a size"),
        Rule(
            "shapes must not overflow",
            one(#""dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]"#), "8 bytes are given"),
        Rule(
            "shapes must not overflow beside a zero",
            one(#""dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]"#, data: 0), "are given"),
        Rule(
            "there are at most 8 axes", one(#""dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]"#),
            "more than 8"),
        Rule("values are not nested deep", one(sound + #","x":{"a":{"b":1}}"#), "nested too deep"),
        Rule(
            "tensors do not overlap", file(#"{"a":{\#(sound)},"b":{\#(sound)}}"#, data: 8), "inside the tensor"),
        Rule("tensors leave no hole", one(#""dtype":"F32","shape":[2],"data_offsets":[4,12]"#, data: 12), "with a gap"),
        Rule("nothing follows the last tensor", one(sound, data: 9), "9 follow"),
        Rule("the last tensor is whole", one(sound, data: 7), "7 follow"),
        Rule("escapes end", file(#"{"\u12"#), "four digits"),
        Rule("surrogates come in pairs", file(#"{"\ud800\u0041":{}}"#), "surrogate"),
        Rule("escapes are known", file(#"{"\x"#), "unknown escape"),
        Rule("strings hold no control characters", file("{\"\u{1}\":{}}"), "a control character"),
        Rule("other fields hold values", one(sound + #","x":nope"#), "which is no value"),
        Rule("other fields hold no NaN", one(sound + #","x":NaN"#), "which is no value"),
        Rule("tensors are objects", file(#"{"a":[]}"#), "is missing in a"),
        Rule(
            "there are at most 65,536 tensors",
            file(
                "{"
                    + (0...65_536).map { #""\#($0)":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"# }
                    .joined(separator: ",") + "}"), "more than 65536"),
        Rule("strings end", file(#"{"a"#), "does not end"),
    ]

    @Test(arguments: rules) func rule(_ rule: Rule) {
        #expect(rule.problem { _ = try SafeTensorsReader.decode($0) } == nil)
    }

    @Test func unknownFieldsAreNoted() throws {
        let contents = try SafeTensorsReader.decode(Self.one(Self.sound + #","x":[1,-2.5e3,true,"y"]"#))
        #expect(contents.unknownFields == ["a.x"])
        #expect(contents.tensors.map(\.shape) == [[2]])
    }

    @Test func scalarsAndEmptyTensorsAreRead() throws {
        let header =
            #"{"s":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},"e":{"dtype":"F32","shape":[3,0],"data_offsets":[2,2]}}  "#
        let contents = try SafeTensorsReader.decode(Self.file(header) + [0x80, 0x3F])
        #expect(try contents.tensors[0].floats() == [1])
        #expect(contents.tensors[1].shape == [3, 0])
    }

    @Test func theElementsBeginAtAMultipleOf64() throws {
        let bytes = SafeTensorsWriter.encode(
            [NamedTensor(path: "b", shape: [2], values: [1, 2]), NamedTensor(path: "a", shape: [], values: [3])],
            metadata: [("note", "ä\n\"")])
        let count = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect((8 + count) % 64 == 0)
        #expect(bytes.count == 8 + count + 12)
        #expect(try SafeTensorsReader.decode(bytes).metadata == ["format": "pt", "note": "ä\n\""])
    }
}
