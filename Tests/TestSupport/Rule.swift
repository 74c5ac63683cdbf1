import TensorCore

/// A rule of a reader, named, with a file that breaks it.
package struct Rule: Sendable, CustomStringConvertible {
    package let name: String
    package let bytes: [UInt8]
    /// Part of the message.
    private let message: String

    package init(_ name: String, _ bytes: [UInt8], _ message: String) {
        (self.name, self.bytes, self.message) = (name, bytes, message)
    }

    package var description: String { name }

    /// What is wrong with how `read` takes the file; nil where it refuses it and says why.
    package func problem(_ read: ([UInt8]) throws -> Void) -> String? {
        guard !bytes.isEmpty else { return "the file could not be made" }
        do {
            try read(bytes)
            return "the file was accepted"
        } catch {
            guard let text = (error as? ZooError)?.message, text.contains(message) else { return "\(error)" }
            return nil
        }
    }
}
