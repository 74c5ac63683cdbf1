import Checkpoints
import FileSupport
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Interchange

/// Files of h5py and Keras, which tools/reference/foreign_files.py wrote.
@Suite struct ForeignHDF5Tests {
    @Test func filesOfH5pyAreRead() throws {
        let bytes = try Fixtures.bytes("h5py.h5")
        let root = try HDF5Reader.read(MemorySource(bytes), limits: .foreign)
        #expect(root.attributes.value("text") == .string("größe"))
        #expect(root.attributes.value("texts") == .strings(["a", "bc"]))
        #expect(root.attributes.value("fixed") == .string("fixed"))
        #expect(root.attributes.value("none") == .strings([]))
        #expect(root.attributes.value("vector") == .unread("f64 [2]"))
        let tensors = Dictionary(
            uniqueKeysWithValues: try KerasReader.decode(bytes).tensors.map { ($0.name, $0) })
        #expect(tensors["chunks"]?.shape == [7, 5, 3])
        #expect(try tensors["chunks"]?.floats() == (0..<105).map { Float($0) })
        #expect(try tensors["growing"]?.floats() == [0, 1, 2, 3, 4])
        #expect(try tensors["compact"]?.floats() == [0, 1, 2, 3])
        #expect(tensors["empty"]?.shape == [0, 3])
        #expect(try tensors["types.f2"]?.floats() == [0, 1, 2])
        #expect(try tensors["types.f8"]?.floats() == [0, 1, 2])
        #expect(tensors["types.i4"]?.elementType == .int32 && tensors["types.u2"]?.elementType == .uint16)
        for index in 0..<40 { #expect(try tensors["many.group\(index).weight"]?.floats() == [Float(index)]) }
    }

    @Test(arguments: ["h5py", "shared", "latest", "track_order", "user_block-latest"])
    func theCheckpointReaderTakesOnlyTheZoosProfile(_ name: String) throws {
        let bytes = try Fixtures.bytes(name + ".h5")
        #expect(throws: ZooError.self) { try HDF5Reader.read(MemorySource(bytes)) }
    }

    private func values(_ name: String) throws -> [String: [Float]] {
        Dictionary(
            uniqueKeysWithValues: try KerasReader.decode(try Fixtures.bytes(name)).tensors.map {
                ($0.name, $0.elementType == .uint8 ? try $0.bytes().map { Float($0) } : try $0.floats())
            })
    }

    /// One object under two names, a datatype that is an object, and what was never written.
    @Test func sharedObjectsAndUnwrittenDataAreRead() throws {
        let values = try values("shared.h5")
        #expect(
            values == [
                "x": [0, 1], "y": [0, 1], "group.w": [0, 1, 2], "again.w": [0, 1, 2], "typed": [0, 1],
                "never": [0, 0, 0, 0], "filled": [2.5, 2.5, 2.5, 2.5], "sparse": [-1, -1, -1, 7, 8, -1, -1, -1],
                "none": [0, 0, 0, 0, 0, 0, 0, 0],
            ])
        let root = try HDF5Reader.read(MemorySource(try Fixtures.bytes("shared.h5")), limits: .foreign)
        var typed: HDF5Dataset<HDF5Extent>?
        if case .dataset(let dataset) = root["typed"] { typed = dataset }
        #expect(typed?.attributes.value("a") == .unread("f32 [2]"))
        #expect(root["type"] == nil)
    }

    /// A tree of links is not larger than a file may describe.
    @Test func objectsUnderManyNamesCountEachTime() throws {
        var limits = HDF5Limits.foreign
        // The root and ten others, of which x, the group and its w have a second name.
        limits.objectCount = 14
        let source = MemorySource(try Fixtures.bytes("shared.h5"))
        _ = try HDF5Reader.read(source, limits: limits)
        limits.objectCount = 13
        #expect(throws: ZooError.self) { try HDF5Reader.read(source, limits: limits) }
    }

