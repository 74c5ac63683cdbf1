/// The images of a batch in the form in which a data set delivers them.
public enum ImageBatch {
    /// 8 bits a sample in H W C order; 0…255 stand for 0…1.
    case bytes(UnsafeBufferPointer<UInt8>)
    /// Numbers in C H W order, as the model takes them.
    case numbers(UnsafeBufferPointer<Float>)

    /// Samples of all images together.
    public var sampleCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .numbers(let numbers): numbers.count
        }
    }
}
