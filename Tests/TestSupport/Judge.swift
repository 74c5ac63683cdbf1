import Foundation
import TensorCore

/// Programs that judge what the zoo writes.
package enum Judge {
    /// The Python that `ZOO_JUDGES` names, with PyTorch, h5py and others; tools/setup --judges installs them.
    package static let python = ProcessInfo.processInfo.environment["ZOO_JUDGES"]

    /// What `executable` prints on both of its outputs.
    ///
    /// - Throws: `ZooError` with what it printed where it does not end with status 0.
    package static func run(_ executable: String?, _ arguments: [String]) throws -> String {
        guard let executable else { throw ZooError("there is no such judge") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ZooError("\(executable) ended with \(process.terminationStatus): \(output)")
        }
        return output
    }
}
