import LayerLibrary
import ObjectiveLibrary
import TensorCore

/// The JSON Schema (draft 2020-12) of definition files, for editors and other programs.
///
/// It states what the reader accepts, from the same tables of fields; whether shapes fit only the reader can say.
public enum DefinitionSchema {
    /// The schema of definitions that use what `registry` holds; the same registry always gives the same text.
    public static func json(registry: Registry) -> String {
        SchemaWriter(registry: registry).document.text() + "\n"
    }
}

/// Writes the parts of the schema.
struct SchemaWriter {
    let registry: Registry

    static let namePattern = "^[A-Za-z0-9_]{1,64}$"
    static let slugPattern = "^[a-z0-9_-]{1,64}$"

    var document: SchemaValue {
        let properties: [String: SchemaValue] = [
            "format": .object(["const": .string(ModelDefinition.format)]),
            "name": Self.slug("The model's name."),
            "family": Self.slug("What kind of model it is, for instance vae."),
            "summary": Self.described(["type": "string"], "One line."),
            "references": references,
            "dataset": Self.slug("The data set it is meant for."),
            "input": Self.described(Self.shape, "The shape of one image, [C, H, W] or [D]."),
            "weight_initializer": Self.reference("initializer"),
            "latent": latent,
            "encoder": Self.reference("layers"),
            "decoder": Self.reference("layers"),
            "objective": objective,
            "training": training,
        ]
        let isPlain = SchemaValue.object([
            "properties": .object(["latent": .object(["required": .strings(["code"])])])
        ])
        var schema = Self.closed(
            properties,
            required: [
                "format", "name", "family", "summary", "input", "latent", "encoder", "decoder", "objective", "training",
            ])
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schema["title"] = .string("Model definition, \(ModelDefinition.format)")
        schema["$defs"] = .object(definitions)
        schema["if"] = isPlain
        let kinds = registry.regularizers.map(\.kind)
        let refused = registry.regularizers.filter(\.needsPosterior).map { ($0.kind, SchemaValue.boolean(false)) }
        let divergences = registry.regularizers.filter(\.isDivergence).map(\.kind)
        var exclusive = divergences.enumerated().flatMap { index, first in
            divergences[(index + 1)...].map { [first, $0] }
        }
        for alone in registry.regularizers where alone.standsAlone {
            exclusive += kinds.filter { $0 != alone.kind }.map { [alone.kind, $0] }
        }
        func whole(_ rule: [String: SchemaValue]) -> SchemaValue {
            .object(["properties": .object(["objective": .object(rule)])])
        }
        schema["then"] = whole(["properties": .object(Dictionary(uniqueKeysWithValues: refused))])
        schema["else"] = whole([
            "anyOf": .list(kinds.map { .object(["required": .strings([$0])]) }),
            "not": .object(["anyOf": .list(exclusive.map { .object(["required": .strings($0)]) })]),
        ])
        // A second condition, of a codebook.
        let withoutCodebook = registry.regularizers.filter(\.needsCodebook).map {
            ($0.kind, SchemaValue.boolean(false))
        }
        schema["allOf"] = .list([
            .object([
                "if": .object([
                    "properties": .object(["latent": .object(["required": .strings(["codebook"])])])
                ]),
                "else": whole(["properties": .object(Dictionary(uniqueKeysWithValues: withoutCodebook))]),
            ])
        ])
        return .object(schema)
    }

    private var definitions: [String: SchemaValue] {
        var definitions: [String: SchemaValue] = [
            "activation": activation,
            "head": head,
            "initializer": initializer,
            "layer": layer,
            "layers": .object(["type": "array", "maxItems": .integer(1000), "items": Self.reference("layer")]),
            "named_layer": namedLayer,
            "numbers": .object([
                "anyOf": .list([
                    .object(["type": "number", "minimum": .number(-1e30), "maximum": .number(1e30)]),
                    .object(["type": "array", "items": Self.reference("numbers")]),
                ])
            ]),
        ]
        for descriptor in registry.layers {
            definitions["layer." + descriptor.kind] = fields(
                descriptor.fields, shorthand: descriptor.shorthand,
                summary: descriptor.summary + " " + descriptor.shapeRule + ".")
        }
        return definitions
    }

    // MARK: Sections

    private var references: SchemaValue {
        let item = Self.closed(
            [
                "title": .object(["type": "string"]), "authors": .object(["type": "string"]),
                "year": .object(["type": "integer", "minimum": .integer(1900), "maximum": .integer(2200)]),
                "url": .object(["type": "string"]),
            ], required: ["title"])
        return Self.described(["type": "array", "items": .object(item)], "Where the model comes from.")
    }

    private var latent: SchemaValue {
        let sizes = NodeReader.latentSizes
        var schema = Self.closed(
            [
                "size": Self.described(
                    ["type": "integer", "minimum": .integer(sizes.lowerBound), "maximum": .integer(sizes.upperBound)],
                    "The number of latent dimensions D."),
                "code": Self.reference("head"),
                "codebook": fields(
                    Codebook.schemas, shorthand: "codes",
                    summary: "The vectors that stand for codes, of a discrete latent space."),
                "mean": Self.reference("head"),
                "log_variance": Self.reference("head"),
                "levels": levels,
            ], required: ["size"])
        schema["oneOf"] = .list([
            .object([
                "required": .strings(["code"]),
                "properties": .object(["mean": false, "log_variance": false, "levels": false]),
            ]),
            .object([
                "required": .strings(["mean", "log_variance"]),
                "properties": .object(["code": false, "codebook": false]),
            ]),
        ])
        return Self.described(schema, "The bottleneck: a code, or the mean and log variance of a diagonal Gaussian.")
    }

