import Checkpoints
import FileSupport
import Glibc
import Interchange
import LatentTools
import Metrics
import ModelMetrics
import Runs
import TensorCore

/// What there is to say about a file of weights.
public struct Inspection: Sendable {
    public let path: String
    public let byteCount: Int
    /// The format in a word, for instance `checkpoint`.
    public let format: String
    /// The outline, where the file is a checkpoint of ours.
    public let checkpoint: CheckpointOutline?
    public let entries: [TensorEntry]
    /// Texts that the file of another tool carries.
    public let metadata: [(name: String, text: String)]
    /// What the reader has to say about the file.
    public let notes: [String]
    private let file: any TensorFile

    /// Looks at the file that `argument` names: a checkpoint, the newest one of a run's folder, or the file of another tool.
    ///
    /// - Throws: `ZooError` when it cannot be read or is of a kind that is refused.
    public init(_ argument: String) throws {
        path = CheckpointSource(argument).isFolder ? try RunFolder(path: argument).newestCheckpoint().path : argument
        do {
            let outline = try CheckpointOutline(path: path)
            checkpoint = outline
            file = outline
            metadata = []
            notes = []
        } catch let error as ZooError {
            guard !CheckpointOrigin.isZoo(path) else { throw error }
            let foreign = try ForeignFile(path: path)
            checkpoint = nil
            file = foreign
            metadata = foreign.metadata.sorted { $0.key < $1.key }.map { (name: $0.key, text: $0.value) }
            notes = foreign.notes
        }
        var status = stat()
        byteCount = stat(path, &status) == 0 ? Int(status.st_size) : 0
        format = file.formatName
        entries = file.entries
    }

    /// The metrics that were computed of a checkpoint and kept beside it.
    ///
    /// - Throws: `ZooError` where their record cannot be read.
    public func metrics() throws -> (scores: [MetricReport.Score], tables: [MetricTable]) {
        checkpoint == nil ? ([], []) : try EvaluationRecord.kept(ofCheckpoint: path)
    }

    /// The values of an entry.
    ///
    /// - Throws: `ZooError` when they cannot be read.
    public func values(at index: Int) throws -> [Float] {
        do {
            return try file.values(at: index)
        } catch let error as ZooError {
            throw error.at("\(path): \(entries[index].path)")
        }
    }

    /// Statistics of the values of an entry, or why there are none.
    public func weights(at index: Int) -> Result<TensorStatistics, ZooError> {
        do {
            return .success(TensorStatistics(try file.values(at: index), shape: entries[index].shape))
        } catch {
            return .failure(ZooError(error))
        }
    }

    /// Entries that are the model's, not the optimiser's.
    public var weightIndices: [Int] {
        entries.indices.filter { [nil, "parameter", "buffer"].contains(entries[$0].role) }
    }

    public var latent: LatentStatistics? { checkpoint?.header.latentStatistics }
}
