import ModelKit
import Testing

private typealias Case = ProblemCase
private let convolution = "conv1: {conv2d: {filters: 4, kernel: 4, stride: 2, padding: 1}, activation: relu}"

@Suite struct LayerProblemTests {
    private static let layersCases = [
        Case(
            "conv2d:", "conv2:",
            ["model.yaml:8:12: encoder.conv1.conv2: unknown layer conv2; did you mean conv2d?"]),
        Case(
            "conv2d: {filters: 4,", "conv2d: {filtres: 4,",
            [
                "model.yaml:8:22: encoder.conv1.conv2d.filtres: unknown field; did you mean filters?",
                "model.yaml:8:21: encoder.conv1.conv2d: the field filters is missing: Output channels.",
            ]),
        Case(
            "filters: 4", "filters: four",
            ["model.yaml:8:31: encoder.conv1.conv2d.filters: expected a whole number, found “four”"]),
        Case(
            "filters: 4", "filters: 0",
            ["model.yaml:8:31: encoder.conv1.conv2d.filters: must lie in 1…1000000, is 0"]),
        Case(
            "filters: 4, ", "",
            ["model.yaml:8:21: encoder.conv1.conv2d: the field filters is missing: Output channels."]),
        Case(
            "kernel: 4,", "kernel: [4, 4, 4],",
            [
                "model.yaml:8:42: encoder.conv1.conv2d.kernel: expected a whole number or [height, width], found 3 numbers"
            ]),
        Case(
            "kernel: 4,", "kernel: 40,",
            [
                "model.yaml:8:5: encoder.conv1: (conv2d): a kernel of 40×40 with padding 1×1 does not fit an input of shape [1, 8, 8]"
            ]),
        Case(
            "padding: 1}", "padding: 1, bias: maybe}",
            ["model.yaml:8:74: encoder.conv1.conv2d.bias: expected true or false, found “maybe”"]),
        Case(
            "padding: 1}", "padding: 1, weight_initializer: xavier}",
            [
                "model.yaml:8:88: encoder.conv1.conv2d.weight_initializer: unknown initialiser xavier; known are kaiming_uniform, xavier_uniform, xavier_normal, he_uniform, he_normal, zeros, ones, normal, constant, values"
            ]),
        Case(
            "padding: 1}", "padding: 1, weight_initializer: {values: [1, 2]}}",
            ["model.yaml:8:12: encoder.conv1.weight: 2 fixed values, but the shape [4, 1, 4, 4] has 64 elements"]),
        Case(
            "units: 64", "units: 65",
            [
                "model.yaml:10:3: decoder: (the whole): gives [65], but the images are [1, 8, 8]\n  make the last layers end in the input's shape"
            ]),
        Case(
            "activation: sigmoid", "activation: sigmod",
            ["model.yaml:10:44: decoder.fc1.activation: unknown activation sigmod; did you mean sigmoid?"]),
        Case(
            "activation: sigmoid", "activation: {leaky_relu: {slop: 0.2}}",
            ["model.yaml:10:58: decoder.fc1.activation.leaky_relu.slop: unknown field; did you mean slope?"]),
        Case(
            "  - fc1:", "  - fc1: {linear: 64}\n  - fc1:",
            ["model.yaml:11:5: decoder.fc1: two layers are called fc1"]),
        Case(
            "mean: mean", "mean: {mean: {weight_initializer: {values: [1, 2, 3]}}}",
            ["model.yaml:6:9: encoder.mean.weight: 3 fixed values, but the shape [2, 64] has 128 elements"]),
        Case(
            convolution, "conv1: {conv2d: {filters: 4, kernel: 4}, linear: 4}",
            ["model.yaml:8:12: encoder.conv1: has 2 kinds (conv2d, linear); a layer has one, and perhaps an activation"]
        ),
        Case(
            convolution, "conv1: {}",
            ["model.yaml:8:12: encoder.conv1: does not say what kind of layer it is"]),
        Case(
            convolution, "con-v1: {linear: 4}",
            ["model.yaml:8:5: encoder.con-v1: a layer's name has letters, digits and underscores"]),
        Case(
            convolution, "flaten",
            ["model.yaml:8:5: encoder.flaten: unknown layer; did you mean flatten?"]),
        Case(
            convolution, "reshape: [3, 3]",
            ["model.yaml:8:14: encoder.reshape.shape: a shape is [D] or [C, H, W], this has 2 extents"]),
        Case(
            convolution, "reshape: [3]",
            ["model.yaml:8:3: encoder.reshape0: (reshape): [1, 8, 8] has 64 elements, [3] has 3"]),
        Case(
            convolution, "dropout: 1",
            ["model.yaml:8:14: encoder.dropout.rate: must be at least 0 and below 1, is 1"]),
        Case(
            convolution, "dropout: 0.9999999999",
            ["model.yaml:8:14: encoder.dropout.rate: must be at least 0 and below 1, is 0.9999999999"]),
        Case(
            convolution, "max_pool: {kernel: 20}",
            [
                "model.yaml:8:3: encoder.max_pool0: (max_pool): a kernel of 20×20 with padding 0×0 does not fit an input of shape [1, 8, 8]"
            ]),
        Case(
            convolution, "group_norm: 3",
            ["model.yaml:8:3: encoder.group_norm0: (group_norm): 1 channels do not divide into 3 groups"]),
        Case(
            convolution, "residual: [conv1: {conv2d: {filters: 4, kernel: 4}}]",
            [
                "model.yaml:8:3: encoder.residual0: (residual): the layers inside turn [1, 8, 8] into [4, 5, 5], which no shortcut can follow\n  keep the shape, or divide height and width by whole numbers"
            ]),
        Case(
            convolution, "fc1: {linear: 1000000}\n  - fc2: {linear: 1000000}",
            [
                "model.yaml:9:10: encoder.fc2.weight: [1000000, 1000000] has more than 2147483648 elements\n  make the layer smaller"
            ]),
        Case(
            convolution, "fc1: {linear: 40000}\n  - fc2: {linear: 40000}\n  - fc3: {linear: 40000}",
            [
                "model.yaml:1:1: the model has 3202840196 parameters, more than the 134217728 that are supported\n  make the widest layers narrower"
            ]),
        Case(
            convolution,
            "conv1: {conv2d: {filters: 1000000, kernel: 4096, padding: 4096}}\n  - conv2: {conv2d: {filters: 1000000, kernel: 4096, padding: 4096}}",
            [
                "model.yaml:8:12: encoder.conv1.weight: [1000000, 1, 4096, 4096] has more than 2147483648 elements\n  make the layer smaller"
            ]),
        Case(
            convolution,
            "residual: [upsample: 64, upsample: 64, upsample: 64, upsample: 64, upsample: 64, upsample: 64]",
            [
                "model.yaml:8:3: encoder.residual0.upsample2: (output): [1, 2097152, 2097152] has more than 2147483648 elements\n  make the layer smaller"
            ]),
        Case(
            convolution, "fc: {linear: 4}\n  - conv1: {conv2d: {filters: 4, kernel: 4}}",
            [
                "model.yaml:9:5: encoder.conv1: (conv2d): needs an input [C, H, W], but gets [4]\n  put a reshape before it, for instance `- reshape: [64, 7, 7]`"
            ]),
        Case(
            convolution, "mean: {linear: 4}",
            [
                "model.yaml:1:1: two layers would both own the parameter encoder.mean.weight\n  give each layer of a part a name of its own"
            ]),
    ]

    @Test(arguments: layersCases)
    func layers(_ problem: ProblemCase) {
        #expect(problem.text != smallDefinition)
        #expect(problems(in: problem.text) == problem.expected)
    }
}
