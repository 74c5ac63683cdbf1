import FileSupport
import TensorCore

/// Reads a checkpoint out of the tree of its file.
struct CheckpointDecoder<Source: ByteSource> {
    typealias Names = CheckpointLayout

    let source: Source
    let root: HDF5Group<HDF5Extent>
    /// Whether each dataset is compared with its own digest.
    let checksDigests: Bool

    /// The version of the format.
    ///
    /// - Throws: `ZooError` when the file is no checkpoint, or of a version this code does not know.
    static func version(of root: HDF5Group<HDF5Extent>) throws -> Int {
        guard root.attributes.value(Names.Root.format) == .string(Names.format),
            case .integer(let version) = root.attributes.value(Names.Root.version)
        else {
            throw ZooError(
                "the file is HDF5, but no checkpoint: its attributes \"\(Names.Root.format)\" and "
                    + "\"\(Names.Root.version)\" do not say \"\(Names.format)\" and a version", code: .damaged)
        }
        guard version <= Names.version else {
            throw ZooError(
                "the checkpoint has format version \(version), newer than \(Names.version), the newest this zoo reads",
                advice: "install a newer zoo to read it", code: .unsupported)
        }
        guard version >= 1, let result = Int(exactly: version) else {
            throw ZooError("the checkpoint has format version \(version); versions begin with 1", code: .damaged)
        }
        return result
    }

