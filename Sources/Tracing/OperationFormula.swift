import TensorCore

/// An operation in words and symbols: what its inputs and outputs are called, and what it computes in both directions.
public struct OperationFormula {
    /// The letters of the forward step's inputs, in order.
    public let inputs: [String]
    public let outputs: [String]
    public let forward: [String]
    /// With respect to the data.
    public let backwardData: [String]
    /// With respect to weights and biases.
    public let backwardWeights: [String]

    private init(
        _ inputs: [String], _ outputs: [String] = ["y"], _ forward: [String], backward: [String],
        backwardWeights: [String] = []
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.forward = forward
        backwardData = backward
        self.backwardWeights = backwardWeights
    }

    /// - Parameter inputCount: of the forward step: with or without a bias.
    public init(_ operation: Operation, inputCount: Int) {
        let bias = inputCount > 2 ? " + b" : ""
        let biasGradient = inputCount > 2 ? ["∂L/∂b = ∂L/∂y, summed over positions"] : []
        switch operation {
        case .linear:
            self.init(
                ["x", "W", "b"], ["y = W·x\(bias)"], backward: ["∂L/∂x = Wᵀ·∂L/∂y"],
                backwardWeights: ["∂L/∂W = ∂L/∂y·xᵀ"] + (inputCount > 2 ? ["∂L/∂b = ∂L/∂y"] : []))
        case .convolution(let window):
            self.init(
                ["x", "W", "b"], ["y = W ⋆ x\(bias), \(window.words)"],
                backward: ["∂L/∂x = the transposed convolution of ∂L/∂y with W"],
                backwardWeights: ["∂L/∂W = ∂L/∂y ⋆ x, summed over positions"] + biasGradient)
        case .transposedConvolution(let window):
            self.init(
                ["x", "W", "b"], ["y = W spread at each position of x, times x\(bias), \(window.words)"],
                backward: ["∂L/∂x = the convolution of ∂L/∂y with W"],
                backwardWeights: ["∂L/∂W = x ⋆ ∂L/∂y, summed over positions"] + biasGradient)
        case .activation(let activation):
            self.init(["x"], ["y = \(activation.formula)"], backward: ["∂L/∂x = ∂L/∂y · \(activation.derivative)"])
        case .batchNorm(let epsilon, _, _):
            self.init(
                ["x", "γ", "β", "running mean", "running variance"], ["y", "m", "1/s"],
                ["y = γ·(x − m)/s + β, m and s² = variance + \(epsilon) over the batch, per channel"],
                backward: [
                    "∂L/∂x = γ/s·(∂L/∂y − mean(∂L/∂y) − x̄·mean(∂L/∂y·x̄)) with x̄ = (x − m)/s", "∂L/∂γ = Σ ∂L/∂y·x̄",
                    "∂L/∂β = Σ ∂L/∂y",
                ])
        case .groupNorm(let groups, let epsilon):
            self.init(
                ["x", "γ", "β"], ["y", "m", "1/s"],
                [
                    "y = γ·(x − m)/s + β, m and s² = variance + \(epsilon) over \(groups == 1 ? "the image" : "each of \(groups) groups of channels")"
                ],
                backward: [
                    "∂L/∂x = (g − mean(g) − x̄·mean(g·x̄))/s with g = γ·∂L/∂y, x̄ = (x − m)/s", "∂L/∂γ = Σ ∂L/∂y·x̄",
                    "∂L/∂β = Σ ∂L/∂y",
                ])
        case .dropout(let rate, _):
            self.init(
                ["x"], ["y = x/(1 − \(rate)) where kept, 0 where dropped (with probability \(rate))"],
                backward: ["∂L/∂x = ∂L/∂y/(1 − \(rate)) where kept, 0 where dropped"])
        case .reshape:
            self.init(
                ["x"], ["y = x, the same numbers under another shape"],
                backward: ["∂L/∂x = ∂L/∂y, the same numbers under another shape"])
        case .upsampleNearest(let factor):
            self.init(
                ["x"], ["y = x, each number repeated \(factor.height)×\(factor.width)"],
                backward: ["∂L/∂x = ∂L/∂y summed over the \(factor.height)×\(factor.width) copies"])
        case .maxPool(let window):
            self.init(
                ["x"], ["y = the maximum of each window, \(window.words)"],
                backward: ["∂L/∂x = ∂L/∂y where x is its window's first maximum, else 0"])
        case .averagePool(let window):
            self.init(
                ["x"], ["y = the mean of each window, \(window.words)"],
                backward: ["∂L/∂x = ∂L/∂y divided among its window"])
        case .add:
            self.init(["a", "b"], ["y = a + b"], backward: [])
        case .gaussianLatent:
            self.init(
                ["μ", "log σ²", "ε"], ["z", "KL", "KL per dimension"],
                ["σ = exp(½·log σ²)", "z = μ + σ·ε", "KL = ½ Σ (μ² + σ² − 1 − log σ²)"],
                backward: [
                    "∂L/∂μ = ∂L/∂z·1 + ∂L_KL/∂μ, ∂L_KL/∂μ = w·μ",
                    "∂L/∂log σ² = ∂L/∂z·∂z/∂log σ² + ∂L_KL/∂log σ²",
                    "∂z/∂log σ² = ½·σ·ε, ∂L_KL/∂log σ² = w·½·(σ² − 1), w = ∂L/∂KL of the dimension",
                ])
        case .reconstruction(let loss):
            self.init(loss: loss)
        case .vectorQuantization:
            self.init(
                ["x", "E"], ["y", "i"], ["i = the row of E that is nearest to x", "y = E_i"],
                backward: ["∂L/∂x = ∂L/∂y (straight-through)"])
        case .codebookUpdate(let decay, _, let revival):
            self.init(
                ["x", "i", "E", "N", "m"], ["E", "N", "m"],
                [
                    "N ← \(decay)·N + (1 − \(decay))·n, m ← \(decay)·m + (1 − \(decay))·Σ x over those that chose a row",
                    "E ← m/N; anew as a vector of the batch where N < \(revival)",
                ], backward: [])
        case .crop:
            self.init(
                ["x"], ["y = the first rows and columns of x"],
                backward: ["∂L/∂x = ∂L/∂y, and 0 for what is left out"])
        case .gate:
            self.init(
                ["x"], ["y = tanh(a)·sigmoid(b), a and b being the halves of x"],
                backward: ["∂L/∂a = ∂L/∂y·(1 − tanh²(a))·sigmoid(b), ∂L/∂b = ∂L/∂y·tanh(a)·s·(1 − s), s = sigmoid(b)"])
        case .lossGradient:
            self.init([], [], backward: [])
        case .custom(let operation):
            let names = (0..<inputCount).map { inputCount == 1 ? "x" : "x\($0 + 1)" }
            self.init(
                names, [operation.formula ?? "y = \(operation.name)(\(names.joined(separator: ", ")))"],
                backward: names.map { "∂L/∂\($0) as \(operation.name) gives it" })
        }
    }

