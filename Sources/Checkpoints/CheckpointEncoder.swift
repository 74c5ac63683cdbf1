import TensorCore

/// Lays a checkpoint out as a tree of HDF5 groups and datasets.
package enum CheckpointEncoder {
    typealias Names = CheckpointLayout

    /// The tree of `checkpoint`.
    ///
    /// - Parameter halfPrecision: whether parameters and buffers are stored in 16 bits each.
    /// - Throws: `ZooError` when a path cannot be stored, is used twice, or arrays do not fit together, or a value is too large for 16
    ///   bits.
    package static func tree(
        of checkpoint: Checkpoint, halfPrecision: Bool = false
    ) throws -> HDF5Group<HDF5Values> {
        var root = HDF5Group<HDF5Values>()
        root.attributes = [
            text(Names.Root.format, Names.format),
            HDF5Attribute(
                Names.Root.version, .integer(halfPrecision ? Names.version : Names.singlePrecisionVersion)),
            text(Names.Root.model, checkpoint.model),
            text(Names.Root.family, checkpoint.family),
            text(Names.Root.kind, (checkpoint.isResumable ? Names.Kind.full : .slim).rawValue),
        ]
        if let dataset = checkpoint.dataset { root.attributes.append(text(Names.Root.dataset, dataset)) }
        if let digest = checkpoint.datasetDigest { root.attributes.append(text(Names.Root.datasetDigest, digest)) }
        try addWeights(of: checkpoint, halfPrecision: halfPrecision, to: &root)

        var state = HDF5Group<HDF5Values>()
        state.members = [
            dataset(Names.State.definition, .text(checkpoint.definition)),
            dataset(Names.State.metrics, .text(checkpoint.metrics)),
            HDF5Member(
                name: Names.State.provenance,
                node: .group(
                    HDF5Group(
                        members: checkpoint.provenance.sorted { $0.key < $1.key }
                            .map { dataset($0.key, .text($0.value)) }))),
            HDF5Member(name: Names.State.optimizer, node: .group(try optimizer(checkpoint.optimizer))),
        ]
        if let progress = checkpoint.progress {
            state.members.append(HDF5Member(name: Names.State.progress, node: .group(try group(progress))))
        }
        if let scaling = checkpoint.scaling {
            state.members.append(HDF5Member(name: Names.State.scaling, node: .group(group(scaling))))
        }
        if let statistics = checkpoint.latentStatistics {
            state.members.append(
                HDF5Member(name: Names.State.latentStatistics, node: .group(try group(statistics))))
        }
        root.members.append(HDF5Member(name: Names.reserved, node: .group(state)))
        return root
    }

    /// Adds parameters and buffers, with Keras' lists of layers and weights that viewers look for.
    private static func addWeights(
        of checkpoint: Checkpoint, halfPrecision: Bool, to root: inout HDF5Group<HDF5Values>
    ) throws {
        var layers: [[String]] = []
        var weights: [[String]: [String]] = [:]
        let tensors =
            checkpoint.parameters.enumerated().map { ($0, $1, Names.Tensor.parameter) }
            + checkpoint.buffers.enumerated().map { ($0, $1, Names.Tensor.buffer) }
        for (index, tensor, role) in tensors {
            let path = Names.components(of: tensor.path)
            guard path.first != Names.reserved else {
                throw ZooError(
                    "the path \(tensor.path) cannot be stored: \"\(Names.reserved)\" is reserved in checkpoints",
                    advice: "give this part of the model another name", code: .unsupported)
            }
            try insert(tensor, index, at: path, into: &root, role: role, halfPrecision: halfPrecision)
            let layer = Array(path.dropLast())
            if weights[layer] == nil { layers.append(layer) }
            weights[layer, default: []].append(path.last ?? "")
        }
        // Weights directly in the root have no layer that could be named.
        layers.removeAll(where: \.isEmpty)
        root.attributes += list(Names.Root.layers, layers.map { $0.joined(separator: "/") })
        for layer in layers { addAttributes(list(Names.weights, weights[layer] ?? []), to: &root, at: layer[...]) }
    }

    private static func insert(
        _ tensor: NamedTensor, _ index: Int, at path: [String], into group: inout HDF5Group<HDF5Values>,
        role: String? = nil, halfPrecision: Bool = false
    ) throws {
        let values = halfPrecision ? HDF5Values.float16(tensor.values.map(Float16.init)) : .float32(tensor.values)
        if case .float16(let rounded) = values, let place = rounded.firstIndex(where: { !$0.isFinite }),
            tensor.values[place].isFinite
        {
            throw ZooError(
                "\(tensor.path) holds \(tensor.values[place]), more than half precision can hold",
                advice: "store it in single precision", code: .limit, subject: .tensor(tensor.path))
        }
        var attributes = role.map { [HDF5Attribute(Names.Tensor.role, .string($0))] } ?? []
        attributes += [
            HDF5Attribute(Names.Tensor.index, .integer(Int64(index))),
            HDF5Attribute(Names.Tensor.digest, .string(Names.digest(of: values))),
        ]
        do {
            try group.insert(
                .dataset(HDF5Dataset(shape: tensor.shape, payload: values, attributes: attributes)), at: path[...])
        } catch let error as ZooError {
            throw ZooError(
                "\(tensor.path) cannot be stored: \(error.message)", advice: error.advice, code: .unsupported)
        }
    }

    private static func addAttributes(
        _ attributes: [HDF5Attribute], to group: inout HDF5Group<HDF5Values>, at path: ArraySlice<String>
    ) {
        guard let name = path.first else {
            group.attributes += attributes
            return
        }
        for index in group.members.indices where group.members[index].name == name {
            guard case .group(var inner) = group.members[index].node else { continue }
            addAttributes(attributes, to: &inner, at: path.dropFirst())
            group.members[index].node = .group(inner)
        }
    }

    private static func optimizer(_ slots: [OptimizerSlot]) throws -> HDF5Group<HDF5Values> {
        var result = HDF5Group<HDF5Values>()
        for (index, slot) in slots.enumerated() {
            var group = HDF5Group<HDF5Values>(attributes: [
                HDF5Attribute(Names.Tensor.index, .integer(Int64(index)))
            ])
            for (index, tensor) in slot.tensors.enumerated() {
                try insert(tensor, index, at: Names.components(of: tensor.path), into: &group)
            }
            try result.insert(.group(group), at: [slot.name])
        }
        return result
    }

    private static func group(_ progress: TrainingProgress) throws -> HDF5Group<HDF5Values> {
        var attributes = [
            integer(Names.Progress.epoch, progress.epoch),
            integer(Names.Progress.step, progress.step),
            integer(Names.Progress.imagesSeenInEpoch, progress.imagesSeenInEpoch),
            integer(Names.Progress.batchesInEpoch, progress.batchesInEpoch),
            HDF5Attribute(Names.Progress.seed, .unsigned(progress.seed)),
            integer(Names.Progress.randomStreamVersion, progress.randomStreamVersion),
            integer(Names.Progress.optimizerStep, progress.optimizerStep),
            integer(Names.Progress.evaluationsWithoutImprovement, progress.evaluationsWithoutImprovement),
        ]
        if let limit = progress.stepLimit { attributes.append(integer(Names.Progress.stepLimit, limit)) }
        for case .integer(let value) in attributes.map(\.value) where value < 0 {
            throw ZooError(
                "the training progress cannot be stored: one of its counts is negative (\(value))", code: .unsupported)
        }
        attributes.append(HDF5Attribute(Names.Progress.elapsedSeconds, .real(progress.elapsedSeconds)))
        if let metric = progress.bestMetric {
            attributes.append(HDF5Attribute(Names.Progress.bestMetric, .real(metric)))
        }
        let sums = progress.runningSums.sorted { $0.key < $1.key }.map { HDF5Attribute($0.key, .real($0.value)) }
        return HDF5Group(
            attributes: attributes,
            members: [HDF5Member(name: Names.State.runningSums, node: .group(HDF5Group(attributes: sums)))])
    }

    private static func group(_ scaling: ValueScaling) -> HDF5Group<HDF5Values> {
        let vectors = [
            (Names.Scaling.offsets, scaling.offsets), (Names.Scaling.scales, scaling.scales),
            (Names.Scaling.least, scaling.least), (Names.Scaling.largest, scaling.largest),
        ]
        return HDF5Group(
            attributes: [text(Names.Scaling.method, scaling.method.rawValue)],
            members: vectors.map { dataset($0.0, .float64($0.1), shape: [scaling.count]) })
    }

    private static func group(_ statistics: LatentStatistics) throws -> HDF5Group<HDF5Values> {
        let size = statistics.latentSize
        let factorCount = statistics.factors.count
        let vectors = [
            (Names.Latent.meanOfMean, statistics.meanOfMean), (Names.Latent.varianceOfMean, statistics.varianceOfMean),
            (Names.Latent.meanVariance, statistics.meanVariance), (Names.Latent.kl, statistics.kl),
        ].filter { !statistics.isWithout($0.0) }
        let counts = vectors.map(\.1.count) + [statistics.active.count]
        guard counts.allSatisfy({ $0 == size }), [0, size * size].contains(statistics.covariance.count),
            statistics.meanVariance.count == statistics.kl.count,
            [0, factorCount].contains(statistics.factorEntropies.count),
            statistics.mutualInformation.count == factorCount * size, statistics.imageCount >= 0
        else {
            throw ZooError(
                "the latent statistics do not fit together: \(counts) values per dimension, "
                    + "\(statistics.covariance.count) of covariance, \(statistics.mutualInformation.count) of mutual "
                    + "information for \(factorCount) factors, \(statistics.imageCount) images", code: .mismatch)
        }
        var group = HDF5Group<HDF5Values>(attributes: [
            integer(Names.Latent.imageCount, statistics.imageCount), text(Names.Latent.split, statistics.split),
        ])
        if let name = statistics.dataset { group.attributes.append(text(Names.Latent.dataset, name)) }
        group.attributes.append(
            HDF5Attribute(Names.Latent.factors, .strings(statistics.factors.map(ASCIIText.escaped))))
        group.members = vectors.map { dataset($0.0, .float64($0.1), shape: [size]) }
        group.members.append(
            dataset(Names.Latent.active, .uint8(statistics.active.map { $0 ? 1 : 0 }), shape: [size]))
        if !statistics.covariance.isEmpty {
            group.members.append(
                dataset(Names.Latent.covariance, .float64(statistics.covariance), shape: [size, size]))
        }
        if !statistics.factorEntropies.isEmpty {
            group.members.append(
                dataset(Names.Latent.factorEntropies, .float64(statistics.factorEntropies), shape: [factorCount]))
        }
        group.members.append(
            dataset(
                Names.Latent.mutualInformation, .float64(statistics.mutualInformation), shape: [factorCount, size]))
        return group
    }

    private static func dataset(
        _ name: String, _ values: HDF5Values, shape: [Int] = []
    ) -> HDF5Member<HDF5Values> {
        let digest = HDF5Attribute(Names.Tensor.digest, .string(Names.digest(of: values)))
        return HDF5Member(
            name: name, node: .dataset(HDF5Dataset(shape: shape, payload: values, attributes: [digest])))
    }

    private static func text(_ name: String, _ value: String) -> HDF5Attribute {
        HDF5Attribute(name, .string(ASCIIText.escaped(value)))
    }

    private static func integer(_ name: String, _ value: Int) -> HDF5Attribute {
        HDF5Attribute(name, .integer(Int64(value)))
    }

    /// A list of strings as Keras stores it: in `name`, or in `name0`, `name1` … when one attribute cannot hold it.
    private static func list(_ name: String, _ strings: [String]) -> [HDF5Attribute] {
        let strings = strings.map(ASCIIText.escaped)
        let width = max(1, strings.map(\.utf8.count).max() ?? 1)
        let most = max(1, HDF5Limits().attributeByteCount / width)
        guard strings.count > most else { return [HDF5Attribute(name, .strings(strings))] }
        return stride(from: 0, to: strings.count, by: most).enumerated().map { index, start in
            HDF5Attribute("\(name)\(index)", .strings(Array(strings[start..<min(start + most, strings.count)])))
        }
    }
}

extension LatentStatistics {
    /// Whether a vector is left out: the codes of a plain autoencoder have no σ² and no KL.
    fileprivate func isWithout(_ name: String) -> Bool {
        switch name {
        case CheckpointLayout.Latent.meanVariance: meanVariance.isEmpty
        case CheckpointLayout.Latent.kl: kl.isEmpty
        default: false
        }
    }
}
