import ArgumentParser
import Datasets
import TensorCore
import TextSupport

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "The data sets: which there are, where they are, getting and checking them.",
        discussion: """
            Looked for in --data-dir, $ZOO_DATA and the cache ($XDG_CACHE_HOME/zoo/data), in this order: in a folder with \
            the data set's name, or directly.

              \(Tool.name) data list
              \(Tool.name) data info dsprites
              \(Tool.name) data get mnist
              \(Tool.name) data verify mnist --data-dir ~/data
              \(Tool.name) data info --array measurements.csv --labels species
            """,
        subcommands: [
            DataListCommand.self, DataInfoCommand.self, DataGetCommand.self, DataVerifyCommand.self,
            DataCacheCommand.self,
        ])
}

/// Where data sets are looked for.
struct DataPlaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Where to look first; then $ZOO_DATA and the cache.", valueName: "dir"),
        completion: .directory)
    var dataDir: String?

    @Option(
        help: ArgumentHelp("The folder of pictures that image-folder stands for.", valueName: "dir"),
        completion: .directory)
    var imageFolder: String?

    @OptionGroup var arrayOptions: ArrayOptions

    var options: DatasetOptions {
        DatasetOptions(dataDirectory: dataDir, imageFolder: imageFolder, array: arrayOptions.file)
    }

    /// The data set of a name, or else of the file or folder that was given.
    ///
    /// - Throws: `ZooError` (wrong usage) where neither was given.
    func name(_ name: String?) throws -> String {
        if let name {
            try DataOptions.requireBelonging(to: name, imageFolder: imageFolder, array: arrayOptions.array)
            return name
        }
        if arrayOptions.array != nil { return "array" }
        if imageFolder != nil { return "image-folder" }
        throw ZooError(
            "no data set is named",
            advice: "name one (see `\(Tool.name) data list`), or give --array or --image-folder",
            kind: .usage)
    }
}

extension DatasetPresence {
    /// What to do about missing files, in a few words.
    fileprivate func remedy(_ descriptor: DatasetDescriptor) -> String {
        guard case .missing(let error) = self else { return "" }
        if !descriptor.files.isEmpty { return "get it with `\(Tool.name) data get \(descriptor.name)`" }
        return error.kind == .usage ? error.advice ?? "" : "see `\(Tool.name) data info \(descriptor.name)`"
    }

    fileprivate var json: JSONValue {
        var files: [LocatedFile] = []
        if case .found(let found) = self { files = found }
        return ["state": word, "files_found": files.map(\.path)]
    }
}

struct DataListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the data sets, and where they are on this machine.")

    @OptionGroup var places: DataPlaceOptions

    @Flag(help: "One JSON array on standard output.")
    var json = false

    func run() throws {
        let catalog = ZooContext.current.datasets
        let entries = catalog.descriptors.map { ($0, $0.presence(places.options)) }
        if json {
            let values = entries.map { descriptor, presence in
                [
                    "name": descriptor.name, "title": descriptor.info.title, "shape": descriptor.info.shape,
                    "images": descriptor.imageCount,
                ] + presence.json
            }
            Console.print(JSONValue.array(values))
            return
        }
        var table = Table([
            ("NAME", .left), ("SHAPE", .left), ("IMAGES", .right), ("STATE", .left), ("WHERE", .left),
        ])
        for (descriptor, presence) in entries {
            table.add([
                descriptor.name, descriptor.info.shape.isEmpty ? "any" : "\(descriptor.info.shape)",
                descriptor.imageCount.map(Formatting.grouped) ?? "–",
                presence.word, presence.place ?? presence.remedy(descriptor),
            ])
        }
        for line in table.fittedLines { Console.print(line) }
        Console.print("")
        Console.print("Looked in: \(places.options.locations.folders.joined(separator: ", "))")
    }
}

