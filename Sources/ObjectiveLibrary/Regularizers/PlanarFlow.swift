import LayerLibrary
import RealModule
import TensorCore

/// A posterior of planar flows in place of a Gaussian (Rezende and Mohamed 2015, equations 10, 12 and 15, appendix A.1): what is decoded is
/// z_K = f_K(… f_1(z_0)) of a code z_0 ~ N(μ, diag σ²), and the term is KL = log q(z_K|x) − log p(z_K), by one draw for each image, with
/// log q(z_K|x) = log N(z_0; μ, diag σ²) − Σ_k log |det ∂f_k/∂z_{k−1}| and p = N(0, I).
///
/// The layers f(z) = z + û·tanh(wᵀz + b) have parameters of their own, the same for all images. What the encoder gives, and what commands
/// show as codes, is z_0; the flow belongs to what decodes it. A draw from the prior is decoded from the z_0 that the flow takes there.
public struct PlanarFlow: Regularizer, Equatable {
    /// K.
    public var layers: Int
    public var weight: Float
    /// Steps over which the weight rises linearly from 0.
    public var warmupSteps: Int

    public init(layers: Int, weight: Float = 1, warmupSteps: Int = 0) {
        self.layers = layers
        self.weight = weight
        self.warmupSteps = warmupSteps
    }

    public var kind: String { "planar_flow" }

    public var fields: [String: FieldValue] {
        [
            "layers": .integer(layers), "weight": .number(weight.decimal), "warmup_steps": .integer(warmupSteps),
        ]
    }

    public var formula: String { "\(weight.factor)KL(q(z|x) ‖ N(0, I)), q by \(layers) planar flows" }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let posterior = try model.requirePosterior(for: self)
        let conditional = try builder.custom(
            GaussianLogDensity(), [model.code, posterior.mean, posterior.logVariance])
        let prior = try density(model.code, &builder)
        let divergence = try builder.custom(WeightedSum([1, -1]), [conditional, prior])
        try builder.term(
            "kl_of_flow", divergence,
            weight: LinearSchedule(from: warmupSteps > 0 ? 0 : weight, to: weight, over: warmupSteps),
            weightName: "kl_weight")
    }

    public func logPrior(_ model: ModelTensors, into builder: inout GraphBuilder) throws -> TensorID? {
        try density(model.code, &builder)
    }

    public func decoded(_ code: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        try steps(code, &builder).code
    }

    /// log p(z_K) + Σ_k log |det ∂f_k/∂z_{k−1}| of each z_0: its density where z_K follows the prior.
    private func density(_ code: TensorID, _ builder: inout GraphBuilder) throws -> TensorID {
        let (last, determinants) = try builder.sharing { try steps(code, &$0) }
        let prior = try builder.custom(StandardNormalLogDensity(), [last])
        let ones = [Float](repeating: 1, count: layers + 1)
        return try builder.custom(WeightedSum(ones), [prior] + determinants)
    }

    private func steps(
        _ code: TensorID, _ builder: inout GraphBuilder
    ) throws -> (code: TensorID, determinants: [TensorID]) {
        try builder.atRoot { builder in
            try builder.scoped("objective") { builder in
                try builder.scoped(kind) { builder in
                    var (code, determinants): (TensorID, [TensorID]) = (code, [])
                    let shape = builder.shape(code)
                    for layer in 1...layers {
                        try builder.scoped("layer\(layer)") { builder in
                            // Small at first, so that the flow begins near the identity.
                            let start = Initializer.normal(deviation: 0.1)
                            let inputs = [
                                code, try builder.parameter("u", shape: shape, initializer: start),
                                try builder.parameter("w", shape: shape, initializer: start),
                                try builder.parameter("b", shape: [1], initializer: .constant(0)),
                            ]
                            determinants.append(try builder.custom(PlanarFlowDeterminant(), inputs))
                            code = try builder.custom(PlanarFlowStep(), inputs)
                        }
                    }
                    return (code, determinants)
                }
            }
        }
    }

    public func codes(
        ofPriorDraws draws: [[Float]], parameter: (String) -> [Float]?
    ) throws -> [[Float]]? {
        var codes = draws.map { $0.map(Double.init) }
        for layer in (1...layers).reversed() {
            let path = "objective.\(kind).layer\(layer)"
            guard let u = parameter(path + ".u"), let w = parameter(path + ".w"), let b = parameter(path + ".b")?.first
            else { throw ZooError("\(path): the parameters of the flow are missing", code: .mismatch) }
            let inverse = InversePlanarStep(u: u.map(Double.init), w: w.map(Double.init), b: Double(b))
            codes = codes.map(inverse.callAsFunction)
        }
        return codes.map { $0.map { Float($0) } }
    }

    static let descriptor = RegularizerDescriptor(
        kind: "planar_flow", needsPosterior: true, isDivergence: true,
        summary: "KL(q(z|x) ‖ N(0, I)) of a posterior that planar flows bend, in place of kl.",
        source: "Rezende and Mohamed 2015, eq. 10, 12 and 15",
        fields: [
            FieldSchema("layers", .integer(1...1000), "K, flows one after another."),
            FieldSchema("weight", .number(0...1e6), default: .number(1), "β."),
            CommonFields.warmupSteps,
        ]
    ) {
        PlanarFlow(layers: $0.integer("layers"), weight: $0.number("weight"), warmupSteps: $0.integer("warmup_steps"))
    }
}

/// Where a planar layer takes its value from.
struct InversePlanarStep {
    private let direction: [Double]
    private let w: [Double]
    private let b: Double
    /// wᵀû, above −1.
    private let slope: Double

    init(u: [Double], w: [Double], b: Double) {
        let product = zip(u, w).reduce(0) { $0 + $1.0 * $1.1 }
        let square = max(w.reduce(0) { $0 + $1 * $1 }, .leastNormalMagnitude)
        slope = max(0, product) + .log(onePlus: .exp(-abs(product))) - 1
        let correction = (slope - product) / square
        direction = zip(u, w).map { $0 + correction * $1 }
        self.w = w
        self.b = b
    }

    /// z of z + û·tanh(wᵀz + b): α = wᵀz is the only zero of the rising function α + wᵀû·tanh(α + b) − wᵀ(z + û·tanh(…)).
    func callAsFunction(_ value: [Double]) -> [Double] {
        let goal = zip(value, w).reduce(0) { $0 + $1.0 * $1.1 }
        var (low, high) = (goal - abs(slope), goal + abs(slope))
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if middle + slope * .tanh(middle + b) < goal { low = middle } else { high = middle }
        }
        let bend = Double.tanh((low + high) / 2 + b)
        return zip(value, direction).map { $0 - $1 * bend }
    }
}
