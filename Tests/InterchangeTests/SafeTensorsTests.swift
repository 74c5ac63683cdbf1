import Interchange
import TensorCore
import Testing

@Suite struct SafeTensorsTests {
    @Test func theElementsBeginAtAMultipleOf64() throws {
        let bytes = SafeTensorsWriter.encode(
            [NamedTensor(path: "b", shape: [2], values: [1, 2]), NamedTensor(path: "a", shape: [], values: [3])],
            metadata: [("note", "ä\n\"")])
        let count = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect((8 + count) % 64 == 0)
        #expect(bytes.count == 8 + count + 12)
        let header = String(decoding: bytes[8..<8 + count], as: UTF8.self)
        #expect(
            header.hasPrefix(
                #"{"__metadata__":{"format":"pt","note":"ä\n\""},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"#)
        )
    }
}
