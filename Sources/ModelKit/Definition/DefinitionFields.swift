import LayerLibrary
import TensorCore

/// The fields of objectives and training settings: what the reader accepts, the JSON Schema states and the documentation lists.
package enum DefinitionFields {
    /// `training`, but for the optimiser and the schedule.
    package static let training = [
        FieldSchema(
            "warmup_steps", .integer(0...1_000_000_000), default: .integer(0),
            "Steps N over which the learning rate rises linearly: 1/N of it in the first step, all of it in the N-th."),
        FieldSchema.optional(
            "clip_norm", .number(0...1e9, openLower: true),
            "Largest L2 norm of the gradient; larger ones are scaled down."
        ),
        FieldSchema.optional(
            "average_decay", .number(0...1, openUpper: true),
            "Decay of an exponential moving average of the parameters."),
        FieldSchema("batch_size", .integer(1...65_536), "Images per step."),
        FieldSchema("epochs", .integer(1...1_000_000), "Passes over the training split."),
        FieldSchema(
            "validation", .integer(0...10_000_000), default: .integer(0),
            "Images kept from the training split for validation; with patience, 0 stands for a tenth of them, at most 10,000."
        ),
        FieldSchema.optional(
            "patience", .integer(1...1_000_000), "Epochs without improvement after which training stops."),
        FieldSchema.optional(
            "only_class", .integer(0...1_000_000),
            "The number of the class whose images alone are trained on, so that others can be told from it."),
        FieldSchema(
            "precision", .name(Precision.allCases.map(\.rawValue)), default: .name(Precision.f32.rawValue),
            "Number format of matrix products and activations in training."),
        FieldSchema(
            "convolution", .name(ConvolutionMethod.allCases.map(\.rawValue)),
            default: .name(ConvolutionMethod.fast.rawValue),
            "How convolutions are computed in f32: with fewer multiplications where possible, or by plain sums."),
    ]

    /// `training.augmentation`.
    package static let augmentation = [
        FieldSchema(
            "flip", .name(Augmentation.Flip.allCases.map(\.rawValue)), default: .name(Augmentation.Flip.none.rawValue),
            "Mirrored with probability 1/2: left and right (horizontal), top and bottom (vertical), or both."),
        FieldSchema(
            "shift", .integer(0...1_000), default: .integer(0),
            "Moved by up to so many pixels, up, down, left and right; the pixels at the edge are repeated."),
        FieldSchema(
            "crop", .number(0...1, openLower: true), default: .number(1),
            "A random part of the image's aspect, whose sides are at least this part of the image's, enlarged to the image."
        ),
    ]

    private static let learningRate = FieldSchema(
        "learning_rate", .number(0...1e3, openLower: true), "The learning rate.")

    private static func weightDecay(_ value: Double) -> FieldSchema {
        FieldSchema("weight_decay", .number(0...10), default: .number(value), "Weight decay.")
    }

    private static func adaptive(weightDecay: Double) -> [FieldSchema] {
        [
            learningRate,
            FieldSchema(
                "beta1", .number(0...1, openUpper: true), default: .number(0.9), "Decay of the first moment."),
            FieldSchema(
                "beta2", .number(0...1, openUpper: true), default: .number(0.999), "Decay of the second moment."),
            FieldSchema(
                "epsilon", .number(0...1, openLower: true), default: .number(1e-8),
                "Added to the root of the second moment."),
            self.weightDecay(weightDecay),
        ]
    }

    /// `training.optimizer`, by name.
    package static let optimizers: [String: [FieldSchema]] = [
        "adam": adaptive(weightDecay: 0),
        "adamw": adaptive(weightDecay: 0.01),
        "sgd": [
            learningRate,
            FieldSchema("momentum", .number(0...1, openUpper: true), default: .number(0), "Decay of the velocity."),
            FieldSchema("nesterov", .boolean, default: .boolean(false), "Nesterov's variant of momentum."),
            weightDecay(0),
        ],
    ]

    /// `training.schedule`, by name.
    package static let schedules: [String: [FieldSchema]] = [
        "constant": [],
        "cosine": [
            FieldSchema(
                "minimum", .number(0...1e3), default: .number(0), "The learning rate at the end of the run.")
        ],
        "step": [
            FieldSchema("epochs", .integer(1...1_000_000), "Epochs between two changes."),
            FieldSchema("factor", .number(0...1, openLower: true), "What the learning rate is multiplied by."),
        ],
    ]
}
