import Checkpoints
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Interchange

/// Mutated files: an error or tensors, never a trap, a hang, or more memory than four times the file and 64 MiB.
///
/// `ZOO_FUZZ=1000000` makes so many files per reader instead of 20,000, and watches the memory of the process, for which
/// nothing else should run: `swift test --filter InterchangeTests.MutationTests --no-parallel`.
@Suite(.serialized) struct MutationTests {
    private static let asked = ProcessInfo.processInfo.environment["ZOO_FUZZ"].flatMap { Int($0) }

    enum Reader: String, CaseIterable, Sendable {
        case hdf5, safetensors, numpy, onnx

        func seeds() throws -> [[UInt8]] {
            let definition = try Samples.definition(Samples.everyLayer)
            let checkpoint = try Samples.checkpoint(definition)
            switch self {
            case .hdf5:
                return try [
                    "h5py.h5", "keras.h5", "keras.weights.h5", "latest.h5", "track_order.h5", "shared.h5",
                    "user_block-latest.h5",
                ].map(Fixtures.bytes)
                    + (try checkpoint.exported(to: .keras, definition: definition).map(\.bytes))
            case .safetensors: return try checkpoint.exported(to: .safetensors, definition: definition).map(\.bytes)
            case .numpy:
                return try ["numpy.npz", "compressed.npz", "fortran.npz"].map(Fixtures.bytes) + [
                    NumPyArchive.encode(NamedTensor(path: "a", shape: [2, 3], values: [1, 2, 3, 4, 5, 6])),
                    try NumPyArchive.encode(Array(checkpoint.weights.prefix(4)), definition: "d"),
                ]
            case .onnx:
                return try checkpoint.exported(to: .onnx, definition: definition).map(\.bytes)
                    + [try Fixtures.bytes("typed.onnx")]
            }
        }

        /// Reads, and converts what can be converted.
        func read(_ bytes: [UInt8]) throws {
            let tensors: [ForeignTensor]
            switch self {
            case .hdf5: tensors = try KerasReader.decode(bytes).tensors
            case .safetensors: tensors = try SafeTensorsReader.decode(bytes).tensors
            case .numpy:
                tensors =
                    bytes.first == 0x93
                    ? [try NumPyArchive.decode(array: bytes[...], name: "a")]
                    : try NumPyArchive.decode(archive: bytes).tensors
            case .onnx: tensors = try ONNXReader.decode(bytes).tensors
            }
            for tensor in tensors { _ = try? tensor.floats() }
        }
    }

    @Test(arguments: Reader.allCases) func mutationsNeverTrap(_ reader: Reader) throws {
        let seeds = try reader.seeds()
        for seed in seeds.prefix(3) { try reader.read(seed) }
        // Structures come before elements in these files, or are named by signatures.
        let targets = seeds.map(Self.structures)
        let seals = reader == .hdf5 ? seeds.map(HDF5Seals.init) : []
        var numbers = SplitMix64(state: 2_026)
        var (accepted, slowest) = (0, Duration.zero)
        let largest = seeds.map(\.count).max() ?? 0
        ProcessMemory.resetPeak()
        let before = ProcessMemory.peak()
        let clock = ContinuousClock()
        for _ in 0..<(Self.asked ?? 20_000) {
            let seed = Int.random(in: 0..<seeds.count, using: &numbers)
            var bytes = seeds[seed]
            for _ in 0..<Int.random(in: 1...4, using: &numbers) {
                bytes.mutate(in: targets[seed].randomElement(using: &numbers) ?? 0..<bytes.count, &numbers)
            }
            // Half of the files get right checksums, or nothing behind them would ever be reached.
            if reader == .hdf5, Bool.random(using: &numbers) { bytes = seals[seed].applied(to: bytes) }
            var wasRead = false
            let duration = clock.measure {
                do {
                    try reader.read(bytes)
                    wasRead = true
                } catch {
                    // Everything that is thrown says what is wrong.
                    if (error as? ZooError)?.message.isEmpty != false { Issue.record("\(error)") }
                }
            }
            if wasRead { accepted += 1 }
            slowest = max(slowest, duration)
        }
        #expect(accepted > 100, "too few files reach the inner parts")
        #expect(slowest < .seconds(10), "one file took \(slowest)")
        if Self.asked != nil {
            let growth = ProcessMemory.peak() - before
            print("\(reader): \(accepted) of \(Self.asked ?? 0) read, slowest \(slowest), memory +\(growth >> 10) KiB")
            #expect(growth < 4 * largest + 64 << 20)
        }
    }

    /// Parts of a file that hold structures: its first and last bytes, and what follows signatures.
    private static func structures(_ bytes: [UInt8]) -> [Range<Int>] {
        let signatures = [
            "TREE", "HEAP", "SNOD", "GCOL", "OHDR", "FRHP", "FHIB", "FHDB", "BTHD", "BTIN", "BTLF", "FAHD", "FADB",
            "PK", "\u{93}NUMPY", "{\"",
        ].map { Array($0.utf8) }
        var ranges = [0..<min(400, bytes.count), max(0, bytes.count - 200)..<bytes.count, 0..<bytes.count]
        for index in bytes.indices where signatures.contains(where: { bytes[index...].starts(with: $0) }) {
            ranges.append(index..<min(index + 160, bytes.count))
        }
        return ranges
    }
}
