import ArgumentParser
import Datasets
import FileSupport
import Glibc
import ModelFigures
import ModelKit
import Runs
import TensorCore

/// What the shell offers for arguments and values of options.
extension CompletionKind {
    /// Models' names and definition files.
    static var model: CompletionKind { candidates { $0.modelNames + $0.files([".yaml", ".yml"]) } }
    /// The same with runs and checkpoints.
    static var anyModel: CompletionKind {
        candidates { $0.modelNames + $0.pretrained + $0.runs + $0.files([".yaml", ".yml", ".h5"]) }
    }
    /// Runs and checkpoints.
    static var trained: CompletionKind { candidates { $0.pretrained + $0.runs + $0.files([".h5"]) } }
    /// Runs, and files of weights of whatever kind.
    static var weights: CompletionKind {
        candidates { $0.pretrained + $0.runs + $0.files([".h5", ".keras", ".safetensors", ".npz", ".npy", ".onnx"]) }
    }
    /// Runs' folders.
    static var run: CompletionKind { candidates { $0.runs + $0.files([]) } }
    /// Data sets' names.
    static var dataset: CompletionKind { candidates { _ in ZooContext.current.datasets.names } }
    /// Recipes' names.
    static var recipe: CompletionKind { candidates { _ in ["list"] + ZooContext.current.recipes.map(\.name) } }
    /// Figures, by the extensions that `FigureFormat` knows, and folders.
    static var figure: CompletionKind { .file(extensions: ["png", "svg", "pdf", "gif", "html", "npz", "csv"]) }

    private static func candidates(_ all: @escaping @Sendable (CompletionSources) -> [String]) -> CompletionKind {
        .custom { words, index, prefix in
            // Shells give the word up to the cursor; older ones only the words.
            let word = prefix.isEmpty && words.indices.contains(index) ? words[index] : prefix
            return all(CompletionSources(prefix: word)).filter { $0.hasPrefix(word) }
        }
    }
}

/// Where candidates for a word come from.
private struct CompletionSources {
    let prefix: String

    var modelNames: [String] {
        let builtIn = ZooContext.current.registry
        return (builtIn.models + ModelFolders.find(folder: nil, builtIn: builtIn).models).map(\.name).sorted()
    }

    /// The trained models that come with the program.
    var pretrained: [String] { ZooContext.current.pretrained.names.map { PretrainedModels.prefix + $0 } }

    /// The runs in `runs`, newest last.
    var runs: [String] { RunOverview.folders(in: RunOverview.usualFolder).found.map(\.path) }

    /// Folders, with a slash, and files with one of the extensions.
    func files(_ extensions: [String]) -> [String] {
        let folder = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? ""
        let names = (try? FolderListing.names(in: folder.isEmpty ? "." : folder)) ?? []
        return names.sorted().compactMap { name in
            if name.hasPrefix("."), !prefix.hasSuffix("/.") { return nil }
            let path = folder + name
            if CheckpointSource(path).isFolder { return path + "/" }
            return extensions.contains { name.hasSuffix($0) } ? path : nil
        }
    }
}
