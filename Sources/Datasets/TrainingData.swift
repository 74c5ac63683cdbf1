import TensorCore

/// What is known of the data that a model was trained on.
public struct TrainingData: Sendable, Equatable {
    /// The name of the data set.
    public var name: String
    /// How its numbers were scaled; nil for images of bytes.
    public var scaling: ValueScaling?
    /// How pictures became images (`ImagePreparation.text`); nil where they came as images.
    public var preparation: String?

    public init(name: String, scaling: ValueScaling? = nil, preparation: String? = nil) {
        self.name = name
        self.scaling = scaling
        self.preparation = preparation
    }
}

/// How the numbers of a data set are to be scaled.
public enum ScalingChoice: Sendable, Equatable {
    /// With constants of the data.
    case method(ValueScaling.Method)
    /// With these constants, those of the data that a model was trained on.
    case constants(ValueScaling)
}
