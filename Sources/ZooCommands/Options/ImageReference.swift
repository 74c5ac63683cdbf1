import ArgumentParser
import Datasets
import ImageFiles
import TensorCore

/// An image as users name it: its number in the data set, a class, or a file.
enum ImageReference: ExpressibleByArgument, Equatable, Sendable {
    case index(Int)
    /// `class:5` or `class:horse`.
    case label(String)
    case file(String)

    init(argument: String) {
        if let index = Int(argument) {
            self = .index(index)
        } else if argument.hasPrefix("class:") {
            self = .label(String(argument.dropFirst(6)))
        } else {
            self = .file(argument)
        }
    }

    var needsDataset: Bool {
        if case .file = self { false } else { true }
    }

    /// Whether it stands for many images.
    var isClass: Bool {
        if case .label = self { true } else { false }
    }
}

/// An image to encode.
struct ChosenImage: Sendable {
    /// C·H·W bytes in H W C order.
    let pixels: [UInt8]
    /// For captions: `image 42 (5)`, or the file's name.
    let name: String
    /// Its number in the data set; nil for a file.
    let index: Int?

    init(pixels: [UInt8], name: String, index: Int?) {
        self.pixels = pixels
        self.name = name
        self.index = index
    }

    /// The image in a PNG or JPEG file, grey or RGB as the model needs it.
    ///
    /// - Parameters:
    ///   - shape: the model's input, `[C, H, W]`.
    ///   - resizing: whether an image of another size is cropped to the model's aspect and resized.
    /// - Throws: `ZooError` if it cannot be read or has another size.
    init(file: String, shape: Shape, resizing: Bool) throws {
        let image = try ImageFiles.decode(path: file)
        if image.width != shape.width || image.height != shape.height {
            guard resizing else {
                throw ZooError(
                    "'\(file)' is \(image.width) x \(image.height) pixels, but the model takes "
                        + "\(shape.width) x \(shape.height)",
                    advice: "give an image of that size, or --resize to have its middle cropped and resized",
                    kind: .usage)
            }
        }
        // As training on a folder of pictures does.
        let preparation = ImagePreparation(width: shape.width, height: shape.height, channels: shape.channels)
        pixels = try preparation.apply(to: image).pixels
        name = file.split(separator: "/").last.map(String.init) ?? file
        index = nil
    }
}
