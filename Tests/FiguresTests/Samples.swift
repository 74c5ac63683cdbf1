import Foundation
import ImageFiles
import TensorCore
import Testing

/// An image whose every sample differs from its neighbours: the sample number times 37, modulo 251.
func patterned(width: Int, height: Int, channels: Int) throws -> Image8 {
    try Image8(
        width: width, height: height, channels: channels,
        pixels: (0..<(width * height * channels)).map { UInt8($0 * 37 % 251) })
}

/// The error that `body` throws, which must be a `ZooError`.
func zooError(_ body: () throws -> Void) -> ZooError? {
    do {
        try body()
        Issue.record("nothing was thrown")
    } catch let error as ZooError {
        return error
    } catch {
        Issue.record("not a ZooError: \(error)")
    }
    return nil
}

/// Calls `body` with the path of a new folder and removes the folder afterwards.
func withTemporaryFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("figures-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
}

/// A small generator with a fixed start, so that a failing mutation can be made again (SplitMix64).
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
