import ArgumentParser
import Datasets
import Figures
import ModelComparison
import ModelKit
import ModelMetrics
import Planning
import Runs
import TensorCore
import TextSupport

struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep", abstract: "Train models once for each of several settings, and compare.",
        usage: """
            \(Tool.name) sweep <model> … --vary <path=values> … [--seeds <list>] [--jobs <n>] [--output <dir>] [--metrics <names>]
                              [--best-by <score>] [<options of train>]
            """,
        discussion: """
            Each combination gets a run folder, named by its values. Called again, it skips what is finished and goes on with
            what is not. At the end it compares the runs: a table, and report.html in the sweep's folder.

              \(Tool.name) sweep mlp-vae-mnist-2d --vary objective.kl.weight=1,5,10,40 --epochs 20
              \(Tool.name) sweep mlp-vae-mnist --vary latent.size=2,10,25,50 --seeds 0,1,2 --output runs/sizes
              \(Tool.name) sweep conv-vae-mnist --vary 'objective.reconstruction=bernoulli,gaussian,{bernoulli: 1, gaussian: 1}'
              \(Tool.name) sweep beta-vae-sprites factor-vae-sprites --vary beta-vae-sprites:objective.kl.weight=1,4 --best-by mig

            Several models stand first, before all options. With --metrics, metrics of every run are computed at the end, as
            `\(Tool.name) evaluate` does, if they are not kept already; --best-by says which run has the best number.

            Every option that is not listed here is one of `\(Tool.name) train` and holds for all runs: --epochs, --set, --data-dir …
            """)

    @Option(
        help: ArgumentHelp(
            "A field of the definition and the values to try; may be given several times, for all combinations. MODEL:PATH=… is a field of that model only.",
            valueName: "path=value,…"))
    var vary: [String] = []

    @Option(help: ArgumentHelp("Train each combination once with each of these seeds.", valueName: "list"))
    var seeds: String?

    @OptionGroup var metrics: MetricOptions

    @Option(
        help: ArgumentHelp(
            "Say which run is best by a score: of a metric, or loss, reconstruction, half_squared_error, udr.",
            valueName: "score"), completion: .list(Ranking.names))
    var bestBy: String?

    @Option(
        parsing: .unconditional,
        help:
            "Runs at a time, each in a process of its own that shares the cores evenly; what it writes goes to NAME.log."
    )
    var jobs: Int = 1

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The sweep's folder (default: runs/sweep-MODEL).", valueName: "dir"))
    var output: String?

    @Flag(help: "A first look: 1,000 steps each, unless --steps or --epochs says otherwise.")
    var quick = false

    @Flag(help: "Check everything and print the commands, but do not train.")
    var dryRun = false

    @Flag(help: "End with one JSON object on standard output.")
    var json = false

    @Flag(name: .shortAndLong, help: "No progress.")
    var quiet = false

    @Argument(
        parsing: .allUnrecognized, help: "The model and options of `\(Tool.name) train`.", completion: .model)
    var training: [String] = []

    func validate() throws {
        guard !vary.isEmpty || seeds != nil || modelNames.count > 1 else {
            throw ValidationError("give what to vary, for instance --vary objective.kl.weight=1,5,10,40")
        }
        try requireRange("--jobs", jobs, 1...256)
    }

    func run() throws {
        let (base, folder, combinations, trainings) = try plan()
        let ranking = try bestBy.map { try Ranking(by: $0) }
        let evaluation = try evaluation(ranking)
        if dryRun {
            for training in trainings { Console.print(Tool.line(training.startCommand)) }
            return
        }
        for training in trainings { try training.prepareData() }
        let sweep = Sweep(
            zip(combinations, trainings).map { Sweep.Member($0, $1.planned) },
            variations: try vary.map { try VariedField(argument: $0) }, folder: folder)
        let record = SweepRecord(sweep, command: [Tool.name] + ZooContext.arguments) {
            [Tool.name] + trainings[$0].startCommand
        }
        let finished = try train(sweep, record, trainings)
        let isWhole = !finished.runs.contains { $0.status == .interrupted }
        if isWhole, !evaluation.choices.isEmpty { try evaluate(finished, evaluation, folder, base) }
        try conclude(finished, folder, base, ranking)
    }

    /// Trains the runs, one after another in this process or several at a time in processes of their own.
    private func train(
        _ sweep: Sweep, _ record: SweepRecord, _ trainings: [ResumableTraining]
    ) throws -> SweepRecord {
        let progress = SweepProgress(sweep, isQuiet: quiet)
        let registry = trainings[0].registry
        guard jobs > 1 else {
            return try sweep.train(record, registry: registry, onEvent: progress.show) { try trainings[$0].train() }
        }
        Interruption.watch()
        return try sweep.train(
            jobs: jobs, record, registry: registry, until: Interruption.isRequested, onEvent: progress.show
        ) { index, state, log in
            try TrainingProcess(
                executable: ZooContext.executable, arguments: [Tool.name] + trainings[index].command(from: state),
                log: log)
        }
    }

    /// Downloads the data that the runs need.
    ///
    /// - Throws: `ZooError` where it is neither here nor to be had.
    func prepareData() throws {
        for training in try plan().trainings { try training.prepareData() }
    }

    /// What there is to train, and where.
    private func plan() throws -> (
        base: TrainCommand, folder: String, combinations: [Combination], trainings: [ResumableTraining]
    ) {
        let lines = trainLines
        let base = try ResumableTraining.parse(lines[0])
        let registry = try base.models.registry()
        let definitions = try lines.map {
            try NamedModel(argument: ResumableTraining.parse($0).model ?? "", registry: registry).definition
        }
        if let other = definitions.first(where: { $0.input != definitions[0].input }) {
            throw ZooError(
                "the models take images of different sizes: \(definitions[0].name) \(definitions[0].input), "
                    + "\(other.name) \(other.input)", advice: "sweep over models of one data set", kind: .usage)
        }
        let names = definitions.map(\.name)
        let combinations = try Combination.distinct(
            of: vary.map { try VariedField(argument: $0) }, models: names, seeds: seedList(base))
        let folder =
            output ?? "runs/sweep-\(names[0])\(names.count > 1 ? "-and-\(names.count - 1)-more" : "")"
        let trainings = try trainings(combinations, base, folder) { combination in
            lines[combination.model.flatMap { names.firstIndex(of: $0) } ?? 0]
        }
        return (base, folder, combinations, trainings)
    }

    /// The models where there are several. They stand first: only there is a word surely no option's value.
    private var modelNames: [String] {
        let words = training.prefix { !$0.hasPrefix("-") }
        return words.count > 1 ? Array(words) : []
    }

    /// What `zoo train` is called with for each model.
    private var trainLines: [[String]] {
        let models = modelNames
        guard !models.isEmpty else { return [training] }
        return models.map { [$0] + training.dropFirst(models.count) }
    }

    /// What has to be computed of the runs at the end.
    ///
    /// - Throws: `ZooError` (wrong usage) for metrics or settings that are none.
    private func evaluation(_ ranking: Ranking?) throws -> ModelEvaluation {
        var choices = metrics.isGiven ? try metrics.choices() : []
        if let metric = ranking?.metric, !choices.contains(where: { $0.metric.name == metric.name }) {
            choices.append(ModelEvaluation.Choice(metric, settings: try MetricSettings(of: metric)))
        }
        return ModelEvaluation(choices, repetitions: metrics.repetitions)
    }

    /// Computes the metrics of every finished run that are not kept yet.
    private func evaluate(
        _ record: SweepRecord, _ evaluation: ModelEvaluation, _ folder: String, _ base: TrainCommand
    ) throws {
        let registry = try base.models.registry()
        try Computing.use(threads: base.threads)
        let finished = record.runs.filter { $0.status == .finished }
        for (number, run) in finished.enumerated() {
            let model = try TrainedModel("\(folder)/\(run.folder)", registry: registry)
            let subject = try metrics.subject(
                model, try base.data.open(for: model), split: .test, seed: 0, registry: registry)
            let missing = try evaluation.withoutKept(subject, region: metrics.from)
            guard !missing.choices.isEmpty else { continue }
            let progress = ShareProgressView(isQuiet: quiet)
            defer { progress.clearLine() }
            let kept = try missing.keep(subject, region: metrics.from) { metric, part in
                progress.show(
                    "[\(number + 1)/\(finished.count)] \(run.label): \(metric)",
                    (Double(number) + part) / Double(finished.count))
            }
            guard !quiet else { continue }
            for (metric, reason) in kept.left { Console.warn("\(run.label): \(metric) is not computed, it \(reason)") }
        }
    }

    private func seedList(_ base: TrainCommand) throws -> [UInt64] {
        guard let seeds else { return [] }
        guard base.seed == nil else { throw ZooError("give --seed or --seeds, not both", kind: .usage) }
        let list = try seeds.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let seed = UInt64(text.filter { $0 != " " }) else {
                throw ZooError(
                    "--seeds \(seeds): \"\(text)\" is not a number from 0", advice: "for instance --seeds 0,1,2",
                    kind: .usage)
            }
            return seed
        }
        guard Set(list).count == list.count else {
            throw ZooError("--seeds \(seeds): a seed is there twice", kind: .usage)
        }
        return list
    }

    /// The command lines of all runs.
    ///
    /// - Parameter line: what `zoo train` is called with for a combination's model.
    /// - Throws: `ZooError` that lists every combination that is no model.
    private func trainings(
        _ combinations: [Combination], _ base: TrainCommand, _ folder: String, line: (Combination) -> [String]
    ) throws -> [ResumableTraining] {
        var common: [String] = []
        if quick, base.steps == nil, base.epochs == nil { common += ["--steps", "1000"] }
        if jobs > 1, base.threads == nil {
            common += ["--threads", "\(max(1, Computing.threadCount / jobs))"]
        }
        if quiet { common.append("--quiet") }
        var problems: [String] = []
        var trainings: [ResumableTraining] = []
        for combination in combinations {
            do {
                let training = try ResumableTraining(
                    arguments: line(combination) + common + combination.arguments,
                    folder: "\(folder)/\(combination.name)")
                _ = try ModelGraph(training.definition, purpose: .evaluation)
                trainings.append(training)
            } catch {
                problems.append("\(combination.label): \(error)")
            }
        }
        guard problems.isEmpty else { throw ZooError(problems, kind: .usage) }
        return trainings
    }

    /// Compares what there is, and says what is missing.
    private func conclude(
        _ record: SweepRecord, _ folder: String, _ base: TrainCommand, _ ranking: Ranking?
    ) throws {
        let again = CommandText.text(record.command)
        if record.runs.contains(where: { $0.status == .interrupted }) {
            if !quiet { Console.writeError("interrupted; resume with: \(again)") }
            throw ExitStatus.interrupted
        }
        let failed = record.runs.filter { $0.status == .failed }
        if failed.count < record.runs.count {
            var comparison = try Comparison(
                of: [folder], registry: try base.models.registry(), data: base.data, sampleCount: 36, imageCount: 10,
                seed: 0)
            comparison.ranking = ranking
            try comparison.page(command: record.command).write(to: "\(folder)/report.html")
            comparison.show(output: quiet ? nil : "\(folder)/report.html", isJSON: json)
        }
        guard failed.isEmpty else {
            throw ZooError(
                "\(failed.count) of \(record.runs.count) runs failed:",
                details: failed.flatMap { "\($0.label): \($0.message ?? "")".split(separator: "\n").map(String.init) },
                advice: "the same command tries them again and leaves the others as they are", code: .other)
        }
    }
}
