import Datasets
import ModelKit
import Planning
import TensorCore
import TestSupport
import Testing

@testable import Training

/// Images whose pixels are all different: pixel (row, column) of image i is i · 16 + row · 4 + column.
private let square: [UInt8] = (0..<16).map { UInt8($0) }

@Suite struct AugmentationTests {
    /// The images of a batch, changed.
    private func changed(
        _ augmentation: Augmentation, _ pixels: [UInt8], shape: Shape, indices: [Int32], step: Int = 0, seed: UInt64 = 1
    ) -> [UInt8] {
        let changer = ImageAugmentation(augmentation, shape: shape, batchSize: indices.count)
        return pixels.withUnsafeBufferPointer { pixels in
            indices.withUnsafeBufferPointer { indices in
                guard case .bytes(let bytes) = changer.changed(.bytes(pixels), indices, seed: seed, step: step) else {
                    return []
                }
                return Array(bytes)
            }
        }
    }

    private func numbers(
        _ augmentation: Augmentation, _ values: [Float], shape: Shape, indices: [Int32], step: Int = 0
    ) -> [Float] {
        let changer = ImageAugmentation(augmentation, shape: shape, batchSize: indices.count)
        return values.withUnsafeBufferPointer { values in
            indices.withUnsafeBufferPointer { indices in
                guard case .numbers(let result) = changer.changed(.numbers(values), indices, seed: 1, step: step) else {
                    return []
                }
                return Array(result)
            }
        }
    }

    private func rows(_ image: [UInt8]) -> [[UInt8]] {
        stride(from: 0, to: 16, by: 4).map { Array(image[$0..<$0 + 4]) }
    }

