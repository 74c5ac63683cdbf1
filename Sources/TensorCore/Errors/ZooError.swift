/// An error a user can act on: a sentence with actual numbers and paths, and what to do next.
public struct ZooError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Who has to act: decides the exit status of the command.
    public enum Kind: Sendable, Equatable {
        /// The command was called wrongly (exit 2).
        case usage
        /// Something failed (exit 1).
        case failure
    }

    public let kind: Kind
    /// What was wrong, where, what was expected and found.
    public let message: String
    /// What to do next, if there is something to say.
    public let advice: String?

    public init(_ message: String, advice: String? = nil, kind: Kind = .failure) {
        self.kind = kind
        self.message = message
        self.advice = advice
    }

    public var description: String {
        advice.map { "\(message)\n  \($0)" } ?? message
    }
}
