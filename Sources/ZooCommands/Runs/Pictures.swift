import Datasets
import Figures
import ImageFiles
import ModelKit
import Planning
import TensorCore

/// Samples and reconstructions as labelled grids.
struct Pictures {
    let plan: InferencePlan
    private var definition: ModelDefinition { plan.definition }

    /// - Throws: `ZooError` for a model whose inputs are not images of 1 or 3 channels.
    init(_ plan: InferencePlan) throws {
        guard Self.canShow(plan.definition) else {
            throw ZooError(
                "\(plan.definition.name) works on \(plan.definition.input), which is not an image of 1 or 3 channels",
                kind: .usage)
        }
        self.plan = plan
    }

    static func canShow(_ definition: ModelDefinition) -> Bool {
        definition.input.rank == 3 && [1, 3].contains(definition.input.channels)
    }

    /// `count` of the images, evenly spread over the list: neighbours in a data set are often alike.
    static func spread(_ indices: [Int32], count: Int) -> [Int32] {
        let shown = min(count, indices.count)
        return (0..<shown).map { indices[$0 * indices.count / shown] }
    }

    /// `count` draws from the prior N(0, I), scaled by `temperature`.
    static func priorLatents(count: Int, size: Int, seed: UInt64, temperature: Float = 1) -> [[Float]] {
        let stream = RandomStream(seed: seed, purpose: .sampling)
        return (0..<count).map { row in
            let first = RandomStream.firstElement(image: Int32(truncatingIfNeeded: row), count: size)
            return (0..<size).map { temperature * stream.normal(first + UInt64($0)) }
        }
    }

    /// x̂ of C·H·W numbers in C H W order as an image of bytes.
    func image(_ values: [Float]) throws -> Image8 {
        let shape = definition.input
        var pixels = [UInt8](repeating: 0, count: shape.count)
        for channel in 0..<shape.channels {
            for place in 0..<shape.area {
                let value = values[channel * shape.area + place]
                pixels[place * shape.channels + channel] = UInt8(
                    (min(1, max(0, value.isNaN ? 0 : value)) * 255).rounded())
            }
        }
        return try Image8(width: shape.width, height: shape.height, channels: shape.channels, pixels: pixels)
    }

    /// A grid of decoded latent vectors.
    func samples(_ latents: [[Float]], title: String, footer: String) throws -> ImageGrid {
        let images = try plan.decode(latents).map(image)
        let columns = (1...max(1, latents.count)).first { $0 * $0 >= latents.count } ?? 1
        var grid = ImageGrid(images: images, columns: columns)
        grid.title = title
        grid.footer = footer
        return grid
    }

    /// Originals above their reconstructions (decoded from means), with ½‖x − x̂‖² under each pair.
    func reconstructions(
        _ pixels: [UInt8], names: [String], title: String, footer: String
    ) throws -> (grid: ImageGrid, squaredErrors: [Double]) {
        let shape = definition.input
        let count = pixels.count / shape.count
        let decoded = plan.decode(plan.encode(pixels).mean)
        let perRow = min(count, 10)
        var images: [Image8] = []
        var captions: [String] = []
        var errors: [Double] = []
        for start in stride(from: 0, to: count, by: perRow) {
            let end = min(start + perRow, count)
            for index in start..<end {
                images.append(
                    try Image8(
                        width: shape.width, height: shape.height, channels: shape.channels,
                        pixels: Array(pixels[index * shape.count..<(index + 1) * shape.count])))
                captions.append(names[index])
            }
            for _ in end..<(start + perRow) {
                images.append(try blank())
                captions.append("")
            }
            for index in start..<end {
                images.append(try image(decoded[index]))
                let error = squaredError(pixels, index, decoded[index])
                errors.append(error)
                captions.append("½‖x − x̂‖² \(Formatting.decimals(error, 1))")
            }
            for _ in end..<(start + perRow) {
                images.append(try blank())
                captions.append("")
            }
        }
        var grid = ImageGrid(images: images, columns: perRow)
        grid.title = title
        grid.footer = footer
        grid.imageCaptions = captions
        grid.rowCaptions = (0..<images.count / perRow).map { $0 % 2 == 0 ? "image" : "reconstruction" }
        grid.rowsPerGroup = 2
        return (grid, errors)
    }

    private func blank() throws -> Image8 {
        try Image8(
            width: definition.input.width, height: definition.input.height, channels: definition.input.channels,
            filledWith: 255)
    }

    /// ½‖x − x̂‖² of one image.
    private func squaredError(_ pixels: [UInt8], _ index: Int, _ decoded: [Float]) -> Double {
        let shape = definition.input
        var sum = 0.0
        for channel in 0..<shape.channels {
            for place in 0..<shape.area {
                let x = Double(pixels[index * shape.count + place * shape.channels + channel]) / 255
                let difference = Double(decoded[channel * shape.area + place]) - x
                sum += difference * difference
            }
        }
        return sum / 2
    }
}