    @Test func halfOfTheImagesAreMirrored() {
        let mirrored = rows(square).flatMap { $0.reversed() }
        let turned = rows(square).reversed().flatMap { $0 }
        for (flip, expected) in [
            (Augmentation.Flip.horizontal, Set([square, mirrored])), (.vertical, Set([square, turned])),
            (.both, Set([square, mirrored, turned, square.reversed()])), (.none, Set([square])),
        ] {
            var found: [[UInt8]: Int] = [:]
            for step in 0..<400 {
                found[
                    changed(Augmentation(flip: flip), square, shape: [1, 4, 4], indices: [3], step: step), default: 0] +=
                    1
            }
            #expect(Set(found.keys) == expected)
            // Deviations of more than five standard deviations of a binomial count do not occur.
            for count in found.values { #expect(abs(count - 400 / expected.count) <= 50) }
        }
    }

    @Test func imagesAreMovedAndTheirEdgesRepeated() {
        var moves = Set<[Int]>()
        for step in 0..<400 {
            let image = rows(changed(Augmentation(shift: 1), square, shape: [1, 4, 4], indices: [0], step: step))
            let fitting = [-1, 0, 1].flatMap { down in [-1, 0, 1].map { [down, $0] } }.first { move in
                (0..<4).allSatisfy { row in
                    (0..<4).allSatisfy { column in
                        let (from, fromColumn) = (min(3, max(0, row - move[0])), min(3, max(0, column - move[1])))
                        return image[row][column] == square[from * 4 + fromColumn]
                    }
                }
            }
            guard let fitting else {
                Issue.record("\(image) is the image moved by no pixels")
                continue
            }
            moves.insert(fitting)
        }
        #expect(moves.count == 9)
    }

    /// Of a plane, a cut that is enlarged is a flatter plane: linear interpolation has no error there.
    @Test func cutsAreEnlarged() throws {
        let plane = (0..<64).map { Float($0 / 8 + 10 * ($0 % 8)) }
        for step in 0..<50 {
            let image = numbers(Augmentation(crop: 0.5), plane, shape: [1, 8, 8], indices: [5], step: step)
            let scale = image[8] - image[0]
            #expect((0.5...1).contains(scale))
            #expect(image[0] >= 0 && image[63] <= 77.001)
            for place in 0..<64 {
                let expected = image[0] + scale * plane[place]
                #expect(abs(image[place] - expected) < 1e-3)
            }
        }
        // Bytes are rounded.
        let bytes = changed(
            Augmentation(crop: 0.5), [UInt8](repeating: 200, count: 64), shape: [1, 8, 8], indices: [5])
        #expect(bytes == [UInt8](repeating: 200, count: 64))
    }

    /// Channels of bytes lie together, those of numbers do not.
    @Test func channelsStayTogether() {
        let channels = 3
        let bytes = (0..<16 * channels).map { place in
            let (pixel, channel) = (place / channels, place % channels)
            return UInt8(pixel * 10 / channels + channel * 80)
        }
        let planes = (0..<channels).flatMap { channel in (0..<16).map { Float(bytes[$0 * channels + channel]) } }
        for step in 0..<20 {
            let all = Augmentation(flip: .both, shift: 1)
            let image = changed(all, bytes, shape: [3, 4, 4], indices: [1], step: step)
            let floats = numbers(all, planes, shape: [3, 4, 4], indices: [1], step: step)
            #expect((0..<48).allSatisfy { Float(image[$0 % 16 * 3 + $0 / 16]) == floats[$0] })
        }
    }

    /// What happens to an image depends on its number, the seed and the step, not on its place in a batch.
    @Test func drawsBelongToTheImage() {
        let all = Augmentation(flip: .both, shift: 2, crop: 0.7)
        let images = (0..<3).flatMap { image in square.map { $0 + UInt8(image * 16) } }
        let together = changed(all, images, shape: [1, 4, 4], indices: [9, 4, 7], step: 3)
        for (place, index) in [9, 4, 7].enumerated() {
            let alone = changed(
                all, Array(images[place * 16..<place * 16 + 16]), shape: [1, 4, 4], indices: [Int32(index)], step: 3)
            #expect(Array(together[place * 16..<place * 16 + 16]) == alone)
        }
        let other = changed(all, images, shape: [1, 4, 4], indices: [9, 4, 7], step: 4)
        let seeded = changed(all, images, shape: [1, 4, 4], indices: [9, 4, 7], step: 3, seed: 2)
        #expect(other != together && seeded != together)
    }

    // MARK: In training

    private func trained(_ overrides: String..., steps: Int, stop: Int? = nil) throws -> Trainer {
        let definition = try ModelDefinition(
            text: Fixtures.model, source: "small-vae",
            overrides: overrides.map { DefinitionOverride($0) }, registry: .builtIn)
        let trainer = try Fixtures.trainer(definition, steps: steps)
        guard let stop else {
            try trainer.run()
            return trainer
        }
        try trainer.run(until: trainer.state.step == stop)
        let second = try Fixtures.trainer(definition, steps: steps)
        try second.plan.model.load(trainer.plan.model.parameters + trainer.plan.model.buffers)
        try second.plan.model.loadOptimizerState(trainer.plan.model.optimizerState)
        try second.resume(from: trainer.state)
        try second.run()
        return second
    }

    /// Resumed within an epoch, training is the same to the last bit.
    @Test func trainingIsReproduced() throws {
        let all = "training.augmentation={flip: horizontal, shift: 2, crop: 0.8}"
        let whole = try trained(all, steps: 13)
        let parameters = whole.plan.model.parameters.map(\.values)
        #expect(try trained(all, steps: 13, stop: 7).plan.model.parameters.map(\.values) == parameters)
        #expect(try trained(steps: 13).plan.model.parameters.map(\.values) != parameters)
    }

    /// Test images are seen as they are: losses of the same weights are the same with and without it.
    @Test func evaluationSeesImagesAsTheyAre() throws {
        func losses(_ overrides: String...) throws -> [Float] {
            let definition = try ModelDefinition(
                // Without batch normalisation, whose running statistics are of the training images.
                text: Fixtures.model.replacing("  - norm1: {batch_norm: {}, activation: relu}\n", with: ""),
                source: "small-vae",
                overrides: (overrides + ["training.optimizer.adam.learning_rate=1e-30"]).map { DefinitionOverride($0) },
                registry: .builtIn)
            let trainer = try Fixtures.trainer(definition, steps: 2)
            var found: [Float] = []
            try trainer.run { event in
                if case .epoch(let record) = event, let test = record.test { found.append(Float(test.loss)) }
            }
            return found
        }
        #expect(try losses("training.augmentation.flip=both", "training.augmentation.shift=3") == losses())
    }
}
