import ArgumentParser
import Datasets
import TensorCore
import TextSupport

struct DataGetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Download a data set from its publisher.",
        discussion: """
            Goes to the first of --data-dir, $ZOO_DATA and the cache, into a folder with the data set's name. A download \
            that was interrupted goes on where it stopped. Files with the wrong checksum are not kept.
            """)

    @Argument(help: "The data set's name (see `\(Tool.name) data list`).", completion: .dataset)
    var name: String

    @Option(help: ArgumentHelp("Where to put it.", valueName: "dir"), completion: .directory)
    var dataDir: String?

    @Option(help: ArgumentHelp("Fetch the files from here instead.", valueName: "url", visibility: .hidden))
    var baseURL: String?

    @Flag(help: "One JSON object on standard output.")
    var json = false

    @Flag(name: .shortAndLong, help: "No progress.")
    var quiet = false

    func run() throws {
        let descriptor = try ZooContext.current.datasets.descriptor(name)
        let (folder, files) = try descriptor.download(
            DatasetOptions(dataDirectory: dataDir), baseURL: baseURL, isQuiet: quiet)
        if json {
            Console.print(
                (["name": name, "folder": folder, "files": files] as JSONValue).text())
        } else {
            for file in files { Console.print(file) }
        }
    }
}

struct DataVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read a whole data set and compare its files with the published checksums.",
        discussion: """
            Exit status 1 if it is missing, cannot be read or has another number of images. A checksum that differs is \
            reported but is no failure: the same images may come in another archive.
            """)

    @Argument(help: "The data set's name (see `\(Tool.name) data list`).", completion: .dataset)
    var name: String?

    @OptionGroup var places: DataPlaceOptions

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        let found = try ZooContext.current.datasets.verify(places.name(name), places.options)
        if json {
            Console.print(Self.json(found))
            return
        }
        for file in found.files {
            let size = file.byteCount.map { ", \(Formatting.grouped($0)) bytes" } ?? ""
            let verdict =
                switch file.agreement {
                case .checksumMatches: "checksum matches the publisher's"
                case .checksumDiffers(let expected, let found):
                    "checksum differs: the publisher's is \(expected), this is \(found)"
                case .checksumUnknown: "no published checksum"
                }
            Console.print("  \(file.path)\(size): \(verdict)")
        }
        Console.print(found.summary)
    }

    private static func json(_ found: DatasetVerification) -> JSONValue {
        let files = found.files.map { file in
            let head: JSONValue = ["path": file.path, "bytes": file.byteCount]
            switch file.agreement {
            case .checksumMatches: return head + ["checksum": "matches"]
            case .checksumDiffers(let expected, let found):
                return head + ["checksum": "differs", "expected": expected, "found": found]
            case .checksumUnknown: return head + ["checksum": "unknown"]
            }
        }
        return ["name": found.name, "images": found.imageCount, "summary": found.summary, "files": files]
    }
}