    private init(_ inputs: [String], _ forward: [String], backward: [String], backwardWeights: [String] = []) {
        self.init(inputs, ["y"], forward, backward: backward, backwardWeights: backwardWeights)
    }

    private init(loss: ReconstructionLoss) {
        let isSigmoid = loss.link == .sigmoid
        let link = isSigmoid ? ["x̂ = 1/(1 + e⁻ᵃ)"] : []
        func weighted(_ term: ReconstructionLoss.Term, _ formula: String) -> String {
            term.weight == 1 ? formula : "\(term.weight)·(\(formula))"
        }
        let terms = loss.terms.map { weighted($0, $0.likelihood.formula) }
        let derivatives = loss.terms.map { term in
            let formula = term.likelihood.derivative
            if case .bernoulli = term.likelihood { return weighted(term, formula) }
            return weighted(term, isSigmoid ? "(\(formula))·x̂·(1 − x̂)" : formula)
        }
        let sigma = loss.learnsVariance ? ["∂L/∂log σ = D − ‖x − x̂‖²/σ², times its weight"] : []
        self.init(
            [isSigmoid ? "a" : "x̂", "x", "log σ"], ["L_rec"], link + ["L_rec = \(terms.joined(separator: " + "))"],
            backward: ["∂L/∂\(isSigmoid ? "a" : "x̂") = \(derivatives.joined(separator: " + "))"] + sigma)
    }
}

extension Likelihood {
    fileprivate var formula: String {
        switch self {
        case .bernoulli: "−Σ x·log x̂ + (1 − x)·log(1 − x̂)"
        case .gaussian: "½‖x − x̂‖²"
        case .gaussianLearnedVariance: "½‖x − x̂‖²/σ² + D·log σ"
        case .laplace: "Σ|x − x̂|"
        case .custom(let loss): "Σ \(loss.name)(x̂, x)"
        }
    }

    /// With respect to x̂; for the Bernoulli likelihood, to the logit a.
    fileprivate var derivative: String {
        switch self {
        case .bernoulli, .gaussian: "x̂ − x"
        case .gaussianLearnedVariance: "(x̂ − x)/σ²"
        case .laplace: "sign(x̂ − x)"
        case .custom(let loss): "∂\(loss.name)/∂x̂"
        }
    }
}

extension Activation {
    fileprivate var formula: String {
        switch self {
        case .identity: "x"
        case .relu: "max(0, x)"
        case .leakyReLU(let slope): "x for x > 0, \(slope)·x otherwise"
        case .elu(let alpha): "x for x > 0, \(alpha)·(eˣ − 1) otherwise"
        case .gelu: "x·Φ(x)"
        case .silu: "x·sigmoid(x)"
        case .tanh: "tanh(x)"
        case .sigmoid: "1/(1 + e⁻ˣ)"
        case .softplus: "log(1 + eˣ)"
        }
    }

    /// From the output y where the program keeps only that.
    fileprivate var derivative: String {
        switch self {
        case .identity: "1"
        case .relu: "(1 where y > 0, else 0)"
        case .leakyReLU(let slope): "(1 where y > 0, else \(slope))"
        case .elu(let alpha): "(1 where y > 0, else y + \(alpha))"
        case .gelu: "(Φ(x) + x·φ(x))"
        case .silu: "s·(1 + x·(1 − s)), s = sigmoid(x)"
        case .tanh: "(1 − y²)"
        case .sigmoid: "y·(1 − y)"
        case .softplus: "(1 − e⁻ʸ)"
        }
    }
}

extension Window {
    fileprivate var words: String {
        func pair(_ extent: Extent) -> String { "\(extent.height)×\(extent.width)" }
        var words = "kernel \(pair(kernel)), stride \(pair(stride))"
        if padding != Extent(0) { words += ", padding \(pair(padding))" }
        if outputPadding != Extent(0) { words += ", output padding \(pair(outputPadding))" }
        return words
    }
}
