import Foundation
import ModelKit
import TensorCore
import Testing
import ZooModels

/// The tests change the environment and the working directory's meaning, so they run one after another.
@Suite(.serialized) struct ModelFoldersTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("zoo-folders-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func write(_ text: String, _ path: String) throws -> String {
        let file = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file.path
    }

    /// What is found with these folders and no others.
    private func find(_ option: String?, path: [String] = [], configuration: String = "none") throws
        -> ModelFolders.Findings
    {
        setenv("ZOO_PATH", path.map { folder.path + "/" + $0 }.joined(separator: ":"), 1)
        setenv("XDG_CONFIG_HOME", folder.path + "/" + configuration, 1)
        defer {
            unsetenv("ZOO_PATH")
            unsetenv("XDG_CONFIG_HOME")
            try? FileManager.default.removeItem(at: folder)
        }
        return ModelFolders.find(folder: option.map { folder.path + "/" + $0 }, builtIn: try ZooModels.registry())
    }

    private func named(_ name: String) -> String { small("name: small", "name: \(name)") }

    @Test func looksInAllFolders() throws {
        _ = try write(named("zebra"), "a/one.yaml")
        _ = try write(named("ape"), "b/two.yml")
        _ = try write(named("cat"), "c/definitions/three.yaml")
        _ = try write(named("dog"), "config/zoo/models/four.yaml")
        _ = try write("not a definition", "a/notes.txt")
        let found = try find("a", path: ["b", "c", "a"], configuration: "config")
        #expect(found.models.map(\.name) == ["ape", "cat", "dog", "zebra"])
        #expect(found.problems == [])
        #expect(found.models.first { $0.name == "cat" }?.origin == .file(folder.path + "/c/definitions/three.yaml"))
        #expect(found.models.first { $0.name == "zebra" }?.text == named("zebra"))
    }

    @Test func reportsDuplicatesWithBothFiles() throws {
        let first = try write(named("twin"), "a/first.yaml")
        let second = try write(named("twin"), "b/second.yaml")
        let found = try find("a", path: ["b"])
        #expect(found.models.map(\.label) == [first])
        #expect(found.problems.count == 1)
        #expect(found.problems.first?.contains("\(second): the name twin belongs to \(first)") == true)
    }

    @Test func passesOverCopiesOfBuiltInModels() throws {
        _ = try write(text(of: "mlp-vae-mnist"), "a/definitions/mlp-vae-mnist.yaml")
        let changed = try write(text(of: "conv-vae-mnist") + "# changed\n", "a/definitions/conv-vae-mnist.yaml")
        let found = try find("a")
        #expect(found.models.isEmpty)
        #expect(found.problems.count == 1)
        #expect(
            found.problems.first?.hasPrefix(
                "\(changed): the name conv-vae-mnist belongs to a model that comes with the zoo") == true)
    }

    @Test func unreadableFilesAreReportedAndDoNotHideOthers() throws {
        _ = try write(named("good"), "a/good.yaml")
        _ = try write("name: [", "a/broken.yaml")
        _ = try write("family: vae", "a/nameless.yaml")
        _ = try write(String(repeating: "#", count: 300_000), "a/large.yaml")
        _ = try write("", "a/empty.yaml")
        let binary = folder.appendingPathComponent("a/binary.yaml")
        try Data([0xff, 0xfe, 0x00]).write(to: binary)
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("a/folder.yaml"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/a/dangling.yaml", withDestinationPath: folder.path + "/nowhere")
        #expect(mkfifo(folder.path + "/a/pipe.yaml", 0o600) == 0)
        let found = try find("a")
        #expect(found.models.map(\.name) == ["good"])
        let expected = [
            "binary.yaml: not UTF-8 text", "broken.yaml:2:1: not valid YAML", "dangling.yaml: No such file",
            "empty.yaml: the file is empty", "folder.yaml: not a regular file", "large.yaml: 300000 bytes are too many",
            "nameless.yaml: no model, the file has no field name", "pipe.yaml: not a regular file",
        ]
        #expect(found.problems.count == expected.count)
        for (problem, text) in zip(found.problems, expected) { #expect(problem.hasPrefix(folder.path + "/a/" + text)) }
    }

    @Test func missingFoldersAreReportedOnlyIfAskedFor() throws {
        let found = try find("nowhere", path: ["neither"])
        #expect(found.models.isEmpty)
        #expect(
            found.problems == [
                "\(folder.path)/nowhere: No such file or directory; no models are read from there",
                "\(folder.path)/neither: No such file or directory; no models are read from there",
            ])
    }

    @Test func readsOneFile() throws {
        let file = try write(named("lone"), "lone-file.yaml")
        let nameless = try write("family: vae", "nameless.yaml")
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try ModelFolders.read(file: file).name == "lone")
        // What is wrong with it is for the reader of the definition to say, all at once.
        #expect(try ModelFolders.read(file: nameless).name == "nameless")
        let missing = folder.path + "/none.yaml"
        let error = ZooError("\(missing): No such file or directory", code: .system, subject: .path(missing))
        #expect(throws: error) { try ModelFolders.read(file: missing) }
    }
}
