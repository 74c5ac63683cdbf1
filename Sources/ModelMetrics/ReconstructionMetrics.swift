import Datasets
import LatentTools
import Metrics
import ModelKit
import Planning
import Runs
import TensorCore

/// How alike images and their reconstructions are.
struct ReconstructionMetric: ModelMetric {
    let name = "reconstruction_quality"
    let group = MetricGroup.reconstruction
    let summary = "MSE, PSNR and SSIM of images decoded from the mean of their posterior (Wang and others 2004)."
    let needs: Set<MetricNeed> = []
    let parameters = [MetricParameter("images", 2_000, in: 1...10_000_000, "Images of the split, at random.")]
    let directions: [(score: String, direction: ScoreDirection)] = [
        ("mse", .lower), ("psnr", .higher), ("ssim", .higher),
    ]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        let chosen = random.sample(subject.images.indices, count: settings.whole("images")).sorted()
        let shape = subject.model.definition.input.dimensions
        let (size, dataset, plan) = (shape.reduce(1, *), subject.images.dataset, subject.plan)
        let hasWindow = shape.count == 3 && min(shape[1], shape[2]) >= ImageSimilarity.windowSize
        var errors: [Double] = []
        var similarities: [Double] = []
        for start in stride(from: 0, to: chosen.count, by: plan.batchSize) {
            let batch = Array(chosen[start..<min(start + plan.batchSize, chosen.count)])
            let images = try dataset.tensor(batch)
            let classes = plan.classes(of: batch, in: dataset)
            let decoded = try plan.decode(plan.encode(images, classes: classes).mean, classes: classes).values
            for row in batch.indices {
                let image = images[row]
                let reconstruction = decoded[row * size..<(row + 1) * size]
                errors.append(ImageSimilarity.squaredError(image, reconstruction))
                guard hasWindow else { continue }
                similarities.append(
                    ImageSimilarity.structuralSimilarity(
                        image, reconstruction, channels: shape[0], height: shape[1], width: shape[2]))
            }
            try subject.progress(Double(start + batch.count) / Double(chosen.count))
        }
        var numbers = [Measurement.Number("mse", errors.mean)]
        // An image that is decoded exactly has no ratio.
        let ratios = errors.filter { $0 > 0 }.map(ImageSimilarity.peakSignalToNoiseRatio)
        if !ratios.isEmpty { numbers.append(.init("psnr", ratios.mean, unit: "dB")) }
        if !similarities.isEmpty { numbers.append(.init("ssim", similarities.mean)) }
        let side = ImageSimilarity.windowSize
        return Measurement(
            numbers, notes: hasWindow ? [] : ["no SSIM: its window of \(side) x \(side) pixels does not fit the images"]
        )
    }
}
