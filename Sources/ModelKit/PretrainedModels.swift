import FileSupport
import Glibc
import TensorCore

/// Trained models that come with the program: a folder of slim checkpoints, `NAME.h5`.
public struct PretrainedModels: Sendable {
    /// What stands before a name where a checkpoint is expected: `pretrained:mlp-vae-mnist`.
    public static let prefix = "pretrained:"

    /// The folder; nil where the program came without it.
    public let folder: String?

    public init(folder: String?) {
        self.folder = folder
    }

    /// No models.
    public static let none = PretrainedModels(folder: nil)

    /// The folder `weights` of a target's resources, which the package manager puts beside the program.
    ///
    /// - Parameter bundle: the folder of the resources, for instance `zoo_ZooModels.resources`.
    public init(besideProgram bundle: String) {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        let program = String(decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = program.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let weights = "\(folder)/\(bundle)/weights"
        self.init(folder: access(weights, R_OK) == 0 ? weights : nil)
    }

    /// The models, sorted by name.
    public var names: [String] {
        guard let folder, let files = try? FolderListing.names(in: folder) else { return [] }
        return files.filter { $0.hasSuffix(".h5") }.map { String($0.dropLast(3)) }.sorted()
    }

    /// The checkpoint of a model.
    ///
    /// - Throws: `ZooError` (wrong usage) with the nearest name where there is none.
    public func path(_ name: String) throws -> String {
        let known = names
        guard let folder, known.contains(name) else {
            let nearest = nearestName(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
            throw ZooError(
                "there is no pretrained model '\(name)'\(nearest)",
                advice: known.isEmpty
                    ? "this program came without pretrained models" : "there are \(known.joined(separator: ", "))",
                kind: .usage, code: .notFound)
        }
        return "\(folder)/\(name).h5"
    }

    /// What a command takes for one of these models, `pretrained:NAME`; nil for any other file.
    public func argument(ofFile path: String) -> String? {
        guard let folder, path.hasPrefix(folder + "/"), path.hasSuffix(".h5") else { return nil }
        let name = String(path.dropFirst(folder.count + 1).dropLast(3))
        return names.contains(name) ? Self.prefix + name : nil
    }

    /// The checkpoint that `pretrained:NAME` names; any other text itself.
    ///
    /// - Throws: as `path`.
    public func resolved(_ text: String) throws -> String {
        guard text.hasPrefix(Self.prefix) else { return text }
        return try path(String(text.dropFirst(Self.prefix.count)))
    }
}
