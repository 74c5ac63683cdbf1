import ArgumentParser
import Figures
import LatentTools
import ModelFigures
import ModelKit
import Runs
import TensorCore
import TextSupport

struct ManifoldCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifold", abstract: "The decoder over an even grid of two latent dimensions.",
        discussion: """
            \(Tool.name) manifold runs/mlp-vae-mnist-2d --range -4..4 --size 20 --output manifold.png
            \(Tool.name) manifold runs/conv-vae-mnist --dimensions 3,11 --quantile
            """)

    @OptionGroup var options: DrawingOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Values of both dimensions, for instance -4..4 (the default).", valueName: "a..b"))
    var range: RangeArgument?

    @Option(parsing: .unconditional, help: "Images a side.")
    var size: Int = 20

    @Flag(help: "Gaussian quantiles instead of even values: each image stands for an equal share of the prior.")
    var quantile = false

    @Option(
        help: ArgumentHelp(
            "The horizontal and the vertical dimension; the others stay 0, the prior's mean.", valueName: "i,j"))
    var dimensions: String = "0,1"

    func validate() throws {
        try requireRange("--size", size, 1...200)
        if quantile, range != nil { throw ValidationError("--quantile has no --range: give one of them") }
    }

    func run() throws {
        let model = try options.model()
        try model.definition.requireContinuousCodes(for: "manifold")
        if range == nil {
            try model.definition.requirePrior(
                "whose range could be shown",
                advice: "say which values to show with --range; `\(Tool.name) embed` shows where its codes lie")
        }
        let chosen = try LatentDimension.list(dimensions, size: model.definition.latentSize)
        guard chosen.count == 2 else {
            throw ZooError("--dimensions \(dimensions): a manifold has two dimensions", kind: .usage)
        }
        let files = try options.files(model, "manifold")
        let bounds = range?.range ?? -4...4
        let grid = try LatentGrid(
            dimensions: (chosen[0], chosen[1]), size: size, spacing: quantile ? .quantiles : .even(bounds),
            base: [Float](repeating: 0, count: model.definition.latentSize))
        let values =
            quantile ? "Gaussian quantiles" : "even grid \(Formatting.range(bounds))"
        var details = ["decoder's means over \(size) × \(size) latent vectors, \(values)"]
        if model.definition.latentSize > 2 { details.append("other dimensions 0") }
        let figure = try model.drawing().manifold(
            grid, words: model.words("Manifold over z\(chosen[0]) and z\(chosen[1])", details))
        for file in files { try figure.write(to: file) }
        options.report(
            files, model,
            ["dimensions": chosen, "size": size, "spacing": quantile ? "quantile" : "even", "values": grid.values])
    }
}
