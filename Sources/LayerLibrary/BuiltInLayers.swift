import TensorCore

private let units = 1...1_000_000
private let side = 1...4096

private let weightFields = [
    FieldSchema("bias", .boolean, default: .boolean(true), "Whether the layer adds a bias."),
    FieldSchema(
        "weight_initializer", .initializer, default: .initializer(.kaimingUniform), "How the weights start."),
    FieldSchema("bias_initializer", .initializer, default: .initializer(.kaimingUniform), "How the bias starts."),
]

private let epsilon = FieldSchema(
    "epsilon", .number(0...1, openLower: true), default: .number(1e-5), "Added to the variance.")

private func weightSettings(_ fields: FieldValues) -> WeightSettings {
    WeightSettings(
        hasBias: fields.boolean("bias"), weight: fields.initializer("weight_initializer"),
        bias: fields.initializer("bias_initializer"))
}

private func windowFields(stride: FieldValue?) -> [FieldSchema] {
    [
        FieldSchema("kernel", .extent(side), "Height and width of the window."),
        FieldSchema("stride", .extent(side), default: stride, "Step of the window."),
        FieldSchema("padding", .extent(0...4096), default: .extent(Window.Extent(0)), "Zeros added on each side."),
    ]
}

private func poolWindow(_ fields: FieldValues) -> Window {
    let (kernel, stride) = (fields.extent("kernel"), fields.extent("stride"))
    return Window(
        kernel: kernel,
        stride: Window.Extent(
            stride.height == 0 ? kernel.height : stride.height, stride.width == 0 ? kernel.width : stride.width),
        padding: fields.extent("padding"))
}

private let poolFields = [
    FieldSchema("kernel", .extent(side), "Height and width of the window."),
    FieldSchema(
        "stride", .extent(0...4096), default: .extent(Window.Extent(0)), "Step of the window; 0 stands for the kernel."),
    FieldSchema(
        "padding", .extent(0...4096), default: .extent(Window.Extent(0)), "Rows and columns added on each side."),
]

private let slidingRule = "[C, H, W] → [C, H', W'], H' = ⌊(H + 2·padding − kernel) / stride⌋ + 1"

