#if compiler(>=6.3)
    import Checkpoints
    import FileSupport
    import Foundation
    import TensorCore
    import TestSupport
    import Testing

    @testable import Interchange

    /// What it takes to read large files, and small ones that unpack to much: each in a process of its own, and never
    /// more than four times the file and 64 MiB.
    @Suite(.serialized) struct MemoryTests {
        /// Reads the file `path` and makes f32 of each tensor; refusing it is an answer, too.
        ///
        /// - Throws: `ZooError` when that takes more memory than it may.
        static func check(_ path: String) throws {
            let byteCount = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
            ProcessMemory.resetPeak()
            let before = ProcessMemory.peak()
            var outcome = "read"
            do {
                if path.hasSuffix("checkpoint.h5") {
                    let checkpoint = try Checkpoint.read(from: path)
                    outcome += ", \(checkpoint.parameters.count) tensors"
                } else {
                    let file = try ForeignFile(path: path)
                    for tensor in file.tensors { _ = try tensor.floats() }
                    outcome += ", \(file.tensors.count) tensors"
                }
            } catch let error as ZooError {
                outcome = "refused: \(error.message.replacing(path + ": ", with: ""))"
            }
            let growth = ProcessMemory.peak() - before
            let text = "\(byteCount >> 10) KiB, +\(growth >> 10) KiB, \(outcome)"
            try Data(text.utf8).write(to: URL(fileURLWithPath: path + ".report"))
            guard growth <= 4 * byteCount + 64 << 20 else { throw ZooError("\(path): \(text)") }
        }

        /// Reads every file of `folder` that way; what was said of each, by its name.
        private func reports(_ folder: String) async throws -> [String: String] {
            var reports: [String: String] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
                let path = "\(folder)/\(name)"
                await #expect(processExitsWith: .success) { [path = path as String] in try MemoryTests.check(path) }
                let report = try? String(contentsOfFile: path + ".report", encoding: .utf8)
                reports[name] = report ?? "ended early"
                print("memory of reading \(name): \(report ?? "the process ended early")")
            }
            return reports
        }

        private func withFolder(_ body: (String) async throws -> Void) async throws {
            let folder = FileManager.default.temporaryDirectory.path + "/zoo-test-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try await body(folder)
        }

        /// 40 MB in one large and several smaller tensors.
        @Test func largeFilesOfTheZoo() async throws {
            try await withFolder { folder in
                let counts = [6_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000]
                let tensors = counts.enumerated().map { index, count in
                    NamedTensor(
                        path: "encoder.fc\(index).weight", shape: [1_000, count / 1_000],
                        values: (0..<count).map { Float($0 % 977) })
                }
                try Checkpoint(definition: "", model: "m", family: "f", parameters: tensors)
                    .write(to: folder + "/checkpoint.h5")
                var graph = ONNXGraph(name: "g")
                graph.weights = tensors
                var tree = HDF5Group<HDF5Values>()
                for tensor in tensors {
                    try tree.insert(
                        .dataset(HDF5Dataset(shape: tensor.shape, payload: .float32(tensor.values))), at: [tensor.path])
                }
                for (name, bytes) in [
                    ("f32.safetensors", SafeTensorsWriter.encode(tensors, metadata: [])),
                    ("f16.safetensors", Self.halves(20_000_000)),
                    ("stored.npz", try NumPyArchive.encode(tensors, definition: "")),
                    ("one.npy", NumPyArchive.encode(tensors[0])),
                    ("graph.onnx", try ONNXWriter.encode(graph, metadata: [])),
                    ("contiguous.h5", try HDF5Writer.image(of: tree)),
                ] {
                    try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
                }
                let reports = try await reports(folder)
                #expect(reports.count == 7)
                for (name, report) in reports { #expect(report.contains("read, "), "\(name): \(report)") }
            }
        }

        /// safetensors of one tensor of f16.
        private static func halves(_ count: Int) -> [UInt8] {
            let header = #"{"a":{"dtype":"F16","shape":[\#(count)],"data_offsets":[0,\#(2 * count)]}}"#
            return withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + header.utf8
                + [UInt8](repeating: 1, count: 2 * count)
        }

        /// Files of NumPy and h5py, compressed, of values that hardly pack and of zeros that pack to almost nothing.
        @Test(.enabled(if: Judge.python != nil)) func compressedFiles() async throws {
            let script = """
                import sys, h5py, numpy as np
                folder = sys.argv[1]
                noise = np.random.default_rng(1).standard_normal((2000, 4000), "f4")
                np.savez_compressed(f"{folder}/noise.npz", a=noise, b=noise[:100])
                def store(name, values, chunks):
                    with h5py.File(f"{folder}/{name}.h5", "w") as f:
                        f.create_dataset("a", data=values, chunks=chunks, compression="gzip", compression_opts=1, shuffle=True)
                store("noise-chunks", noise, (100, 400))
                store("noise-one-chunk", noise[:1000], (1000, 4000))
                for size in (10, 24, 52, 300):
                    for kind in ("f2", "f4", "f8"):
                        zeros = np.zeros((size << 20) // np.dtype(kind).itemsize, kind)
                        np.savez_compressed(f"{folder}/zeros-{size}-{kind}.npz", a=zeros)
                        store(f"zeros-{size}-{kind}-chunks", zeros, (1 << 16,))
                        store(f"zeros-{size}-{kind}-one-chunk", zeros, zeros.shape)
                """
            try await withFolder { folder in
                _ = try Judge.run(Judge.python, ["-c", script, folder])
                let reports = try await reports(folder)
                #expect(reports.count == 39)
                for (name, report) in reports {
                    let isExpected =
                        name.hasPrefix("noise") || name.hasPrefix("zeros-10-f4")
                        ? report.contains("read, ")
                        : name.hasPrefix("zeros-300") ? report.contains("unpacked, ") : !report.contains("early")
                    #expect(isExpected, "\(name): \(report)")
                }
            }
        }
    }
#endif
