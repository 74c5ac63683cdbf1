import Checkpoints
import ExamplePlugIn
import FileSupport
import Foundation
import ModelKit
import TensorCore
import TestSupport
import Testing

@testable import Interchange

@Suite struct ONNXTests {
    private typealias Fields = ONNXFields

    /// A file with one tensor, whose fields `body` writes.
    private static func file(
        version: Int? = 8, graphs: Int = 1, _ body: (inout ProtobufWriter) -> Void
    ) -> [UInt8] {
        var model = ProtobufWriter()
        if let version { model.integer(Fields.Model.irVersion, version) }
        for _ in 0..<graphs {
            model.message(Fields.Model.graph) { graph in graph.message(Fields.Graph.initializers, body) }
        }
        return model.bytes
    }

    /// A sound tensor of two f32 called `a`, with `more` at its end.
    private static func tensor(
        shape: [Int] = [2], type: Int = 1, name: String = "a", raw: Int? = 8,
        _ more: @escaping (inout ProtobufWriter) -> Void = { _ in }
    ) -> (inout ProtobufWriter) -> Void {
        { writer in
            for extent in shape { writer.integer(Fields.Tensor.extents, extent) }
            writer.integer(Fields.Tensor.dataType, type)
            writer.text(Fields.Tensor.name, name)
            if let raw { writer.bytes(Fields.Tensor.raw, [UInt8](repeating: 0, count: raw)) }
            more(&writer)
        }
    }

    static let rules = [
        Rule("the version is there", file(version: nil, tensor()), "no ONNX model"),
        Rule("the version is known", file(version: 99, tensor()), "no ONNX model"),
        Rule("there is a graph", file(graphs: 0, tensor()), "0 graphs"),
        Rule("there is one graph", file(graphs: 2, tensor()), "second graph"),
        Rule("integers end", file(tensor()) + [0x08, 0xFF], "cut short"),
        Rule(
            "integers have at most 10 bytes", file(tensor()) + [0x08] + [UInt8](repeating: 0xFF, count: 10), "64 bits"),
        Rule("fields lie inside their message", file(tensor()) + [0x12, 0x7F], "claims 127 bytes"),
        Rule("field numbers begin with 1", file(tensor()) + [0x00, 0x00], "field number 0"),
        Rule("groups are refused", file(tensor()) + [0x0B], "wire type 3"),
        Rule("texts are UTF-8", file { $0.bytes(Fields.Tensor.name, [0xFF]) }, "UTF-8"),
        Rule("tensors have names", file(tensor(name: "")), "no usable name"),
        Rule("the data type is known", file(tensor(type: 8)), "data type 8"),
        Rule("the shape fills the data", file(tensor(shape: [3])), "8 are there"),
        Rule("sizes are not negative", file(tensor(shape: [-2])), "the shape"),
        Rule("the shape must not overflow", file(tensor(shape: [.max, 4])), "claims"),
        Rule("there are at most 8 axes", file(tensor(shape: [1, 1, 1, 1, 1, 1, 1, 1, 2])), "the shape"),
        Rule("the data is not outside", file(tensor { $0.integer(Fields.Tensor.location, 1) }), "another file"),
        Rule(
            "no path to outside data is there",
            file(tensor { $0.message(Fields.Tensor.external) { $0.text(1, "location") } }),
            "another file"),
        Rule("the data is there once", file(tensor { $0.bytes(Fields.Tensor.raw, [0]) }), "twice"),
        Rule(
            "the data is in one field", file(tensor { $0.bytes(Fields.Tensor.floats, [0, 0, 0, 0]) }), "raw and typed"),
        Rule(
            "typed data is of one type",
            file(
                tensor(raw: nil) {
                    $0.bytes(Fields.Tensor.floats, [0, 0, 0, 0])
                    $0.bytes(Fields.Tensor.doubles, [0, 0, 0, 0])
                }), "several fields"),
        Rule(
            "the field is that of the type",
            file(tensor(type: 7, raw: nil) { $0.bytes(Fields.Tensor.int32s, [1, 1]) }),
            "i64 in field 5"),
        Rule(
            "integers fill the shape", file(tensor(type: 7, raw: nil) { $0.bytes(Fields.Tensor.int64s, [1]) }),
            "8 are there"),
        Rule(
            "there are no more integers than the shape has",
            file(tensor(type: 7, raw: nil) { $0.bytes(Fields.Tensor.int64s, [1, 1, 1]) }), "more elements than"),
        Rule(
            "integers fit in memory",
            file(tensor(shape: [1 << 24], type: 7, raw: nil) { $0.bytes(Fields.Tensor.int64s, [1]) }), "would take"),
        Rule("texts are refused", file(tensor { $0.text(Fields.Tensor.strings, "x") }), "texts"),
        Rule("numbers end", file(tensor()) + [0x0D, 1, 2], "a number is cut short"),
        Rule("messages are no numbers", [0x08, 8, 0x38, 1], "the graph is a number"),
        Rule("numbers are no messages", file(version: nil, tensor()) + [0x0A, 1, 8], "the version is no integer"),
        Rule(
            "typed data is packed", file(tensor(raw: nil) { $0.float(Fields.Tensor.floats, 1) }), "are not packed"),
        Rule("segments are refused", file(tensor { $0.integer(Fields.Tensor.segment, 1) }), "segment"),
        Rule(
            "no metadata occurs twice",
            {
                var model = ProtobufWriter()
                for _ in 0..<2 {
                    model.message(Fields.Model.metadata) { text in
                        text.text(1, "a")
                        text.text(2, "b")
                    }
                }
                return file(tensor()) + model.bytes
            }(), "\"a\" is there twice"),
        Rule(
            "no name occurs twice",
            {
                var model = ProtobufWriter()
                model.integer(1, 8)
                model.message(7) { graph in for _ in 0..<2 { graph.message(5, tensor()) } }
                return model.bytes
            }(), "two tensors"),
        Rule(
            "sparse weights are refused",
            {
                var model = ProtobufWriter()
                model.integer(1, 8)
                model.message(7) { $0.message(15) { _ in } }
                return model.bytes
            }(), "sparse"),
    ]

