import Foundation
import Testing

@testable import ZooCommands

/// What the program is called in its messages, and what `tools/zoo install` leaves behind.
@Suite struct ToolTests {
    /// A folder with an executable file.
    private func program(_ name: String, in folder: TemporaryFolder) throws {
        let path = try folder.write("#!/bin/sh\n", name)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    @Test func aNameThatTheShellFindsSuffices() throws {
        let (first, second) = (try TemporaryFolder(), try TemporaryFolder())
        try program("zoo", in: first)
        let other = second.path + "/zoo"
        try FileManager.default.createSymbolicLink(atPath: other, withDestinationPath: first.path + "/zoo")
        #expect(Tool.name(calledAs: "my-zoo", searchPath: []) == "my-zoo")
        #expect(Tool.name(calledAs: first.path + "/zoo", searchPath: ["/nowhere", first.path]) == "zoo")
        #expect(Tool.name(calledAs: other, searchPath: [first.path]) == "zoo", "a link to what the shell finds")
        #expect(Tool.name(calledAs: "tools/zoo", searchPath: [first.path]) == "tools/zoo", "another program")
        #expect(Tool.name(calledAs: other, searchPath: ["/nowhere"]) == other)
    }

    @Test func messagesNameTheProgramAsItWasCalled() throws {
        let result = try Tool.$name.withValue("tools/zoo") { try zoo("runs", "show", "/no/run") }
        #expect(result.errors.contains("`tools/zoo runs list`"), "\(result.errors)")
        let process = try ZooProcess(["runs", "shwo"], wrapper: ["/bin/bash", "-c", "exec -a ./my-zoo \"$0\" \"$@\""])
        #expect(process.finish().errors.contains("did you mean ./my-zoo runs show?"))
    }

    /// The script, with a program that is built already.
    @Test func installing() throws {
        let root = try TemporaryFolder()
        for folder in ["tools", ".build/release", "home"] {
            try FileManager.default.createDirectory(
                atPath: root.path + "/" + folder, withIntermediateDirectories: true)
        }
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("tools/zoo").path
        try FileManager.default.copyItem(atPath: script, toPath: root.path + "/tools/zoo")
        try FileManager.default.createSymbolicLink(
            atPath: root.path + "/.build/release/zoo", withDestinationPath: ZooProcess.executable)
        let home = root.path + "/home"
        func run(_ command: String) throws -> String {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments = ["-c", command + " 2>&1"]
            process.environment = ["HOME": home, "PATH": home + "/.local/bin:/usr/bin:/bin", "SHELL": "/bin/bash"]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return text
        }
        let report = try run("\(root.path)/tools/zoo install")
        #expect(report.contains("\(home)/.local/bin/zoo → \(root.path)/tools/zoo"), "\(report)")
        #expect(!report.contains("not in PATH"))
        #expect(
            try run("PATH=/usr/bin:/bin \(root.path)/tools/zoo install").contains("\(home)/.local/bin is not in PATH"))
        #expect(try run("zoo runs show /no/run").contains("`zoo runs list`"), "called through the link")
        let bash = home + "/.local/share/bash-completion/completions/zoo"
        let others = [home + "/.local/share/zsh/site-functions/_zoo", home + "/.config/fish/completions/zoo.fish"]
        for file in [bash] + others {
            #expect(try String(contentsOfFile: file, encoding: .utf8).contains("interpolate"), "\(file)")
        }
        let completed = """
            source \(bash)
            COMP_WORDS=(zoo train conv-vae-m); COMP_CWORD=2; COMP_LINE='zoo train conv-vae-m'; COMP_POINT=${#COMP_LINE}
            _zoo zoo conv-vae-m train 2>/dev/null; printf '%s\\n' "${COMPREPLY[@]}"
            """
        #expect(try run(completed).contains("conv-vae-mnist"))
        #expect(try run("zoo uninstall").contains("removed \(home)/.local/bin/zoo"))
        #expect(!FileManager.default.fileExists(atPath: bash))
        try program("other", in: root)
        #expect(
            try run("ln -s \(root.path)/other \(home)/.local/bin/zoo; \(root.path)/tools/zoo install").contains(
                "something else"))
    }

    @Test func whatTheShellOffers() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/a", withIntermediateDirectories: true)
        for name in ["a.yaml", "a.txt", "b.yaml", "w.h5"] { try folder.write("", name) }
        func offered(_ place: String, _ words: String...) throws -> [String] {
            let word = words[words.count - 1]
            return try zoo(
                ["---completion", words[0], "--", place, "\(words.count)", "\(word.count)", "zoo"] + words
            ).lines
        }
        #expect(
            try offered("positional@0", "train", "conv-vae-c") == [
                "conv-vae-celeba", "conv-vae-cifar", "conv-vae-cifar-mixture",
            ])
        #expect(
            try offered("positional@0", "train", folder.path + "/a") == [folder.path + "/a/", folder.path + "/a.yaml"])
        #expect(try offered("positional@0", "recipe", "kl") == ["kl-weights"])
        #expect(try offered("--dataset", "train", "--dataset", "cifar") == ["cifar-10"])
        #expect(try offered("--resume", "train", "--resume", folder.path + "/w") == [folder.path + "/w.h5"])
    }
}
