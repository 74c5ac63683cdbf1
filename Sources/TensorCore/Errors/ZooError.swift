/// An error a user can act on: a sentence with actual numbers and paths, and what to do next.
public struct ZooError: Error, Sendable, CustomStringConvertible {
    /// Who has to act: decides the exit status of the command.
    public enum Kind: Sendable, Equatable {
        /// Something was asked for that there is not, or that makes no sense (exit 2).
        case usage
        /// Something failed (exit 1).
        case failure
    }

    /// What went wrong, for programs.
    public enum Code: String, Sendable, CaseIterable {
        /// A value that the caller gave is unknown or outside its range.
        case invalidValue = "invalid_value"
        /// There is no such file, folder, model, data set or tensor.
        case notFound = "not_found"
        /// What was to be made is there already.
        case alreadyExists = "already_exists"
        /// Another process works there.
        case inUse = "in_use"
        /// The system refused to read or write.
        case system
        /// The content of a file is not what its format says.
        case damaged
        /// Sound, but nothing that is computed or read here.
        case unsupported
        /// Two things that do not belong together: images and model, weights and model, data and run.
        case mismatch
        /// A number that is not finite where one has to be.
        case notFinite = "not_finite"
        /// More than is read, kept or computed.
        case limit
        /// Nothing of the above.
        case other
    }

    /// What the error is about.
    public enum Subject: Sendable, Equatable {
        /// A file or folder.
        case path(String)
        /// A field of a definition, for instance `objective.kl.weight`.
        case field(String)
        /// A layer, for instance `encoder.conv1`.
        case layer(String)
        /// A parameter, buffer or activation.
        case tensor(String)
        /// A training step, from 1.
        case step(Int)
    }

    public let kind: Kind
    public let code: Code
    /// nil where the message says all there is.
    public let subject: Subject?
    /// What was wrong, where, what was expected and found: one line that can be printed, whatever the names in it hold.
    public let message: String
    /// What the message lists, a line each: files, tensors, problems.
    public let details: [String]
    /// What can be done, for programs; nil where `advice` is all there is, or nothing is to be done.
    public let remedy: Remedy?
    /// What to do next in one line, if there is something to say.
    public let advice: String?
    /// The error that led to this one.
    public let cause: (any Error)?

    /// The one place where names, paths and texts of anybody's files become part of what is printed: line breaks, escapes and
    /// whatever else `String.printable` knows are written out.
    ///
    /// - Parameters:
    ///   - details: lines below the message.
    ///   - code: nil for `.invalidValue` of wrong usage, and `.other` of failures.
    ///   - remedy: what `advice` is made of where that is nil.
    public init(
        _ message: String, details: [String] = [], advice: String? = nil, kind: Kind = .failure, code: Code? = nil,
        subject: Subject? = nil,
        remedy: Remedy? = nil, cause: (any Error)? = nil
    ) {
        self.kind = kind
        self.code = code ?? (kind == .usage ? .invalidValue : .other)
        self.subject = subject
        self.message = message.printable()
        self.details = details.map { $0.printable() }
        self.remedy = remedy
        self.advice = (advice ?? remedy?.sentence)?.printable()
        self.cause = cause
    }

    /// Several errors as one.
    ///
    /// - Parameter descriptions: what `description` says of each.
    public init(_ descriptions: [String], kind: Kind = .failure, code: Code? = nil) {
        let lines = descriptions.flatMap { $0.split(separator: "\n") }.map { String($0.drop { $0 == " " }) }
        self.init(lines.first ?? "", details: Array(lines.dropFirst()), kind: kind, code: code)
    }

    /// Any error as one of ours; one of ours stays as it is.
    public init(_ error: any Error) {
        self = error as? ZooError ?? ZooError(["\(error)"], code: .system)
    }

    /// The same error with a message that says where it happened.
    ///
    /// - Parameter place: what the message then begins with, for instance a file.
    public func at(_ place: String, kind: Kind? = nil) -> ZooError {
        ZooError(
            "\(place): \(message)", details: details, advice: advice, kind: kind ?? self.kind, code: code,
            subject: subject ?? .path(place),
            remedy: remedy, cause: cause)
    }

    /// The same error, about `subject` unless it says what it is about.
    public func about(_ subject: Subject) -> ZooError {
        guard self.subject == nil else { return self }
        return ZooError(
            message, details: details, advice: advice, kind: kind, code: code, subject: subject, remedy: remedy,
            cause: cause)
    }

    public var description: String { description(advice: advice) }

    /// The message, its details and what to do next, in lines.
    package func description(advice: String?) -> String {
        ([message] + details + (advice.map { [$0.printable()] } ?? [])).joined(separator: "\n  ")
    }
}

extension ZooError: Equatable {
    /// Whether both say the same; causes are not compared.
    public static func == (first: ZooError, second: ZooError) -> Bool {
        first.kind == second.kind && first.code == second.code && first.subject == second.subject
            && first.message == second.message && first.details == second.details && first.advice == second.advice
            && first.remedy == second.remedy
    }
}
