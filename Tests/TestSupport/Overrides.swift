import ModelKit

extension DefinitionOverride {
    /// `objective.kl.weight=4`.
    public init(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        self.init(path: parts[0].split(separator: ".").map(String.init), value: parts.count > 1 ? parts[1] : "")
    }
}
