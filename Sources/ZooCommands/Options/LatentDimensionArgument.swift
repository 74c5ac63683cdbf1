import LatentTools
import TensorCore

extension DimensionChoice {
    /// Reads `all`, `active` or `3,7`.
    ///
    /// - Throws: as `LatentDimension.list`.
    init(argument: String, size: Int) throws {
        switch argument {
        case "all": self = .all
        case "active": self = .active
        default: self = .listed(try LatentDimension.list(argument, size: size))
        }
    }
}

extension LatentDimension {
    /// Dimensions from a text such as `3,7` or `z3,z7`.
    /// - Throws: `ZooError` of kind `usage` for anything else, a dimension that does not exist, or one given twice.
    static func list(_ text: String, size: Int) throws -> [Int] {
        var dimensions: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let name = part.filter { $0 != " " }
            guard let dimension = Int(name.hasPrefix("z") ? name.dropFirst() : name[...]) else {
                throw ZooError(
                    "'\(part)' is not a latent dimension", advice: "give numbers joined by commas, such as 0,3",
                    kind: .usage)
            }
            try check(dimension, size: size)
            guard !dimensions.contains(dimension) else {
                throw ZooError("the dimension z\(dimension) is given twice", kind: .usage)
            }
            dimensions.append(dimension)
        }
        return dimensions
    }
}
