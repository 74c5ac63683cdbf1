import LayerLibrary
import TensorCore

/// A classifier q(y|x) beside a conditional model, so that images without a label teach it, too: the semi-supervised model M2 (Kingma and
/// others 2014, equations 6 to 9).
///
/// Of an image with a label y the other terms are those for y; of one without, their means under q(y|x), with KL(q(y|x) ‖ p(y)) for the
/// uniform p(y) besides. The classifier also pays −log q(y|x) of the labels, in the mean over the images that have one.
public struct ImageClassifier: Regularizer {
    /// Training images whose labels are used, as many of each class.
    public var labels: Int
    /// Images with labels in each training batch; 0 for those that chance gives it.
    public var labelsPerBatch: Int
    /// α.
    public var weight: Float
    /// From an image to what a last linear layer, logits, makes a number for each class of.
    public var layers: [NamedLayer]

    public init(labels: Int, labelsPerBatch: Int = 0, weight: Float, layers: [NamedLayer]) {
        self.labels = labels
        self.labelsPerBatch = labelsPerBatch
        self.weight = weight
        self.layers = layers
    }

    public var kind: String { "classifier" }

    public var fields: [String: FieldValue] {
        [
            "labels": .integer(labels), "labels_per_batch": .integer(labelsPerBatch),
            "weight": .number(weight.decimal), "layers": .layers(layers),
        ]
    }

    public var formula: String { "KL(q(y|x) ‖ p(y)) + \(weight.factor)(−log q(y|x) of \(labels) labels)" }

    public var labelledImages: LabelledImages? { LabelledImages(count: labels, perBatch: labelsPerBatch) }

    public func classLogits(_ images: TensorID, classes: Int, into builder: inout GraphBuilder) throws -> TensorID? {
        guard labels.isMultiple(of: classes) else {
            throw ZooError(
                "objective.classifier.labels: \(labels) labels are not as many of each of \(classes) classes",
                advice: "for instance \((labels / classes + 1) * classes)", code: .mismatch,
                subject: .field("objective.classifier.labels"))
        }
        return try builder.scoped("objective") { builder in
            try builder.scoped(kind) { builder in
                let features = try layers.lower(images, into: &builder)
                return try NamedLayer.layer("logits", Linear(units: classes)).lower(features, into: &builder)
            }
        }
    }

    public func lower(_ model: ModelTensors, into builder: inout GraphBuilder) throws {
        guard let classes = model.classes else {
            throw ZooError(
                "objective.classifier needs a conditional model",
                advice: "put the layer condition into encoder and decoder",
                code: .mismatch, subject: .field("objective.classifier"))
        }
        try builder.term(
            "class_kl", builder.custom(ClassDivergence(), [classes.shares]), weight: .constant(1))
        // In training few images have labels, and these stand for all.
        let labelled = builder.isTraining ? labelledImages : nil
        let given = [classes.logits, classes.labels]
        try builder.term(
            "classification", builder.custom(LabelLoss(measure: .crossEntropy, labelled: labelled), given),
            weight: .constant(weight))
        try builder.metric(
            "classification_error", builder.custom(LabelLoss(measure: .error, labelled: labelled), given))
    }

    static let descriptor = RegularizerDescriptor(
        kind: "classifier", needsPosterior: true,
        summary: "A classifier for images without labels, over whose classes all terms are averaged.",
        source: "Kingma and others 2014 (M2), eq. 6 to 9",
        fields: [
            FieldSchema(
                "labels", .integer(1...10_000_000), "Training images whose labels are used, as many of each class."),
            FieldSchema(
                "labels_per_batch", .integer(0...1_000_000), default: .integer(0),
                "Images with labels in each training batch, each weighed by its share of the data set; 0 for those that chance gives it."
            ),
            FieldSchema("weight", .number(0...1e6), default: .number(0.1), "α, of the labels' cross-entropy."),
            FieldSchema(
                "layers", .layers, default: .layers([]),
                "From an image to what a last linear layer, logits, makes a number for each class of."),
        ]
    ) {
        ImageClassifier(
            labels: $0.integer("labels"), labelsPerBatch: $0.integer("labels_per_batch"), weight: $0.number("weight"),
            layers: $0.layers("layers"))
    }
}
