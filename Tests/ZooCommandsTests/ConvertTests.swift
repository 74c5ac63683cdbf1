import Checkpoints
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Interchange
@testable import ZooCommands

/// `zoo convert export` and `import` as commands: files, options, refusals and exit statuses.
@Suite struct ConvertTests {
    private let model: TinyModel
    private var folder: String { model.folder.path }

    init() throws {
        model = try TinyModel(steps: 2)
    }

    private func convert(_ arguments: String...) throws -> CommandResult {
        try zoo(["convert"] + arguments, datasets: try Bars.catalog())
    }

    private func checkpoint(_ path: String) throws -> Checkpoint { try Checkpoint.read(from: path) }

    /// Imports one file for the model of this suite.
    private func load(_ file: String, _ options: String...) throws -> CommandResult {
        try zoo(
            ["convert", "import", file, "--model", folder + "/tiny.yaml", "--to", folder + "/imported.h5", "--force"]
                + options)
    }

    private func write(_ bytes: [UInt8], _ name: String) throws -> String {
        let path = folder + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    // MARK: Files of other tools where a checkpoint is due

    @Test(arguments: InterchangeFormat.allCases) func weightsOfOtherToolsAreNoCheckpoints(
        _ format: InterchangeFormat
    ) throws {
        let made = try convert("export", model.run, "--to", format.rawValue, "--output", folder + "/x")
        let file = try #require(made.lines.first)
        let kind = format == .keras ? "is HDF5 of another tool" : "is not HDF5"
        for command in [["sample"], ["traverse"], ["show"], ["evaluate"], ["convert", "export"]] {
            let result = try zoo(
                command + [file] + (command.last == "export" ? ["--to", "npz"] : []), datasets: try Bars.catalog())
            #expect(result.status == 1)
            #expect(
                result.errors.contains("\(file) is no checkpoint of the zoo: it \(kind)"),
                "\(command): \(result.errors)")
            #expect(result.errors.contains("convert import \(file) --model"), "\(command): \(result.errors)")
        }
        let verified = try convert("verify", file)
        #expect(verified.status == 1 && (verified.output + verified.errors).contains("no checkpoint of the zoo"))
    }

    /// As Keras and h5py write by default.
    @Test func theOldSuperblockIsThatOfAnotherTool() throws {
        let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
        let file = try write(signature + [UInt8](repeating: 0, count: 200), "keras.h5")
        let result = try zoo("sample", file)
        #expect(result.status == 1)
        #expect(result.errors.contains("it is HDF5 of another tool") && !result.errors.contains("superblock"))
    }

    /// What was a checkpoint keeps its own error, however little is left of it.
    @Test func damagedCheckpointsAreCheckpoints() throws {
        let path = model.run + "/checkpoints/best.h5"
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        for count in [60, 200, 5_000, bytes.count - 1] {
            let cut = try write(Array(bytes.prefix(count)), "cut.h5")
            let result = try zoo("sample", cut)
            #expect(result.status == 1)
            #expect(!result.errors.contains("no checkpoint"), "\(count): \(result.errors)")
        }
        let changed = try write(bytes.changed(bytes.count / 2, [bytes[bytes.count / 2] ^ 1]), "changed.h5")
        #expect(try zoo("sample", changed).errors.contains("do not match its SHA-256"))
    }

    @Test func differencesNameTheFile() throws {
        let made = try convert("export", model.run, "--to", "npz", "--output", folder + "/x")
        let file = try #require(made.lines.first)
        let result = try zoo("convert", "import", file, "--model", "conv-vae-mnist", "--to", folder + "/y.h5")
        #expect(result.errors.contains("\(file) does not fit conv-vae-mnist"), "\(result.errors)")
        let map = try write(Array("nothing.here: encoder.fc1.weight\n".utf8), "map.yaml")
        #expect(try load(file, "--map", map).errors.contains("\(map) names what is not in the file"))
    }

    @Test func longValuesAreCutInMessages() throws {
        let long = String(repeating: "ä", count: 200_000)
        for arguments in [
            ["show", long], ["train", "conv-vae-mnist", "--set", long], ["data", "info", long], [long],
        ] {
            let result = try zoo(arguments, datasets: try Bars.catalog())
            #expect(result.status != 0 && result.errors.count < 10_000, "\(result.errors.count)")
        }
        #expect("abcdefgh\n12".clippingLines(to: 4) == "abc … h\n12")
        #expect("abcd".clippingLines(to: 4) == "abcd")
    }

    // MARK: There and back