    private var levels: SchemaValue {
        let sizes = NodeReader.latentSizes
        let level = Self.closed(
            [
                "size": Self.described(
                    ["type": "integer", "minimum": .integer(sizes.lowerBound), "maximum": .integer(sizes.upperBound)],
                    "Its dimensions."),
                "encoder": Self.reference("layers"), "mean": Self.reference("head"),
                "log_variance": Self.reference("head"), "prior": Self.reference("layers"),
            ], required: ["size", "mean", "log_variance"])
        return Self.described(
            ["type": "array", "maxItems": .integer(LatentLevel.limit), "items": .object(level)],
            "Latents above that one, each with the prior of the one below it.")
    }

    private var objective: SchemaValue {
        let weight = SchemaValue.object(["type": "number", "exclusiveMinimum": .integer(0), "maximum": .number(1e6)])
        var weights = Self.closed(
            Dictionary(uniqueKeysWithValues: registry.likelihoods.map { ($0.name, weight) }), required: [])
        weights["minProperties"] = .integer(1)
        var one = Self.closed(
            Dictionary(
                uniqueKeysWithValues: registry.distributions.map { ($0.name, fields($0.fields, summary: $0.summary)) }),
            required: [])
        one["minProperties"] = .integer(1)
        one["maxProperties"] = .integer(1)
        let names = registry.likelihoods.map(\.name) + registry.distributions.map(\.name)
        let reconstruction: [String: SchemaValue] = [
            "anyOf": .list([.object(["enum": .strings(names)]), .object(weights), .object(one)])
        ]
        var properties = Dictionary(
            uniqueKeysWithValues: registry.regularizers.map { ($0.kind, fields($0.fields, summary: $0.summary)) })
        properties["reconstruction"] = Self.described(
            reconstruction, "A likelihood, likelihoods with their weights, or a distribution with its fields.")
        let schema = Self.closed(properties, required: ["reconstruction"])
        return Self.described(schema, "What is minimised, in nats per image.")
    }

    private var training: SchemaValue {
        var properties = self.properties(DefinitionFields.training)
        properties["optimizer"] = variants(DefinitionFields.optimizers)
        properties["schedule"] = variants(DefinitionFields.schedules)
        properties["augmentation"] = .object(
            Self.closed(self.properties(DefinitionFields.augmentation), required: []))
        let required = DefinitionFields.training.filter(\.isRequired).map(\.name) + ["optimizer"]
        return Self.described(
            Self.closed(properties, required: required), "The training settings, unless a run says otherwise.")
    }

    // MARK: Layers

    private var layer: SchemaValue {
        var kinds: [String: SchemaValue] = [:]
        for descriptor in registry.layers {
            kinds[descriptor.kind] = .object([
                "anyOf": .list([Self.reference("layer." + descriptor.kind), Self.reference("named_layer")])
            ])
        }
        let bare = registry.layers.filter { $0.fields.allSatisfy { !$0.isRequired } }.map(\.kind)
        let entry: [String: SchemaValue] = [
            "type": "object", "minProperties": .integer(1), "maxProperties": .integer(1),
            "propertyNames": .object(["pattern": .string(Self.namePattern)]), "properties": .object(kinds),
            "additionalProperties": Self.reference("named_layer"),
        ]
        return Self.described(
            ["anyOf": .list([.object(["enum": .strings(bare)]), .object(entry)])],
            "name: {kind: {fields}, activation: …}, or kind: {fields} for a layer without parameters.")
    }

    private var namedLayer: SchemaValue {
        // In a named layer the word `activation` is what follows the layer, never the layer itself.
        let kinds = registry.layers.map(\.kind).filter { !NodeReader.reservedFields.contains($0) }
        var properties: [String: SchemaValue] = ["activation": Self.reference("activation")]
        for kind in kinds { properties[kind] = Self.reference("layer." + kind) }
        var schema = Self.closed(properties, required: [])
        schema["oneOf"] = .list(kinds.map { .object(["required": .strings([$0])]) })
        return .object(schema)
    }

    private var head: SchemaValue {
        let linear = registry.layer("linear")?.fields.filter { $0.name != "units" } ?? []
        let body = fields(linear + [NodeReader.headActivation], summary: "A linear layer of latent.size units.")
        return .object([
            "anyOf": .list([
                .object(["type": "string", "pattern": .string(Self.namePattern)]),
                .object([
                    "type": "object", "minProperties": .integer(1), "maxProperties": .integer(1),
                    "propertyNames": .object(["pattern": .string(Self.namePattern)]), "additionalProperties": body,
                ]),
            ])
        ])
    }

    private var activation: SchemaValue {
        variants(Dictionary(uniqueKeysWithValues: registry.activations.map { ($0.name, $0.fields) }))
    }

    private var initializer: SchemaValue {
        var schema = Self.closed(
            [
                "normal": .object(["type": "number", "minimum": .integer(0), "maximum": .integer(1000)]),
                "constant": .object(["type": "number", "minimum": .number(-1e6), "maximum": .number(1e6)]),
                "values": Self.reference("numbers"),
            ], required: [])
        schema["minProperties"] = .integer(1)
        schema["maxProperties"] = .integer(1)
        return .object(["anyOf": .list([.object(["enum": .strings(InitializerRule.names)]), .object(schema)])])
    }
}
