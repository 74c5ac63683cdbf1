import LayerLibrary
import ObjectiveLibrary
import TensorCore

/// The table that drives finite differences, the comparison of the engines and the comparison with PyTorch.
enum LayerCases {
    static let all = matrix + normalization + rearrangement + activations + combinations + objectives

    /// What in bf16 runs on tile registers: channels of both sides in multiples of 32, strides and borders of each kind, and large
    /// linear layers.
    static let tiles: [LayerCase] = [
        LayerCase(
            "conv2d_32_channels", [32, 7, 6],
            [
                .conv(named: "first", 64, .square(3, stride: 2, padding: 1), .relu),
                .conv(named: "second", 32, .square(2)),
            ]),
        LayerCase("conv2d_32_channels_wide_stride", [32, 9, 8], [.conv(32, .square(5, stride: 3, padding: 2))]),
        LayerCase("conv2d_96_channels_no_bias", [32, 3, 4], [.conv(96, .square(1), bias: false)]),
        LayerCase(
            "conv_transpose2d_32_channels", [64, 3, 4],
            [
                .transposed(named: "first", 32, .square(4, stride: 2, padding: 1), .relu),
                .transposed(named: "second", 32, .square(3, stride: 2, padding: 1, outputPadding: 1), .tanh),
            ]),
        LayerCase(
            "conv_transpose2d_32_channels_gap", [32, 3, 2], [.transposed(32, .square(2, stride: 3), bias: false)]),
        // More inputs, and on the way back more outputs, than tiles of weights are made for at once; blocks that are not full.
        LayerCase("linear_1100_hidden", [70], [.linear(named: "first", 1100, .relu), .linear(named: "second", 33)]),
    ]

    /// Shapes at which oneDNN 2.6 crashes or writes beyond its memory: the backward pass of a linear layer from few inputs to many
    /// outputs, and the gradient of a strided 1×1 convolution's weights from few channels.
    static let faultyInOneDNN: [LayerCase] = [
        LayerCase("linear_16_to_2048", [5], [.linear(named: "first", 16, .relu), .linear(named: "second", 2048)]),
        LayerCase("linear_32_to_1088", [5], [.linear(named: "first", 32), .linear(named: "second", 1088)]),
        LayerCase(
            "conv2d_shortcut", [3, 64, 66],
            [.conv(named: "first", 8, .square(1)), .conv(named: "second", 16, .square(1, stride: 2))]),
    ]

    /// What in f32 is done with fewer operations: kernels of 3 and 4, stride 2, channels of both sides in multiples of 16. Tiles of
    /// each size, whole and cut short, few and many channels, borders of each kind.
    static let phases: [LayerCase] = [
        LayerCase(
            "phases_3", [32, 14, 13],
            [
                .conv(named: "first", 48, .square(3, stride: 2, padding: 1), .relu),
                .conv(named: "second", 16, .square(3, stride: 2)),
            ]),
        LayerCase(
            "phases_4", [16, 22, 9],
            [
                .conv(named: "first", 32, .square(4, stride: 2, padding: 1), .relu),
                .conv(named: "second", 16, .square(4, stride: 2, padding: 2), .tanh),
            ]),
        LayerCase("phases_many_channels", [64, 8, 8], [.conv(128, .square(4, stride: 2, padding: 1), .relu)]),
        LayerCase(
            "phases_non_square", [16, 9, 14],
            [.conv(16, Window(kernel: .init(3, 4), stride: .init(2), padding: .init(0, 3)), bias: false)]),
        LayerCase(
            "phases_transposed", [32, 4, 3],
            [
                .transposed(named: "first", 48, .square(4, stride: 2, padding: 1), .relu),
                .transposed(named: "second", 16, .square(3, stride: 2, padding: 1, outputPadding: 1), .tanh),
            ]),
        LayerCase(
            "phases_transposed_border", [16, 5, 7],
            [
                .transposed(named: "first", 16, .square(4, stride: 2), .relu),
                .transposed(named: "second", 32, .square(3, stride: 2, padding: 2), bias: false),
            ]),
    ]

