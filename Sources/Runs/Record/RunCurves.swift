import Figures
import Training

extension RunOverview {
    /// The losses as a figure: over the epochs, or over the steps where there is not more than one epoch.
    public var curves: CurveFigure {
        let epochs = history.epochs
        let perEpoch = epochs.count > 1 ? record.stepsPerEpoch.map(Double.init) : nil
        let isBySteps = epochs.count < 2
        func place(_ step: Int, epoch: Int? = nil) -> Double? {
            if isBySteps { return Double(step) }
            return perEpoch.map { Double(step) / $0 } ?? epoch.map(Double.init)
        }
        func points(_ loss: (EpochSummary) -> Double?) -> [CurveFigure.Point] {
            epochs.compactMap { epoch in
                guard let x = place(epoch.step, epoch: epoch.epoch), let y = loss(epoch) else { return nil }
                return CurveFigure.Point(x: x, y: y)
            }
        }
        let steps = history.steps.compactMap { step in
            place(step.step).map { CurveFigure.Point(x: $0, y: step.train.loss) }
        }
        let series = [
            ("train", steps.isEmpty ? points { $0.train.loss } : steps),
            ("validation", points { $0.validation?.loss }), ("test", points { $0.test?.loss }),
        ].filter { !$0.1.isEmpty }
        let best = epochs.last { $0.isBest }
        return CurveFigure(
            title: "Loss of \(record.model) on \(record.dataset)",
            subtitle: "\(state.words), \(record.epochsText(separator: " of ")) epochs",
            footer: "\(folder.path), seed \(record.seed)", xLabel: isBySteps ? "step" : "epoch",
            yLabel: "loss (nats per image)", series: series.map { CurveFigure.Series(name: $0.0, points: $0.1) },
            marks: best.flatMap { best in
                place(best.step, epoch: best.epoch).map { [CurveFigure.Mark(x: $0, label: "best")] }
            } ?? [])
    }
}
