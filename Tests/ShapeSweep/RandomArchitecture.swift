import TensorCore

/// Writes random definitions that are valid, in which every layer, activation, likelihood, regulariser and optimiser occurs.
struct RandomArchitecture {
    private var choices: RandomChoices
    private var layerCount = 0

    init(_ choices: RandomChoices) {
        self.choices = choices
    }

    /// A definition, and the random choices after it.
    mutating func definition() -> (text: String, choices: RandomChoices) {
        let isImage = choices.chance(0.85)
        let input: Shape =
            isImage
            ? [
                choices.one(of: [1, 1, 3, 3, 2, 4, choices.channels(atMost: 20)]), choices.side(atMost: 64),
                choices.side(atMost: 64),
            ] : [choices.integer(1...900)]
        let latentSize = choices.one(of: [1, 2, 3, 8, 10, 16, 17, 20, 32, 33, 64, choices.integer(1...130)])
        let isVariational = choices.chance(0.65)
        let encoder = encoder(of: input)
        let decoder = decoder(to: input)
        var lines = [
            "format: zoo.model/1", "name: random", "family: \(isVariational ? "vae" : "autoencoder")",
            "summary: A random architecture", "input: \(input)",
            isVariational
                ? "latent: {size: \(latentSize), mean: mean, log_variance: log_variance}"
                : "latent: {size: \(latentSize), code: {code: {bias: \(choices.chance(0.8)), activation: \(activation())}}}",
        ]
        lines += list("encoder", encoder) + list("decoder", decoder)
        lines.append("objective: {reconstruction: \(reconstruction())\(isVariational ? ", \(regularizer())" : "")}")
        lines += ["training:", "  optimizer: \(optimizer())"]
        if choices.chance(0.3) { lines.append("  clip_norm: \(choices.one(of: [0.1, 1, 100]))") }
        if choices.chance(0.2) { lines.append("  average_decay: 0.9") }
        lines += ["  batch_size: 1", "  epochs: 1"]
        return (lines.joined(separator: "\n") + "\n", choices)
    }

    private func list(_ name: String, _ layers: [String]) -> [String] {
        layers.isEmpty ? ["\(name): []"] : ["\(name):"] + layers.map { "  - \($0)" }
    }

    // MARK: Objective and recipe

    private mutating func reconstruction() -> String {
        let names = ["bernoulli", "gaussian", "gaussian_learned_variance", "laplace"]
        if choices.chance(0.15) {
            return
                "{\(names[choices.integer(0...1)]): 0.5, \(choices.one(of: ["laplace", "gaussian_learned_variance"])): 1}"
        }
        return choices.one(of: names + ["bernoulli", "gaussian"])
    }

    private mutating func regularizer() -> String {
        switch choices.integer(0...3) {
        case 0: "kl: {weight: 4, free_nats: 0.01}"
        case 1: "capacity: {weight: 10, start: 0, end: 25, steps: 10}"
        case 2: "kl: {weight: 1, warmup_steps: 2}"
        default: "kl: {weight: 1}"
        }
    }

    /// Steps that go well beyond rounding, and no quotients of numbers that may be nothing but rounding.
    private mutating func optimizer() -> String {
        choices.one(of: [
            "{sgd: {learning_rate: 1.0e-4}}", "{sgd: {learning_rate: 1.0e-5, momentum: 0.9, nesterov: true}}",
            "{sgd: {learning_rate: 1.0e-4, momentum: 0.5, weight_decay: 0.1}}",
            "{adam: {learning_rate: 1.0e-3, epsilon: 1.0}}",
            "{adamw: {learning_rate: 1.0e-3, epsilon: 1.0, weight_decay: 0.1}}",
        ])
    }

    // MARK: Layers

    private mutating func activation() -> String {
        choices.one(of: [
            "relu", "relu", "relu", "identity", "tanh", "sigmoid", "gelu", "silu", "softplus", "elu",
            "{elu: {alpha: 0.5}}",
            "leaky_relu", "{leaky_relu: {slope: 0.2}}",
        ])
    }

    private mutating func named(_ kind: String, _ fields: String, activation: String? = nil) -> String {
        layerCount += 1
        let function = activation ?? self.activation()
        return "layer\(layerCount): {\(kind): {\(fields)}\(function == "identity" ? "" : ", activation: \(function)")}"
    }

    /// ", bias: false" now and then.
    private mutating func bias() -> String { choices.chance(0.75) ? "" : ", bias: false" }

