import ArgumentParser
import ModelFigures
import TensorCore

extension ParsableCommand {
    /// What is wrong with a command line that the parser refuses, in the form of all errors.
    ///
    /// - Parameter arguments: those of this command.
    static func misuse(_ error: any Error, _ arguments: [String]) -> ZooError {
        let (path, command) = addressed(by: arguments[...], path: _commandName)
        var message = message(for: error)
        var advice: [String] = []
        let unknown = "Unknown option '"
        if message.hasPrefix(unknown), let end = message.dropFirst(unknown.count).firstIndex(of: "'") {
            let option = String(message[message.index(message.startIndex, offsetBy: unknown.count)..<end])
            message = "unknown option \(option)"
            if let near = nearestOption(to: option, among: command.longOptions) {
                advice.append("did you mean \(near)?")
            }
        } else {
            message = message.prefix(1).lowercased() + message.dropFirst()
            while message.hasSuffix(".") { message.removeLast() }
        }
        advice.append("`\(path) --help` shows what may be given")
        return ZooError(message, advice: advice.joined(separator: " "), kind: .usage)
    }

    /// The command that a command line is addressed to, and how it is called.
    private static func addressed(
        by arguments: ArraySlice<String>, path: String
    ) -> (path: String, command: any ParsableCommand.Type) {
        guard let name = arguments.first,
            let child = configuration.subcommands.first(where: {
                $0._commandName == name || $0.configuration.aliases.contains(name)
            })
        else { return (path, self) }
        return child.addressed(by: arguments.dropFirst(), path: "\(path) \(name)")
    }

    /// `--epochs` and all others, as its help lists them.
    private static var longOptions: [String] {
        let words = helpMessage(columns: 1000).split { !($0.isLetter || $0.isNumber || $0 == "-") }
        return Set(words.filter { $0.hasPrefix("--") && $0.count > 2 }.map(String.init)).sorted()
    }
}

/// The option that was probably meant: by its initials (`--lr`), one of its words (`--rate`), its beginning, or with a slip.
package func nearestOption(to option: String, among known: [String]) -> String? {
    let name = String(option.drop { $0 == "-" }.prefix { $0 != "=" })
    guard !name.isEmpty else { return nil }
    func parts(_ known: String) -> [Substring] { known.drop { $0 == "-" }.split(separator: "-") }
    let isInitials = { (known: String) in parts(known).count > 1 && String(parts(known).compactMap(\.first)) == name }
    let hasWord = { (known: String) in parts(known).contains { $0 == name } }
    if let found = known.first(where: isInitials) ?? known.first(where: hasWord) { return found }
    if let found = known.first(where: { $0.hasPrefix("--\(name)") }) { return found }
    // Two slips in a word of three letters would make anything of it.
    guard name.count > 3 else { return nil }
    return nearestName(to: "--\(name)", among: known)
}
