import ModelKit
import TensorCore

/// The Keras model that corresponds to a definition: an encoder and a decoder, functional models in channels-last order.
///
/// Paddings are layers of their own (`ZeroPadding2D`, `Cropping2D`), because Keras pads unevenly where a stride is 2. See
/// docs/interchange.md for the layer that stands for each of the zoo's.
struct KerasModel {
    /// One of the two networks.
    struct Part {
        /// `encoder` or `decoder`.
        let name: String
        let layers: [KerasLayer]

        /// All variables, layer by layer.
        var variables: [KerasVariable] { layers.flatMap(\.variables) }

        /// The path of each variable's dataset in a `.weights.h5`, below the part: `layers/dense_1/vars/0`.
        var paths: [[String]] {
            var counts: [String: Int] = [:]
            return layers.flatMap { layer in
                let count = counts[layer.kind, default: 0]
                counts[layer.kind] = count + 1
                let name = count == 0 ? layer.kind : "\(layer.kind)_\(count)"
                return layer.variables.indices.map { ["layers", name, "vars", String($0)] }
            }
        }
    }

    let parts: [Part]

    /// Both networks as one model.
    var whole: Part { Part(name: "model", layers: parts.flatMap(\.layers)) }

    /// - Throws: `ZooError` that names every layer Keras cannot express.
    init(_ definition: ModelDefinition) throws {
        var problems: [String] = []
        let encoding = try ModelGraph(definition, purpose: .encoding)
        let decoding = try ModelGraph(definition, purpose: .decoding)
        parts = [
            Self.part("encoder", encoding.program, plain: [encoding.mean, encoding.logVariance], &problems),
            Self.part(
                "decoder", decoding.program, plain: definition.input.rank == 1 ? [decoding.reconstruction] : [],
                &problems
            ),
        ]
        let training = try ModelGraph(definition, purpose: .training).program
        problems += training.parameters.map { training[$0].name }.filter { $0.hasPrefix("objective.") }.map {
            "\($0): it belongs to no layer"
        }
        // What both networks have is said once.
        var seen: Set<String> = []
        problems.removeAll { !seen.insert($0).inserted }
        guard problems.isEmpty else {
            throw ZooError(
                "\(definition.name) has no counterpart in Keras:", details: problems,
                advice: "export to safetensors or npz, which hold the weights alone, or try onnx", code: .unsupported)
        }
    }

    /// The layers of a program; `plain` are the vectors that leave it, which must be in the zoo's order.
    private static func part(
        _ name: String, _ program: Program, plain: [TensorID?], _ problems: inout [String]
    ) -> Part {
        let orders = FeatureOrders(program)
        var layers: [KerasLayer] = []
        for step in program.steps {
            if let problem = problem(step, program, orders) {
                problems.append((step.path.isEmpty ? "" : step.path + ": ") + problem)
            }
            if let layer = layer(step, program, orders) { layers.append(layer) }
        }
        for id in plain.compactMap({ $0 }) where orders.order(of: id) != .plain {
            problems.append("\(name): it ends in flattened maps, whose features Keras orders differently")
        }
        return Part(name: name, layers: layers)
    }

    private static func layer(_ step: ProgramStep, _ program: Program, _ orders: FeatureOrders) -> KerasLayer? {
        func variable(_ id: TensorID, _ layout: KerasVariable.Layout, isTrainable: Bool = true) -> KerasVariable {
            KerasVariable(
                path: program[id].name, shape: program[id].shape.dimensions, layout: layout, isTrainable: isTrainable)
        }
        let weights = step.inputs.dropFirst()
        func vectors(_ ids: some Sequence<TensorID>) -> [KerasVariable] {
            ids.map { variable($0, .vector(orders.order(of: $0)), isTrainable: program[$0].role == .parameter) }
        }
        let (kind, variables): (String, [KerasVariable])
        switch step.operation {
        case .linear:
            let weight = step.inputs[1]
            let layout = KerasVariable.Layout.dense(
                rows: orders.rowOrder(of: weight), columns: orders.columnOrder(of: weight))
            (kind, variables) = ("dense", [variable(weight, layout)] + vectors(weights.dropFirst()))
        case .convolution:
            (kind, variables) = ("conv2d", [variable(step.inputs[1], .kernel)] + vectors(weights.dropFirst()))
        case .transposedConvolution:
            (kind, variables) = ("conv2d_transpose", [variable(step.inputs[1], .kernel)] + vectors(weights.dropFirst()))
        case .batchNorm: (kind, variables) = ("batch_normalization", vectors(weights))
        case .groupNorm: (kind, variables) = ("group_normalization", vectors(weights))
        case .activation, .dropout, .reshape, .upsampleNearest, .maxPool, .averagePool, .add, .gaussianLatent,
            .reconstruction, .lossGradient, .custom, .vectorQuantization, .codebookUpdate, .crop, .gate:
            return nil
        }
        return KerasLayer(kind: kind, path: step.path, variables: variables)
    }

    /// Why Keras cannot express a step; nil if it can.
    private static func problem(_ step: ProgramStep, _ program: Program, _ orders: FeatureOrders) -> String? {
        switch step.operation {
        case .custom, .vectorQuantization, .codebookUpdate, .crop, .gate:
            return "Keras has no layer for \(step.operation.definitionName)"
        case .maxPool(let window) where window.padding.height + window.padding.width > 0:
            return "max_pool with padding would see zeros in Keras"
        case .transposedConvolution(let window)
        where window.outputPadding.height > window.padding.height || window.outputPadding.width > window.padding.width:
            return "conv_transpose2d with more output padding than padding"
        case .convolution where step.path.hasSuffix(".shortcut"):
            return "a residual block with a shortcut: the order of Keras' layers in it is not defined"
        case .reshape:
            let (from, to) = (step.inputs[0], step.outputs[0])
            switch (program[from].shape.rank, program[to].shape.rank) {
            case (3, 1) where orders.order(of: to) != FeatureOrder(of: program[from].shape),
                (1, 3) where orders.order(of: from) != FeatureOrder(of: program[to].shape):
                return "a reshape of features whose order something else decides"
            case (3, 3)
            where FeatureOrder(of: program[from].shape) != .plain || FeatureOrder(of: program[to].shape) != .plain:
                return "a reshape of maps to maps, which Keras does in H W C order"
            default: return nil
            }
        case .linear, .convolution, .transposedConvolution, .activation, .batchNorm, .groupNorm, .dropout,
            .upsampleNearest, .maxPool, .averagePool, .add, .gaussianLatent, .reconstruction,
            .lossGradient:
            return nil
        }
    }
}