    /// Whether training can go on from the checkpoint, as the file states it.
    ///
    /// - Throws: `ZooError` when the attribute is missing or none of the kinds there are.
    private func kind() throws -> Names.Kind {
        let text = try root.attributes.text(Names.Root.kind, of: "/")
        guard let kind = Names.Kind(rawValue: text) else {
            let known = Names.Kind.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " and ")
            throw ZooError(
                "the checkpoint is of the unknown kind \(String(text.prefix(64)).debugDescription); known are \(known)",
                advice: "the zoo did not write it like this: copy the file again from where it came", code: .unsupported
            )
        }
        return kind
    }

    /// The whole checkpoint.
    ///
    /// - Throws: `ZooError` naming what is missing, of the wrong type, or damaged.
    func checkpoint() throws -> Checkpoint {
        var checkpoint = try header()
        (checkpoint.parameters, checkpoint.buffers) = try weights()
        checkpoint.optimizer = try optimizer(
            try group(Names.State.optimizer, in: try group(Names.reserved, in: root, "/"), "/zoo"))
        return checkpoint
    }

    /// The checkpoint without parameters, buffers and the optimiser's state.
    ///
    /// - Throws: `ZooError` as `checkpoint()`.
    func header() throws -> Checkpoint {
        let version = try Self.version(of: root)
        let state = try group(Names.reserved, in: root, "/")
        var checkpoint = Checkpoint(
            definition: try text(Names.State.definition, in: state, "/zoo"),
            model: try root.attributes.text(Names.Root.model, of: "/"),
            family: try root.attributes.text(Names.Root.family, of: "/"), parameters: [])
        checkpoint.metrics = try text(Names.State.metrics, in: state, "/zoo")
        if root.attributes.value(Names.Root.dataset) != nil {
            checkpoint.dataset = try root.attributes.text(Names.Root.dataset, of: "/")
        }
        if root.attributes.value(Names.Root.datasetDigest) != nil {
            checkpoint.datasetDigest = try root.attributes.text(Names.Root.datasetDigest, of: "/")
        }
        let provenance = try group(Names.State.provenance, in: state, "/zoo")
        for member in provenance.members {
            checkpoint.provenance[member.name] = try text(member.name, in: provenance, "/zoo/provenance")
        }
        // What a slim file may hold of a training's state does not make it one to go on from.
        if try kind() == .full {
            checkpoint.progress = try progress(
                try group(Names.State.progress, in: state, "/zoo"), version: version)
        }
        if state[Names.State.scaling] != nil {
            checkpoint.scaling = try scaling(try group(Names.State.scaling, in: state, "/zoo"))
        }
        if state[Names.State.latentStatistics] != nil {
            checkpoint.latentStatistics = try statistics(try group(Names.State.latentStatistics, in: state, "/zoo"))
        }
        return checkpoint
    }

    private func weights() throws -> (parameters: [NamedTensor], buffers: [NamedTensor]) {
        var model = root
        model.members.removeAll { $0.name == Names.reserved }
        var parameters: [(Int64, NamedTensor)] = []
        var buffers: [(Int64, NamedTensor)] = []
        for (path, dataset) in model.datasets() {
            let tensor = try self.tensor(path, dataset, in: "/")
            let index = try dataset.attributes.integer(Names.Tensor.index, of: tensor.path)
            switch dataset.attributes.value(Names.Tensor.role) {
            case .string(Names.Tensor.parameter): parameters.append((index, tensor))
            case .string(Names.Tensor.buffer): buffers.append((index, tensor))
            default:
                throw ZooError(
                    "\(tensor.path) is marked neither as a parameter nor as a buffer of the model", code: .damaged)
            }
        }
        return (try ordered(parameters, "the parameters"), try ordered(buffers, "the buffers"))
    }

    private func optimizer(_ group: HDF5Group<HDF5Extent>) throws -> [OptimizerSlot] {
        var slots: [(Int64, OptimizerSlot)] = []
        for member in group.members {
            guard case .group(let slot) = member.node else {
                throw ZooError("/zoo/optimizer/\(member.name) is a dataset instead of a group", code: .damaged)
            }
            let place = "/zoo/optimizer/\(member.name)"
            let tensors = try slot.datasets().map { path, dataset in
                (try dataset.attributes.integer(Names.Tensor.index, of: place), try tensor(path, dataset, in: place))
            }
            slots.append(
                (
                    try slot.attributes.integer(Names.Tensor.index, of: place),
                    OptimizerSlot(name: member.name, tensors: try ordered(tensors, place))
                ))
        }
        return try ordered(slots, "the optimiser's slots")
    }

    private func progress(_ group: HDF5Group<HDF5Extent>, version: Int) throws -> TrainingProgress {
        let place = "/zoo/progress"
        let attributes = group.attributes
        guard case .unsigned(let seed) = attributes.value(Names.Progress.seed) else {
            throw ZooError(
                "the attribute \"\(Names.Progress.seed)\" of \(place) is missing or no unsigned integer", code: .damaged
            )
        }
        var progress = TrainingProgress(
            epoch: try attributes.count(Names.Progress.epoch, of: place),
            step: try attributes.count(Names.Progress.step, of: place),
            imagesSeenInEpoch: try attributes.count(Names.Progress.imagesSeenInEpoch, of: place), seed: seed,
            randomStreamVersion: try attributes.count(Names.Progress.randomStreamVersion, of: place),
            optimizerStep: try attributes.count(Names.Progress.optimizerStep, of: place),
            evaluationsWithoutImprovement: try attributes.count(
                Names.Progress.evaluationsWithoutImprovement, of: place))
        progress.bestMetric = try attributes.real(Names.Progress.bestMetric, of: place)
        for sum in try self.group(Names.State.runningSums, in: group, place).attributes {
            guard case .real(let value) = sum.value else {
                throw ZooError("the running sum \"\(sum.name)\" of \(place) is no real number", code: .damaged)
            }
            progress.runningSums[sum.name] = value
        }
        if version >= 2 {
            progress.batchesInEpoch = try attributes.count(Names.Progress.batchesInEpoch, of: place)
            progress.elapsedSeconds = try attributes.real(Names.Progress.elapsedSeconds, of: place) ?? 0
            if attributes.value(Names.Progress.stepLimit) != nil {
                progress.stepLimit = try attributes.count(Names.Progress.stepLimit, of: place)
            }
        } else if let batches = progress.runningSums.removeValue(forKey: Names.Progress.batchSum) {
            guard let count = Int(exactly: batches), TrainingProgress.counts.contains(count) else {
                throw ZooError(
                    "the running sum \"\(Names.Progress.batchSum)\" of \(place) is \(batches), no count", code: .damaged
                )
            }
            progress.batchesInEpoch = count
        }
        return progress
    }

    private func statistics(_ group: HDF5Group<HDF5Extent>) throws -> LatentStatistics {
        let place = "/zoo/latent_statistics"
        guard case .strings(let factors) = group.attributes.value(Names.Latent.factors) else {
            throw ZooError(
                "the attribute \"\(Names.Latent.factors)\" of \(place) is missing or no list of strings", code: .damaged
            )
        }
        let meanOfMean = try reals(Names.Latent.meanOfMean, in: group, shape: nil)
        let size = meanOfMean.count
        func optional(_ name: String, shape: [Int]) throws -> [Double] {
            group[name] == nil ? [] : try reals(name, in: group, shape: shape)
        }
        let flags = try self.dataset(Names.Latent.active, in: group, place)
        guard case .uint8(let active) = try values(flags, "\(place)/active"), flags.shape == [size] else {
            throw ZooError("\(place)/\(Names.Latent.active) is not \(size) bytes", code: .damaged)
        }
        let (meanVariance, kl) = (
            try optional(Names.Latent.meanVariance, shape: [size]), try optional(Names.Latent.kl, shape: [size])
        )
        guard meanVariance.count == kl.count else {
            throw ZooError(
                "\(place) has one of \(Names.Latent.meanVariance) and \(Names.Latent.kl) without the other",
                code: .damaged)
        }
        return LatentStatistics(
            meanOfMean: meanOfMean,
            varianceOfMean: try reals(Names.Latent.varianceOfMean, in: group, shape: [size]),
            meanVariance: meanVariance, kl: kl,
            active: active.map { $0 != 0 },
            imageCount: try group.attributes.count(Names.Latent.imageCount, of: place),
            split: try group.attributes.text(Names.Latent.split, of: place),
            dataset: group.attributes.value(Names.Latent.dataset) == nil
                ? nil : try group.attributes.text(Names.Latent.dataset, of: place),
            covariance: try optional(Names.Latent.covariance, shape: [size, size]),
            factors: try factors.map { try HDF5Attribute.unescaped($0, Names.Latent.factors, of: place) },
            factorEntropies: try optional(Names.Latent.factorEntropies, shape: [factors.count]),
            mutualInformation: try reals(Names.Latent.mutualInformation, in: group, shape: [factors.count, size]))
    }

    private func scaling(_ group: HDF5Group<HDF5Extent>) throws -> ValueScaling {
        let place = "/zoo/scaling"
        let name = try group.attributes.text(Names.Scaling.method, of: place)
        guard let method = ValueScaling.Method(rawValue: name) else {
            throw ZooError("\(place) names the unknown scaling \"\(name)\"", code: .unsupported)
        }
        func reals(_ name: String) throws -> [Double] { try self.reals(name, in: group, place, shape: nil) }
        return try ValueScaling(
            method: method, offsets: reals(Names.Scaling.offsets), scales: reals(Names.Scaling.scales),
            least: reals(Names.Scaling.least), largest: reals(Names.Scaling.largest))
    }

    /// The values of a dataset of f64, which must have `shape`, or one axis when it is nil.
    private func reals(
        _ name: String, in group: HDF5Group<HDF5Extent>, _ place: String = "/zoo/latent_statistics", shape: [Int]?
    ) throws -> [Double] {
        let path = "\(place)/\(name)"
        let dataset = try self.dataset(name, in: group, place)
        guard case .float64(let reals) = try values(dataset, path), dataset.shape == shape ?? [reals.count] else {
            throw ZooError(
                "\(path) has shape \(dataset.shape) of \(dataset.payload.elementType) instead of "
                    + "\(shape.map { "\($0)" } ?? "one axis") of f64", code: .damaged)
        }
        return reals
    }
}
