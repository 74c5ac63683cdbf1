import TensorCore

/// The dimensions z0 … z(D − 1) of a latent space, as users name them.
public enum LatentDimension {
    /// - Throws: `ZooError` of kind `usage` if there is no such dimension.
    public static func check(_ dimension: Int, size: Int) throws {
        guard (0..<size).contains(dimension) else {
            let all = size == 1 ? "only z0" : "z0 to z\(size - 1)"
            throw ZooError("there is no dimension z\(dimension): the latent space has \(all)", kind: .usage)
        }
    }
}
