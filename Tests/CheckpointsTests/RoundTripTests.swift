import Checkpoints
import FileSupport
import TensorCore
import TestSupport
import Testing

@Suite struct RoundTripTests {
    @Test func everyPartComesBack() throws {
        let checkpoint = Samples.small()
        #expect(try Checkpoint(encoded: try checkpoint.encoded()) == checkpoint)
    }

    @Test func everyPartComesBackThroughAFile() throws {
        try withTemporaryFolder { folder in
            let checkpoint = Samples.small()
            try checkpoint.write(to: folder + "/a.h5")
            #expect(try Checkpoint.read(from: folder + "/a.h5") == checkpoint)
            #expect(try Samples.names(in: folder) == ["a.h5"])
        }
    }

    @Test func sameStateGivesSameBytes() throws {
        let first = try Samples.small().encoded()
        _ = try Samples.layered(30, weightCount: 1_000).encoded()
        #expect(try Samples.small().encoded() == first)
    }

    @Test func bitsOfFloatsAreKept() throws {
        let patterns: [UInt32] = [
            0x7FC0_0001, 0xFFC0_1234, 0x7F80_0001, 0xFFBF_FFFF, 0x8000_0000, 0, 1, 0x807F_FFFF, 0x0080_0000,
            0x7F80_0000, 0xFF80_0000, 0x7F7F_FFFF,
        ]
        let tensor = NamedTensor(path: "a.b", shape: [3, 4], values: patterns.map(Float.init(bitPattern:)))
        let checkpoint = Checkpoint(definition: "", model: "", family: "", parameters: [tensor])
        let back = try Checkpoint(encoded: try checkpoint.encoded())
        #expect(back.parameters[0].values.map(\.bitPattern) == patterns)
        #expect(back.parameters[0].shape == [3, 4])
        #expect(back.definition.isEmpty && back.model.isEmpty && back.progress == nil)
    }

    @Test func halfPrecisionRoundsWeightsAndNothingElse() throws {
        let checkpoint = Samples.small()
        let back = try Checkpoint(encoded: try checkpoint.encoded(halfPrecision: true))
        for (before, after) in zip(checkpoint.weights, back.weights) {
            #expect(after.values == before.values.map { Float(Float16($0)) })
        }
        var same = back
        same.parameters = checkpoint.parameters
        same.buffers = checkpoint.buffers
        #expect(same == checkpoint)
        // Rounded once, it stays.
        #expect(try Checkpoint(encoded: try back.encoded(halfPrecision: true)) == back)
    }