    @Test(arguments: InterchangeFormat.allCases) func everyFormatThereAndBack(_ format: InterchangeFormat) throws {
        let exported = try convert("export", model.run, "--to", format.rawValue, "--output", folder + "/x", "--json")
        #expect(exported.status == 0, "\(exported.errors)")
        let object = try exported.object()
        #expect(Set(object.keys) == ["checkpoint", "model", "format", "files"])
        #expect(object["format"] as? String == format.rawValue && object["model"] as? String == "tiny")
        let files = try #require(object["files"] as? [[String: Any]])
        let paths = files.compactMap { $0["path"] as? String }
        let expected = format == .onnx ? ["x.encoder.onnx", "x.decoder.onnx"] : ["x.\(format.fileExtension)"]
        #expect(paths == expected.map { folder + "/" + $0 })
        for file in files {
            let size = try Data(contentsOf: URL(fileURLWithPath: file["path"] as? String ?? "")).count
            #expect(file["bytes"] as? Int == size)
        }

        let again = try convert("export", model.run, "--to", format.rawValue, "--output", paths[0])
        #expect(format == .onnx || (again.status == 2 && again.errors.contains("exists already")), "\(again.errors)")
        let forced = try convert("export", model.run, "--to", format.rawValue, "--output", folder + "/x", "--force")
        #expect(forced.status == 0 && forced.lines == paths, "\(forced.errors)")

        let back = folder + "/back.h5"
        let imported = try zoo(["convert", "import"] + paths + ["--to", back, "--json"])
        #expect(imported.status == 0 && imported.errors.isEmpty, "\(imported.errors)")
        let report = try imported.object()
        #expect(Set(report.keys) == ["checkpoint", "model", "parameters", "tensors", "differences", "unused"])
        #expect((report["differences"] as? [Any])?.isEmpty == true && (report["unused"] as? [Any])?.isEmpty == true)
        let (before, after) = (try checkpoint(model.run + "/checkpoints/best.h5"), try checkpoint(back))
        #expect(after.weights == before.weights && after.definition == before.definition)
        #expect(!after.isResumable && after.provenance["imported_format"] == format.rawValue)
        #expect(report["tensors"] as? Int == before.weights.count)

        #expect(try zoo(["convert", "import"] + paths + ["--to", back]).status == 2)
        let text = try zoo(["convert", "import"] + paths + ["--to", back, "--force"])
        #expect(text.status == 0 && text.output.hasPrefix("\(back): tiny, "), "\(text.errors)")

        // It serves as the model it was.
        let losses = try [model.run, back].map { path in
            let result = try zoo("evaluate", path, "--dataset", "bars", "--json", datasets: try Bars.catalog())
            return try #require(try result.object()["loss"] as? Double, "\(result.errors)")
        }
        #expect(losses[0] == losses[1])
    }

    @Test func aFileWithoutADefinitionNeedsAModel() throws {
        let file = try write(Tensors(try weights()).safetensors, "x.safetensors")
        let result = try convert("import", file, "--to", folder + "/y.h5")
        #expect(result.status == 2 && result.errors.contains("name one with --model"), "\(result.errors)")
        // The model may be a checkpoint, too.
        let named = try convert("import", file, "--to", folder + "/y.h5", "--model", model.run + "/checkpoints/best.h5")
        #expect(named.status == 0, "\(named.errors)")
    }

    // MARK: Names and differences

    private func weights() throws -> [NamedTensor] { try checkpoint(model.run + "/checkpoints/best.h5").weights }

    /// Tensors for a file of safetensors, elements in any type.
    private struct Tensors {
        var entries: [(name: String, type: String, shape: [Int], bytes: [UInt8])] = []

        init(_ weights: [NamedTensor], _ rename: (String) -> String = { $0 }) {
            for weight in weights {
                let bytes = weight.values.withUnsafeBytes { Array($0) }
                entries.append((rename(weight.path), "F32", weight.shape, bytes))
            }
        }

        /// Gives the tensor `name` elements of another type.
        mutating func convert<Bits: FixedWidthInteger>(_ name: String, _ type: String, _ bits: (Float) -> Bits) {
            for index in entries.indices where entries[index].name == name {
                let values = entries[index].bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
                entries[index].type = type
                entries[index].bytes = values.flatMap { withUnsafeBytes(of: bits($0).littleEndian, Array.init) }
            }
        }

