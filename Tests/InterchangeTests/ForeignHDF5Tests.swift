import Checkpoints
import FileSupport
import TensorCore
import TestSupport
import Testing

@testable import Interchange

/// Files of h5py and Keras, which tools/reference/foreign_files.py wrote.
@Suite struct ForeignHDF5Tests {
    @Test func filesOfH5pyAreRead() throws {
        let bytes = try Fixtures.bytes("h5py.h5")
        let root = try HDF5Reader.read(HDF5MemorySource(bytes), limits: .foreign)
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

    @Test func theCheckpointReaderTakesOnlyTheZoosProfile() throws {
        let bytes = try Fixtures.bytes("h5py.h5")
        #expect(throws: ZooError.self) { try HDF5Reader.read(HDF5MemorySource(bytes)) }
    }

    /// Each fixture breaks one rule.
    @Test(arguments: [
        ("fletcher", "filter 3"), ("lzf", "filter 32000"), ("soft_link", "soft link"),
        ("external_link", "external link"), ("hard_link_twice", ""), ("cycle", ""), ("external_data", "external files"),
        ("virtual", "layout"), ("big_endian", "little-endian"), ("compound", "class 6"), ("reference", "class 7"),
        ("opaque", "class 5"), ("committed_type", ""), ("sparse_chunks", "1 are stored"), ("bomb", "Unpacked"),
        ("texts", "texts of any length"), ("latest", "layout version 4"), ("user_block", "no HDF5"),
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
            let changed = zip(tensors, sound).filter {
                $0.name != $1.name || $0.shape != $1.shape || $0.bytes != $1.bytes
            }
            // A group's name is a part of the names of all that is in it.
            let isRenamed = changed.contains { $0.name != $1.name }
            #expect(changed.count <= 1 || isRenamed, "byte \(index)")
        }
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