    @Test func whatHalfPrecisionCannotHoldIsNamed() throws {
        let tensor = NamedTensor(path: "a.b", shape: [2], values: [1, 70_000])
        let checkpoint = Checkpoint(definition: "", model: "", family: "", parameters: [tensor])
        #expect {
            try checkpoint.encoded(halfPrecision: true)
        } throws: { error in
            "\(error)".contains("a.b holds 70000.0, more than half precision can hold")
        }
    }

    /// `ZOO_JUDGES` names a Python with h5py.
    @Test(.enabled(if: Judge.python != nil)) func anotherReaderSeesHalfPrecision() throws {
        try withTemporaryFolder { folder in
            let checkpoint = Samples.small()
            try AtomicFile.write(try checkpoint.encoded(halfPrecision: true), to: folder + "/a.h5")
            let tensor = try #require(checkpoint.parameters.first)
            let path = tensor.path.split(separator: ".").joined(separator: "/")
            let script =
                "import h5py, sys; d = h5py.File(sys.argv[1])[sys.argv[2]]; print(d.dtype, float(d[()].ravel()[0]))"
            let output = try Judge.run(Judge.python, ["-c", script, folder + "/a.h5", path])
            #expect(
                output.split(separator: "\n").last.map(String.init) == "float16 \(Double(Float16(tensor.values[0])))")
        }
    }

    @Test(arguments: [0, 1, 9, 300, 1_300]) func anyNumberOfLayers(_ count: Int) throws {
        let checkpoint = Samples.layered(count, weightCount: 5)
        #expect(try Checkpoint(encoded: try checkpoint.encoded()) == checkpoint)
    }

    @Test func longTextsComeBack() throws {
        var checkpoint = Samples.small()
        checkpoint.metrics = String(repeating: "{\"loss\": 1.0}\n", count: 20_000)
        checkpoint.provenance["notes"] = String(repeating: "ü", count: 100_000)
        #expect(try Checkpoint(encoded: try checkpoint.encoded()) == checkpoint)
    }

    @Test func slimLeavesOnlyTrainingOut() throws {
        let slim = try Checkpoint(encoded: try Samples.small().slimmed().encoded())
        #expect(!slim.isResumable && slim.optimizer.isEmpty)
        #expect(slim.parameters == Samples.small().parameters && slim.buffers == Samples.small().buffers)
    }

    @Test func layersBeyondOneAttributeComeBack() throws {
        // Names of 200 bytes: the list of 400 layers does not fit one attribute.
        let name = String(repeating: "n", count: 200)
        let checkpoint = Checkpoint(
            definition: "", model: "m", family: "f",
            parameters: (0..<400).map { NamedTensor(path: "\(name)\($0).w", shape: [1], values: [Float($0)]) })
        #expect(try Checkpoint(encoded: try checkpoint.encoded()) == checkpoint)
    }

    @Test(arguments: [
        ["zoo.weight"], ["a.weight", "a.weight"], ["a", "a.b"], ["a.b", "a"], ["a..b"], [""], ["a/b.c"], ["..", "."],
        [String(repeating: "x", count: 256)], [Array(repeating: "g", count: 20).joined(separator: ".")],
        ["a\u{0}b"],
    ]) func pathsThatCannotBeStored(_ paths: [String]) {
        let checkpoint = Checkpoint(
            definition: "", model: "m", family: "f",
            parameters: paths.map { NamedTensor(path: $0, shape: [1], values: [1]) })
        #expect(throws: ZooError.self) { try checkpoint.encoded() }
    }

    @Test func moreThanTheReaderAcceptsIsNotWritten() {
        #expect(throws: ZooError.self) { try Samples.layered(1_400, weightCount: 1).encoded() }
        var deep = Samples.small()
        deep.parameters[0] = NamedTensor(path: "a.w", shape: Array(repeating: 1, count: 9), values: [1])
        #expect(throws: ZooError.self) { try deep.encoded() }
        var text = Samples.small()
        text.definition = "a\u{0}b"
        #expect(throws: ZooError.self) { try text.encoded() }
        var attribute = Samples.small()
        attribute.model = String(repeating: "x", count: 70_000)
        #expect(throws: ZooError.self) { try attribute.encoded() }
        var latent = Samples.small()
        latent.latentStatistics?.active = [true]
        #expect(throws: ZooError.self) { try latent.encoded() }
    }

    @Test func verificationNamesTheDamagedTensor() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.h5"
            try Samples.small().write(to: path)
            #expect(try Checkpoint.verify(path: path).isIntact)

            var bytes = try Samples.bytes(of: path)
            let weight: [UInt8] = [0, 0, 128, 63, 0, 0, 0, 192]
            let position = try #require(bytes.indices.first { bytes[$0...].starts(with: weight) })
            bytes[position] ^= 1
            try writePlainly(bytes, path)
            let report = try Checkpoint.verify(path: path)
            #expect(!report.isIntact && report.fileDigest == .mismatch)
            #expect(report.datasets.filter { !$0.isIntact }.map(\.path) == ["encoder/conv1/weight"])
            let error = #expect(throws: ZooError.self) { try Checkpoint.read(from: path) }
            #expect(error?.message.contains("encoder/conv1/weight") == true)
            #expect(error?.message.hasPrefix(path) == true)
        }
    }

    @Test func aMissingTrailerIsAcceptedOnlyWhenAsked() throws {
        var bytes = try Samples.small().encoded()
        bytes.removeLast(40)
        let error = #expect(throws: ZooError.self) { try Checkpoint(encoded: bytes) }
        #expect(error?.message.contains("cannot be verified") == true)
        #expect(try Checkpoint(encoded: bytes, acceptsUnverified: true) == Samples.small())

        // Without the file's digest, the tensors' own are checked.
        let weight: [UInt8] = [0, 0, 128, 63, 0, 0, 0, 192]
        let position = try #require(bytes.indices.first { bytes[$0...].starts(with: weight) })
        bytes[position] ^= 1
        let damage = #expect(throws: ZooError.self) { try Checkpoint(encoded: bytes, acceptsUnverified: true) }
        #expect(damage?.message.contains("encoder.conv1.weight is damaged") == true)
    }

    @Test func filesThatAreNoneAreRefused() throws {
        try withTemporaryFolder { folder in
            #expect(throws: ZooError.self) { try Checkpoint.read(from: folder) }
            #expect(throws: ZooError.self) { try Checkpoint.read(from: folder + "/absent.h5") }
            #expect(throws: ZooError.self) { try Checkpoint.read(from: "/dev/zero") }
            try writePlainly([], folder + "/empty.h5")
            let error = #expect(throws: ZooError.self) { try Checkpoint.read(from: folder + "/empty.h5") }
            #expect(error?.message.contains("has 0 bytes") == true)
            try writePlainly(Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 100), folder + "/zip.h5")
            #expect(throws: ZooError.self) { try Checkpoint.read(from: folder + "/zip.h5") }
        }
    }
}
