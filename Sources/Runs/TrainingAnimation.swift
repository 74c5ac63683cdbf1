import Figures
import ImageFiles
import TensorCore

/// The pictures of a run's epochs as one animation, made of the files in its folder so that it is whole after a resume.
public enum TrainingAnimation {
    /// More epochs than this are thinned out evenly.
    public static let maximumFrames = 60

    /// The animation of the pictures at `paths`, in this order; nil if there are fewer than two that can be read. And why others
    /// cannot.
    public static func made(of paths: [String]) -> (animation: AnimationGIF?, problems: [String]) {
        guard paths.count > 1 else { return (nil, []) }
        let shown = min(paths.count, maximumFrames)
        var frames: [Image8] = []
        var problems: [String] = []
        for place in 0..<shown {
            let path = paths[place * (paths.count - 1) / (shown - 1)]
            do {
                frames.append(try ImageFiles.decode(path: path).converted(toChannels: 3))
            } catch {
                problems.append((error as? ZooError)?.message ?? "\(error)")
            }
        }
        guard frames.count > 1 else { return (nil, problems) }
        let width = frames.map(\.width).max() ?? 1
        let height = frames.map(\.height).max() ?? 1
        let padded = frames.compactMap { try? Self.padded($0, width: width, height: height) }
        guard let last = padded.last else { return (nil, problems) }
        return (AnimationGIF(frames: padded + [last, last, last], secondsPerFrame: shown > 20 ? 0.2 : 0.5), problems)
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
