import ImageFiles
import TensorCore

/// An image to encode.
public struct ChosenImage: Sendable {
    /// As the model takes it, `[1, C, H, W]` or `[1, D]`.
    public let tensor: Tensor
    /// Of an image with numbers from 0 to 1, C·H·W bytes in H W C order.
    public var pixels: [UInt8] {
        let shape = tensor.elementShape
        let channels = shape.rank == 3 ? shape.channels : 1
        let area = shape.count / channels
        return (0..<shape.count).map { place in
            let value = tensor.values[place % channels * area + place / channels]
            return UInt8((min(1, max(0, value)) * 255).rounded())
        }
    }
    /// For captions: `image 42 (5)`, or the file's name.
    public let name: String
    /// Its number in the data set; nil for a file.
    public let index: Int?
    /// Its class in the data set; nil where there is none.
    public let label: Int?

    public init(tensor: Tensor, name: String, index: Int?, label: Int? = nil) {
        self.tensor = tensor
        self.name = name
        self.index = index
        self.label = label
    }

    /// The image in a file of a picture, grey or RGB as the model needs it.
    ///
    /// - Parameters:
    ///   - shape: the model's input, `[C, H, W]`.
    ///   - resizing: whether an image of another size is fitted to the model's.
    ///   - preparation: how the pictures became images that the model was trained on; nil to cut the largest part of the model's
    ///     aspect from the middle.
    /// - Throws: `ZooError` if it cannot be read or has another size.
    public init(file: String, shape: Shape, resizing: Bool, preparation: ImagePreparation? = nil) throws {
        guard shape.rank == 3, [1, 3].contains(shape.channels) else {
            throw ZooError(
                "the model takes \(shape), and '\(file)' would be an image of 1 or 3 channels", kind: .usage,
                code: .mismatch)
        }
        // As training on a folder of pictures does; an image of the model's size is one that is prepared already.
        let plain = ImagePreparation(width: shape.width, height: shape.height, channels: shape.channels)
        let image = try ImageFiles.decode(
            path: file, resizingTo: resizing ? (preparation ?? plain).decodingSize : nil)
        if image.width != shape.width || image.height != shape.height {
            guard resizing else {
                throw ZooError(
                    "'\(file)' is \(image.width) x \(image.height) pixels, but the model takes "
                        + "\(shape.width) x \(shape.height)",
                    advice: "give an image of that size, or --resize to have its middle cropped and resized",
                    kind: .usage)
            }
        }
        let isPrepared = image.width == shape.width && image.height == shape.height
        let preparation = isPrepared ? plain : preparation ?? plain
        tensor = try Tensor(pixels: preparation.apply(to: image).pixels, shape: shape)
        name = file.split(separator: "/").last.map(String.init) ?? file
        index = nil
        label = nil
    }
}
