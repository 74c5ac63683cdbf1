import TensorCore
import Testing

@testable import Datasets

@Suite struct CIFAR10Tests {
    private let folder: TemporaryFolder
    private let info: DatasetInfo
    /// Two records a file; record r of file f has label (2f + r) mod 10.
    private let files: [(name: String, bytes: [UInt8])]

    init() throws {
        folder = try TemporaryFolder()
        info = try DatasetCatalog.builtIn.descriptor("cifar-10").info
        files = CIFAR10Format.fileNames.enumerated().map { file, name in
            var records: [UInt8] = []
            for image in [2 * file, 2 * file + 1] {
                records.append(UInt8(image % 10))
                records += noise(3072, seed: UInt64(image))
            }
            return ("cifar-10-batches-bin/" + name, records)
        }
    }

    private func check(_ dataset: any Dataset) throws {
        #expect(dataset.count == 12)
        #expect((0..<12).map { dataset.label($0) } == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
        #expect(dataset.indices(of: .test) == [10, 11])
        let planes = noise(3072, seed: 11)
        let pixels = try dataset.images([11])
        var interleaved: [UInt8] = []
        for pixel in 0..<1024 {
            for channel in 0..<3 { interleaved.append(planes[1024 * channel + pixel]) }
        }
        #expect(pixels == interleaved)
    }

    @Test func readsArchivesAndFolders() throws {
        let archive = Files.join(folder.path, "cifar-10-binary.tar.xz")
        // In another order than the images': the name decides.
        try ArchiveWriter.write([("cifar-10-batches-bin/readme.html", [1, 2])] + files.reversed(), .tarXZ, to: archive)
        try check(CIFAR10Format.read(info, path: archive, recordsPerFile: 2))
        for file in files { try folder.write(file.bytes, file.name) }
        let batches = Files.join(folder.path, CIFAR10Format.folderName)
        try check(CIFAR10Format.read(info, path: batches, recordsPerFile: 2))
    }

    @Test func slowArchivesAreUnpackedOnce() throws {
        let archive = Files.join(folder.path, "a.tar.xz")
        let cache = Files.join(folder.path, "cache")
        try ArchiveWriter.write(files, .tarXZ, to: archive)
        try check(CIFAR10Format.read(info, path: archive, cacheFolder: cache, recordsPerFile: 2))
        let unpacked = Files.join(cache, "unpacked")
        let names = try Files.names(in: unpacked)
        #expect(names.count == 1)
        #expect(try Files.names(in: Files.join(unpacked, names[0])) == CIFAR10Format.fileNames)
        try check(CIFAR10Format.read(info, path: archive, cacheFolder: cache, recordsPerFile: 2))
        // A damaged cache is passed over; a cache that cannot be written does not matter.
        try folder.write([1], "cache/unpacked/\(names[0])/data_batch_1.bin")
        try check(CIFAR10Format.read(info, path: archive, cacheFolder: cache, recordsPerFile: 2))
        try check(CIFAR10Format.read(info, path: archive, cacheFolder: "/dev/null/x", recordsPerFile: 2))
    }

    @Test func damagedDataIsNamedAndExplained() throws {
        let archive = Files.join(folder.path, "a.tar.xz")
        func failure() throws -> String {
            try message { _ = try CIFAR10Format.read(info, path: archive, recordsPerFile: 2) }
        }
        try ArchiveWriter.write(Array(files.dropLast()), .tarXZ, to: archive)
        #expect(try failure().contains("does not hold test_batch.bin"))

        var damaged = files
        damaged[2].bytes.removeLast()
        try ArchiveWriter.write(damaged, .tarXZ, to: archive)
        #expect(try failure().contains("6146 bytes were expected, only 6145 found"))

        damaged = files
        damaged[1].bytes[3073] = 77
        try ArchiveWriter.write(damaged, .tarXZ, to: archive)
        #expect(try failure().contains("the label of record 1 is 77"))

        try ArchiveWriter.write([files[0], files[0]], .tarXZ, to: archive)
        #expect(try failure().contains("twice"))
        #expect(throws: ZooError.self) {
            try CIFAR10Format.read(info, path: archive, cacheFolder: folder.path, recordsPerFile: 2)
        }
        #expect(try Files.names(in: Files.join(folder.path, "unpacked")) == [])

        try folder.write(noise(500), "a.tar.xz")
        #expect(try failure().contains(archive))

        try folder.write([1], "cifar-10-batches-bin/data_batch_1.bin")
        let batches = Files.join(folder.path, CIFAR10Format.folderName)
        #expect(
            try message { _ = try CIFAR10Format.read(info, path: batches, recordsPerFile: 2) }
                .contains("has 1 bytes; 6146 were expected"))
    }

    @Test(.enabled(if: hasRealData("cifar-10")))
    func readsTheRealCIFAR10() throws {
        let folder = try TemporaryFolder()
        let options = DatasetOptions(dataDirectory: realData, environment: ["XDG_CACHE_HOME": folder.path])
        let clock = ContinuousClock()
        var dataset: (any Dataset)?
        let duration = try clock.measure { dataset = try DatasetCatalog.builtIn.open("cifar-10", options) }
        let again = try clock.measure { dataset = try DatasetCatalog.builtIn.open("cifar-10", options) }
        print("cifar-10 opened in \(duration), the second time in \(again)")
        let cifar = try #require(dataset)
        #expect(cifar.count == 60_000)
        #expect((0..<5).map { cifar.label($0) } == [6, 9, 9, 4, 1])
        #expect(cifar.indices(of: .test).count == 10_000)
        // The first pixel of the first image, a frog.
        #expect(try Array(cifar.images([0])[..<3]) == [59, 62, 63])
    }
}
