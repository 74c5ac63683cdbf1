import Interchange
import LatentTools
import TensorCore

/// μ, log σ² and what is known of each image, as a file of numbers.
struct EmbeddingTable {
    let codes: LatentCodes
    let factors: [KnownFactor]

    private var columns: [String] {
        let names = (0..<codes.latentSize).map { codes.isVariational ? "mean_\($0)" : "code_\($0)" }
        let variances = codes.isVariational ? (0..<codes.latentSize).map { "log_variance_\($0)" } : []
        return ["index"] + factors.map(\.name) + names + variances
    }

    /// A line per image; the first line names the columns. Factors are positions, counted from 0.
    var csv: String {
        let size = codes.latentSize
        var text = columns.joined(separator: ",") + "\n"
        for (row, index) in codes.imageIndices.enumerated() {
            var cells = [String(index)] + factors.map { String($0.positions[row]) }
            cells += codes.means[row * size..<(row + 1) * size].map { "\($0)" }
            if codes.isVariational { cells += codes.logVariances[row * size..<(row + 1) * size].map { "\($0)" } }
            text += cells.joined(separator: ",") + "\n"
        }
        return text
    }

    /// The arrays `mean` (or `code`) and `log_variance` `[N, D]`, `index` `[N]`, and each factor `[N]`, all of 32-bit floats,
    /// which hold these whole numbers exactly.
    func npz() throws -> [UInt8] {
        let (count, size) = (codes.imageCount, codes.latentSize)
        var arrays = [
            NamedTensor(path: codes.isVariational ? "mean" : "code", shape: [count, size], values: codes.means)
        ]
        if codes.isVariational {
            arrays.append(NamedTensor(path: "log_variance", shape: [count, size], values: codes.logVariances))
        }
        arrays.append(NamedTensor(path: "index", shape: [count], values: codes.imageIndices.map(Float.init)))
        for factor in factors {
            arrays.append(NamedTensor(path: factor.name, shape: [count], values: factor.positions.map(Float.init)))
        }
        return try NumPyArchive.encode(arrays, definition: "")
    }
}