    /// Linear layers and convolutions: with and without bias, on vectors and maps, square and not, channel counts that
    /// fill no vector register.
    static let matrix: [LayerCase] = [
        LayerCase("linear", [5], [.linear(4)]),
        LayerCase("linear_no_bias", [5], [.linear(4, bias: false)]),
        LayerCase("linear_on_maps", [2, 3, 2], [.linear(4)]),
        LayerCase("conv2d", [3, 5, 6], [.conv(4, .square(3, padding: 1))]),
        LayerCase("conv2d_stride", [2, 6, 7], [.conv(3, .square(3, stride: 2, padding: 1))]),
        LayerCase("conv2d_one_channel", [1, 5, 5], [.conv(1, .square(4, stride: 2, padding: 1))]),
        LayerCase(
            "conv2d_non_square", [2, 6, 5],
            [.conv(3, Window(kernel: .init(3, 2), stride: .init(2, 1), padding: .init(1, 0)), bias: false)]),
        LayerCase(
            "conv2d_20_channels", [3, 4, 4],
            [
                .conv(named: "first", 20, .square(3, padding: 1), .relu),
                .conv(named: "second", 3, .square(2, stride: 2)),
            ]),
        LayerCase("conv_transpose2d", [3, 4, 3], [.transposed(2, .square(3, padding: 1))]),
        LayerCase("conv_transpose2d_stride", [4, 3, 3], [.transposed(3, .square(4, stride: 2, padding: 1))]),
        LayerCase(
            "conv_transpose2d_output_padding", [3, 3, 3],
            [.transposed(1, .square(3, stride: 2, padding: 1, outputPadding: 1))]),
        LayerCase(
            "conv_transpose2d_non_square", [2, 3, 2],
            [
                .transposed(
                    3,
                    Window(
                        kernel: .init(3, 2), stride: .init(2, 3), padding: .init(1, 0), outputPadding: .init(0, 1)),
                    bias: false)
            ]),
        // What the kernels between images and maps take: few channels on one side, a multiple of 16 on the other; rows of
        // maps shorter and longer than the eight pixels done at once.
        LayerCase(
            "conv2d_image", [1, 9, 21],
            [
                .conv(named: "first", 16, .square(3, stride: 2, padding: 1), .relu),
                .conv(named: "second", 3, .square(3, stride: 2)),
            ]),
        LayerCase(
            "conv2d_image_3_channels", [3, 6, 7],
            [
                .conv(named: "first", 48, .square(4, stride: 2, padding: 1), .relu),
                .conv(named: "second", 32, .square(2)),
            ]),
        LayerCase(
            "conv_transpose2d_image", [3, 3, 5],
            [
                .transposed(named: "first", 48, .square(3, stride: 2, padding: 1, outputPadding: 1), .relu),
                .transposed(named: "second", 1, .square(3, stride: 2, padding: 1, outputPadding: 1)),
            ]),
        LayerCase(
            "conv_transpose2d_image_3_channels", [5, 2, 2],
            [
                .transposed(named: "first", 32, .square(4, stride: 2, padding: 1), .relu),
                .transposed(named: "second", 3, .square(4, stride: 2, padding: 1), .sigmoid),
            ]),
        // Windows of more than one vector register, with a remainder.
        LayerCase(
            "image_25_taps", [1, 7, 8],
            [
                .conv(named: "first", 16, .square(5, stride: 2, padding: 2), .relu),
                .transposed(named: "second", 1, .square(5, stride: 2, padding: 2)),
            ]),
        LayerCase(
            "image_27_taps", [3, 5, 4],
            [
                .conv(named: "first", 32, .square(3, padding: 1), .relu),
                .transposed(named: "second", 3, .square(3, padding: 1)),
            ]),
        LayerCase(
            "conv_transpose2d_20_channels", [3, 2, 2],
            [
                .transposed(named: "first", 20, .square(2, stride: 2), .relu),
                .transposed(named: "second", 3, .square(3, stride: 1, padding: 1)),
            ]),
    ]