    @Test(arguments: rules) func rule(_ rule: Rule) {
        #expect(rule.problem { _ = try ONNXReader.decode($0) } == nil)
    }

    // MARK: Data outside the file

    /// A tensor of two f32 whose elements are elsewhere.
    private static func outside(_ fields: [(String, String)], name: String = "a") -> (inout ProtobufWriter) -> Void {
        tensor(name: name, raw: nil) { writer in
            for (field, text) in fields {
                writer.message(Fields.Tensor.external) { entry in
                    entry.text(1, field)
                    entry.text(2, text)
                }
            }
            writer.integer(Fields.Tensor.location, 1)
        }
    }

    private func read(_ folder: String, _ model: [UInt8]) throws -> [ForeignTensor] {
        let path = folder + "/model.onnx"
        try Data(model).write(to: URL(fileURLWithPath: path))
        return try ForeignFile(path: path).tensors
    }

    @Test func dataBesideTheModelAreRead() throws {
        try withTemporaryFolder { folder in
            let values: [Float] = [9, 1, 2, 3, 4]
            let data = URL(fileURLWithPath: folder + "/model.onnx.data")
            try values.withUnsafeBytes { Data($0) }.write(to: data)
            var model = ProtobufWriter()
            model.integer(Fields.Model.irVersion, 8)
            model.message(Fields.Model.graph) { graph in
                graph.message(
                    Fields.Graph.initializers,
                    Self.outside([("location", "model.onnx.data"), ("offset", "4"), ("length", "8")]))
                graph.message(
                    Fields.Graph.initializers,
                    Self.outside([("location", "model.onnx.data"), ("offset", "12")], name: "b"))
            }
            let tensors = try read(folder, model.bytes)
            #expect(try tensors.map { try $0.floats() } == [[1, 2], [3, 4]])
            // Where the model is in the folder that one is in.
            let here = FileManager.default.currentDirectoryPath
            #expect(FileManager.default.changeCurrentDirectoryPath(folder))
            defer { _ = FileManager.default.changeCurrentDirectoryPath(here) }
            #expect(try ForeignFile(path: "model.onnx").tensors[1].floats() == [3, 4])
        }
    }

