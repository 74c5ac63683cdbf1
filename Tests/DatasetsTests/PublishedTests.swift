import FileSupport
import Glibc
import TensorCore
import TestSupport
import Testing

@testable import Datasets

/// Published data sets in their true formats, with few images.
@Suite struct PublishedTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private var options: DatasetOptions { DatasetOptions(dataDirectory: folder.path, environment: [:]) }

    private func located(_ name: String) throws -> [String] {
        try DatasetCatalog.builtIn.descriptor(name).locate(options).map(\.path)
    }

    // MARK: Handwriting

    private func idx(_ shape: [Int], _ elements: [UInt8]) -> [UInt8] {
        [0, 0, 8, UInt8(shape.count)]
            + shape.flatMap { size in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) } } + elements
    }

    /// The files of torchvision's folders; and files of the same names that belong to others are not taken.
    @Test func kuzushijiIsFoundAsPeopleHaveIt() throws {
        for name in MNISTFormat.fileNames { try folder.write([1], "KMNIST/raw/\(name)") }
        #expect(try located("kmnist").allSatisfy { $0.contains("/KMNIST/raw/") })
        let inFolder = try DatasetCatalog.builtIn.descriptor("mnist")
        #expect(throws: ZooError.self) { _ = try inFolder.locate(options) }
        #expect(try DatasetCatalog.builtIn.descriptor("kmnist").info.classNames?.count == 10)
    }

    /// As the files are, and in the archive of all of them: transposed, and letters counted from 1.
    @Test(arguments: [false, true]) func letters(isArchive: Bool) throws {
        let images: [UInt8] = (0..<5 * 784).map { (place: Int) -> UInt8 in
            let (image, row) = (place / 784, place % 784 / 28)
            return UInt8(image * 50 + row)
        }
        let labels: [UInt8] = [1, 26, 3, 4, 5]
        let parts = [
            idx([3, 28, 28], Array(images[..<(3 * 784)])), idx([3], Array(labels[..<3])),
            idx([2, 28, 28], Array(images[(3 * 784)...])), idx([2], Array(labels[3...])),
        ]
        let names = EMNIST.letters.fileNames
        if isArchive {
            var entries: [(name: String, bytes: [UInt8])] = []
            for (name, bytes) in zip(names, parts) {
                let path = Files.join(folder.path, "packed")
                try ArchiveWriter.write([(name, bytes)], .gzip, to: path)
                entries.append(("gzip/\(name).gz", try Files.read(path, maximumByteCount: 1 << 20)))
            }
            try Files.makeFolder(folder.path + "/emnist")
            try ArchiveWriter.write(entries, .zip, to: folder.path + "/emnist/gzip.zip")
        } else {
            for (name, bytes) in zip(names, parts) { try folder.write(bytes, "EMNIST/raw/\(name)") }
        }
        let dataset = try DatasetCatalog.builtIn.open("emnist-letters", options)
        #expect(dataset.count == 5 && dataset.indices(of: .train) == [0, 1, 2])
        #expect((0..<5).map { dataset.label($0) } == [0, 25, 2, 3, 4])
        #expect(dataset.info.classNames?.first == "A" && dataset.info.classNames?.last == "Z")
        // What grew from row to row grows from column to column.
        #expect(try dataset.images([1])[..<28].elementsEqual(50..<78))
        #expect(try dataset.images([1])[28...].prefix(28).elementsEqual(50..<78))
        let other = try message { _ = try DatasetCatalog.builtIn.open("emnist-digits", options) }
        #expect(other.contains(isArchive ? "does not hold emnist-digits" : "was not found"), "\(other)")
    }

    @Test func classesOfEMNIST() {
        #expect(
            EMNIST.allCases.map { $0.info.classNames?.count } == [47, 62, 47, 26, 10, 10])
    }

    // MARK: House numbers

    /// As scipy writes files of MATLAB, compressed and not.
    @Test(.enabled(if: Judge.python != nil)) func houseNumbers() throws {
        let script = """
            import sys, numpy as np, scipy.io
            folder = sys.argv[1]
            random = np.random.default_rng(3)
            for name, count, packed in [("train", 4, True), ("test", 3, False)]:
                x = random.integers(0, 256, (32, 32, 3, count)).astype(np.uint8)
                y = np.array([[10], [1], [9], [5]][:count], dtype=np.uint8)
                scipy.io.savemat(f"{folder}/{name}_32x32.mat", {"note": "text", "X": x, "y": y}, do_compression=packed)
                x.transpose(3, 0, 1, 2).tofile(f"{folder}/{name}.raw")
            """
        try Files.makeFolder(folder.path + "/svhn")
        _ = try Judge.run(Judge.python, ["-c", script, folder.path + "/svhn"])
        let paths = try located("svhn")
        let info = try DatasetCatalog.builtIn.descriptor("svhn").info
        let dataset = try SVHNFormat.read(info, paths: paths)
        let expected = try ["train", "test"].flatMap {
            try Files.read("\(folder.path)/svhn/\($0).raw", maximumByteCount: 1 << 20)
        }
        #expect(try dataset.images((0..<7).map { Int32($0) }) == expected)
        #expect((0..<7).map { dataset.label($0) } == [0, 1, 9, 5, 0, 1, 9])
        #expect(dataset.indices(of: .test) == [4, 5, 6])
        // Cut and changed files are errors, and none is more than an error.
        for path in paths {
            let bytes = try Files.read(path, maximumByteCount: 1 << 20)
            for count in [0, 100, 128, 135, 140, 200, bytes.count / 2, bytes.count - 1] {
                let cut = try folder.write(Array(bytes[..<count]), "cut.mat")
                #expect(throws: ZooError.self) { _ = try SVHNFormat.read(info, paths: [cut, cut]) }
            }
            var random = SplitMix64(state: 5)
            for _ in 0..<300 {
                var changed = bytes
                changed[Int.random(in: 120..<min(400, bytes.count), using: &random)] = .random(
                    in: 0...255, using: &random)
                let file = try folder.write(changed, "changed.mat")
                do { _ = try SVHNFormat.read(info, paths: [file, file]) } catch is ZooError {}
            }
        }
    }

    // MARK: Factors

    /// As h5py writes it, in compressed chunks: unpacked once into the cache, then read where it is.
    @Test(.enabled(if: Judge.python != nil)) func threeDimensionalShapes() throws {
        let counts = [2, 1, 2, 3, 4, 2]
        let script = """
            import sys, itertools, numpy as np, h5py
            counts = [int(c) for c in sys.argv[2].split(",")]
            values = [np.linspace(0, 0.9, counts[i]) for i in range(3)] + [np.linspace(0.75, 1.25, counts[3]),
                      np.arange(counts[4]), np.linspace(-30, 30, counts[5])]
            labels = np.array(list(itertools.product(*values)))
            if len(sys.argv) > 3: labels = labels[::-1]
            images = np.random.default_rng(1).integers(0, 256, (len(labels), 64, 64, 3)).astype(np.uint8)
            images[:, :, 32:] = 7
            with h5py.File(f"{sys.argv[1]}/3dshapes.h5", "w") as file:
                file.create_dataset("images", data=images, chunks=(10, 32, 16, 3), compression="gzip")
                file.create_dataset("labels", data=labels)
            images.tofile(f"{sys.argv[1]}/images.raw")
            """
        try Files.makeFolder(folder.path + "/3dshapes")
        let list = counts.map(String.init).joined(separator: ",")
        _ = try Judge.run(Judge.python, ["-c", script, folder.path + "/3dshapes", list])
        let path = try #require(try located("shapes3d").first)
        let expected = try Files.read(folder.path + "/3dshapes/images.raw", maximumByteCount: 1 << 24)
        var unpacked = UnpackedArrays(cacheFolder: folder.path + "/cache")
        for limit in [1 << 30, 0, 0] {
            unpacked.memoryLimit = limit
            let dataset = try Shapes3D.open(path: path, unpacked: unpacked, counts: counts, testCount: 5)
            #expect(dataset.count == 96 && dataset.indices(of: .test).count == 5)
            #expect(try dataset.images((0..<96).map { Int32($0) }) == expected)
            #expect(dataset.factors(95) == [1, 0, 1, 2, 3, 1] && dataset.factors(1) == [0, 0, 0, 0, 0, 1])
            #expect(dataset.info.factors?[3].values == [0.75, 1, 1.25])
            #expect(dataset.info.factors?[4].valueNames?.count == 4)
            let kept = (try? Files.names(in: folder.path + "/cache/unpacked")) ?? []
            #expect(kept.count == (limit == 0 ? 1 : 0) && kept.allSatisfy { $0.hasSuffix(".array") })
        }
        #expect(try message { _ = try Shapes3D.open(path: path, unpacked: unpacked) }.contains("were expected"))
        _ = try Judge.run(Judge.python, ["-c", script, folder.path + "/3dshapes", list, "reversed"])
        #expect(
            try message { _ = try Shapes3D.open(path: path, unpacked: unpacked, counts: counts) }.contains(
                "not in the published order"))
    }

    /// As numpy.savez writes it, which is read where it is, and as numpy.savez_compressed does.
    @Test(arguments: [ArchiveWriter.Form.zip, .zipStored]) func robotArm(form: ArchiveWriter.Form) throws {
        let factors = [Factor(name: "a", valueNames: ["x", "y"]), Factor.spaced("b", count: 3, from: 0, through: 2)]
        let pixels = noise(6 * 64 * 64 * 3)
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 64, 64, 3), }"
        let text = header + String(repeating: " ", count: 117 - header.utf8.count) + "\n"
        let array = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(text.utf8) + pixels
        try Files.makeFolder(folder.path + "/mpi3d")
        try ArchiveWriter.write([("images.npy", array)], form, to: folder.path + "/mpi3d/mpi3d_toy.npz")
        let path = try #require(try located("mpi3d-toy").first)
        let dataset = try MPI3D.toy.open(
            path: path, unpacked: UnpackedArrays(cacheFolder: nil), factors: factors, testCount: 2)
        #expect(try dataset.images((0..<6).map { Int32($0) }) == pixels)
        #expect(dataset.factors(4) == [1, 1])
        // What can no longer be read is an error with a sentence.
        if form == .zipStored {
            #expect(truncate(path, 40_000) == 0)
            #expect(try dataset.images([0]).count == 12_288)
            let lost = try message { _ = try dataset.images([0, 5]) }
            #expect(lost.hasPrefix("row 5 of images can no longer be read: the file ended at byte"), "\(lost)")
            try ArchiveWriter.write([("images.npy", array)], form, to: path)
        }
        #expect(
            try message { _ = try MPI3D.toy.open(path: path, unpacked: UnpackedArrays(cacheFolder: nil)) }.contains(
                "[1036800, 64, 64, 3] of u8 was expected"))
        #expect(MPI3D.factors.reduce(1) { $0 * $1.count } == 1_036_800)
        #expect(Shapes3D.factors.map(\.count) == Shapes3D.counts && Shapes3D.counts.reduce(1, *) == 480_000)
    }

    /// Pictures, arrays and archives: all that the cache holds is listed and removed; data sets that were downloaded there are left.
    @Test func theCacheKnowsAllThatIsInIt() throws {
        let cache = DataCache(folder: folder.path + "/cache")
        #expect(cache.entries.isEmpty && cache.clear().entries == 0)
        try folder.write([1, 2, 3], "3dshapes-b.h5")
        var unpacked = UnpackedArrays(cacheFolder: cache.folder)
        unpacked.memoryLimit = 10
        _ = try unpacked.source("images", in: folder.path + "/3dshapes-b.h5", byteCount: 100) { $0[7] = 1 }
        let archive = try folder.write([1], "some-archive.tar.xz")
        var writer = try #require(UnpackedCache(archive: archive, folder: cache.folder)).writer()
        writer.write([1, 2], "a")
        writer.write([3, 4, 5], "b")
        writer.finish()
        try folder.write([1], "cache/mnist/train-images-idx3-ubyte")
        // Left behind by a process that is no more, and being made by this one.
        try folder.write([1], "cache/unpacked/x.array.part-4194400")
        try folder.write([1], "cache/unpacked/y.array.part-\(getpid())")
        let entries = cache.entries.sorted { $0.byteCount < $1.byteCount }
        #expect(entries.map(\.kind) == [.archive, .array] && entries.map(\.byteCount) == [5, 100])
        #expect(entries.map(\.source) == ["some-archive.tar.xz", "3dshapes-b.h5"])
        #expect(cache.clear() == (2, 105))
        #expect(try Files.names(in: cache.folder + "/unpacked") == ["y.array.part-\(getpid())"])
        #expect(Files.isFile(cache.folder + "/mnist/train-images-idx3-ubyte"))
    }

    /// A small file does not fill the disk.
    @Test func arraysThatTheirFilesCannotHold() throws {
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (500000, 64, 64, 3), }"
        let text = header + String(repeating: " ", count: 117 - header.utf8.count) + "\n"
        let array =
            [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(text.utf8) + [UInt8](repeating: 0, count: 5000)
        let path = folder.path + "/bomb.npz"
        try ArchiveWriter.write([("images.npy", array)], .zip, to: path)
        let unpacked = UnpackedArrays(cacheFolder: folder.path + "/cache")
        let found = try message {
            _ = try ArrayContents(path: path, apart: [], unpacked: unpacked).array(nil, besides: [])
        }
        #expect(found.contains("claims 6144000000 bytes") && !Files.isFolder(folder.path + "/cache"), "\(found)")
    }
}
