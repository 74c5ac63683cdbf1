import FileSupport
import TensorCore
import Testing

@testable import Datasets

/// Arrays of one's own: kinds of files, element types, shapes, scalings, labels, and what is refused.
@Suite struct ArrayTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// The bytes of a `.npy`.
    private static func npy(_ descriptor: String, _ shape: [Int], _ elements: [UInt8]) -> [UInt8] {
        let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var header = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(sizes)), }"
        header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8) + elements
    }

    private static func bytes<Element>(_ elements: [Element]) -> [UInt8] { elements.withUnsafeBytes { Array($0) } }

    private func open(
        _ path: String, member: String? = nil, labels: String? = nil, factors: [String] = [], shape: [Int]? = nil,
        scaling: ScalingChoice? = .method(.asIs)
    ) throws -> ArrayDataset {
        let options = DatasetOptions(
            array: ArrayFile(path: path, member: member, labels: labels, factors: factors), shape: shape,
            scaling: scaling)
        return try #require(try DatasetCatalog.builtIn.open("array", options) as? ArrayDataset)
    }

    /// Every element type that stands for real numbers gives its numbers.
    @Test func elementTypes() throws {
        let cases: [(String, [UInt8], [Float])] = [
            ("|b1", [1, 0], [1, 0]), ("|u1", [7, 255], [7, 255]), ("|i1", Self.bytes([-7, 7] as [Int8]), [-7, 7]),
            ("<u2", Self.bytes([65_535, 3] as [UInt16]), [65_535, 3]),
            ("<i2", Self.bytes([-300, 3] as [Int16]), [-300, 3]),
            ("<u4", Self.bytes([1 << 24, 3] as [UInt32]), [16_777_216, 3]),
            ("<i4", Self.bytes([-70_000, 3] as [Int32]), [-70_000, 3]),
            ("<u8", Self.bytes([1 << 40, 3] as [UInt64]), [1_099_511_627_776, 3]),
            ("<i8", Self.bytes([-5, 3] as [Int64]), [-5, 3]),
            ("<f2", Self.bytes([0x3C00, 0xC100] as [UInt16]), [1, -2.5]),
            ("<f4", Self.bytes([0.1, -2.5] as [Float]), [0.1, -2.5]),
            ("<f8", Self.bytes([0.1, -2.5] as [Double]), [0.1, -2.5]),
        ]
        for (descriptor, elements, expected) in cases {
            let path = try folder.write(Self.npy(descriptor, [2, 1], elements), "x.npy")
            let dataset = try open(path)
            #expect(dataset.info.shape == [1] && dataset.count == 2)
            #expect(try dataset.tensor([0, 1]).values == expected, "\(descriptor)")
        }
    }

    /// [N, H, W], [N, C, H, W] and [N, H, W, C] are images, in C H W order whatever the file's.
    @Test func imagesOfAnyNumberOfChannels() throws {
        let numbers = (0..<420).map { UInt8($0 % 251) }
        let path = try folder.write(Self.npy("|u1", [2, 5, 6, 7], numbers), "x.npy")
        let first = try open(path, shape: [5, 6, 7])
        #expect(first.info.shape == [5, 6, 7])
        #expect(try first.tensor([1]).values == numbers[210...].map(Float.init))
        let last = try open(path, shape: [7, 5, 6])
        #expect(last.info.shape == [7, 5, 6])
        for (channel, y, x) in [(0, 0, 0), (6, 4, 5), (3, 2, 1)] {
            let pixel = y * 6 + x
            let found = try last.tensor([1]).values[channel * 30 + pixel]
            let expected = numbers[210 + pixel * 7 + channel]
            #expect(found == Float(expected))
        }
        // Nobody says what is meant: few at the end are channels.
        let colors = try folder.write(Self.npy("|u1", [1, 8, 9, 3], [UInt8](repeating: 3, count: 216)), "c.npy")
        #expect(try open(colors).info.shape == [3, 8, 9])
        let grey = try folder.write(Self.npy("|u1", [3, 2, 2], [UInt8](repeating: 3, count: 12)), "g.npy")
        #expect(try open(grey).info.shape == [1, 2, 2])
        let row = try open(
            try folder.write(Self.npy("|u1", [2, 4], [0, 1, 2, 3, 4, 5, 6, 7]), "r.npy"), shape: [1, 2, 2])
        #expect(try row.info.shape == [1, 2, 2] && row.tensor([1]).values == [4, 5, 6, 7])
        #expect(row.notes.contains { $0.contains("row of 4 numbers is an image [1, 2, 2]") })
    }

    /// Standardised per feature over the training rows, and undone to the numbers of the file.
    @Test func standardisedPerFeature() throws {
        let values: [Double] = (0..<400).flatMap { row in [1_000_000_000 + row, row % 7, 5].map { Double($0) } }
        let path = try folder.write(Self.npy("<f8", [400, 3], Self.bytes(values)), "x.npy")
        let dataset = try open(path, scaling: nil)
        #expect(dataset.scaling.method == .standard && dataset.scaling.count == 3)
        let training = try dataset.tensor(dataset.indices(of: .train))
        for feature in 0..<2 {
            let column = (0..<training.count).map { Double(training[$0][training[$0].startIndex + feature]) }
            let mean = column.reduce(0, +) / Double(column.count)
            let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(column.count)
            #expect(abs(mean) < 1e-5 && abs(variance - 1) < 1e-5, "feature \(feature): \(mean), \(variance)")
        }
        // A constant stays finite.
        #expect(training[0].last == 0)
        let restored = try dataset.scaling.undone(dataset.tensor([17, 399]))
        let expected: [Float] = [1_000_000_000, 3, 5, 1_000_000_384, 0, 5]
        // 1,000,000,017 and 1,000,000,399, as far as f32 holds them; to its last digits, in units of the deviations.
        let isSame = zip(restored.values, expected).allSatisfy { abs($0 - $1) <= 1e-6 * max(1, abs($1)) }
        #expect(isSame, "\(restored.values)")
        // Other data are scaled with the constants of those that the model was trained on.
        let other = try folder.write(Self.npy("<f8", [1, 3], Self.bytes([1e9, 0, 5])), "y.npy")
        let scaled = try open(other, scaling: .constants(dataset.scaling))
        #expect(scaled.scaling == dataset.scaling)
        #expect(try scaled.tensor([0]).values == dataset.tensor([0]).values)
        let wrong = try folder.write(Self.npy("<f8", [1, 2], Self.bytes([1.0, 2])), "z.npy")
        #expect(try message { _ = try open(wrong, scaling: .constants(dataset.scaling)) }.contains("3 features"))
    }

    @Test func scaledToUnitRange() throws {
        let bytes = try open(try folder.write(Self.npy("|u1", [2, 1, 2], [0, 51, 102, 204]), "x.npy"), scaling: nil)
        #expect(bytes.scaling.method == .unit)
        let expected: [Float] = [0, 0.2, 0.4, 0.8]
        let isClose = try zip(bytes.tensor([0, 1]).values, expected).allSatisfy { abs($0 - $1) < 1e-6 }
        #expect(isClose)
        let deep = Self.bytes([100, 4100, 1100, 2100] as [UInt16])
        let words = try open(try folder.write(Self.npy("<u2", [2, 1, 2], deep), "y.npy"), scaling: nil)
        #expect(try words.tensor([0, 1]).values == [0, 1, 0.25, 0.5])
        #expect(try words.images([0]) == [0, 255])
    }

    @Test func numbersThatAreNoneAreRefusedWithTheRow() throws {
        var values = [Float](repeating: 1, count: 3000)
        values[2 * 1234 + 1] = .nan
        let path = try folder.write(Self.npy("<f4", [1500, 2], Self.bytes(values)), "x.npy")
        #expect(try message { _ = try open(path) }.contains("holds NaN in row 1234, feature 1"))
        values[2 * 1234 + 1] = -.infinity
        let infinite = try folder.write(Self.npy("<f4", [1500, 2], Self.bytes(values)), "y.npy")
        #expect(try message { _ = try open(infinite) }.contains("an infinite number in row 1234"))
    }

    @Test func numbersTooLargeToBeScaled() throws {
        let path = try folder.write("a,b\n1e308,1\n-1e308,2\n1e308,3\n-1e308,4\n", "x.csv")
        for method in [ValueScaling.Method.standard, .unit] {
            let text = try message { _ = try open(path, scaling: .method(method)) }
            #expect(text.contains(path) && text.contains("are too large to be scaled"), "\(text)")
        }
    }

    // MARK: Kinds of files

    @Test func anArchiveOfArrays() throws {
        let path = folder.path + "/x.npz"
        let x = Self.npy("<f4", [3, 2], Self.bytes([1, 2, 3, 4, 5, 6] as [Float]))
        let y = Self.npy("<i8", [3], Self.bytes([2, 0, 2] as [Int64]))
        try ArchiveWriter.write([("x.npy", x), ("y.npy", y)], .zip, to: path)
        let dataset = try open(path, labels: "y")
        #expect(try dataset.tensor([0, 1, 2]).values == [1, 2, 3, 4, 5, 6])
        #expect(dataset.info.classNames == ["0", "2"] && (0..<3).map { dataset.label($0) } == [1, 0, 1])
        #expect(try open(path, member: "x").count == 3)
        // As numpy.savez writes them, in any order: read where they are.
        for entries in [[("x.npy", x), ("y.npy", y)], [("y.npy", y), ("x.npy", x)]] {
            try ArchiveWriter.write(entries, .zipStored, to: path)
            let stored = try open(path, labels: "y")
            #expect(try stored.tensor([0, 1, 2]).values == [1, 2, 3, 4, 5, 6] && stored.label(1) == 0)
        }
        #expect(try message { _ = try open(path, member: "z") }.contains("has no array 'z'"))
        try ArchiveWriter.write([("a.npy", x), ("b.npy", x)], .zip, to: path)
        let several = try message { _ = try open(path) }
        #expect(several.contains("holds several arrays") && several.contains("a [3, 2] f32"), "\(several)")
        try ArchiveWriter.write([("folder/readme.txt", [1])], .zip, to: path)
        #expect(try message { _ = try open(path) }.contains("a zip archive of 1 files (folder/readme.txt…)"))
    }

    @Test func aTableWithLabels() throws {
        let text = "length,width,species\n1,2.5,ant\n-3e2,4,\"bee, wild\"\n5,6,ant\n"
        let path = try folder.write(text, "x.csv")
        let dataset = try open(path, labels: "species")
        #expect(try dataset.info.shape == [2] && dataset.tensor([0, 1, 2]).values == [1, 2.5, -300, 4, 5, 6])
        #expect(dataset.info.classNames == ["ant", "bee, wild"] && dataset.label(1) == 1)
        let bare = try folder.write("1\t2\r\n3\t4\r\n", "x.tsv")
        #expect(try open(bare).tensor([0, 1]).values == [1, 2, 3, 4])
        #expect(try open(bare, labels: "1").info.classNames == ["2", "4"])
        #expect(try message { _ = try open(path) }.contains("line 2: column species is no number: 'ant'"))
        let long = try folder.write("x,y\n1\(String(repeating: "0", count: 100_000)),2\n", "long.csv")
        #expect(try message { _ = try open(long) }.count < 400)
        #expect(try message { _ = try open(path, labels: "spcies") }.contains("did you mean 'species'?"))
        let one = try folder.write("a\n1\n2\n", "one.csv")
        for (labels, problem) in [("zz", "has no column 'zz'"), ("a", "has no rows of numbers")] {
            let text = try message { _ = try ArrayFile(path: one, labels: labels).rowShape(like: nil) }
            #expect(text.contains(one) && text.contains(problem), "\(text)")
        }
        let hole = try folder.write("a,b\n1,2\n3,\n", "y.csv")
        #expect(try message { _ = try open(hole) }.contains("line 3: column b is empty"))
        let short = try folder.write("a,b\n1,2\n3\n", "z.csv")
        #expect(try message { _ = try open(short) }.contains("line 3 has 1 fields; 2 were expected"))
        let list = try folder.write("cat\ndog\n", "labels.txt")
        #expect(try open(bare, labels: list).info.classNames == ["cat", "dog"])
    }

    /// Several columns of a table, or members of an archive, are factors.
    @Test func factorsOfColumnsAndMembers() throws {
        let text = "x,shape,size,y,kind\n1,ball,0.5,2,a\n3,cube,10,4,b\n5,ball,2,6,a\n"
        let path = try folder.write(text, "x.csv")
        let dataset = try open(path, labels: "kind", factors: ["size", "shape"])
        #expect(try dataset.info.shape == [2] && dataset.tensor([0, 1, 2]).values == [1, 2, 3, 4, 5, 6])
        #expect(
            dataset.info.factors == [
                Factor(name: "size", values: [0.5, 2, 10]), Factor(name: "shape", valueNames: ["ball", "cube"]),
            ])
        #expect((0..<3).map { dataset.factors($0) } == [[0, 0], [2, 1], [1, 0]])
        #expect((0..<3).map { dataset.label($0) } == [0, 1, 0])
        #expect(try message { _ = try open(path, factors: ["sze"]) }.contains("did you mean 'size'?"))

        let archive = folder.path + "/x.npz"
        try ArchiveWriter.write(
            [
                ("images.npy", Self.npy("|u1", [3, 2, 2], noise(12))),
                ("latents.npy", Self.npy("<f8", [3, 2], Self.bytes([0.5, 1, 0.25, 1, 0.5, 7]))),
                ("side.npy", Self.npy("<i4", [3], Self.bytes([4, 2, 4] as [Int32]))),
            ], .zip, to: archive)
        let images = try open(archive, member: "images", factors: ["latents", "side"])
        #expect(images.info.shape == [1, 2, 2])
        #expect(try open(archive, factors: ["latents", "side"]).info == images.info)
        #expect(images.info.factors?.map(\.name) == ["latents.0", "latents.1", "side"])
        #expect((0..<3).map { images.factors($0) } == [[1, 0, 1], [0, 0, 0], [1, 1, 1]])
        let short = folder.path + "/y.npz"
        try ArchiveWriter.write(
            [
                ("images.npy", Self.npy("|u1", [3, 2, 2], noise(12))),
                ("side.npy", Self.npy("<i4", [2], Self.bytes([4, 2] as [Int32]))),
            ], .zip, to: short)
        #expect(try message { _ = try open(short, factors: ["side"]) }.contains("has 2 values for the 3 rows"))
    }

    /// A file in which only some rows are looked at is not loaded: a sparse one of 6 GB opens with little memory.
    @Test func aFileLargerThanItsMemory() throws {
        let (count, size) = (300, 1 << 20)
        let path = try folder.write(Self.npy("|u1", [count, size], []), "large.npy")
        try resize(path, by: count * size)
        let before = try memory()
        let array = try ArrayContents(path: path, apart: []).array(nil, besides: [])
        var scratch: [UInt8] = []
        var row = [Double](repeating: 1, count: size)
        try row.withUnsafeMutableBufferPointer { try array.read(299..<300, into: $0, scratch: &scratch) }
        #expect(row.allSatisfy { $0 == 0 })
        #expect(try memory() - before < 100 << 20)
    }

    @Test(arguments: [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 4\n", "a pointer of Git LFS"),
        ("<!DOCTYPE html>\n<html>", "a web page"), ("  <html lang=en>", "a web page"), ("\u{80}\u{4}\u{95}", "none of"),
    ]) func whatIsFoundInPlaceOfAnArray(text: String, expected: String) throws {
        let path = try folder.write(text, "x.npy")
        #expect(try message { _ = try open(path) }.contains(expected))
    }

    @Test func aPickleInPlaceOfAnArray() throws {
        let path = try folder.write([0x80, 4, 0x95, 0], "x.npy")
        #expect(try message { _ = try open(path) }.contains("a Python pickle"))
    }

    /// The same numbers have the same digest, others another.
    @Test func digests() throws {
        let a = try open(try folder.write(Self.npy("<f4", [2, 1], Self.bytes([1, 2] as [Float])), "a.npy"))
        let b = try open(try folder.write(Self.npy("<f8", [2, 1], Self.bytes([1, 2] as [Double])), "b.npy"))
        let c = try open(try folder.write(Self.npy("<f4", [2, 1], Self.bytes([1, 2.001] as [Float])), "c.npy"))
        #expect(try a.digest() == b.digest() && a.digest() != c.digest())
    }

    // MARK: Points

    @Test(arguments: PlanePoints.allCases) func pointsOfThePlane(points: PlanePoints) throws {
        let dataset = try points.dataset(scaling: .method(.asIs))
        #expect(dataset.count == 20_000 && dataset.info.shape == [2])
        #expect(dataset.indices(of: .test).count == 2000)
        let all = try dataset.tensor(Array(0..<20_000))
        let again = try points.dataset(scaling: .method(.asIs)).tensor(Array(0..<20_000))
        #expect(all == again)
        // Each point lies near the curve of its class.
        for index in stride(from: 0, to: 20_000, by: 97) {
            let (x, y) = (Double(all[index][2 * index]), Double(all[index][2 * index + 1]))
            let label = try #require(dataset.label(index))
            let distance: Double
            switch points {
            case .twoMoons:
                distance =
                    label == 0
                    ? abs((x * x + y * y).squareRoot() - 1)
                    : abs(((x - 1) * (x - 1) + (y - 0.5) * (y - 0.5)).squareRoot() - 1)
            case .rings: distance = abs((x * x + y * y).squareRoot() - (label == 0 ? 0.5 : 1))
            case .gaussians: distance = abs((x * x + y * y).squareRoot() - 1)
            }
            #expect(distance < 0.5, "\(points) \(index): \(x), \(y) of class \(label)")
        }
    }
}
