import FileSupport
import Glibc
import TensorCore

/// Finds the definitions that users keep in folders of their own.
public enum ModelFolders {
    /// What was found, and what was wrong on the way: one message for each file or folder that was left out.
    public struct Findings: Sendable {
        /// Sorted by name; no name twice and none that the registry already has.
        public var models: [ModelSource]
        public var problems: [String]
    }

    /// The `.yaml` and `.yml` files of, in this order, `folder`; the folders of `$ZOO_PATH`, separated by colons; `./zoo`;
    /// and `$XDG_CONFIG_HOME/zoo/models` (`~/.config/zoo/models`). A subfolder `definitions` of any of these counts, too.
    ///
    /// A file that cannot be read, or whose name is taken, is a problem and leaves the others be. A copy of a built-in
    /// definition is passed over in silence, so that the zoo's own folder may be `./zoo`.
    ///
    /// - Parameter builtIn: the models that have their names already.
    public static func find(folder: String?, builtIn: Registry) -> Findings {
        var findings = Findings(models: [], problems: [])
        var visited = Set<String>()
        for (path, isExplicit) in searchPath(folder: folder) {
            for path in [path, path + "/definitions"] {
                guard let canonical = canonicalPath(path), visited.insert(canonical).inserted else { continue }
                findings.add(folder: path, builtIn)
            }
            if isExplicit, access(path, R_OK | X_OK) != 0 {
                findings.problems.append("\(path): \(String(cString: strerror(errno))); no models are read from there")
            }
        }
        findings.models.sort { $0.name < $1.name }
        return findings
    }

    /// A definition file. Its model's name is what its field `name` says; the file's name stands in for one that is
    /// missing, so that whoever reads the definition reports that with everything else.
    ///
    /// - Throws: `ZooError` for a file that cannot be read.
    public static func read(file path: String) throws -> ModelSource {
        let text = try DefinitionFile.text(path)
        let file = path.split(separator: "/").last ?? ""
        let stem = file.lastIndex(of: ".").map { file[..<$0] } ?? file
        let name = (try? DefinitionText.name(in: text, source: path)) ?? String(stem)
        return ModelSource(name: name, text: text, origin: .file(path))
    }

    /// The folders, and whether somebody asked for them by name.
    private static func searchPath(folder: String?) -> [(path: String, isExplicit: Bool)] {
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        var folders: [(String, Bool)] = []
        if let folder { folders.append((folder, true)) }
        for path in (variable("ZOO_PATH") ?? "").split(separator: ":") { folders.append((String(path), true)) }
        folders.append(("./zoo", false))
        if let configuration = variable("XDG_CONFIG_HOME") ?? variable("HOME").map({ $0 + "/.config" }) {
            folders.append((configuration + "/zoo/models", false))
        }
        return folders
    }

    private static func canonicalPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

extension ModelFolders.Findings {
    fileprivate mutating func add(folder: String, _ builtIn: Registry) {
        guard let names = DefinitionFile.names(in: folder) else { return }
        for name in names where name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
            do {
                let path = folder + "/" + name
                let text = try DefinitionFile.text(path)
                if builtIn.models.contains(where: { $0.text == text }) { continue }
                guard let model = try DefinitionText.name(in: text, source: path) else {
                    throw ZooError(
                        "\(path): no model, the file has no field name",
                        advice: "a definition begins with `format: \(ModelDefinition.format)` and `name: …`",
                        code: .damaged)
                }
                try add(ModelSource(name: model, text: text, origin: .file(path)), builtIn)
            } catch {
                problems.append("\(error)")
            }
        }
    }

    private mutating func add(_ source: ModelSource, _ builtIn: Registry) throws {
        if let taken = builtIn.models.first(where: { $0.name == source.name }) {
            let owner: String =
                switch taken.origin {
                case .builtIn: "a model that comes with the zoo"
                case .plugIn: "a plug-in's model"
                case .file(let path): path
                }
            throw ZooError(
                "\(source.label): the name \(source.name) belongs to \(owner); this file is left out",
                advice: "change its field name", code: .alreadyExists)
        }
        if let taken = models.first(where: { $0.name == source.name }) {
            throw ZooError(
                "\(source.label): the name \(source.name) belongs to \(taken.label); this file is left out",
                advice: "change the field name of one of them", code: .alreadyExists)
        }
        models.append(source)
    }
}

/// Reading definition files and the folders they are in.
private enum DefinitionFile {
    /// The names of a folder's entries, sorted; nil for what is no readable folder.
    static func names(in folder: String) -> [String]? {
        guard let names = try? FolderListing.names(in: folder) else { return nil }
        return names.filter { !$0.hasPrefix(".") }
    }

    /// - Throws: `ZooError` for what is no readable UTF-8 text of a definition's size.
    static func text(_ path: String) throws -> String {
        let bytes: [UInt8]
        do {
            bytes = try FileReading.bytes(of: Array(path.utf8), limit: DefinitionText.byteLimit)
        } catch {
            switch error {
            case .system(let code):
                throw ZooError("\(path): \(SystemCallFailure(code))", code: .system, subject: .path(path))
            case .notRegular: throw ZooError("\(path): not a regular file", code: .unsupported, subject: .path(path))
            case .tooLong(let byteCount):
                throw ZooError(
                    "\(path): \(byteCount) bytes are too many for a definition; at most \(DefinitionText.byteLimit) are read",
                    code: .limit, subject: .path(path))
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ZooError("\(path): not UTF-8 text", code: .damaged)
        }
        return text
    }
}
