import Glibc
import ImageFiles
import Synchronization
import TensorCore
import Testing

@testable import Datasets

@Suite struct ImageFolderTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// A PNG whose red is `red` everywhere.
    private func png(_ red: UInt8, width: Int = 20, height: Int = 30) throws -> [UInt8] {
        let pixels = (0..<(width * height * 3)).map { [red, 1, 2][$0 % 3] }
        return try ImageFiles.encodePNG(Image8(width: width, height: height, channels: 3, pixels: pixels))
    }

    private func open(_ change: (inout DatasetOptions) -> Void = { _ in }) throws -> any Dataset {
        var options = DatasetOptions(
            imageFolder: folder.path, preparation: ImagePreparation(width: 8, height: 4), environment: [:])
        change(&options)
        return try DatasetCatalog.builtIn.open("image-folder", options)
    }

    @Test func imagesComeInTheOrderOfTheirNames() throws {
        for (name, red) in [("b.png", 20), ("a/z.PNG", 10), ("c.png", 30)] { try folder.write(png(UInt8(red)), name) }
        try folder.write("not an image", "notes.txt")
        try folder.write("not an image", ".hidden.png")
        let dataset = try open()
        #expect(dataset.count == 3)
        #expect(
            dataset.notes == ["'\(folder.path)': 1 file that is no picture of a kind that is read was left out: 1 .txt"]
        )
        #expect(dataset.info.shape == [3, 4, 8])
        let pixels = try dataset.images([0, 1, 2])
        #expect(pixels.count == 3 * 96)
        #expect([0, 96, 192].map { pixels[$0] } == [10, 20, 30])
        #expect(Array(pixels[..<6]) == [10, 1, 2, 10, 1, 2])
        #expect(dataset.indices(of: .train).count == 2)
        #expect(dataset.indices(of: .test).count == 1)
    }

    @Test func filesOfOtherKindsAreCountedByKind() throws {
        for name in ["a.jfif", "b.JPE", "c.mpo", "d.png/e.png"] { try folder.write(png(1), name) }
        for name in ["f.psd", "sub/g.PSD", "h.heic", "README"] { try folder.write("other", name) }
        #expect(symlink("/nowhere/at/all", folder.path + "/i.png") == 0)
        let dataset = try open()
        #expect(dataset.count == 4)
        #expect(
            dataset.notes == [
                "'\(folder.path)': 5 files that are no pictures of a kind that is read were left out: 2 .psd, 1 .heic, "
                    + "1 special or broken link, 1 without extension"
            ])
    }

    /// Names in an encoding of their own, as in folders that come from old systems.
    @Test func namesNeedNotBeUTF8() throws {
        let bytes = try png(7)
        let path = Array("\(folder.path)/caf".utf8) + [0xE9] + Array(".png".utf8)
        let opened = (path + [0]).withUnsafeBufferPointer { text in
            text.withMemoryRebound(to: CChar.self) { $0.baseAddress.flatMap { fopen($0, "wb") } }
        }
        let file = try #require(opened)
        let written = fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        #expect(written == bytes.count)
        let dataset = try open()
        #expect(try dataset.count == 1 && dataset.images([0]).first == 7)
    }

    /// Not only squares are cut from the middle: a circle stays a circle.
    @Test func imagesKeepTheirAspect() throws {
        // 40 x 20; a column is as bright as its number. An image of 8 x 4 shows all of it, one of 4 x 4 its middle half.
        let pixels = (0..<800).flatMap { pixel -> [UInt8] in [UInt8(pixel % 40), 0, 0] }
        try folder.write(ImageFiles.encodePNG(Image8(width: 40, height: 20, channels: 3, pixels: pixels)), "a.png")
        func row(_ width: Int) throws -> [UInt8] {
            let dataset = try open { $0.preparation = ImagePreparation(width: width, height: 4) }
            let image = try dataset.images([0])
            return (0..<width).map { image[3 * $0] }
        }
        #expect(try row(8) == [2, 7, 12, 17, 22, 27, 32, 37])
        #expect(try row(4) == [12, 17, 22, 27])
    }

    @Test func attributesAndPartitionsAreRead() throws {
        for number in 1...3 { try folder.write(png(UInt8(number)), "00\(number).png") }
        let attributes = try folder.write("3\nBald Smiling\n001.png -1 1\n003.png 1  1\n002.png 1 -1\n", "list.txt")
        let partition = try folder.write("001.png 2\n002.png 0\n003.png 1\n", "split.txt")
        let dataset = try open {
            $0.attributeFile = attributes
            $0.partitionFile = partition
        }
        #expect(dataset.info.factors?.map(\.name) == ["Bald", "Smiling"])
        #expect((0..<3).map { dataset.factors($0) } == [[0, 1], [1, 0], [1, 1]])
        #expect(Split.allCases.map { dataset.indices(of: $0) } == [[1], [2], [0]])

        try folder.write("2\nBald\n001.png 1\n", "list.txt")
        #expect(try message { _ = try open { $0.attributeFile = attributes } }.contains("2 images, but describes 1"))
        try folder.write("1\nBald\n001.png 7\n", "list.txt")
        #expect(try message { _ = try open { $0.attributeFile = attributes } }.contains("value '7'"))
        try folder.write("1\nBald\n001.png 1\n", "list.txt")
        #expect(try message { _ = try open { $0.attributeFile = attributes } }.contains("'002.png'"))
        try folder.write("001.png 3\n", "split.txt")
        #expect(try message { _ = try open { $0.partitionFile = partition } }.contains("line 1"))
    }

    @Test func badFoldersAreExplained() throws {
        #expect(try message { _ = try open() }.contains("holds no JPEG, PNG, WebP, TIFF, GIF or BMP images"))
        #expect(try message { _ = try open { $0.imageFolder = "/nowhere/at/all" } }.contains("no image folder"))
        #expect(try message { _ = try open { $0.imageFolder = nil } }.contains("give a folder of pictures"))
        try folder.write(png(1), "good.png")
        try folder.write("this is text", "fake.jpg")
        try folder.write([0xFF, 0xD8, 0xFF, 0xE0, 0, 0], "cut.jpeg")
        let text = try message { _ = try open() }
        #expect(text.contains("2 of 3 images"))
        #expect(text.contains("fake.jpg") && text.contains("cut.jpeg") && !text.contains("good.png"))
    }

    @Test func celebAIsCroppedAndSplit() throws {
        for number in 1...2 {
            try folder.write(png(9, width: 178, height: 218), "celeba/img_align_celeba/00000\(number).png")
        }
        try folder.write("000001.png 0\n000002.png 2\n", "celeba/list_eval_partition.txt")
        let options = DatasetOptions(dataDirectory: folder.path, environment: [:])
        let dataset = try DatasetCatalog.builtIn.open("celeba", options)
        #expect(dataset.info.shape == [3, 64, 64])
        #expect(dataset.indices(of: .train) == [0])
        #expect(dataset.indices(of: .test) == [1])
        #expect(dataset.info.factors == nil)
    }

    // MARK: What folders mean

    /// `train/`, `val/` and `test/` are splits, and the folders below are classes.
    @Test func foldersAreSplitsAndClasses() throws {
        for (name, red) in [
            ("data/train/cat/1.png", 1), ("data/train/dog/a/2.png", 2), ("data/Val/cat/3.png", 3),
            ("data/test/dog/4.png", 4),
        ] { try folder.write(png(UInt8(red)), name) }
        let dataset = try open()
        #expect(dataset.info.classNames == ["cat", "dog"])
        func reds(_ split: Split) throws -> [UInt8] {
            try dataset.indices(of: split).map { try dataset.images([$0])[0] }
        }
        #expect(try reds(.train) == [1, 2] && reds(.validation) == [3] && reds(.test) == [4])
        for index in 0..<4 {
            let isCat = try [1, 3].contains(dataset.images([Int32(index)])[0])
            #expect(dataset.label(index) == (isCat ? 0 : 1))
        }
        // A picture beside the folders belongs to none of them.
        try folder.write(png(5), "data/5.png")
        let mixed = try open()
        #expect(mixed.info.classNames == nil && mixed.indices(of: .validation).isEmpty)
    }

    @Test func aPictureCountsOnce() throws {
        try folder.write(png(1), "a.png")
        try folder.write(png(2), "b/b.png")
        #expect(symlink(folder.path + "/a.png", folder.path + "/c.png") == 0)
        #expect(link(folder.path + "/a.png", folder.path + "/d.png") == 0)
        #expect(symlink(folder.path + "/b", folder.path + "/e") == 0)
        let dataset = try open()
        #expect(dataset.count == 2)
        #expect(dataset.notes.contains { $0.contains("3 names lead to a picture that is there already") })
    }

    @Test func damagedPicturesAreLeftOutOnDemand() throws {
        for number in 1...4 { try folder.write(png(UInt8(number)), "\(number).png") }
        try folder.write("no picture", "3.png")
        #expect(try message { _ = try open() }.contains("1 of 4 images"))
        for _ in 0..<2 {
            let dataset = try open {
                $0.skipsDamaged = true
                $0.environment = ["XDG_CACHE_HOME": folder.path + "/.cache"]
            }
            #expect(
                try dataset.count == 3
                    && dataset.images([0, 1, 2]).enumerated().filter { $0.offset % 96 == 0 }.map(\.element) == [
                        1, 2, 4,
                    ])
            #expect(dataset.notes.contains { $0.contains("1 damaged pictures were left out") })
        }
        // What was left out before is an error again where nobody asks for that.
        #expect(
            try message { _ = try open { $0.environment = ["XDG_CACHE_HOME": folder.path + "/.cache"] } }.contains(
                "3.png"))
        for number in 1...4 { try folder.write("no picture", "\(number).png") }
        #expect(try message { _ = try open { $0.skipsDamaged = true } }.contains("4 of 4 images"))
    }

    /// A picture twice as wide as the image.
    @Test(arguments: [
        (ImagePreparation.Fit.crop, [12, 17, 22, 27] as [UInt8]), (.pad, [0, 0, 0, 0]), (.stretch, [5, 15, 25, 35]),
    ]) func picturesOfAnotherAspect(fit: ImagePreparation.Fit, firstRow: [UInt8]) throws {
        let pixels = (0..<2400).map { UInt8($0 / 3 % 40) }
        try folder.write(ImageFiles.encodePNG(Image8(width: 40, height: 20, channels: 3, pixels: pixels)), "a.png")
        let dataset = try open { $0.preparation = ImagePreparation(width: 4, height: 4, channels: 1, fit: fit) }
        let image = try dataset.images([0])
        for (found, expected) in zip(image, firstRow) { #expect(abs(Int(found) - Int(expected)) <= 1, "\(image)") }
        if fit == .pad {
            #expect(!image[4..<12].contains(0))
            #expect(image[12...].allSatisfy { $0 == 0 })
        }
        let text = ImagePreparation(crop: (3, 2), width: 4, height: 4, channels: 1, fit: fit)
        #expect(ImagePreparation(text.text, shape: [1, 4, 4]) == text)
        #expect(ImagePreparation("fit strange", shape: [1, 4, 4]) == nil)
    }

    // MARK: The cache

    /// Decoded once, then taken from the cache; decoded again where a picture, its size or its time has changed.
    @Test func aFolderIsDecodedOnce() throws {
        for number in 1...20 { try folder.write(png(UInt8(number)), "pictures/\(number).png") }
        let cache = folder.path + "/cache"
        func opened(_ size: Int = 8) throws -> (dataset: any Dataset, decoded: Int) {
            let count = Mutex(0)
            let dataset = try open {
                $0.imageFolder = folder.path + "/pictures"
                $0.environment = ["XDG_CACHE_HOME": cache]
                $0.preparation = ImagePreparation(width: size, height: size)
                $0.progress = { progress in count.withLock { $0 = max($0, progress.imagesDone) } }
            }
            return (dataset, count.withLock { $0 })
        }
        let first = try opened()
        let second = try opened()
        #expect(first.decoded == 20 && second.decoded == 0)
        #expect(try first.dataset.digest() == second.dataset.digest())
        let all = (0..<20).map { Int32($0) }
        #expect(try first.dataset.images(all) == second.dataset.images(all))
        #expect(try opened(4).decoded == 20)
        try folder.write(png(99), "pictures/3.png")
        var times = [timeval(tv_sec: 1000, tv_usec: 0), timeval(tv_sec: 1000, tv_usec: 0)]
        #expect(utimes(folder.path + "/pictures/3.png", &times) == 0)
        #expect(try opened().decoded == 20)

        let images = DataCache(folder: cache + "/zoo/data")
        #expect(images.entries.count == 3 && images.entries.allSatisfy { $0.imageCount == 20 })
        #expect(images.entries[0].source == folder.path + "/pictures")
        #expect(images.clear().entries == 3 && images.entries.isEmpty)
        // Taken from a file that is gone by now.
        #expect(try second.dataset.images([0]).count == 192)
        // A file that is cut short is no cache.
        _ = try opened()
        let path = try #require(images.entries.first?.path)
        #expect(truncate(path, 100) == 0)
        let last = try opened()
        #expect(last.decoded == 20)
        // Cut short while it is in use.
        #expect(truncate(path, 5000) == 0)
        #expect(throws: ZooError.self) { try last.dataset.images(all) }
        #expect(try opened().decoded == 20)
    }

    /// CelebA as Kaggle has it: tables with commas, and the pictures a folder deeper.
    @Test func celebAFromKaggle() throws {
        for number in 1...3 {
            try folder.write(
                png(UInt8(number), width: 178, height: 218),
                "celeba/img_align_celeba/img_align_celeba/00000\(number).png")
        }
        try folder.write(
            "image_id,Bald,Smiling\n000001.png,-1,1\n000002.png,1,1\n000003.png,1,-1\n", "celeba/list_attr_celeba.csv")
        try folder.write(
            "image_id,partition\n000001.png,0\n000002.png,1\n000003.png,2\n", "celeba/list_eval_partition.csv")
        let dataset = try DatasetCatalog.builtIn.open(
            "celeba", DatasetOptions(dataDirectory: folder.path, environment: [:]))
        #expect(dataset.info.factors?.map(\.name) == ["Bald", "Smiling"])
        #expect((0..<3).map { dataset.factors($0) } == [[0, 1], [1, 1], [1, 0]])
        #expect(Split.allCases.map { dataset.indices(of: $0) } == [[0], [1], [2]])
        #expect(dataset.imagePreparation?.text == "crop 148x148, fit crop")
    }
}