        var safetensors: [UInt8] {
            var (fields, data) = ([String](), [UInt8]())
            for entry in entries {
                let range = "\(data.count),\(data.count + entry.bytes.count)"
                data += entry.bytes
                fields.append(
                    "\"\(entry.name)\":{\"dtype\":\"\(entry.type)\",\"shape\":\(entry.shape),\"data_offsets\":[\(range)]}"
                )
            }
            let header = Array("{\(fields.joined(separator: ","))}".utf8)
            return withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init) + header + data
        }
    }

    @Test func aMapRenames() throws {
        let theirs = Tensors(try weights()) {
            $0.replacing("encoder.", with: "net.enc.").replacing("decoder.conv1.", with: "head.").replacing(
                "decoder.", with: "net.dec.")
        }
        let file = try write(theirs.safetensors, "theirs.safetensors")
        let plain = try load(file)
        #expect(plain.status == 1)
        for expected in [
            "does not fit tiny", "missing: encoder.fc1.weight [16, 64] is not in the file",
            "extra: head.weight", "--map FILE", "--allow missing,extra",
        ] { #expect(plain.errors.contains(expected), "\(expected) in \(plain.errors)") }

        let map = try model.folder.write(
            "net.enc.: encoder.\nnet.dec.: decoder.\nhead.weight: decoder.conv1.weight\nhead.bias: decoder.conv1.bias\n",
            "names.yaml")
        let mapped = try load(file, "--map", map)
        #expect(mapped.status == 0, "\(mapped.errors)")
        #expect(try checkpoint(folder + "/imported.h5").weights == weights())
    }

    @Test(arguments: [
        ("nothing.: encoder.", "nothing.", 2), ("- a\n- b", "lines `theirs: ours`", 2),
        ("a.: encoder", "must end in a dot", 2), ("a: x\nb: x", "x is named twice", 2), ("a: [x]", "two names", 2),
        ("a: \"", "names.yaml", 1),
    ])
    func badMaps(_ text: String, _ message: String, _ status: Int32) throws {
        let file = try write(Tensors(try weights()).safetensors, "x.safetensors")
        let map = try model.folder.write(text, "names.yaml")
        let result = try load(file, "--map", map)
        #expect(result.status == status && result.errors.contains(message), "\(result.errors)")
    }

    /// Each kind of difference is an error that names the tensor, and accepted when asked for.
    @Test(arguments: ["missing", "extra", "reshaped", "narrowed"]) func differences(_ kind: String) throws {
        var tensors = Tensors(try weights())
        let name = "encoder.fc1.bias"
        let place = try #require(tensors.entries.firstIndex { $0.name == name })
        switch kind {
        case "missing": tensors.entries.remove(at: place)
        case "extra": tensors.entries.append(("encoder.more", "F32", [1], [0, 0, 0, 0]))
        case "reshaped": tensors.entries[place].shape = [4, 4]
        default: tensors.convert(name, "F64") { (Double($0) + 1e-12).bitPattern }
        }
        let file = try write(tensors.safetensors, "x.safetensors")
        let refused = try load(file)
        #expect(refused.status == 1, "\(refused.errors)")
        #expect(refused.errors.contains("1 difference"), "\(refused.errors)")
        #expect(refused.errors.contains("\(kind): encoder."), "\(refused.errors)")
        #expect(refused.errors.contains("--allow \(kind)"), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/imported.h5"))
        for other in ["missing", "extra", "reshaped", "narrowed"] where other != kind {
            #expect(try load(file, "--allow", other).status == 1)
        }
        let accepted = try load(file, "--allow", kind, "--json")
        #expect(accepted.status == 0 && accepted.errors.contains("warning: encoder."), "\(accepted.errors)")
        let found = try #require(try accepted.object()["differences"] as? [[String: Any]])
        #expect(found.map { $0["kind"] as? String } == [kind])
        let imported = try checkpoint(folder + "/imported.h5")
        #expect(imported.provenance["import_differences"]?.contains("encoder.") == true)
        #expect(imported.weights.map(\.path) == (try weights().map(\.path)))
        #expect(imported.weights.map(\.shape) == (try weights().map(\.shape)))
        if kind != "missing" { #expect(try imported.weights == weights()) }
    }

    /// What cannot be meant is refused whatever is allowed.
    @Test func otherSizesAndTypesAreNeverAccepted() throws {
        let all = "missing,extra,reshaped,narrowed"
        var tensors = Tensors(try weights())
        tensors.convert("encoder.fc1.bias", "I32") { Int32($0 * 100) }
        let place = try #require(tensors.entries.firstIndex { $0.name == "encoder.fc1.weight" })
        tensors.entries[place].shape = [15, 64]
        tensors.entries[place].bytes.removeLast(4 * 64)
        let result = try load(try write(tensors.safetensors, "x.safetensors"), "--allow", all)
        #expect(result.status == 1)
        for expected in [
            "2 differences", "wrong: encoder.fc1.bias holds i32 in the file, which are no weights",
            "wrong: encoder.fc1.weight has shape [15, 64] in the file and [16, 64] in the model",
        ] { #expect(result.errors.contains(expected), "\(expected) in \(result.errors)") }
        let twice = try load(try write(Tensors(try weights() + weights()).safetensors, "x.safetensors"), "--allow", all)
        #expect(twice.status == 1 && twice.errors.contains("twice"), "\(twice.errors)")
    }

    @Test func halvesAreWidenedExactly() throws {
        var tensors = Tensors(try weights())
        tensors.convert("encoder.fc1.bias", "BF16") { UInt16($0.bitPattern >> 16) }
        tensors.convert("encoder.fc1.weight", "F16") { Float16($0).bitPattern }
        let result = try load(try write(tensors.safetensors, "x.safetensors"), "--json")
        #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
        let imported = try checkpoint(folder + "/imported.h5").weights
        for (new, old) in zip(imported, try weights()) {
            let expected: [Float] =
                switch new.path {
                case "encoder.fc1.bias": old.values.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) }
                case "encoder.fc1.weight": old.values.map { Float(Float16($0)) }
                default: old.values
                }
            #expect(new.values == expected, "\(new.path)")
        }
    }

    /// A Keras file of f64 is narrowed only when asked for, bf16 is widened.
    @Test func typesInFilesOfKeras() throws {
        let exported = folder + "/x.weights.h5"
        #expect(try convert("export", model.run, "--to", "keras", "--output", exported).status == 0)
        var tree = HDF5Group<HDF5Values>()
        for tensor in try ForeignFile(path: exported).tensors {
            let values = HDF5Values.float64(try tensor.floats().map(Double.init))
            try tree.insert(
                .dataset(HDF5Dataset(shape: tensor.shape, payload: values)),
                at: tensor.name.split(separator: "/").map(String.init)[...])
        }
        let file = try write(try HDF5Writer.image(of: tree), "wide.weights.h5")
        let apart = try convert("diff", model.run, file)
        #expect(apart.status == 1 && apart.errors.contains("make a checkpoint first"), "\(apart.errors)")
        let refused = try load(file)
        #expect(
            refused.status == 1 && refused.errors.contains("narrowed: encoder.fc1.weight holds f64"),
            "\(refused.errors)")
        #expect(try load(file, "--allow", "narrowed").status == 0)
        #expect(try checkpoint(folder + "/imported.h5").weights == weights())
    }

    @Test(.enabled(if: Judge.python != nil)) func filesOfKerasInBrainFloats() throws {
        let exported = folder + "/x.weights.h5"
        #expect(try convert("export", model.run, "--to", "keras", "--output", exported).status == 0)
        // As keras/src/saving/saving_lib.py stores bfloat16.
        let script = """
            import sys, h5py, numpy as np
            with h5py.File(sys.argv[1]) as old, h5py.File(sys.argv[2], "w") as new:
                def copy(name, item):
                    if isinstance(item, h5py.Dataset):
                        bits = (item[()].view("u4") >> 16).astype("u2")
                        new.create_dataset(name, data=bits).attrs["dtype"] = "bfloat16"
                old.visititems(copy)
            """
        let file = folder + "/half.weights.h5"
        _ = try Judge.run(Judge.python, ["-c", script, exported, file])
        let result = try load(file)
        #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
        for (new, old) in zip(try checkpoint(folder + "/imported.h5").weights, try weights()) {
            #expect(new.values == old.values.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) }, "\(new.path)")
        }
    }

    // MARK: Refusals

    /// Files as `torch.save` and `pickle.dump` make them, whole and cut short, are refused by name with what to do.
    @Test(
        arguments: [
            (
                "model.pt",
                Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 26) + Array("archive/data.pkl".utf8)
            ),
            ("model.pth", Array("PK\u{3}\u{4}".utf8)), ("model.PT", Array("PK\u{3}\u{4}abc".utf8)),
            ("model.zip", Array("PK\u{3}\u{4}..archive/data.pkl..".utf8)), ("model.pkl", [0x80, 4, 0x95, 0, 0]),
            ("model.bin", [0x80, 2, 0x7D]), ("old.pickle", Array("(dp0\n.".utf8)),
            ("state.ckpt", Array("ctorch\n".utf8)),
        ] as [(String, [UInt8])])
    func pickles(_ name: String, _ bytes: [UInt8]) throws {
        let file = try write(bytes, name)
        for result in [try load(file), try convert("inspect", file)] {
            #expect(result.status == 1, "\(result.errors)")
            #expect(result.errors.contains(name) && result.errors.contains("Python pickle"), "\(result.errors)")
            #expect(result.errors.contains("safetensors.torch.save_file(model.state_dict()"), "\(result.errors)")
        }
    }

    /// What is found in place of a file of weights is called what it is.
    @Test(arguments: [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "a pointer of Git LFS",
            "git lfs pull"
        ),
        ("<!DOCTYPE html><html><body>Not found</body></html>", "a web page (HTML)", "download the file itself"),
    ]) func whatIsFoundInPlaceOfWeights(_ text: String, _ name: String, _ advice: String) throws {
        for file in ["model.safetensors", "model.onnx", "model.h5", "weights.npz"] {
            let refused = try load(try write(Array(text.utf8), file))
            #expect(refused.status == 1 && refused.errors.contains(name), "\(refused.errors)")
            #expect(refused.errors.contains(advice) && refused.errors.contains(file), "\(refused.errors)")
        }
    }

    @Test func aZippedFolder() throws {
        let bytes = try ZipWriter.encode([(name: "model/model.safetensors", contents: [1, 2])], comment: [])
        let refused = try load(try write(bytes, "model.zip"))
        #expect(refused.status == 1 && refused.errors.contains("a zip archive that holds"), "\(refused.errors)")
        #expect(refused.errors.contains("unpack it"), "\(refused.errors)")
    }

    // MARK: Prefixes

    /// What wrappers of PyTorch put before all names is recognised, named and removed on demand.
    @Test(arguments: ["_orig_mod.", "module.", "model.", "module._orig_mod."]) func prefixesOfWrappers(
        _ prefix: String
    ) throws {
        let weights = try checkpoint(model.run + "/checkpoints/best.h5").weights
        let wrapped = weights.map {
            NamedTensor(path: prefix + $0.path, shape: $0.shape, values: $0.values)
        }
        let file = try write(try NumPyArchive.encode(wrapped, definition: ""), "wrapped.npz")
        let refused = try load(file)
        #expect(refused.status == 1 && refused.errors.contains("--strip-prefix \(prefix)\n"), "\(refused.errors)")
        let taken = try load(file, "--strip-prefix", prefix)
        #expect(taken.status == 0, "\(taken.errors)")
        #expect(try checkpoint(folder + "/imported.h5").weights == weights)
        let map = try write(Array("\(prefix): ''\n".utf8), "map.yaml")
        #expect(try load(file, "--map", map).status == 0)
        #expect(try checkpoint(folder + "/imported.h5").weights == weights)
        #expect(try load(file, "--strip-prefix", "net.").errors.contains("names what is not in the file"))
        #expect(try load(file, "--strip-prefix", "module").status == 2)
    }

    @Test func otherFilesAreRefusedByName() throws {
        let keras = try write(Array("PK\u{3}\u{4}".utf8), "model.keras")
        #expect(try load(keras).errors.contains("model.save_weights("))
        let text = try write(Array("hello, world".utf8), "notes.txt")
        let refused = try load(text)
        #expect(refused.status == 1 && refused.errors.contains("none of the formats"), "\(refused.errors)")
        let own = try load(model.run + "/checkpoints/best.h5")
        #expect(own.status == 2 && own.errors.contains("a checkpoint of the zoo already"), "\(own.errors)")
        #expect(mkfifo(folder + "/pipe", 0o600) == 0)
        #expect(try convert("inspect", folder + "/pipe").errors.contains("no regular file"))
        #expect(try load(folder + "/pipe").errors.contains("no regular file"))
    }

    @Test(arguments: [
        (["export", "/none.h5", "--to", "npz"], 1, "/none.h5"), (["export", "/none.h5"], 2, "--to"),
        (["export", "/none.h5", "--to", "pickle"], 2, "pickle"), (["import", "/none.npz"], 2, "--to"),
        (["import", "/none.npz", "--to", "/tmp/x.h5"], 1, "/none.npz"), (["import", "--to", "x.h5"], 2, "files"),
        (["import", "a.npz", "--to", "x.h5", "--allow", "all"], 2, "there are missing, extra, reshaped, narrowed"),
    ])
    func badInput(_ arguments: [String], _ status: Int32, _ message: String) throws {
        let result = try zoo(["convert"] + arguments)
        #expect(result.status == status && result.errors.contains(message), "\(result.errors)")
    }

    @Test func aDamagedCheckpointIsNotExported() throws {
        var bytes = try checkpoint(model.run + "/checkpoints/best.h5").encoded()
        bytes[bytes.count / 2] ^= 1
        let result = try convert("export", try write(bytes, "damaged.h5"), "--to", "npz", "--output", folder + "/x")
        #expect(result.status == 1 && result.errors.contains("damaged"), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/x.npz"))
    }
}
