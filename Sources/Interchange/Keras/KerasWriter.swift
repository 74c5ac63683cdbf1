import Checkpoints
import ModelKit
import TensorCore

/// Writes the `.weights.h5` of Keras 3 for a model with the attributes `encoder` and `decoder`.
///
/// Source: keras/src/saving/saving_lib.py of Keras 3.15: `encoder/layers/<class>[_k]/vars/<i>`, k counting the layers of a
/// class in their order.
enum KerasWriter {
    /// The root attribute with the definition, which Keras does not look at.
    static let definitionAttribute = "zoo_definition"

    /// The bytes of the file.
    ///
    /// - Throws: `ZooError` naming what Keras cannot express.
    static func encode(_ checkpoint: Checkpoint, _ definition: ModelDefinition) throws -> [UInt8] {
        let weights = Dictionary(uniqueKeysWithValues: checkpoint.weights.map { ($0.path, $0) })
        var root = HDF5Group<HDF5Values>()
        let text = ASCIIText.escaped(checkpoint.definition)
        if text.utf8.count <= HDF5Limits().attributeByteCount {
            root.attributes.append(HDF5Attribute(definitionAttribute, .string(text)))
        }
        for part in try KerasModel(definition).parts {
            for (variable, path) in zip(part.variables, part.paths) {
                guard let weight = weights[variable.path] else {
                    throw ZooError("\(variable.path) is missing in the checkpoint", code: .notFound)
                }
                let values = HDF5Values.float32(variable.kerasValues(weight.values))
                try root.insert(
                    .dataset(HDF5Dataset(shape: variable.kerasShape, payload: values)), at: ([part.name] + path)[...])
            }
        }
        return try HDF5Writer.image(of: root)
    }
}
