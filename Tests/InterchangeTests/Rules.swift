import Interchange
import TensorCore
import Testing

/// A rule of a reader, named, with a file that breaks it.
struct Rule: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    /// Part of the message.
    let message: String

    init(_ name: String, _ bytes: [UInt8], _ message: String) {
        (self.name, self.bytes, self.message) = (name, bytes, message)
    }

    var testDescription: String { name }

    /// Checks that `read` refuses the file and says why.
    func check(_ read: ([UInt8]) throws -> Void) {
        do {
            try read(bytes)
            Issue.record("\(name): the file was accepted")
        } catch let error as ZooError {
            #expect(error.message.contains(message), "\(name): \(error)")
        } catch {
            Issue.record("\(name): \(error)")
        }
    }
}