    @Test func otherFilesAreNotOpened() throws {
        try withTemporaryFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/inner", withIntermediateDirectories: false)
            for name in ["secret", "inner/data"] {
                try Data(count: 64).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
            }
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/inner/link", withDestinationPath: folder + "/secret")
            func problem(_ fields: [(String, String)]) throws -> String {
                let error = #expect(throws: ZooError.self) {
                    try read(folder + "/inner", Self.file(Self.outside(fields)))
                }
                return (error?.message ?? "") + (error?.advice ?? "")
            }
            for location in ["../secret", "\(folder)/secret", "..", "", "x/../../secret"] {
                #expect(
                    try problem([("location", location)]).contains("no file of the model's own folder"), "\(location)")
            }
            #expect(try problem([("offset", "0")]).contains("no file of the model's own folder"))
            #expect(try problem([("location", "link")]).contains("no regular file but a link"))
            let missing = try problem([("location", "none")])
            #expect(missing.contains("not beside the model") && missing.contains("external_data=False"))
            #expect(try problem([("location", "data"), ("offset", "60")]).contains("claims 8 bytes at 60"))
            #expect(try problem([("location", "data"), ("offset", "-4")]).contains("the offset of"))
            #expect(try problem([("location", "data"), ("length", "12")]).contains("has 12 for it"))
            #expect(try problem([("location", "data"), ("location", "data")]).contains("twice"))
            var shared = ProtobufWriter()
            shared.integer(Fields.Model.irVersion, 8)
            shared.message(Fields.Model.graph) { graph in
                for name in ["a", "b"] {
                    graph.message(Fields.Graph.initializers, Self.outside([("location", "data")], name: name))
                }
            }
            let error = #expect(throws: ZooError.self) { try read(folder + "/inner", shared.bytes) }
            #expect(error?.message.contains("begins at byte 0, inside") == true, "\(String(describing: error))")
        }
    }

    /// As the package onnx writes it.
    @Test(.enabled(if: Judge.python != nil)) func dataThatOnnxWrote() throws {
        let definition = try Samples.definition(named: "worked-vae")
        let checkpoint = try Samples.checkpoint(definition)
        try withTemporaryFolder { folder in
            for (number, file) in try checkpoint.exported(to: .onnx, definition: definition).enumerated() {
                let path = "\(folder)/\(number).onnx"
                try Data(file.bytes).write(to: URL(fileURLWithPath: path))
                let script = """
                    import onnx, sys
                    onnx.save(onnx.load(sys.argv[1]), sys.argv[2], save_as_external_data=True, location=sys.argv[3],
                              size_threshold=0)
                    """
                _ = try Judge.run(
                    Judge.python, ["-c", script, path, "\(folder)/out\(number).onnx", "out\(number).onnx.data"])
                let (first, second) = (
                    try ForeignFile(path: path), try ForeignFile(path: "\(folder)/out\(number).onnx")
                )
                #expect(first.tensors.map(\.name) == second.tensors.map(\.name))
                #expect(try first.tensors.map { try Array($0.bytes()) } == second.tensors.map { try Array($0.bytes()) })
            }
        }
    }

    @Test func typedElementsAreRead() throws {
        let bytes = Self.file(
            Self.tensor(raw: nil) { $0.bytes(Fields.Tensor.floats, [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]) })
        #expect(try ONNXReader.decode(bytes).tensors[0].floats() == [1, 2])
    }

    /// As onnx.helper.make_tensor writes them, without raw data.
    @Test func elementsInFieldsOfTheirTypesAreRead() throws {
        let file = try ForeignFile(try Fixtures.bytes("typed.onnx"), path: "typed.onnx")
        let tensors = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0) })
        func integers<Value: FixedWidthInteger>(_ name: String, _ type: Value.Type) throws -> [Value] {
            let bytes = Array(try #require(tensors[name]).bytes())
            return stride(from: 0, to: bytes.count, by: MemoryLayout<Value>.size).map { start in
                bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: Value.self) }
            }
        }
        #expect(try integers("i64", Int64.self) == [-1, 784, 1 << 40])
        #expect(try integers("i32", Int32.self) == [-7, 1 << 30])
        #expect(try integers("i8", Int8.self) == [-128, 127])
        #expect(try integers("u64", UInt64.self) == [.max])
        #expect(try integers("flag", UInt8.self) == [1, 0])
        #expect(try tensors["a.weight"]?.floats() == [0.5, -2])
        #expect(try tensors["f16"]?.floats() == [1.5, -0.25, 65504])
        #expect(try tensors["bf16"]?.floats() == [1.5, -3])
    }

    /// What a graph needs for reshaping is no weight of the model.
    @Test func integersOfAGraphAreNamedAndNotUsed() throws {
        let definition = try Samples.definition(named: "worked-vae")
        let checkpoint = try Samples.checkpoint(definition)
        let files = try checkpoint.exported(to: .onnx, definition: definition).map {
            try ForeignFile($0.bytes, path: "model.onnx")
        }
        let shape = ForeignTensor(
            name: "onnx::Reshape_7", shape: [1], elementType: .int64, bytes: [UInt8](repeating: 0, count: 8)[...])
        var first = try #require(files.first)
        first.tensors.append(shape)
        let weights = try WeightAssignment([first] + files.dropFirst(), to: definition)
        #expect(weights.parameters == checkpoint.parameters)
        #expect(weights.unused == ["onnx::Reshape_7"])
    }

    @Test func aPlugInsLayerIsNamed() throws {
        let registry = try ExamplePlugIn.extend(Samples.registry)
        let definition = try ModelDefinition(
            text: try registry.model("scaled-vae-mnist").text, source: "plug-in", registry: registry)
        let checkpoint = try Samples.checkpoint(definition)
        for format in [InterchangeFormat.onnx, .keras] {
            let error = #expect(throws: ZooError.self) { try checkpoint.exported(to: format, definition: definition) }
            #expect(error?.description.contains("encoder.scale1") == true, "\(String(describing: error))")
        }
    }
}
