import FileSupport
import Interchange
import TensorCore

/// Arrays of as many rows, as a file of numbers.
public struct NumberTable: Sendable {
    /// The kinds of files.
    public static let extensions = ["npz", "csv"]

    /// Each `[N, …]`.
    public let arrays: [(name: String, rows: Tensor)]

    public init(arrays: [(name: String, rows: Tensor)]) {
        self.arrays = arrays
    }

    /// Whether a file is one of numbers, by its extension.
    public static func isTable(_ path: String) -> Bool { extensions.contains { path.lowercased().hasSuffix("." + $0) } }

    /// Writes the arrays under their names (`.npz`), or a line for each row with a column for each number (`.csv`).
    ///
    /// - Throws: `ZooError` where the file cannot be written.
    public func write(to path: String) throws {
        try AtomicFile.write(path.lowercased().hasSuffix(".csv") ? Array(csv.utf8) : npz(), to: path)
    }

    private func npz() throws -> [UInt8] {
        try NumPyArchive.encode(
            arrays.map { NamedTensor(path: $0.name, shape: $0.rows.shape, values: $0.rows.values) }, definition: "")
    }

    private var csv: String {
        let columns = arrays.flatMap { name, rows in (0..<rows.elementShape.count).map { "\(name)_\($0)" } }
        var text = columns.joined(separator: ",") + "\n"
        for row in 0..<(arrays.first?.rows.count ?? 0) {
            text += arrays.flatMap { $0.rows[row].map { "\($0)" } }.joined(separator: ",") + "\n"
        }
        return text
    }
}
