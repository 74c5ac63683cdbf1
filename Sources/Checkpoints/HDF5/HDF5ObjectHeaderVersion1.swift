import FileSupport
import TensorCore

extension HDF5ObjectHeader {
    /// Reads the object header of version 1 at `address`, with its continuation blocks.
    ///
    /// Source: HDF5 File Format Specification 3.0, section IV.A.1.a. Such headers have no checksums.
    mutating func readVersion1(
        _ source: some ByteSource, at address: Int, _ subject: String, _ state: inout HDF5ReadingState
    ) throws {
        var cursor = try state.extents.cursor(source, at: address, count: 16, subject)
        try cursor.version("object header version", 1...1)
        _ = try cursor.bytes(1, "reserved")
        var messagesLeft = try cursor.integer(bytes: 2, "number of messages")
        _ = try cursor.bytes(4, "number of links")
        let size = try cursor.integer(bytes: 4, "size of the first chunk")
        // Blocks are read in the order in which they are named.
        var blocks = [(address: address + 16, count: size)]
        var readCount = 0
        let blockSubject = "a block of \(subject)"
        while readCount < blocks.count {
            let next = blocks[readCount]
            readCount += 1
            var block = try state.extents.cursor(source, at: next.address, count: next.count, blockSubject)
            while block.remaining >= 8, messagesLeft > 0 {
                messagesLeft -= 1
                let kind = try block.unsigned(bytes: 2, "message type")
                let length = try block.integer(bytes: 2, "message size")
                let flags = try block.byte("message flags")
                _ = try block.bytes(3, "reserved")
                var body = try block.part(length, subject)
                guard kind != 0 else { continue }
                guard let kind = UInt8(exactly: kind) else {
                    throw body.unsupported("a header message of type \(kind)")
                }
                guard kind == 0x10 else {
                    try read(kind, flags, &body, &state)
                    continue
                }
                guard flags & 0x02 == 0 else { throw body.unsupported("a shared message of type \(kind)") }
                guard let address = try body.address("continuation address") else {
                    throw body.damaged("a continuation that leads nowhere")
                }
                blocks.append((address, try body.integer(bytes: 8, "continuation size")))
            }
        }
        guard messagesLeft == 0 else { throw cursor.damaged("\(messagesLeft) of its messages are missing") }
    }
}