/// The layers that definitions can use without plug-ins, sorted by name.
public let builtInLayers: [LayerDescriptor] = [
    LayerDescriptor(
        kind: "activation", summary: "An activation as a layer of its own.", shapeRule: "keeps the shape",
        fields: [FieldSchema("function", .activation, "The activation.")], shorthand: "function"
    ) { ActivationLayer(function: $0.activation("function")) },
    LayerDescriptor(
        kind: "average_pool", summary: "The mean of each window, padding counted.", shapeRule: slidingRule,
        fields: poolFields, shorthand: "kernel"
    ) { AveragePool2D(window: poolWindow($0)) },
    LayerDescriptor(
        kind: "batch_norm", summary: "Batch normalisation with running statistics for evaluation.",
        shapeRule: "keeps the shape",
        fields: [
            epsilon,
            FieldSchema(
                "momentum", .number(0...1), default: .number(0.1), "Weight of a new batch in the running statistics."),
        ]
    ) { BatchNorm(epsilon: $0.number("epsilon"), momentum: $0.number("momentum")) },
    LayerDescriptor(
        kind: "condition", summary: "Appends the class of the image, one number for each class.",
        shapeRule: "[D] → [D + classes], [C, H, W] → [C + classes, H, W]",
        fields: [FieldSchema("classes", .integer(2...100_000), "How many classes there are.")], shorthand: "classes"
    ) { Condition(classes: $0.integer("classes")) },
    LayerDescriptor(
        kind: "conv2d", summary: "Two-dimensional convolution.",
        shapeRule: "[C, H, W] → [filters, H', W'], H' = ⌊(H + 2·padding − kernel) / stride⌋ + 1",
        fields: [FieldSchema("filters", .integer(units), "Output channels.")]
            + windowFields(stride: .extent(Window.Extent(1))) + weightFields
    ) {
        Convolution2D(
            filters: $0.integer("filters"),
            window: Window(kernel: $0.extent("kernel"), stride: $0.extent("stride"), padding: $0.extent("padding")),
            settings: weightSettings($0))
    },
    LayerDescriptor(
        kind: "conv_transpose2d", summary: "Transposed convolution, which enlarges by its stride.",
        shapeRule: "[C, H, W] → [filters, H', W'], H' = (H − 1)·stride − 2·padding + kernel + output_padding",
        fields: [FieldSchema("filters", .integer(units), "Output channels.")]
            + windowFields(stride: .extent(Window.Extent(1)))
            + [
                FieldSchema(
                    "output_padding", .extent(0...4096), default: .extent(Window.Extent(0)),
                    "Rows and columns added at the lower right.")
            ] + weightFields
    ) {
        TransposedConvolution2D(
            filters: $0.integer("filters"),
            window: Window(
                kernel: $0.extent("kernel"), stride: $0.extent("stride"), padding: $0.extent("padding"),
                outputPadding: $0.extent("output_padding")),
            settings: weightSettings($0))
    },
    LayerDescriptor(
        kind: "dropout", summary: "Zeroes elements at random in training.", shapeRule: "keeps the shape",
        fields: [FieldSchema("rate", .number(0...1, openUpper: true), "Probability that an element is zeroed.")],
        shorthand: "rate"
    ) { Dropout(rate: $0.number("rate")) },
    LayerDescriptor(
        kind: "flatten", summary: "Maps to a vector, in C H W order.", shapeRule: "[C, H, W] → [C·H·W]"
    ) { _ in Flatten() },
    LayerDescriptor(
        kind: "gaussian_noise", summary: "Adds normal noise in training.", shapeRule: "keeps the shape",
        fields: [FieldSchema("deviation", .number(0...1000), "Standard deviation of the noise.")],
        shorthand: "deviation"
    ) { GaussianNoise(deviation: $0.number("deviation")) },
    LayerDescriptor(
        kind: "group_norm", summary: "Normalisation per image and group of channels.", shapeRule: "keeps the shape",
        fields: [FieldSchema("groups", .integer(units), "Groups the channels divide into."), epsilon],
        shorthand: "groups"
    ) { GroupNorm(groups: $0.integer("groups"), epsilon: $0.number("epsilon")) },
    LayerDescriptor(
        kind: "layer_norm", summary: "Normalisation per image over everything.", shapeRule: "keeps the shape",
        fields: [epsilon]
    ) { LayerNorm(epsilon: $0.number("epsilon")) },
    LayerDescriptor(
        kind: "linear", summary: "A fully connected layer; maps are flattened first.", shapeRule: "[I] → [units]",
        fields: [FieldSchema("units", .integer(units), "Output features.")] + weightFields, shorthand: "units"
    ) { Linear(units: $0.integer("units"), settings: weightSettings($0)) },
    LayerDescriptor(
        kind: "max_pool", summary: "The maximum of each window.", shapeRule: slidingRule, fields: poolFields,
        shorthand: "kernel"
    ) { MaxPool2D(window: poolWindow($0)) },
    LayerDescriptor(
        kind: "reshape", summary: "The same elements, in C H W order, under another shape.",
        shapeRule: "any shape → the given shape with as many elements",
        fields: [FieldSchema("shape", .shape, "[D] or [C, H, W].")], shorthand: "shape"
    ) { Reshape(shape: $0.shape("shape")) },
    LayerDescriptor(
        kind: "residual", summary: "x + f(x), f being the layers inside; a 1×1 convolution where shapes differ.",
        shapeRule: "the shape of f(x)", fields: [FieldSchema("layers", .layers, "The layers of f.")],
        shorthand: "layers"
    ) { Residual(layers: $0.layers("layers")) },
    LayerDescriptor(
        kind: "upsample", summary: "Nearest-neighbour enlargement.", shapeRule: "[C, H, W] → [C, H·factor, W·factor]",
        fields: [FieldSchema("factor", .extent(1...64), "Whole factor of the enlargement.")], shorthand: "factor"
    ) { Upsample(factor: $0.extent("factor")) },
]

/// The activations that definitions can use without plug-ins, sorted by name.
public let builtInActivations: [ActivationDescriptor] = [
    ActivationDescriptor(
        name: "elu", summary: "x for x > 0, α·(eˣ − 1) otherwise.",
        fields: [FieldSchema("alpha", .number(0...100, openLower: true), default: .number(1), "α.")]
    ) { .builtIn(.elu(alpha: $0.number("alpha"))) },
    ActivationDescriptor(name: "gelu", summary: "x·Φ(x), exact.") { _ in .builtIn(.gelu) },
    ActivationDescriptor(name: "identity", summary: "x.") { _ in .builtIn(.identity) },
    ActivationDescriptor(
        name: "leaky_relu", summary: "x for x > 0, slope·x otherwise.",
        fields: [FieldSchema("slope", .number(0...1, openLower: true), default: .number(0.01), "Slope for x < 0.")]
    ) { .builtIn(.leakyReLU(slope: $0.number("slope"))) },
    ActivationDescriptor(name: "relu", summary: "max(0, x).") { _ in .builtIn(.relu) },
    ActivationDescriptor(name: "sigmoid", summary: "1/(1 + e⁻ˣ).") { _ in .builtIn(.sigmoid) },
    ActivationDescriptor(name: "silu", summary: "x·sigmoid(x).") { _ in .builtIn(.silu) },
    ActivationDescriptor(name: "softplus", summary: "log(1 + eˣ).") { _ in .builtIn(.softplus) },
    ActivationDescriptor(name: "tanh", summary: "Hyperbolic tangent.") { _ in .builtIn(.tanh) },
]
