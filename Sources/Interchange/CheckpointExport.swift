import Checkpoints
import ModelKit
import TensorCore

extension Checkpoint {
    /// The checkpoint's weights in a format of another tool; of a run that kept a moving average, the averaged ones.
    ///
    /// - Parameter definition: the checkpoint's definition, read.
    /// - Throws: `ZooError` that names what the format cannot express.
    public func exported(to format: InterchangeFormat, definition: ModelDefinition) throws -> [ExportedFile] {
        let checkpoint = averaged()
        return switch format {
        case .safetensors:
            [ExportedFile(part: nil, bytes: SafeTensorsWriter.encode(checkpoint.weights, metadata: metadata))]
        case .npz:
            [ExportedFile(part: nil, bytes: try NumPyArchive.encode(checkpoint.weights, definition: self.definition))]
        case .onnx:
            [
                ExportedFile(
                    part: "encoder",
                    bytes: try ONNXWriter.encode(
                        try ONNXLowering.encoder(of: definition, weights: checkpoint.weights), metadata: metadata)),
                ExportedFile(
                    part: "decoder",
                    bytes: try ONNXWriter.encode(
                        try ONNXLowering.decoder(of: definition, weights: checkpoint.weights), metadata: metadata)),
            ]
        case .keras: [ExportedFile(part: nil, bytes: try KerasWriter.encode(checkpoint, definition))]
        }
    }

    /// What travels along where the format has room for texts: enough to import the file again.
    var metadata: [(name: String, value: String)] {
        var metadata = [("zoo.definition", definition), ("zoo.family", family), ("zoo.model", model)]
        if let dataset { metadata.append(("zoo.dataset", dataset)) }
        return metadata
    }
}
