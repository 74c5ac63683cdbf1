import Checkpoints
import TensorCore
import TextSupport
import Training

extension RunOverview {
    /// What there is to say of the run, as one object.
    ///
    /// - Parameters:
    ///   - files: what `files()` gave.
    ///   - isWhole: with the epochs and the checkpoints.
    public func json(files: [File], isWhole: Bool) -> JSONValue {
        let resumption = resumption(files)
        var fields: [(String, JSONValue)] = [
            ("run", .string(folder.path)), ("state", .string(state.rawValue)), ("writer", JSONValue(writer)),
            ("resumable", .boolean(resumption != nil)), ("resumes_from_step", JSONValue(resumption?.step)),
            ("record", record.json),
        ]
        guard isWhole else { return .object(fields) }
        fields += [
            ("epochs", .array(history.epochs.map(\.json))), ("steps", .array(history.steps.map(\.json))),
            ("bytes", .integer(folder.byteCount)),
            (
                "checkpoints",
                .array(
                    files.map { file in
                        [
                            "path": file.path, "bytes": file.byteCount, "step": file.progress?.step,
                            "epoch": file.progress?.epoch, "whole": file.problem == nil, "problem": file.problem,
                        ] as JSONValue
                    })
            ),
        ]
        return .object(fields)
    }
}
