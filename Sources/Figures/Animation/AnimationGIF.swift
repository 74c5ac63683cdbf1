import FileSupport
import ImageFiles
import TensorCore

/// A sequence of images as an animated GIF (GIF89a) that repeats for ever, such as a walk through latent space.
///
/// GIF has 256 colours. If the frames together have no more (grey frames never do), they are kept exactly; otherwise
/// the colours are reduced by median cut, the same ones for all frames, so that nothing flickers.
public struct AnimationGIF: Sendable {
    /// The frames in order, all of one size and number of channels.
    public var frames: [Image8]
    /// How long each frame is shown, in seconds: 0.02 to 600, kept to hundredths.
    public var secondsPerFrame: Double
    /// Pixels of the GIF per image pixel, at least 1.
    public var scale: Int

    public init(frames: [Image8], secondsPerFrame: Double = 0.1, scale: Int = 1) {
        self.frames = frames
        self.secondsPerFrame = secondsPerFrame
        self.scale = scale
    }

    /// The bytes of the GIF file.
    /// - Throws: `ZooError` if there is no frame, the frames differ in size, or a setting is out of range.
    public func encoded() throws -> [UInt8] {
        let first = try validate()
        let colors = ColorReduction(of: frames)
        let writer = try GIFWriter()
        try writer.begin(width: first.width * scale, height: first.height * scale, palette: colors.palette)
        let hundredths = Int((secondsPerFrame * 100).rounded())
        for frame in frames {
            try writer.write(rows: colors.indices(of: frame), width: frame.width, scale: scale, hundredths: hundredths)
        }
        return try writer.finish()
    }

    /// Writes the animation to a `.gif` file.
    /// - Throws: `ZooError` for another extension (kind `usage`), what `encoded()` throws, and if the file cannot be
    ///   written.
    public func write(to path: String) throws {
        guard path.lowercased().hasSuffix(".gif") else {
            throw ZooError(
                "animations are written as GIF, but '\(path)' does not end in .gif", advice: "name the file .gif",
                kind: .usage)
        }
        try AtomicFile.write(encoded(), to: path)
    }

    private func validate() throws -> Image8 {
        guard let first = frames.first else { throw ZooError("an animation has no frame to show", code: .invalidValue) }
        for (index, frame) in frames.enumerated()
        where frame.width != first.width || frame.height != first.height || frame.channels != first.channels {
            throw ZooError(
                "frame \(index) of an animation is \(frame.width) x \(frame.height) with \(frame.channels) channels, "
                    + "but frame 0 is \(first.width) x \(first.height) with \(first.channels)",
                advice: "give all frames one size and number of channels", code: .mismatch)
        }
        guard (0.02...600).contains(secondsPerFrame) else {
            throw ZooError(
                "a frame of an animation is shown for 0.02 to 600 seconds, not \(secondsPerFrame)", code: .invalidValue)
        }
        let largest = Image8.maximumSide / max(first.width, first.height)
        guard scale >= 1, scale <= largest else {
            throw ZooError(
                "the scale of an animation of \(first.width) x \(first.height) frames is from 1 to \(largest), "
                    + "not \(scale)", code: .invalidValue)
        }
        return first
    }
}