    private mutating func linear(_ units: Int) -> String { named("linear", "units: \(units)\(bias())") }

    private mutating func norm(_ shape: Shape) -> String {
        switch choices.integer(0...2) {
        case 0: return named("batch_norm", "momentum: 0.3")
        case 1: return named("layer_norm", "epsilon: 1.0e-3")
        default:
            let divisors = (1...shape.channels).filter { shape.channels % $0 == 0 }
            return named("group_norm", "groups: \(choices.one(of: divisors)), epsilon: 1.0e-3")
        }
    }

    /// What keeps every shape.
    ///
    /// - Parameter norms: pixels are multiples of 1/255, so that one may be just the mean of its channel, and then only rounding says
    ///   on which side of a ReLU's kink its normal form lies; normalisation has to follow a layer with weights.
    private mutating func plain(_ shape: Shape, norms: Bool = true) -> String {
        switch choices.integer(0...(norms ? 3 : 1)) {
        case 0: "dropout: \(choices.one(of: [0.1, 0.5]))"
        case 1: "activation: {function: \(activation())}"
        default: norm(shape)
        }
    }

    private func text(_ extent: Window.Extent) -> String {
        extent.height == extent.width ? "\(extent.height)" : "[\(extent.height), \(extent.width)]"
    }

    private func text(_ window: Window) -> String {
        "kernel: \(text(window.kernel)), stride: \(text(window.stride)), padding: \(text(window.padding))"
            + (window.outputPadding == .init(0) ? "" : ", output_padding: \(text(window.outputPadding))")
    }

    private mutating func convolution(_ shape: Shape) -> (text: String, shape: Shape)? {
        let kernel = Window.Extent(choices.integer(1...5))
        var window = Window(
            kernel: choices.chance(0.8) ? kernel : .init(choices.integer(1...5), choices.integer(1...5)),
            stride: .init(choices.one(of: [1, 1, 2, 2, 2, 3])))
        if choices.chance(0.7) { window.padding = .init(window.kernel.height / 2, window.kernel.width / 2) }
        guard let extent = window.outputExtent(height: shape.height, width: shape.width) else { return nil }
        let filters = choices.channels(atMost: 130)
        return (
            named("conv2d", "filters: \(filters), \(text(window))\(bias())"), [filters, extent.height, extent.width]
        )
    }

    private mutating func pool(_ shape: Shape) -> (text: String, shape: Shape)? {
        let window = Window(
            kernel: .init(choices.integer(2...3)), stride: .init(choices.integer(1...3)),
            padding: .init(choices.integer(0...1)))
        guard let extent = window.outputExtent(height: shape.height, width: shape.width) else { return nil }
        return (
            "\(choices.one(of: ["max_pool", "average_pool"])): {\(text(window))}",
            [shape.channels, extent.height, extent.width]
        )
    }

    /// A block that keeps the shape or goes to more channels and half the size, through a 1×1 shortcut.
    private mutating func residual(_ shape: Shape, norms: Bool) -> (text: String, shape: Shape) {
        let halves = shape.height % 2 == 0 && shape.width % 2 == 0 && choices.chance(0.5)
        let filters = choices.chance(0.4) ? shape.channels : choices.channels(atMost: 130)
        let hidden = choices.channels(atMost: 64)
        var inside = [
            named(
                "conv2d",
                "filters: \(choices.chance(0.5) ? hidden : filters), kernel: 3, stride: \(halves ? 2 : 1), padding: 1")
        ]
        if choices.chance(0.4) { inside.insert(plain(shape, norms: norms), at: 0) }
        inside.append(
            named("conv2d", "filters: \(filters), kernel: \(choices.one(of: ["1", "3, padding: 1"]))\(bias())"))
        return (
            named("residual", "layers: [\(inside.map { "{\($0)}" }.joined(separator: ", "))]"),
            [filters, shape.height / (halves ? 2 : 1), shape.width / (halves ? 2 : 1)]
        )
    }

    private mutating func residual(_ units: Int, linear _: Void) -> String {
        named("residual", "layers: [{\(linear(choices.features()))}, {\(linear(units))}]")
    }

    // MARK: Parts

