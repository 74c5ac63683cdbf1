import TensorCore

extension DatasetCatalog {
    /// The data sets that come with the zoo.
    public static let builtIn = DatasetCatalog(distinct: [
        .idx(
            DatasetInfo(
                name: "mnist", title: "MNIST", summary: "70,000 handwritten digits, 28 x 28, grey.",
                license: "CC BY-SA 3.0", source: "http://yann.lecun.com/exdb/mnist/", shape: [1, 28, 28],
                classNames: (0...9).map { String($0) }),
            baseURL: "https://ossci-datasets.s3.amazonaws.com/mnist/",
            mirror: "https://storage.googleapis.com/cvdf-datasets/mnist/", folderName: "MNIST",
            files: [
                (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"), (28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
                (1_648_877, "9fb629c4189551a2d022fa330f9573f3"), (4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
            ]),
        .idx(
            DatasetInfo(
                name: "fashion-mnist", title: "Fashion-MNIST",
                summary: "70,000 pictures of clothes, 28 x 28, grey, in the form of MNIST.", license: "MIT",
                source: "https://github.com/zalandoresearch/fashion-mnist", shape: [1, 28, 28],
                classNames: [
                    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
                    "Ankle boot",
                ]),
            baseURL: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            mirror: "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            folderName: "FashionMNIST",
            files: [
                (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"), (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
                (4_422_102, "bef4ecab320f06d8554ea6380940ec79"), (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
            ]),
        .idx(
            DatasetInfo(
                name: "kmnist", title: "Kuzushiji-MNIST",
                summary: "70,000 cursive Japanese characters of 10 classes, 28 x 28, grey, in the form of MNIST.",
                license: "CC BY-SA 4.0", source: "http://codh.rois.ac.jp/kmnist/", shape: [1, 28, 28],
                classNames: ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]),
            baseURL: "http://codh.rois.ac.jp/kmnist/dataset/kmnist/", mirror: nil, folderName: "KMNIST",
            files: [
                (nil, "bdb82020997e1d708af4cf47b453dcf7"), (nil, "e144d726b3acfaa3e44228e80efcd344"),
                (nil, "5c965bf0a639b31b8f53240b1b52f4d7"), (nil, "7320c461ea6c1c855c0b718fb2a4b134"),
            ]),
        .emnist(.balanced), .emnist(.byClass), .emnist(.byMerge), .emnist(.letters), .emnist(.digits), .emnist(.mnist),
        .cifar10, .svhn, .dSprites, .shapes3D, .mpi3D(.toy), .mpi3D(.realistic), .mpi3D(.real), .imageFolder, .array,
        .celebA,
        DatasetDescriptor(info: Sprites.description, imageCount: 737_280) { _ in Sprites() },
        DatasetDescriptor(info: ColorSprites.description(.small), imageCount: 737_280) { _ in ColorSprites(.small) },
        DatasetDescriptor(info: ColorSprites.description(.large), imageCount: 737_280) { _ in ColorSprites(.large) },
        .points(.twoMoons), .points(.rings), .points(.gaussians),
    ])
}

extension DatasetDescriptor {
    /// A data set in four files like those of MNIST, each with its published size and MD5.
    ///
    /// - Parameter folderName: what torchvision calls its folder.
    fileprivate static func idx(
        _ info: DatasetInfo, baseURL: String, mirror: String?, folderName: String,
        files: [(byteCount: Int?, md5: String)]
    ) -> DatasetDescriptor {
        let published = zip(MNISTFormat.fileNames, files).map { name, file in
            DatasetFile(
                name: name + ".gz", baseURL: baseURL, mirrors: [mirror].compactMap(\.self), byteCount: file.byteCount,
                checksum: .md5(file.md5))
        }
        let others = ["mnist", "fashion-mnist", "kmnist"].filter { $0 != info.name }
        let locate: @Sendable (DatasetOptions) throws -> [LocatedFile] = { options in
            let locations = options.locations
            let folders = locations.folders(for: info.name, otherNames: others)
            let elsewhere = locations.folders.map { Files.join($0, folderName) }
            // The folder with the most files decides, so that files of two copies are never mixed.
            var fewestMissing = published.map(\.name)
            for folder in (folders + elsewhere).flatMap({ [$0, Files.join($0, "raw")] }) {
                var missing: [String] = []
                let found = published.compactMap { file -> LocatedFile? in
                    let located = MNISTFormat.names(of: file.name).map { Files.join(folder, $0) }.first(
                        where: Files.isFile)
                    if let located {
                        return LocatedFile(path: located, published: located.hasSuffix(".gz") ? file : nil)
                    }
                    missing.append(file.name)
                    return nil
                }
                if missing.isEmpty { return found }
                if missing.count < fewestMissing.count { fewestMissing = missing }
            }
            throw locations.missing(
                info, files: fewestMissing, lookedIn: folders)
        }
        return DatasetDescriptor(info: info, imageCount: 70_000, files: published, locate: locate) { options in
            try MNISTFormat.read(info, paths: locate(options).map(\.path))
        }
    }

    fileprivate static var cifar10: DatasetDescriptor {
        let info = DatasetInfo(
            name: "cifar-10", title: "CIFAR-10",
            summary: "60,000 small photographs of 10 kinds of things, 32 x 32, RGB.",
            license: "its publisher states none", source: "https://www.cs.toronto.edu/~kriz/cifar.html",
            shape: [3, 32, 32],
            classNames: [
                "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
            ])
        let published = DatasetFile(
            name: "cifar-10-binary.tar.gz", baseURL: "https://www.cs.toronto.edu/~kriz/",
            mirrors: ["https://cave.cs.toronto.edu/kriz/"], byteCount: 170_052_171,
            checksum: .md5("c32a1d4ab5d03f1284b67883e8d87530"))
        let locate: @Sendable (DatasetOptions) throws -> [LocatedFile] = { options in
            let locations = options.locations
            let folders = locations.folders(for: info.name, otherNames: [])
            for folder in folders where Files.isFolder(folder) {
                let batches = Files.join(folder, CIFAR10Format.folderName)
                if Files.isFolder(batches) { return [LocatedFile(path: batches, published: nil)] }
                if Files.isFile(Files.join(folder, CIFAR10Format.fileNames[0])) {
                    return [LocatedFile(path: folder, published: nil)]
                }
                let archives = try Files.names(in: folder).filter {
                    $0.hasPrefix(CIFAR10Format.archivePrefix) && !$0.hasSuffix(DatasetDownloader.partialSuffix)
                }
                if let name = archives.first(where: { $0 == published.name }) ?? archives.first {
                    return [LocatedFile(path: Files.join(folder, name), published: published)]
                }
            }
            throw locations.missing(
                info, files: ["\(published.name) (or .tar, .tar.xz, …; or the folder \(CIFAR10Format.folderName))"],
                lookedIn: folders)
        }
        return DatasetDescriptor(info: info, imageCount: 60_000, files: [published], locate: locate) { options in
            try CIFAR10Format.read(
                info, path: locate(options).first?.path ?? "", cacheFolder: options.locations.cacheFolder)
        }
    }

    fileprivate static var dSprites: DatasetDescriptor {
        .published(
            DSprites.description, imageCount: 737_280,
            [
                DatasetFile(
                    name: DSprites.fileName,
                    baseURL: "https://github.com/google-deepmind/dsprites-dataset/raw/master/",
                    mirrors: ["https://raw.githubusercontent.com/deepmind/dsprites-dataset/master/"], byteCount: nil,
                    checksum: .md5("7da33b31b13a06f4b04a70402ce90c2e"))
            ]
        ) { paths, _ in try DSprites(path: paths[0]) }
    }

    fileprivate static var shapes3D: DatasetDescriptor {
        .published(
            Shapes3D.info(Shapes3D.factors), imageCount: 480_000,
            [
                DatasetFile(
                    name: Shapes3D.fileName, baseURL: "https://storage.googleapis.com/3d-shapes/",
                    byteCount: 267_573_662,
                    checksum: .md5("099a2078d58cec4daad0702c55d06868"))
            ], folderNames: ["3dshapes", "3d-shapes"]
        ) { paths, options in
            try Shapes3D.open(
                path: paths[0], unpacked: UnpackedArrays(cacheFolder: options.locations.cacheFolder))
        }
    }

    fileprivate static func mpi3D(_ variant: MPI3D) -> DatasetDescriptor {
        .published(
            variant.info, imageCount: 1_036_800, [variant.file], folderNames: ["mpi3d", "mpi3d_\(variant.rawValue)"]
        ) { paths, options in
            try variant.open(path: paths[0], unpacked: UnpackedArrays(cacheFolder: options.locations.cacheFolder))
        }
    }

    fileprivate static var svhn: DatasetDescriptor {
        let published = [
            (182_040_794, "e26dedcc434d2e4c54c9b2d4a06d8373"), (64_275_384, "eb5a983be6a315427106f1b164d9cef3"),
        ]
        let info = DatasetInfo(
            name: "svhn", title: "SVHN",
            summary: "99,289 digits cut from photographs of house numbers, 32 x 32, RGB (73,257 for training).",
            license: "non-commercial use only", source: "http://ufldl.stanford.edu/housenumbers/",
            shape: [3, 32, 32], classNames: (0...9).map { String($0) })
        return .published(
            info, imageCount: 99_289,
            zip(SVHNFormat.fileNames, published).map { name, file in
                DatasetFile(
                    name: name, baseURL: "http://ufldl.stanford.edu/housenumbers/", byteCount: file.0,
                    checksum: .md5(file.1))
            }, folderNames: ["SVHN"]
        ) { paths, _ in try SVHNFormat.read(info, paths: paths) }
    }

    fileprivate static func emnist(_ variant: EMNIST) -> DatasetDescriptor {
        let archive = DatasetFile(
            name: EMNIST.archiveNames[0], baseURL: "https://biometrics.nist.gov/cs_links/EMNIST/",
            mirrors: ["https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/"], byteCount: nil,
            checksum: .md5("58c8d27c78d21e728a6bc7b3cc06412e"))
        let locate: @Sendable (DatasetOptions) throws -> [LocatedFile] = { try variant.located($0, published: archive) }
        return DatasetDescriptor(info: variant.info, files: [archive], locate: locate) { options in
            try variant.read(locate(options).map(\.path))
        }
    }

    /// A data set in files of fixed names.
    ///
    /// - Parameters:
    ///   - folderNames: what its folder is called besides the data set's name.
    ///   - open: with the paths of the files, in order.
    private static func published(
        _ info: DatasetInfo, imageCount: Int, _ files: [DatasetFile], folderNames: [String] = [],
        open: @escaping @Sendable ([String], DatasetOptions) throws -> any Dataset
    ) -> DatasetDescriptor {
        let locate: @Sendable (DatasetOptions) throws -> [LocatedFile] = { options in
            let locations = options.locations
            let own = locations.folders(for: info.name, otherNames: [])
            let folders = own + locations.folders.flatMap { root in folderNames.map { Files.join(root, $0) } }
            for folder in folders {
                let found = files.map { LocatedFile(path: Files.join(folder, $0.name), published: $0) }
                if found.allSatisfy({ Files.isFile($0.path) }) { return found }
            }
            throw locations.missing(info, files: files.map(\.name), lookedIn: own)
        }
        return DatasetDescriptor(info: info, imageCount: imageCount, files: files, locate: locate) { options in
            try open(locate(options).map(\.path), options)
        }
    }
}
