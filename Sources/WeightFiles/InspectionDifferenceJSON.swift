import LatentTools
import TensorCore
import TextSupport

extension InspectionDifference {
    /// All of it as one object.
    public var json: JSONValue {
        [
            "first": paths.0, "second": paths.1, "same": isSame, "definition": definition,
            "tensors": tensors.map(Self.json),
            "latent": latent.map {
                ["first": $0.0.json(matrices: false), "second": $0.1.json(matrices: false)] as JSONValue
            },
        ]
    }

    private static func json(_ tensor: Tensor) -> JSONValue {
        let path = ("path", JSONValue.string(tensor.path))
        switch tensor.outcome {
        case .onlyFirst: return .object([path, ("same", false), ("in", "first")])
        case .onlySecond: return .object([path, ("same", false), ("in", "second")])
        case .shapes(let a, let b):
            return .object([
                path, ("same", false), ("in", "both"),
                ("shapes", .array([a, b].map { .array($0.map { .integer($0) }) })),
            ])
        case .values(let difference):
            return .object([
                path, ("same", .boolean(difference.isIdentical)), ("in", "both"), ("norm", .number(difference.norm)),
                ("relative", JSONValue(difference.relative)), ("cosine", JSONValue(difference.cosine)),
                ("largest", .number(difference.largest)),
            ])
        }
    }
}
