import TensorCore

/// y = x + f(x), f being the layers inside (He et al. 2016). Where f changes the shape of maps, x goes through a 1×1
/// convolution without bias, `shortcut`, of the stride that fits.
public struct Residual: Layer {
    public var layers: [NamedLayer]

    public init(layers: [NamedLayer]) {
        self.layers = layers
    }

    public var kind: String { "residual" }
    public var fields: [String: FieldValue] { ["layers": .layers(layers)] }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        let branch = try layers.lower(x, into: &builder)
        let (from, to) = (builder.shape(x), builder.shape(branch))
        if from == to { return try builder.add(x, branch) }
        guard from.rank == 3, to.rank == 3, from.height % to.height == 0, from.width % to.width == 0 else {
            throw ZooError(
                "\(builder.path) (residual): the layers inside turn \(from) into \(to), which no shortcut can follow",
                advice: "keep the shape, or divide height and width by whole numbers", code: .unsupported)
        }
        let window = Window(
            kernel: Window.Extent(1), stride: Window.Extent(from.height / to.height, from.width / to.width))
        let shortcut = NamedLayer(
            name: "shortcut",
            layer: Convolution2D(filters: to.channels, window: window, settings: WeightSettings(hasBias: false)))
        return try builder.add(shortcut.lower(x, into: &builder), branch)
    }
}