    static let normalization: [LayerCase] = {
        let onMaps = LayerCase("batch_norm_on_maps", [3, 3, 2], [.plain("batch_norm", BatchNorm())])
        let onVector = LayerCase(
            "batch_norm_on_vector", [6], [.plain("batch_norm", BatchNorm(epsilon: 0.125, momentum: 0.25))])
        return [
            onMaps, onVector, onMaps.inEvaluation(), onVector.inEvaluation(),
            LayerCase("layer_norm_on_maps", [4, 2, 3], [.plain("layer_norm", LayerNorm())]),
            LayerCase("layer_norm_on_vector", [7], [.plain("layer_norm", LayerNorm())]),
            LayerCase("group_norm", [4, 3, 2], [.plain("group_norm", GroupNorm(groups: 2))]),
            LayerCase(
                "group_norm_per_channel", [3, 2, 2], [.plain("group_norm", GroupNorm(groups: 3, epsilon: 0.25))]),
            LayerCase("dropout_on_vector", [9], [.plain("dropout", Dropout(rate: 0.5))]),
            LayerCase(
                "dropout_twice", [3, 3, 2],
                [
                    .plain("dropout", Dropout(rate: 0.25)),
                    NamedLayer(name: "again", layer: Dropout(rate: 0.5)),
                ]),
            LayerCase("dropout_on_vector", [9], [.plain("dropout", Dropout(rate: 0.5))]).inEvaluation(),
        ]
    }()

    static let rearrangement: [LayerCase] = [
        LayerCase("flatten", [3, 2, 3], [.plain("flatten", Flatten())]),
        LayerCase("reshape_maps", [4, 2, 3], [.plain("reshape", Reshape(shape: [2, 3, 4]))]),
        LayerCase("reshape_vector", [12], [.plain("reshape", Reshape(shape: [3, 2, 2]))]),
        LayerCase("upsample", [2, 2, 3], [.plain("upsample", Upsample(factor: .init(2)))]),
        LayerCase("upsample_non_square", [3, 2, 2], [.plain("upsample", Upsample(factor: .init(1, 3)))]),
        LayerCase("max_pool", [3, 4, 6], [.plain("max_pool", MaxPool2D(window: .square(2, stride: 2)))]),
        LayerCase(
            "max_pool_overlapping", [2, 5, 6],
            [.plain("max_pool", MaxPool2D(window: .square(3, stride: 2, padding: 1)))]),
        LayerCase("average_pool", [3, 4, 6], [.plain("average_pool", AveragePool2D(window: .square(2, stride: 2)))]),
        LayerCase(
            "average_pool_overlapping", [2, 5, 6],
            [.plain("average_pool", AveragePool2D(window: .square(3, stride: 2, padding: 1)))]),
        LayerCase(
            "average_pool_non_square", [2, 4, 6],
            [
                .plain(
                    "average_pool",
                    AveragePool2D(window: Window(kernel: .init(2, 3), stride: .init(2, 1), padding: .init(0, 1))))
            ]),
    ]

    /// Each activation as a layer of its own, and fused into a convolution, a transposed convolution and a linear layer.
    static let activations: [LayerCase] = [
        ("identity", Activation.identity), ("relu", .relu), ("leaky_relu", .leakyReLU(slope: 0.125)),
        ("elu", .elu(alpha: 0.75)), ("gelu", .gelu), ("silu", .silu), ("tanh", .tanh), ("sigmoid", .sigmoid),
        ("softplus", .softplus),
    ].flatMap { name, activation in
        [
            LayerCase(name, [11], [.plain("activation", ActivationLayer(function: .builtIn(activation)))]),
            LayerCase(
                "\(name)_fused", [2, 4, 4],
                [
                    .conv(3, .square(3, stride: 2, padding: 1), activation),
                    .transposed(2, .square(4, stride: 2, padding: 1), activation), .linear(5, activation),
                ]),
        ]
    }

