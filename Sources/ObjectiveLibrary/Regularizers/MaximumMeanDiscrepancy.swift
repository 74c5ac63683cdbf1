import LayerLibrary
import TensorCore

/// λ·MMD²(q(z), N(0, I)) between the codes of a batch and as many draws from the prior: the InfoVAE (Zhao, Song and Ermon 2017,
/// section 3.2, beside (1 − α)·KL) and the WAE-MMD (Tolstikhin and others 2018, algorithm 2, with a deterministic encoder).
public struct MaximumMeanDiscrepancy: Regularizer, Equatable {
    public var weight: Float
    public var kernel: KernelDiscrepancy.Kernel
    /// σ; the kernels are functions of ‖a − b‖²/(2·D·σ²).
    public var bandwidth: Float
    /// Whether pairs of a code with itself are left out: then the estimate has no bias, and can be negative.
    public var isUnbiased: Bool

    public init(
        weight: Float, kernel: KernelDiscrepancy.Kernel = .rbf, bandwidth: Float = 1, isUnbiased: Bool = false
    ) {
        self.weight = weight
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.isUnbiased = isUnbiased
    }

    public var kind: String { "mmd" }

    public var fields: [String: FieldValue] {
        [
            "weight": .number(weight.decimal), "kernel": .name(kernel.rawValue),
            "bandwidth": .number(bandwidth.decimal), "unbiased": .boolean(isUnbiased),
        ]
    }

    public var formula: String { "\(weight.factor)MMD²(q(z), p(z)), \(kernel.rawValue) kernel" }

    public var matchesPrior: Bool { true }

    public var smallestBatch: Int { 2 }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        let prior = builder.noise("prior_sample", shape: builder.shape(model.code))
        let operation = KernelDiscrepancy(kernel: kernel, bandwidth: bandwidth, isUnbiased: isUnbiased)
        try builder.term("mmd", builder.custom(operation, [model.code, prior]), weight: .constant(weight))
    }

    static let descriptor = RegularizerDescriptor(
        kind: "mmd", summary: "λ·MMD² between the codes of a batch and draws from the prior.",
        source:
            "Zhao and others 2017, section 3.2; Tolstikhin and others 2018, algorithm 2; Gretton and others 2012, eq. 3",
        fields: [
            CommonFields.weight("λ."),
            FieldSchema(
                "kernel", .name(KernelDiscrepancy.Kernel.allCases.map(\.rawValue)),
                default: .name(KernelDiscrepancy.Kernel.rbf.rawValue),
                "rbf: exp(−u) with u = ‖a − b‖²/(2·D·σ²); imq: the sum over s of s/(s + u), s = 0.1, 0.2, 0.5, 1, 2, 5, 10; imq_single: 1/(1 + u)."
            ),
            FieldSchema(
                "bandwidth", .number(1e-4...1e6), default: .number(1), "σ of the kernel."),
            FieldSchema(
                "unbiased", .boolean, default: .boolean(false),
                "Whether pairs of a code with itself are left out."),
        ]
    ) {
        MaximumMeanDiscrepancy(
            weight: $0.number("weight"), kernel: KernelDiscrepancy.Kernel(rawValue: $0.name("kernel")) ?? .rbf,
            bandwidth: $0.number("bandwidth"), isUnbiased: $0.boolean("unbiased"))
    }
}
