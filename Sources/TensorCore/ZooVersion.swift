/// The version of this package, as `zoo --version` prints it and checkpoints and runs record it.
public enum ZooVersion {
    public static let current = "0.1.0"
}
