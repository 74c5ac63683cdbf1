import Checkpoints
import Foundation
import TensorCore
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
                return try ["h5py.h5", "keras.h5", "keras.weights.h5", "refused-sparse_chunks.h5"].map(Fixtures.bytes)
                    + (try checkpoint.exported(to: .keras, definition: definition).map(\.bytes))
            case .safetensors: return try checkpoint.exported(to: .safetensors, definition: definition).map(\.bytes)
            case .numpy:
                return try ["numpy.npz", "compressed.npz"].map(Fixtures.bytes) + [
                    NumPyArchive.encode(NamedTensor(path: "a", shape: [2, 3], values: [1, 2, 3, 4, 5, 6])),
                    try NumPyArchive.encode(Array(checkpoint.weights.prefix(4)), definition: "d"),
                ]
            case .onnx: return try checkpoint.exported(to: .onnx, definition: definition).map(\.bytes)
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
        var numbers = SeededNumbers(state: 2_026)
        var (accepted, slowest) = (0, Duration.zero)
        let largest = seeds.map(\.count).max() ?? 0
        Self.resetPeak()
        let before = Self.peak()
        let clock = ContinuousClock()
        for _ in 0..<(Self.asked ?? 20_000) {
            let seed = Int.random(in: 0..<seeds.count, using: &numbers)
            var bytes = seeds[seed]
            for _ in 0..<Int.random(in: 1...4, using: &numbers) {
                Self.mutate(&bytes, in: targets[seed].randomElement(using: &numbers) ?? 0..<bytes.count, &numbers)
            }
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
            let growth = Self.peak() - before
            print("\(reader): \(accepted) of \(Self.asked ?? 0) read, slowest \(slowest), memory +\(growth >> 10) KiB")
            #expect(growth < 4 * largest + 64 << 20)
        }
    }

    /// Parts of a file that hold structures: its first and last bytes, and what follows signatures.
    private static func structures(_ bytes: [UInt8]) -> [Range<Int>] {
        let signatures = ["TREE", "HEAP", "SNOD", "GCOL", "OHDR", "PK", "\u{93}NUMPY", "{\""].map { Array($0.utf8) }
        var ranges = [0..<min(400, bytes.count), max(0, bytes.count - 200)..<bytes.count, 0..<bytes.count]
        for index in bytes.indices where signatures.contains(where: { bytes[index...].starts(with: $0) }) {
            ranges.append(index..<min(index + 160, bytes.count))
        }
        return ranges
    }

    /// Changes a few bytes of `range`, or the length of the file.
    private static func mutate(_ bytes: inout [UInt8], in range: Range<Int>, _ numbers: inout SeededNumbers) {
        let range = range.clamped(to: 0..<bytes.count)
        guard let position = range.randomElement(using: &numbers) else { return }
        switch Int.random(in: 0..<14, using: &numbers) {
        case 0: bytes.removeLast(Int.random(in: 0..<min(64, bytes.count), using: &numbers))
        case 1: bytes.removeSubrange(position..<min(position + 8, bytes.count))
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &numbers), at: position)
        case 3:
            let end = min(position + 24, bytes.count)
            bytes.insert(contentsOf: bytes[position..<end], at: position)
        case 4...6: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
        case 7...8: bytes[position] = UInt8.random(in: 0...255, using: &numbers)
        case 9:
            // Digits are sizes in texts.
            bytes[position] = "0123456789[]{},:\"-e.".utf8.randomElement(using: &numbers) ?? 0
        default:
            // A number of 1 to 8 bytes that tends to break arithmetic.
            let special: [UInt64] = [
                0, 1, .max, UInt64(Int64.max), 1 << 63, 1 << 62, 1 << 32, UInt64(UInt32.max), UInt64(bytes.count),
                UInt64(bytes.count - 1), UInt64.random(in: 0...UInt64(bytes.count), using: &numbers), 48, 1 << 25,
            ]
            let number = special.randomElement(using: &numbers) ?? 0
            let width = [1, 2, 4, 8].randomElement(using: &numbers) ?? 1
            for index in 0..<width where position + index < bytes.count {
                bytes[position + index] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(index)))
            }
        }
    }

    /// Makes the kernel forget the largest size of the process so far.
    private static func resetPeak() {
        if let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") {
            try? file.write(contentsOf: Data("5".utf8))
        }
    }

    /// The largest size of the process in bytes.
    private static func peak() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        return (line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) << 10
    }
}
