import TensorCore
import Testing

@testable import Datasets

@Suite struct CatalogTests {
    @Test func theBuiltInNamesDiffer() {
        let names = DatasetCatalog.builtIn.names
        #expect(Set(names).count == names.count)
        #expect(names.contains("mnist") && names.contains("color-sprites-64"))
    }

    @Test func unknownNamesGetTheNearest() throws {
        let text = try message { _ = try DatasetCatalog.builtIn.open("cifar10") }
        #expect(text.contains("no data set 'cifar10'") && text.contains("Did you mean 'cifar-10'?"))
        #expect(!(try message { _ = try DatasetCatalog.builtIn.open("zzzzzzzzz") }.contains("Did you mean")))
    }

    @Test func namesAreTakenOnlyOnce() throws {
        let extra = DatasetDescriptor(
            info: DatasetInfo(name: "mine", title: "", summary: "", license: "", source: "", shape: [1, 64, 64])
        ) { _ in Sprites() }
        let catalog = try DatasetCatalog.builtIn.adding(extra)
        #expect(catalog.names.last == "mine")
        #expect(try message { _ = try catalog.adding(extra) }.contains("'mine'"))
    }

    @Test func locationsAreInOrder() {
        let environment = ["ZOO_DATA": "/b", "XDG_CACHE_HOME": "/c", "HOME": "/h"]
        #expect(DataLocations(dataDirectory: "/a", environment: environment).folders == ["/a", "/b", "/c/zoo/data"])
        #expect(DataLocations(environment: ["HOME": "/h"]).folders == ["/h/.cache/zoo/data"])
        #expect(DataLocations(environment: ["HOME": "/h", "ZOO_DATA": ""]).downloadFolder == "/h/.cache/zoo/data")
    }

    /// The names that people have: unpacked with a dot, and in the folders of torchvision.
    @Test(arguments: [
        "mnist/train-images.idx3-ubyte", "MNIST/raw/train-images-idx3-ubyte", "MNIST/raw/train-images-idx3-ubyte.gz",
    ]) func otherNamesOfPublishedFiles(name: String) throws {
        let folder = try TemporaryFolder()
        for part in MNISTFormat.fileNames {
            let isDotted = name.contains(".idx")
            let file = name.replacing("train-images-idx3-ubyte", with: part).replacing(
                "train-images.idx3-ubyte", with: part.replacing("-idx", with: isDotted ? ".idx" : "-idx"))
            try folder.write([1], file)
        }
        let options = DatasetOptions(dataDirectory: folder.path, environment: [:])
        #expect(try DatasetCatalog.builtIn.descriptor("mnist").locate(options).count == 4)
        #expect(throws: ZooError.self) { try DatasetCatalog.builtIn.descriptor("fashion-mnist").locate(options) }
    }

    /// Downloads go to the first folder that can be written to.
    @Test func aFolderThatCannotBeWrittenTo() {
        let environment = ["ZOO_DATA": "/proc/self", "XDG_CACHE_HOME": "/tmp/zoo-no-such-cache"]
        #expect(DataLocations(environment: environment).downloadFolder == "/tmp/zoo-no-such-cache/zoo/data")
    }

    @Test func missingDataIsExplained() throws {
        let folder = try TemporaryFolder()
        try folder.write([1], "mnist/train-images-idx3-ubyte")
        let options = DatasetOptions(dataDirectory: folder.path, environment: ["ZOO_DATA": "/nowhere"])
        let text = try message { _ = try DatasetCatalog.builtIn.open("mnist", options) }
        for part in [
            "\(folder.path)/mnist\n", "\n  /nowhere/mnist\n", "t10k-labels-idx1-ubyte.gz",
            "say in which folder the files are",
        ] {
            #expect(text.contains(part))
        }
        #expect(!text.contains("train-images-idx3-ubyte.gz"))
        #expect(
            try message { _ = try DatasetCatalog.builtIn.open("dsprites", options) }.contains("dsprites was not found"))
        #expect(try message { _ = try DatasetCatalog.builtIn.open("celeba", options) }.contains("by hand"))
    }

    @Test func filesOfASimilarDataSetAreNotTaken() throws {
        let folder = try TemporaryFolder()
        for name in MNISTFormat.fileNames { try folder.write([1], "mnist/\(name)") }
        let mnist = Files.join(folder.path, "mnist")
        let options = DatasetOptions(dataDirectory: mnist, environment: [:])
        #expect(try DatasetCatalog.builtIn.descriptor("mnist").locate(options).count == 4)
        #expect(throws: ZooError.self) { try DatasetCatalog.builtIn.descriptor("fashion-mnist").locate(options) }
    }

    @Test func verificationReportsWhatDiffers() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("abc", "file")
        let sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        func summary(_ checksum: Checksum?) throws -> String {
            let file = DatasetFile(name: "file", baseURL: "http://x/", byteCount: 3, checksum: checksum)
            let descriptor = DatasetDescriptor(
                info: Sprites.description, imageCount: 737_280, files: [file],
                locate: { _ in [LocatedFile(path: path, published: file)] }, open: { _ in Sprites() })
            return try DatasetCatalog([descriptor]).verify("sprites").summary
        }
        let readable = "sprites: readable, 737,280 images, "
        #expect(try summary(.md5("900150983cd24fb0d6963f7d28e17f72")) == readable + "checksum matches the publisher's")
        #expect(try summary(.sha256(sha)) == readable + "checksum matches the publisher's")
        #expect(try summary(.md5("00")) == readable + "checksum differs from the publisher's")
        #expect(try summary(nil) == readable + "no published checksum to compare with")
        #expect(try DatasetCatalog.builtIn.verify("sprites").summary == readable + "generated, no files")
    }
}