    @Test func theNewestFormatIsRead() throws {
        let bytes = try Fixtures.bytes("latest.h5")
        let root = try HDF5Reader.read(MemorySource(bytes), limits: .foreign)
        for index in 0..<12 { #expect(root.attributes.value("attribute\(index)") == .integer(Int64(index))) }
        #expect(root.attributes.count == 12)
        let values = try values("latest.h5")
        for index in 0..<60 { #expect(values["member\(index)"] == [Float(index)]) }
        let counted = (0..<35).map { Float($0) }
        for name in [
            "one", "one_packed", "fixed", "fixed_packed", "room", "rows", "columns", "columns_packed", "growing",
            "growing_packed", "implicit",
        ] {
            #expect(values["chunks.\(name)"] == counted, "\(name)")
        }
        #expect(values["chunks.pages"] == (0..<1100).map { Float($0 % 256) })
        #expect(values["chunks.endless"] == (0..<3000).map { Float($0 % 256) })
    }

    @Test func linksInTheOrderInWhichTheyWereMade() throws {
        let tensors = try KerasReader.decode(try Fixtures.bytes("track_order.h5")).tensors
        #expect(tensors.map(\.name) == (0..<12).reversed().map { "layer\($0).weight" })
        #expect(try tensors.map { try $0.floats() } == (0..<12).reversed().map { [Float($0)] })
    }

    @Test(arguments: ["user_block-earliest.h5", "user_block-latest.h5"])
    func aUserBlockIsPassedOver(_ name: String) throws {
        let bytes = try Fixtures.bytes(name)
        try withTemporaryFolder { folder in
            let path = "\(folder)/\(name)"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let file = try ForeignFile(path: path)
            #expect(file.format == .keras)
            #expect(try file.tensors.map { try $0.floats() } == [[0, 1], [0, 1, 2, 3, 4, 5, 6, 7]])
        }
    }

    @Test func brainFloatsOfKerasAreRead() throws {
        let tensors = try KerasReader.decode(try Fixtures.bytes("keras-bfloat16.weights.h5")).tensors
        #expect(tensors.map(\.elementType) == [.bfloat16, .bfloat16])
        #expect(try tensors.map { try $0.floats() } == [[1.5, -2, 0.25, 3, -1, 0], [0.5, 4]])
    }

    /// Each fixture breaks one rule.
    @Test(arguments: [
        ("fletcher", "filter 3"), ("lzf", "filter 32000"), ("soft_link", "soft link"),
        ("external_link", "external link"), ("cycle", "/a is a link to a group that contains it"),
        ("external_data", "external files"), ("virtual", "layout"), ("big_endian", "little-endian"),
        ("compound", "class 6"), ("reference", "class 7"), ("opaque", "3 bytes of unknown meaning"),
        ("bomb", "unpacked"), ("texts", "texts of any length"),
    ]) func refused(_ name: String, _ message: String) throws {
        let bytes = try Fixtures.bytes("refused-\(name).h5")
        #expect(Rule(name, bytes, message).problem { _ = try KerasReader.decode($0) } == nil)
    }

    @Test(arguments: ["keras.weights.h5", "keras.h5"]) func truncationAtEveryByteIsFound(_ name: String) throws {
        let bytes = try Fixtures.bytes(name)
        for count in bytes.indices {
            guard (try? KerasReader.decode(Array(bytes[..<count]))) == nil else {
                Issue.record("\(name) was read from its first \(count) bytes")
                continue
            }
        }
    }

    /// These files have no checksums, so a change may go unnoticed, but never changes what is read of other tensors.
    @Test func aChangeOfEveryByteIsRefusedOrChangesOneTensor() throws {
        var bytes = try Fixtures.bytes("keras.weights.h5")
        let sound = try KerasReader.decode(bytes).tensors
        for index in bytes.indices {
            bytes[index] ^= 0x81
            defer { bytes[index] ^= 0x81 }
            guard let tensors = try? KerasReader.decode(bytes).tensors, tensors.count == sound.count else { continue }
            let changed = try zip(tensors, sound).filter {
                try $0.name != $1.name || $0.shape != $1.shape || $0.bytes() != $1.bytes()
            }
            // A group's name is a part of the names of all that is in it.
            let isRenamed = changed.contains { $0.name != $1.name }
            #expect(changed.count <= 1 || isRenamed, "byte \(index)")
        }
    }

    /// A Keras model whose two layers are models, one functional and one sequential.
    @Test func modelsInAModelOfKerasAreRead() throws {
        let definition = try Samples.definition(
            """
            format: zoo.model/1
            name: nested
            family: vae
            summary: The model of the fixtures
            input: [8]
            latent: {size: 2, mean: mean, log_variance: log_variance}
            encoder: [{fc1: {linear: 4, activation: relu}}]
            decoder: [{fc1: {linear: 4, activation: relu}}, {fc2: {linear: 8, activation: sigmoid}}]
            objective: {reconstruction: bernoulli, kl: {weight: 1}}
            training: {optimizer: {adam: {learning_rate: 0.001}}, batch_size: 4, epochs: 1}

            """)
        let weights = try ["keras-nested.weights.h5", "keras-nested.h5"].map { name in
            try WeightAssignment([try ForeignFile(try Fixtures.bytes(name), path: name)], to: definition)
        }
        #expect(weights[0].parameters == weights[1].parameters)
        #expect(weights[0].differences.isEmpty && weights[0].parameters.count == 10)
    }

    /// Both networks in one model, as a `Sequential` has them.
    @Test func bothNetworksInOneModelOfKerasAreRead() throws {
        let definition = try Samples.definition(named: "autoencoder-mnist")
        let checkpoint = try Samples.checkpoint(definition)
        let file = try #require(try checkpoint.exported(to: .keras, definition: definition).first)
        let tensors = try KerasReader.decode(file.bytes).tensors
        var model = HDF5Group<HDF5Values>()
        let shapes = try KerasModel(definition)
        let byPath = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) })
        let parts = shapes.parts.flatMap { part in part.paths.map { ([part.name] + $0).joined(separator: "/") } }
        for (path, name) in zip(shapes.whole.paths, parts) {
            let tensor = try #require(byPath[name])
            try model.insert(
                .dataset(HDF5Dataset(shape: tensor.shape, payload: .float32(try tensor.floats()))), at: path[...])
        }
        let whole = try ForeignFile(try HDF5Writer.image(of: model), path: "whole.weights.h5")
        #expect(try WeightAssignment([whole], to: definition).parameters == checkpoint.parameters)
    }

    /// Both formats of Keras give one model the same weights.
    @Test func bothFormatsOfKerasHoldTheSame() throws {
        let definition = try Samples.definition(
            """
            format: zoo.model/1
            name: small
            family: autoencoder
            summary: The model of the fixtures
            input: [2, 4, 4]
            latent: {size: 2, code: code}
            encoder:
              - conv: {conv2d: {filters: 3, kernel: 2}, activation: relu}
              - norm: {batch_norm: {epsilon: 1.0e-3}}
              - drop: {dropout: 0.5}
            decoder: [{fc: {linear: {units: 32}}}]
            objective: {reconstruction: gaussian}
            training: {optimizer: {adam: {learning_rate: 1.0e-3}}, batch_size: 4, epochs: 1}

            """)
        let weights = try ["keras.weights.h5", "keras.h5"].map { name in
            let file = try ForeignFile(try Fixtures.bytes(name), path: name)
            return try WeightAssignment([file], to: definition, allowing: [.missing])
        }
        #expect(weights[0].parameters == weights[1].parameters)
        #expect(weights[0].buffers == weights[1].buffers)
        #expect(weights[0].differences.map(\.name) == ["decoder.fc.weight", "decoder.fc.bias"])
        let convolution = weights[0].parameters[0]
        #expect(convolution.path == "encoder.conv.weight" && convolution.shape == [3, 2, 2, 2])
    }
}
