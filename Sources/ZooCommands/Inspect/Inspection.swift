import Checkpoints
import FileSupport
import Glibc
import Interchange
import LatentTools
import TensorCore

/// What there is to say about a file of weights.
struct Inspection {
    let path: String
    let byteCount: Int
    /// The format in a word, for instance `checkpoint`.
    let format: String
    /// The outline, where the file is a checkpoint of ours.
    let checkpoint: CheckpointOutline?
    let entries: [TensorEntry]
    /// Texts that the file of another tool carries.
    let metadata: [(name: String, text: String)]
    /// What the reader has to say about the file.
    let notes: [String]
    private let file: any TensorFile

    /// Looks at the file that `argument` names: a checkpoint, the newest one of a run's folder, or the file of another tool.
    ///
    /// - Throws: `ZooError` when it cannot be read or is of a kind that is refused.
    init(_ argument: String) throws {
        path =
            CheckpointArgument.isFolder(argument) ? try RunFolder(path: argument).newestCheckpoint().path : argument
        do {
            let outline = try CheckpointOutline(path: path)
            checkpoint = outline
            file = outline
            metadata = []
            notes = []
        } catch let error as ZooError {
            let foreign = try Self.foreignFile(path, insteadOf: error)
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

    /// The file of another tool.
    ///
    /// - Throws: `error`, which reading it as a checkpoint gave, where that says more: of HDF5 in the format that the zoo
    ///   writes, and of what is no file.
    private static func foreignFile(_ path: String, insteadOf error: ZooError) throws -> ForeignFile {
        guard let start = try? RegularFile(path, limit: .max).start(9) else { throw error }
        do {
            return try ForeignFile(path: path)
        } catch let other as ZooError {
            let isNewHDF5 = start.starts(with: [0x89, 0x48, 0x44, 0x46]) && start.last != 0
            throw isNewHDF5 ? error : other
        }
    }

    /// The values of an entry.
    ///
    /// - Throws: `ZooError` when they cannot be read.
    func values(at index: Int) throws -> [Float] {
        do {
            return try file.values(at: index)
        } catch let error as ZooError {
            throw ZooError("\(path): \(entries[index].path): \(error.message)", advice: error.advice)
        }
    }

    /// Statistics of the values of an entry, or why there are none.
    func weights(at index: Int) -> Result<TensorStatistics, ZooError> {
        do {
            return .success(TensorStatistics(try file.values(at: index), shape: entries[index].shape))
        } catch let error as ZooError {
            return .failure(error)
        } catch {
            return .failure(ZooError("\(error)"))
        }
    }

    /// Entries that are the model's, not the optimiser's.
    var weightIndices: [Int] {
        entries.indices.filter { [nil, "parameter", "buffer"].contains(entries[$0].role) }
    }

    var latent: LatentStatistics? { checkpoint?.header.latentStatistics }
}