struct DataInfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "All that is known about a data set: images, factors, files, licence.")

    @Argument(help: "The data set's name (see `\(Tool.name) data list`).", completion: .dataset)
    var name: String?

    @OptionGroup var places: DataPlaceOptions

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        let descriptor = try ZooContext.current.datasets.descriptor(places.name(name))
        let presence = descriptor.presence(places.options)
        var dataset: (any Dataset)?
        // What only the file knows is read from it.
        if descriptor.info.shape.isEmpty, case .found = presence { dataset = try descriptor.open(places.options) }
        if json {
            Console.print(Self.json(descriptor, presence, dataset))
        } else {
            Self.print(descriptor, presence, dataset)
        }
    }

    private static func print(_ descriptor: DatasetDescriptor, _ presence: DatasetPresence, _ dataset: (any Dataset)?) {
        let info = dataset?.info ?? descriptor.info
        Console.printTitle(info.title)
        Console.print(lines: info.summary)
        Console.print("")
        var fields = Fields([("name", info.name)])
        switch info.shape.count {
        case 0: fields.add("shape", "that of the array")
        case 1: fields.add("shape", "\(info.shape), real numbers")
        case _ where dataset?.valueScaling != nil:
            fields.add("shape", "\(info.shape) (channels, height, width), real numbers")
        default: fields.add("shape", "\(info.shape) (channels, height, width), 8 bits")
        }
        fields.add(
            info.isVector ? "points" : "images",
            (dataset?.count ?? descriptor.imageCount).map(Formatting.grouped) ?? "as many as the file or folder holds")
        if let dataset, let scaling = dataset.valueScaling {
            fields.add("test", Formatting.grouped(dataset.indices(of: .test).count))
            let (least, largest) = (scaling.least.min() ?? 0, scaling.largest.max() ?? 0)
            fields.add("numbers", "\(Formatting.significant(least, 6)) … \(Formatting.significant(largest, 6))")
            for note in dataset.notes { fields.add("note", note) }
        }
        fields.add("licence", info.license)
        fields.add("source", info.source)
        if let classes = info.classNames { fields.add("classes", classes.joined(separator: ", ")) }
        switch presence {
        case .generated: fields.add("files", "none, it is generated")
        case .found: fields.add("found", presence.place ?? "")
        case .missing(let error):
            fields.add("missing", lines: error.description.split(separator: "\n").map(String.init))
        }
        fields.print()
        if let factors = info.factors { show(factors) }
        if !descriptor.files.isEmpty { show(descriptor.files) }
    }

    private static func show(_ factors: [Factor]) {
        var table = Table([("FACTOR", .left), ("VALUES", .right), ("WHAT", .left)])
        for factor in factors {
            let values = factor.values ?? []
            let range =
                if let first = values.first, let last = values.last {
                    "\(Formatting.significant(first, 4)) … \(Formatting.significant(last, 4))"
                } else {
                    (factor.valueNames ?? []).joined(separator: ", ")
                }
            table.add([factor.name, String(factor.count), range])
        }
        Console.print("")
        for line in table.fittedLines { Console.print(line) }
    }

    private static func show(_ files: [DatasetFile]) {
        var table = Table([("FILE", .left), ("SIZE", .right), ("CHECKSUM", .left), ("FROM", .left)])
        for file in files {
            table.add([
                file.name, file.byteCount.map(Formatting.bytes) ?? "?", file.checksum?.description ?? "none published",
                file.baseURL,
            ])
        }
        Console.print("")
        for line in table.fittedLines { Console.print(line) }
    }

    private static func json(
        _ descriptor: DatasetDescriptor, _ presence: DatasetPresence, _ dataset: (any Dataset)?
    ) -> JSONValue {
        let info = dataset?.info ?? descriptor.info
        let factors = info.factors.map { factors in
            JSONValue.array(
                factors.map { factor in
                    [
                        "name": factor.name, "count": factor.count, "values": factor.values,
                        "value_names": factor.valueNames,
                    ] as JSONValue
                })
        }
        let files = descriptor.files.map { file in
            [
                "name": file.name, "url": file.baseURL + file.name, "bytes": file.byteCount,
                "checksum": file.checksum?.description,
            ] as JSONValue
        }
        return [
            "name": info.name, "title": info.title, "summary": info.summary, "license": info.license,
            "source": info.source, "shape": info.shape, "images": dataset?.count ?? descriptor.imageCount,
            "classes": info.classNames, "factors": factors, "files": files, "instructions": descriptor.instructions,
        ] + presence.json
    }
}
