import TensorCore
import Testing

@testable import Datasets

@Suite struct IDXTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func idx(_ shape: [Int], _ elements: [UInt8]) -> [UInt8] {
        [0, 0, 8, UInt8(shape.count)]
            + shape.flatMap { size in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) } } + elements
    }

    @Test(arguments: [false, true])
    func readsPlainAndCompressedFiles(isCompressed: Bool) throws {
        let elements = noise(3 * 4 * 5)
        let path = Files.join(folder.path, "images")
        let bytes = idx([3, 4, 5], elements)
        if isCompressed {
            try ArchiveWriter.write([("data", bytes)], .gzip, to: path)
        } else {
            try folder.write(bytes, "images")
        }
        #expect(try IDXFile(path: path, expected: [3, 4, 5]).elements == elements)
    }

    private func failure(_ bytes: [UInt8], expected: [Int] = [3, 2]) throws -> String {
        let path = try folder.write(bytes, "file")
        let text = try message { _ = try IDXFile(path: path, expected: expected) }
        #expect(text.contains(path))
        return text
    }

    @Test func wrongFilesAreNamedAndExplained() throws {
        let good = idx([3, 2], noise(6))
        #expect(try failure([0, 0, 9, 2] + good[4...]).contains("begins with 00 00 09 02"))
        #expect(try failure(idx([3, 2, 1], noise(6))).contains("2 dimensions"))
        #expect(try failure(idx([2, 3], noise(6))).contains("holds 2 x 3 values; 3 x 2 were expected"))
        #expect(try failure(Array(good.dropLast())).contains("6 bytes were expected, only 5 found"))
        #expect(try failure(good + [1]).contains("6 bytes were expected, more found"))
        #expect(try failure(Array(good[..<7])).contains("ends in its header, after 7 of 12 bytes"))
        #expect(try failure([0xFF, 0xFF, 0xFF]).contains("is not the expected IDX file"))
        _ = try failure([])
    }

    @Test func aTruncatedCompressedFileIsAnError() throws {
        let path = Files.join(folder.path, "images.gz")
        try ArchiveWriter.write([("data", idx([50, 100], noise(5000)))], .gzip, to: path)
        let bytes = try Files.read(path, maximumByteCount: 1 << 20)
        for count in [bytes.count - 9, bytes.count / 2, 20, 11] {
            let cut = try folder.write(Array(bytes[..<count]), "cut.gz")
            #expect(throws: ZooError.self) { try IDXFile(path: cut, expected: [50, 100]) }
        }
    }

    @Test func readsADataSetOfFourFiles() throws {
        let images = noise(7 * 28 * 28)
        let labels: [UInt8] = [0, 1, 2, 3, 4, 5, 9]
        let parts = [
            idx([5, 28, 28], Array(images[..<(5 * 784)])), idx([5], Array(labels[..<5])),
            idx([2, 28, 28], Array(images[(5 * 784)...])), idx([2], Array(labels[5...])),
        ]
        let paths = try parts.enumerated().map { try folder.write($1, "\($0)") }
        let info = try DatasetCatalog.builtIn.descriptor("mnist").info
        let dataset = try MNISTFormat.read(info, paths: paths, counts: (5, 2))
        #expect(dataset.count == 7)
        #expect(try dataset.images([6, 0]) == Array(images[(6 * 784)...]) + images[..<784])
        #expect((0..<7).map { dataset.label($0) } == labels.map { Int($0) })
        #expect(dataset.indices(of: .train) == [0, 1, 2, 3, 4])
        #expect(dataset.indices(of: .validation) == [])
        #expect(dataset.indices(of: .test) == [5, 6])
        #expect(dataset.factors(0) == nil)

        try folder.write(idx([2], [3, 10]), "3")
        #expect(try message { _ = try MNISTFormat.read(info, paths: paths, counts: (5, 2)) }.contains("image 1 is 10"))
    }

    @Test(.enabled(if: hasRealData("mnist")))
    func readsTheRealMNIST() throws {
        let options = DatasetOptions(dataDirectory: realData, environment: [:])
        let clock = ContinuousClock()
        var dataset: (any Dataset)?
        let duration = try clock.measure { dataset = try DatasetCatalog.builtIn.open("mnist", options) }
        print("mnist opened in \(duration)")
        let mnist = try #require(dataset)
        #expect(mnist.count == 70_000)
        #expect((0..<8).map { mnist.label($0) } == [5, 0, 4, 1, 9, 2, 1, 3])
        #expect(mnist.indices(of: .test).first == 60_000)
        #expect(mnist.label(60_000) == 7)
        let verification = try DatasetCatalog.builtIn.verify("mnist", options)
        #expect(verification.summary == "mnist: readable, 70,000 images, checksums match the publisher's")
    }
}
