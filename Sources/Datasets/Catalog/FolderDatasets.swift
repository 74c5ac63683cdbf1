import ImageFiles
import TensorCore

extension DatasetDescriptor {
    /// Any folder of pictures.
    static var imageFolder: DatasetDescriptor {
        let info = DatasetInfo(
            name: "image-folder", title: "Image folder",
            summary:
                "The \(ImageFiles.kinds("and")) files of a folder and the folders in it, fitted to the model's input "
                + "(64 x 64 unless said otherwise); folders are classes, and train, validation and test are splits.",
            license: "your own", source: "your own", shape: [3, 64, 64])
        let locate: @Sendable (DatasetOptions) throws -> [LocatedFile] = { options in
            guard let folder = options.imageFolder else {
                throw ZooError(
                    "the data set image-folder needs a folder of images", kind: .usage, remedy: .giveImageFolder)
            }
            guard Files.isFolder(folder) else {
                throw ZooError(
                    "there is no image folder '\(folder)'", advice: "give a folder of \(ImageFiles.kinds("and")) files",
                    kind: .usage,
                    code: .notFound, subject: .path(folder))
            }
            let others = [options.attributeFile, options.partitionFile].compactMap(\.self)
            return ([folder] + others).map { LocatedFile(path: $0, published: nil) }
        }
        return DatasetDescriptor(
            info: info, instructions: "Nothing to download: give a folder of pictures.", locate: locate
        ) { options in
            _ = try locate(options)
            return try ImageFolder(
                folder: options.imageFolder ?? "", preparation: options.preparation ?? ImagePreparation(),
                attributes: options.attributeFile.map { try AttributeFile(path: $0) },
                partition: options.partitionFile.map { try PartitionFile(path: $0) }, options
            ).dataset(info)
        }
    }

    /// CelebA, aligned and cropped: 178 × 218 pictures, of which the central 148 × 148 (the face without most of the
    /// background; the usual choice for VAEs, as in Hou et al. 2016) become 64 × 64.
    static var celebA: DatasetDescriptor {
        let info = DatasetInfo(
            name: "celeba", title: "CelebA",
            summary: "202,599 faces with 40 attributes; the central 148 x 148 of the aligned pictures, resized to "
                + "64 x 64, RGB.",
            license: "non-commercial research only", source: "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
            shape: [3, 64, 64])
        let folderName = "img_align_celeba"
        let instructions =
            "it must be fetched by hand, because its publisher gives it out under an agreement: from \(info.source) take "
            + "img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt, put them in a folder celeba where "
            + "data is looked for ($ZOO_DATA or the cache) and unpack the zip there"
        let locate: @Sendable (DatasetOptions) throws -> [LocatedFile] = { options in
            let locations = options.locations
            let folders = locations.folders(for: info.name, otherNames: [])
            for folder in folders where Files.isFolder(Files.join(folder, folderName)) {
                // As published, and as Kaggle has it: tables with commas, and the pictures one folder deeper.
                let lists = ["list_attr_celeba", "list_eval_partition"].compactMap { list in
                    [".txt", ".csv"].map { Files.join(folder, list + $0) }.first(where: Files.isFile)
                }
                return ([Files.join(folder, folderName)] + lists).map { LocatedFile(path: $0, published: nil) }
            }
            throw locations.missing(
                info, files: ["\(folderName)/ (and list_attr_celeba.txt, list_eval_partition.txt)"],
                lookedIn: folders, advice: instructions)
        }
        return DatasetDescriptor(info: info, imageCount: 202_599, instructions: instructions, locate: locate) {
            options in
            let found = try locate(options).map(\.path)
            let attributes = options.attributeFile ?? found.first { $0.contains("/list_attr_celeba.") }
            let partition = options.partitionFile ?? found.first { $0.contains("/list_eval_partition.") }
            return try ImageFolder(
                folder: found.first ?? "", preparation: options.preparation ?? ImagePreparation(crop: (148, 148)),
                attributes: attributes.map { try AttributeFile(path: $0) },
                partition: partition.map { try PartitionFile(path: $0) }, options
            ).dataset(info)
        }
    }
}

extension ImageFolder {
    /// A folder with what a user said of it.
    fileprivate init(
        folder: String, preparation: ImagePreparation, attributes: AttributeFile?, partition: PartitionFile?,
        _ options: DatasetOptions
    ) {
        self.init(
            folder: folder, preparation: preparation, attributes: attributes, partition: partition,
            cache: ImageCache(options.locations), skipsDamaged: options.skipsDamaged, progress: options.progress)
    }
}
