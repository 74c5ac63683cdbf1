import TensorCore

/// PyTorch's `Conv2d`. `[C, H, W]` → `[filters, H', W']` with H' = ⌊(H + 2·padding − kernel) / stride⌋ + 1.
///
/// Parameters: `weight` `[filters, C, kh, kw]`, `bias` `[filters]`.
public struct Convolution2D: Layer {
    public var filters: Int
    public var window: Window
    public var settings: WeightSettings

    public init(filters: Int, window: Window, settings: WeightSettings = WeightSettings()) {
        self.filters = filters
        self.window = window
        self.settings = settings
    }

    public var kind: String { "conv2d" }
    public var fields: [String: FieldValue] {
        settings.fields.merging(window.fields) { $1 }.merging(["filters": .integer(filters)]) { $1 }
    }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        let input = try builder.maps(x, for: "conv2d")
        let area = window.kernel.height * window.kernel.width
        let (weight, bias) = try settings.parameters(
            weight: [filters, input.channels, window.kernel.height, window.kernel.width], outputs: filters,
            fanIn: input.channels * area, fanOut: filters * area, in: &builder)
        return try builder.convolution(x, weight: weight, bias: bias, window: window)
    }
}

/// PyTorch's `ConvTranspose2d`. `[C, H, W]` → `[filters, H', W']` with
/// H' = (H − 1)·stride − 2·padding + kernel + output padding.
///
/// Parameters: `weight` `[C, filters, kh, kw]`, `bias` `[filters]`. As in PyTorch, the fan-in that initialises them is
/// counted from the weights' second axis: filters·kh·kw.
public struct TransposedConvolution2D: Layer {
    public var filters: Int
    public var window: Window
    public var settings: WeightSettings

    public init(filters: Int, window: Window, settings: WeightSettings = WeightSettings()) {
        self.filters = filters
        self.window = window
        self.settings = settings
    }

    public var kind: String { "conv_transpose2d" }
    public var fields: [String: FieldValue] {
        settings.fields.merging(window.fields) { $1 }.merging([
            "filters": .integer(filters), "output_padding": .extent(window.outputPadding),
        ]) { $1 }
    }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        let input = try builder.maps(x, for: "conv_transpose2d")
        guard window.outputPadding.height < window.stride.height, window.outputPadding.width < window.stride.width
        else {
            throw ZooError(
                "\(builder.path) (conv_transpose2d): the output padding must be smaller than the stride",
                code: .invalidValue)
        }
        let area = window.kernel.height * window.kernel.width
        let (weight, bias) = try settings.parameters(
            weight: [input.channels, filters, window.kernel.height, window.kernel.width], outputs: filters,
            fanIn: filters * area, fanOut: input.channels * area, in: &builder)
        return try builder.transposedConvolution(x, weight: weight, bias: bias, window: window)
    }
}

extension GraphBuilder {
    /// The shape of `x`, which must be `[C, H, W]`.
    func maps(_ x: TensorID, for kind: String) throws -> Shape {
        let input = shape(x)
        guard input.rank == 3 else {
            throw ZooError(
                "\(path) (\(kind)): needs an input [C, H, W], but gets \(input)",
                advice: "put a reshape before it, for instance `- reshape: [64, 7, 7]`", code: .mismatch)
        }
        return input
    }
}