    private mutating func encoder(of input: Shape) -> [String] {
        var layers: [String] = []
        var shape = input
        var norms = false
        for _ in 0..<choices.integer(0...6) {
            if shape.rank == 1 {
                switch choices.integer(0...5) {
                case 0: layers.append(plain(shape, norms: norms))
                case 1:
                    layers.append(residual(shape.count, linear: ()))
                    norms = true
                default:
                    let units = choices.features()
                    layers.append(linear(units))
                    shape = [units]
                    norms = true
                }
                continue
            }
            let next: (text: String, shape: Shape)? =
                switch choices.integer(0...11) {
                case 0...5: convolution(shape)
                case 6: residual(shape, norms: norms)
                case 7: pool(shape)
                case 8: (plain(shape, norms: norms), shape)
                case 9: ("flatten", [shape.count])
                case 10 where shape.area <= 256:
                    ("upsample: 2", [shape.channels, shape.height * 2, shape.width * 2])
                default: residual(shape, norms: norms)
                }
            guard let next else { continue }
            layers.append(next.text)
            norms = norms || next.text.contains("conv2d")
            shape = next.shape
        }
        return layers
    }

    /// Built from the image backwards, so that it ends where it must.
    private mutating func decoder(to output: Shape) -> [String] {
        var layers: [String] = []
        var shape = output
        if output.rank == 3, choices.chance(0.8) {
            for place in 0..<choices.integer(1...5) {
                guard let layer = maps(to: shape, isLast: place == 0) else { continue }
                layers.insert(layer.text, at: 0)
                shape = layer.shape
            }
            layers.insert("reshape: \(shape)", at: 0)
        } else if choices.chance(0.2) {
            layers.insert("activation: sigmoid", at: 0)
        }
        layers.insert(linear(shape.count), at: 0)
        for _ in 0..<choices.integer(0...2) {
            let units = choices.features()
            if choices.chance(0.3) { layers.insert(plain([units]), at: 0) }
            layers.insert(linear(units), at: 0)
        }
        return layers
    }

    /// A layer that gives maps of a shape, and the shape that it takes.
    private mutating func maps(to shape: Shape, isLast: Bool) -> (text: String, shape: Shape)? {
        let function = isLast ? choices.one(of: ["sigmoid", "identity"]) : activation()
        switch choices.integer(0...9) {
        case 0 where !isLast: return (plain(shape), shape)
        case 1 where !isLast:
            let hidden = choices.channels(atMost: 64)
            let inside = [
                named("conv2d", "filters: \(hidden), kernel: 3, padding: 1"),
                named("conv2d", "filters: \(shape.channels), kernel: 3, padding: 1\(bias())"),
            ]
            return (
                named("residual", "layers: [\(inside.map { "{\($0)}" }.joined(separator: ", "))]"),
                [choices.chance(0.5) ? shape.channels : choices.channels(atMost: 64), shape.height, shape.width]
            )
        case 2 where shape.height % 2 == 0 && shape.width % 2 == 0 && !isLast:
            return ("upsample: 2", [shape.channels, shape.height / 2, shape.width / 2])
        case 3, 4:
            let channels = choices.channels(atMost: 130)
            let half = choices.integer(0...2)
            return (
                named(
                    "conv2d",
                    "filters: \(shape.channels), kernel: \(2 * half + 1), stride: 1, padding: \(half)\(bias())",
                    activation: function), [channels, shape.height, shape.width]
            )
        default:
            return transposed(to: shape, function)
        }
    }

    /// A transposed convolution that gives maps of a shape.
    private mutating func transposed(to shape: Shape, _ function: String) -> (text: String, shape: Shape)? {
        func side(_ output: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> (side: Int, outputPadding: Int)? {
            let rest = output - kernel + 2 * padding
            guard rest >= 0 else { return nil }
            return (rest / stride + 1, rest % stride)
        }
        let kernel = Window.Extent(choices.integer(1...5))
        var window = Window(
            kernel: choices.chance(0.8) ? kernel : .init(choices.integer(1...5), choices.integer(1...5)),
            stride: .init(choices.one(of: [1, 2, 2, 2, 3])))
        if choices.chance(0.7) {
            window.padding = .init((window.kernel.height - 1) / 2, (window.kernel.width - 1) / 2)
        }
        guard let rows = side(shape.height, window.kernel.height, window.stride.height, window.padding.height),
            let columns = side(shape.width, window.kernel.width, window.stride.width, window.padding.width)
        else { return nil }
        window.outputPadding = .init(rows.outputPadding, columns.outputPadding)
        let channels = choices.channels(atMost: 130)
        return (
            named("conv_transpose2d", "filters: \(shape.channels), \(text(window))\(bias())", activation: function),
            [channels, rows.side, columns.side]
        )
    }
}
