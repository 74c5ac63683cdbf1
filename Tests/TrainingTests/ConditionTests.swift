import Datasets
import ModelKit
import Planning
import TensorCore
import Testing
import Training

/// Models that are conditional on the class of an image.
@Suite struct ConditionTests {
    /// The patterns, an image's class being one of the two numbers that it is made of: the other is left to the latent variables.
    private struct Labelled: Dataset {
        private let patterns = Patterns()
        let info = DatasetInfo(
            name: "labelled", title: "Labelled", summary: "Waves.", license: "none", source: "a formula",
            shape: [1, 8, 8], classNames: ["a", "b", "c"], isGenerated: true)
        let count = 116

        func indices(of split: Split) -> [Int32] { patterns.indices(of: split) }
        func label(_ index: Int) -> Int? { index % 5 % 3 }
        func readImages(_ indices: UnsafeBufferPointer<Int32>, into pixels: UnsafeMutableBufferPointer<UInt8>) {
            patterns.readImages(indices, into: pixels)
        }
    }

    private func definition(classes: Int = 3) throws -> ModelDefinition {
        try ModelDefinition(
            text: """
                format: zoo.model/1
                name: conditional
                family: conditional-vae
                summary: For tests
                input: [1, 8, 8]
                latent: {size: 2, mean: mean, log_variance: log_variance}
                encoder:
                  - class: {condition: \(classes)}
                  - conv1: {conv2d: {filters: 4, kernel: 3, stride: 2, padding: 1}, activation: relu}
                decoder:
                  - class: {condition: \(classes)}
                  - fc1: {linear: 64, activation: relu}
                  - fc2: {linear: 64, activation: sigmoid}
                objective: {reconstruction: bernoulli, kl: {weight: 1}}
                training: {optimizer: {adam: {learning_rate: 1.0e-2}}, batch_size: 10, epochs: 20}
                """, source: "conditional", registry: .builtIn)
    }

    /// What is decoded is of the class that is asked for: nearer to images of that class than to any other.
    @Test func theClassDecides() throws {
        let definition = try definition()
        #expect(definition.classCount == 3)
        let trainer = try Trainer(definition, dataset: Labelled(), seed: 3)
        try trainer.run()
        let plan = try InferencePlan(definition, weights: trainer.plan.model.parameters)
        let dataset = Labelled()
        let latents = [[Float]](repeating: [0, 0], count: 3)
        let decoded = try plan.decode(latents, classes: [0, 1, 2])
        /// The mean over the images of a class.
        func mean(_ label: Int) throws -> [Float] {
            let members = (0..<Int32(96)).filter { Int($0) % 5 % 3 == label }
            let pixels = try dataset.images(members)
            return (0..<64).map { place in
                members.indices.reduce(0) { $0 + Float(pixels[$1 * 64 + place]) / 255 } / Float(members.count)
            }
        }
        let means = try (0..<3).map(mean)
        for label in 0..<3 {
            let distances = means.map { zip($0, decoded[label]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
            #expect(distances.indices.min { distances[$0] < distances[$1] } == label, "\(distances)")
        }
        plan.imageClass = 2
        #expect(try plan.decode([[0, 0]])[0] == decoded[2])
    }

    @Test func whatIsMissingIsSaid() throws {
        let unlabelled = #expect(throws: ZooError.self) {
            try Trainer(self.definition(), dataset: Patterns(), seed: 3)
        }
        #expect(unlabelled?.message.contains("the images of patterns have no labels") == true)
        let fewer = #expect(throws: ZooError.self) {
            try Trainer(self.definition(classes: 2), dataset: Labelled(), seed: 3)
        }
        #expect(fewer?.message.contains("conditional on 2 classes, and labelled has 3") == true)
        let definition = try definition()
        let weights = try ModelGraph(definition, purpose: .evaluation).initialParameters(seed: 1)
        let plan = try InferencePlan(definition, weights: weights)
        let none = #expect(throws: ZooError.self) { try plan.decode([[0, 0]]) }
        #expect(none?.message.contains("it needs the class of each image, 0 to 2") == true)
        #expect(none?.remedy == .chooseClass)
        let wrong = #expect(throws: ZooError.self) { try plan.decode([[0, 0]], classes: [3]) }
        #expect(wrong?.message.contains("there is no class 3") == true)
        let few = #expect(throws: ZooError.self) { try plan.decode([[0, 0], [1, 1]], classes: [1]) }
        #expect(few?.message.contains("1 classes for 2 images") == true)
        let disagreeing = #expect(throws: (any Error).self) {
            try ModelDefinition(
                text: definition.text.replacing(
                    "decoder:\n  - class: {condition: 3}", with: "decoder:\n  - class: {condition: 6}"),
                source: "conditional", registry: .builtIn)
        }
        #expect(String(describing: disagreeing).contains("6 classes here, but 3 elsewhere"))
    }
}
