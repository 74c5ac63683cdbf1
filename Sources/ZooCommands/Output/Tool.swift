import Glibc
import TextSupport

/// What the program is called in what it prints, so that a command can be copied and run.
package enum Tool {
    /// The command `zoo`, as this process was called.
    @TaskLocal package static var name = "zoo"
    /// The command `zoo convert`, where it is a program of its own.
    @TaskLocal package static var ownConvert: String?

    /// The command `zoo convert`.
    static var convert: String { ownConvert ?? name + " convert" }

    /// A command line of this program, as text that a shell takes.
    static func line(_ arguments: [String]) -> String { CommandText.text([name] + arguments) }

    /// What to type to call a program again that was called as `word`: a name where the shell finds it by its name, else
    /// its path.
    ///
    /// - Parameters:
    ///   - word: the first word of the process's command line.
    ///   - searchPath: the folders of `PATH`.
    package static func name(calledAs word: String, searchPath: [String]) -> String {
        guard let slash = word.lastIndex(of: "/") else { return word }
        let name = String(word[word.index(after: slash)...])
        guard let folder = searchPath.first(where: { access("\($0)/\(name)", X_OK) == 0 }) else { return word }
        return isSameFile("\(folder)/\(name)", word) ? name : word
    }

    /// The name of this process; in a script for completion without a folder, for it is part of the names of functions.
    static var nameOfProcess: String {
        if CommandLine.arguments.dropFirst().first?.hasPrefix("--generate-completion-script") == true {
            return CommandLine.arguments[0].split(separator: "/").last.map(String.init) ?? "zoo"
        }
        let folders = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":").map { String($0) }
        return name(calledAs: CommandLine.arguments.first ?? "zoo", searchPath: folders)
    }

    private static func isSameFile(_ first: String, _ second: String) -> Bool {
        var (one, other) = (stat(), stat())
        return stat(first, &one) == 0 && stat(second, &other) == 0 && one.st_dev == other.st_dev
            && one.st_ino == other.st_ino
    }
}
