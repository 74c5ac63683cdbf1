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
                        .object([
                            ("path", .string(file.path)), ("bytes", .integer(file.byteCount)),
                            ("step", JSONValue(file.progress?.step)), ("epoch", JSONValue(file.progress?.epoch)),
                            ("whole", .boolean(file.problem == nil)), ("problem", JSONValue(file.problem)),
                        ])
                    })
            ),
        ]
        return .object(fields)
    }
}
