import ArgumentParser
import Datasets

extension ImageReference: ExpressibleByArgument {
    /// `42`, `class:5` or `class:horse`, or the path of a file.
    public init(argument: String) {
        if let index = Int(argument) {
            self = .index(index)
        } else if argument.hasPrefix("class:") {
            self = .label(String(argument.dropFirst(6)))
        } else {
            self = .file(argument)
        }
    }
}
