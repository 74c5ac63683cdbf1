/// A file format in which weights travel between the zoo and other tools.
public enum InterchangeFormat: String, CaseIterable, Sendable {
    /// Hugging Face's safetensors: PyTorch's `state_dict` names and layouts.
    case safetensors
    /// NumPy's archive of arrays: the same names and layouts.
    case npz
    /// ONNX: encoder and decoder as graphs that run elsewhere.
    case onnx
    /// Keras 3's `.weights.h5`.
    case keras

    /// The end of file names, without the dot before it.
    public var fileExtension: String { self == .keras ? "weights.h5" : rawValue }
}

/// A file to be written.
public struct ExportedFile: Sendable {
    /// What tells this file from the others of the export; nil where there is one only.
    public var part: String?
    public var bytes: [UInt8]
}
