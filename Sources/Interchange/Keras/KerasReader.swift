import Checkpoints
import FileSupport
import TensorCore

/// Reads the weights in HDF5 files of Keras: `.weights.h5` of version 3 and the format before it. Of a model's description in
/// the file only the paddings are looked at.
///
/// Source: keras/src/saving, saving_lib.py and keras/src/legacy/saving/legacy_h5_format.py of Keras 3.15.
package enum KerasReader {
    /// How a file names its tensors.
    package enum Layout: Sendable, Equatable {
        /// By class and count: `encoder/layers/dense_1/vars/0`; with the names that models inside the model have, by where
        /// they are: `layers/functional_1` may be called `decoder`.
        case paths(models: [String: String])
        /// In the order of `layer_names` and `weight_names`: how many tensors each layer has.
        case order([Int])
        /// Neither: a tree of datasets, whose paths are names as those of PyTorch.
        case plain
    }

    package struct Contents {
        package var tensors: [ForeignTensor]
        package var layout: Layout
        package var definition: String?
        /// Layers that pad unevenly, as far as a description of the model is there.
        package var unevenlyPadded: [String] = []
        /// What was passed over, in sentences.
        package var notes: [String]
    }

    /// Reads the bytes of a file.
    ///
    /// - Throws: `ZooError` naming what is damaged or not supported.
    package static func decode(_ bytes: [UInt8]) throws -> Contents {
        try decode(MemorySource(withUserBlock: bytes))
    }

    /// Reads a file from its superblock on; of what is stored in one piece only where it is.
    ///
    /// - Throws: `ZooError` as `decode`.
    static func decode(_ source: some ByteSource) throws -> Contents {
        let root = try HDF5Reader.read(source, limits: .foreign)
        guard root.attributes.value("format") != .string("zoo.checkpoint") else {
            throw ZooError("this is a checkpoint of the zoo already", advice: "use it as it is", kind: .usage)
        }
        var contents = Contents(tensors: [], layout: .plain, definition: nil, notes: [])
        if case .string(let text) = root.attributes.value(KerasWriter.definitionAttribute) {
            contents.definition = ASCIIText.unescaped(text)
        }
        if case .string(let text) = root.attributes.value("model_config") {
            contents.unevenlyPadded = KerasDescription(text).unevenlyPadded
        }
        var model = root
        if case .group(let group) = root["model_weights"] { model = group }
        if let layers = try list("layer_names", model.attributes) {
            try readOrder(layers, model, source, &contents)
        } else {
            try readPaths(root, source, &contents)
        }
        return contents
    }

    private static func readPaths(
        _ root: HDF5Group<HDF5Extent>, _ source: some ByteSource, _ contents: inout Contents
    ) throws {
        var found = root.datasets()
        let isKeras = found.contains { $0.path.dropLast().last == "vars" }
        if isKeras {
            contents.layout = .paths(models: root.modelNames())
            let passed = found.filter { $0.path.first == "optimizer" || $0.path.contains("seed_generator") }
            found.removeAll { $0.path.first == "optimizer" || $0.path.contains("seed_generator") }
            if !passed.isEmpty {
                contents.notes.append(
                    "\(passed.count) tensors of the optimiser and of random generators were passed over")
            }
        }
        for (path, dataset) in found {
            // Keras 2.13 called the list of layers otherwise.
            let names = path.map { $0 == "_layer_checkpoint_dependencies" ? "layers" : $0 }
            let name = names.joined(separator: isKeras ? "/" : ".")
            contents.tensors.append(try tensor(dataset, name, source))
        }
    }

    private static func readOrder(
        _ layers: [String], _ model: HDF5Group<HDF5Extent>, _ source: some ByteSource, _ contents: inout Contents
    ) throws {
        var counts: [Int] = []
        // Lists may be long and name one tensor again and again, each time to be unpacked anew.
        var listed: Set<[String]> = []
        for layer in layers {
            let layerPath = layer.split(separator: "/").map(String.init)
            guard listed.insert(layerPath).inserted else {
                throw ZooError("damaged Keras file: the layer \"\(layer)\" is listed twice", code: .damaged)
            }
            guard case .group(let group) = model.node(at: layerPath[...]) else {
                throw ZooError("damaged Keras file: the layer \"\(layer)\" is listed, but not there", code: .damaged)
            }
            guard let weights = try list("weight_names", group.attributes) else {
                throw ZooError("damaged Keras file: the layer \"\(layer)\" does not list its weights", code: .damaged)
            }
            for weight in weights {
                let path = weight.split(separator: "/").map(String.init)
                guard listed.insert(layerPath + path).inserted else {
                    throw ZooError("damaged Keras file: \"\(weight)\" of \"\(layer)\" is listed twice", code: .damaged)
                }
                guard case .dataset(let dataset) = group.node(at: path[...]) else {
                    throw ZooError(
                        "damaged Keras file: \"\(weight)\" of \"\(layer)\" is listed, but not there", code: .damaged)
                }
                contents.tensors.append(try tensor(dataset, "\(layer)/\(weight)", source))
            }
            if !weights.isEmpty { counts.append(weights.count) }
        }
        contents.layout = .order(counts)
    }

    /// The strings of the attribute `name`, or of `name0`, `name1` …; nil if there is none.
    private static func list(_ name: String, _ attributes: [HDF5Attribute]) throws -> [String]? {
        let values = Dictionary(attributes.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        let names = values[name] != nil ? [name] : (0..<attributes.count).map { "\(name)\($0)" }
        var strings: [String]?
        for name in names {
            guard let value = values[name] else { break }
            guard case .strings(let more) = value else {
                throw ZooError("damaged Keras file: the attribute \"\(name)\" is no list of names", code: .damaged)
            }
            strings = (strings ?? []) + more
        }
        return strings
    }

    private static func tensor(
        _ dataset: HDF5Dataset<HDF5Extent>, _ name: String, _ source: some ByteSource
    ) throws -> ForeignTensor {
        try ForeignTensor.checkName(name)
        let isBrainFloat = dataset.attributes.value("dtype") == .string("bfloat16")
        let type: StoredElementType
        switch dataset.payload.elementType {
        case .float16: type = isBrainFloat ? .bfloat16 : .float16
        case .float32: type = .float32
        case .float64: type = .float64
        case .int64: type = .int64
        case .uint64: type = .uint64
        case .uint8: type = .uint8
        case .other(let other): type = isBrainFloat && other.byteCount == 2 ? .bfloat16 : other
        // So h5py stores a type that HDF5 does not have.
        case .opaque(2) where isBrainFloat: type = .bfloat16
        case .opaque:
            throw ZooError("unsupported Keras file: \(name) holds \(dataset.payload.elementType)", code: .unsupported)
        case .string: throw ZooError("unsupported Keras file: \(name) is a text", code: .unsupported)
        case .variableString:
            throw ZooError("unsupported Keras file: \(name) holds texts of any length", code: .unsupported)
        }
        guard dataset.payload.chunks == nil else {
            return ForeignTensor(
                name: name, shape: dataset.shape, elementType: type, bytes: try dataset.payload.bytes(from: source))
        }
        return ForeignTensor(
            name: name, shape: dataset.shape, elementType: type, source: source, range: dataset.payload.range)
    }
}

extension HDF5Group {
    /// The names of Keras' models in this group, by the path of their group: Keras writes them on `vars`.
    fileprivate func modelNames(below path: String = "") -> [String: String] {
        var names: [String: String] = [:]
        for member in members {
            guard case .group(let group) = member.node else { continue }
            if member.name == "vars", case .string(let name) = group.attributes.value("name") {
                names[path] = name
            }
            names.merge(group.modelNames(below: path.isEmpty ? member.name : "\(path)/\(member.name)")) { $1 }
        }
        return names
    }

    /// What is at `path` below this group, if there is something.
    fileprivate func node(at path: ArraySlice<String>) -> HDF5Node<Payload>? {
        guard let name = path.first else { return nil }
        guard path.count > 1 else { return self[name] }
        guard case .group(let group) = self[name] else { return nil }
        return group.node(at: path.dropFirst())
    }
}
