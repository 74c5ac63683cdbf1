import ArgumentParser
import Datasets

/// A file of numbers.
struct ArrayOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file of numbers, for the data set array: .npy, .npz, HDF5, .csv or .tsv.", valueName: "file"),
        completion: .file(extensions: ["npy", "npz", "h5", "hdf5", "csv", "tsv"]))
    var array: String?

    @Option(help: ArgumentHelp("Which array of the file, if it holds several.", valueName: "name"))
    var member: String?

    @Option(
        help: ArgumentHelp(
            "The classes of the rows: an array of the file, a column of a table, or another file.", valueName: "name"))
    var labels: String?

    @Option(
        help: ArgumentHelp(
            "The factors of variation of the rows: arrays of the file or columns of a table, separated by commas.",
            valueName: "names"))
    var factors: String?

    func validate() throws {
        if array == nil, member != nil || labels != nil || factors != nil {
            throw ValidationError("--member, --labels and --factors are of a file of numbers: give it with --array")
        }
    }

    /// nil where none is given.
    var file: ArrayFile? {
        array.map {
            ArrayFile(
                path: $0, member: member, labels: labels,
                factors: factors.map { $0.split(separator: ",").map(String.init) } ?? [])
        }
    }

    /// As they were given.
    var arguments: [(String, String?)] {
        [("--array", array), ("--member", member), ("--labels", labels), ("--factors", factors)]
    }
}
