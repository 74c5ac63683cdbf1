import Zoo

/// Trains a small model on generated images, reads its checkpoint, and prints how well it reconstructs what it has not seen.
@main
struct Embed {
    static func main() throws {
        let folder = CommandLine.arguments.dropFirst().first ?? "runs/embed"
        let dataset = try DatasetCatalog.builtIn.open("sprites")
        let definition = try ModelDefinition(
            name: "small-vae", family: "vae", summary: "A VAE of two linear layers on sprites.", dataset: "sprites",
            input: [1, 64, 64], latent: .gaussian(size: 6),
            encoder: [.layer("flatten", Flatten()), .layer("fc1", Linear(units: 64), activation: .relu)],
            decoder: [
                .layer("fc1", Linear(units: 64), activation: .relu),
                .layer("fc2", Linear(units: 4096), activation: .sigmoid),
            ],
            objective: Objective(.bernoulli, beta: 1), training: TrainingSettings(batchSize: 64))

        let run = try TrainingRun(
            definition, dataset: dataset,
            settings: .init(folder: folder, stepLimit: 200, drawsPictures: false))
        try run.train { event in
            if case .step(let step) = event, step.step.isMultiple(of: 50) {
                print("step \(step.step) of \(step.totalSteps), loss \(step.current.loss)")
            }
        }

        let model = try TrainedModel(folder)
        let images = try Tensor(dataset, dataset.indices(of: .test).prefix(100).map(Int.init))
        let reconstructed = try model.reconstruct(images)
        let squares = zip(images.values, reconstructed.values).map { ($0 - $1) * ($0 - $1) }
        print("reconstruction error \(squares.reduce(0, +) / 2 / Float(images.count)) per image")
    }
}
