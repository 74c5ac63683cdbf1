import Figures
import ImageFiles

/// The pictures of a run's epochs as one animation, made of the files in its folder so that it is whole after a resume.
public enum TrainingAnimation {
    /// More epochs than this are thinned out evenly.
    public static let maximumFrames = 60

    /// The animation of the pictures at `paths`, in this order; nil if there are fewer than two.
    ///
    /// - Throws: `ZooError` if a picture cannot be read.
    public static func made(of paths: [String]) throws -> AnimationGIF? {
        guard paths.count > 1 else { return nil }
        let shown = min(paths.count, maximumFrames)
        let frames = try (0..<shown).map { place in
            try ImageFiles.decode(path: paths[place * (paths.count - 1) / (shown - 1)])
        }
        let width = frames.map(\.width).max() ?? 1
        let height = frames.map(\.height).max() ?? 1
        let padded = try frames.map { try Self.padded($0, width: width, height: height) }
        let last = padded[padded.count - 1]
        return AnimationGIF(frames: padded + [last, last, last], secondsPerFrame: shown > 20 ? 0.2 : 0.5)
    }

    /// The image, RGB, on white paper of a size: captions of different length make pictures of different height.
    private static func padded(_ image: Image8, width: Int, height: Int) throws -> Image8 {
        let image = try image.converted(toChannels: 3)
        if image.width == width, image.height == height { return image }
        var pixels = [UInt8](repeating: 255, count: width * height * 3)
        for row in 0..<image.height {
            let source = row * image.width * 3
            let target = row * width * 3
            pixels.replaceSubrange(
                target..<target + image.width * 3, with: image.pixels[source..<source + image.width * 3])
        }
        return try Image8(width: width, height: height, channels: 3, pixels: pixels)
    }
}
