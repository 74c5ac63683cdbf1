import Datasets
import Metrics
import Planning
import Runs
import TensorCore
import Training

/// The losses of the objective, as a run reports them.
struct LossMetric: ModelMetric {
    let name = "losses"
    let group = MetricGroup.likelihood
    let summary = "The loss of the objective and its terms over all images of the split, as a run reports them."
    let needs: Set<MetricNeed> = []
    let parameters: [MetricParameter] = []
    // The noise is a function of the seed and the image.
    let isRandom = false
    let directions: [(score: String, direction: ScoreDirection)] = []

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        let losses = try subject.model.evaluate(
            on: subject.images.dataset, split: subject.images.split, seed: subject.seed
        ).losses
        let terms = losses.metrics.values.map { Measurement.Number("loss_\($0.name)", $0.value, unit: "nats") }
        return Measurement([.init("loss", losses.loss, unit: "nats")] + terms)
    }
}