    /// Layers whose interplay has rules of its own: the order of features in flattened maps, shortcuts, plug-ins.
    static let combinations: [LayerCase] = [
        LayerCase(
            "maps_vector_maps", [2, 4, 4],
            [
                .conv(3, .square(3, stride: 2, padding: 1), .relu), .plain("flatten", Flatten()),
                .linear(named: "inward", 5, .tanh), .linear(named: "outward", 12, .relu),
                .plain("reshape", Reshape(shape: [3, 2, 2])), .transposed(2, .square(4, stride: 2, padding: 1)),
            ]),
        LayerCase(
            "flatten_batch_norm_linear", [3, 2, 2],
            [.plain("flatten", Flatten()), .plain("batch_norm", BatchNorm(), .relu), .linear(4)]),
        LayerCase(
            "flatten_dropout_linear", [3, 2, 2],
            [.plain("flatten", Flatten()), .plain("dropout", Dropout(rate: 0.5)), .linear(4)]),
        LayerCase(
            "flatten_layer_norm_linear", [3, 2, 2],
            [.plain("flatten", Flatten()), .plain("layer_norm", LayerNorm(), .silu), .linear(4)]),
        LayerCase(
            "conv_batch_norm_linear", [2, 4, 4],
            [
                .conv(4, .square(3, stride: 2, padding: 1)), .plain("batch_norm", BatchNorm(), .relu),
                .plain("flatten", Flatten()), .linear(3),
            ]),
        LayerCase(
            "residual", [3, 3, 3],
            [
                .plain(
                    "residual",
                    Residual(layers: [
                        .conv(named: "first", 4, .square(3, padding: 1), .relu),
                        .conv(named: "second", 3, .square(3, padding: 1)),
                    ]), .relu)
            ]),
        LayerCase(
            "residual_on_vector", [6],
            [.plain("residual", Residual(layers: [.linear(named: "first", 4, .relu), .linear(named: "second", 6)]))]),
        LayerCase(
            "residual_shortcut", [2, 4, 4],
            [
                .plain(
                    "residual",
                    Residual(layers: [
                        .conv(named: "first", 3, .square(3, stride: 2, padding: 1), .relu),
                        .conv(named: "second", 5, .square(3, padding: 1)),
                    ]))
            ]),
        LayerCase(
            "custom_operation", [3, 2, 3],
            [.conv(4, .square(2)), NamedLayer(name: "parabola", layer: ParabolaLayer()), .linear(3)]),
        LayerCase(
            "custom_activation", [5],
            [
                NamedLayer(
                    name: "linear", layer: Linear(units: 4), activation: .custom(CubicActivation()))
            ]),
    ]

    /// Every likelihood under both links, mixtures, and every regulariser of the latent variable.
    static let objectives: [LayerCase] = [
        LayerCase("bernoulli", .sigmoid, [.init(.bernoulli)]),
        LayerCase("gaussian_identity", .identity, [.init(.gaussian)]),
        LayerCase("gaussian_sigmoid", .sigmoid, [.init(.gaussian)]),
        LayerCase("learned_variance_identity", .identity, [.init(.gaussianLearnedVariance)]),
        LayerCase("learned_variance_sigmoid", .sigmoid, [.init(.gaussianLearnedVariance)]),
        LayerCase("laplace_identity", .identity, [.init(.laplace)]),
        LayerCase("laplace_sigmoid", .sigmoid, [.init(.laplace)]),
        LayerCase("custom_loss_identity", .identity, [.init(.custom(QuarticLoss()))]),
        LayerCase("custom_loss_sigmoid", .sigmoid, [.init(.custom(QuarticLoss()), weight: 1.5)]),
        LayerCase(
            "mixture_sigmoid", .sigmoid,
            [
                .init(.bernoulli, weight: 0.5), .init(.gaussian, weight: 2),
                .init(.gaussianLearnedVariance, weight: 0.25), .init(.custom(QuarticLoss()), weight: 0.75),
            ]),
        LayerCase(
            "mixture_identity", .identity, [.init(.laplace, weight: 1.5), .init(.gaussian, weight: 0.25)]),
        LayerCase("latent_weighted", KLDivergence(weight: 0.75)),
        LayerCase("latent_capacity_above", Capacity(weight: 0.75, from: 0.25, to: 0.25, over: 0)),
        LayerCase("latent_capacity_below", Capacity(weight: 0.75, from: 25, to: 25, over: 0)),
        LayerCase("latent_free_bits", KLDivergence(weight: 0.75, freeNats: 0.25)),
    ]
}
