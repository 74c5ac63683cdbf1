import Glibc

extension StepContext {
    /// `[μ, log σ², ε] → [z, kl, klPerDimension]`: z = μ + σ·ε and KL_d = ½(μ² + σ² − 1 − log σ²).
    func gaussianLatent(_ inputs: [[Double]]) -> [[Double]] {
        let (mean, logVariance, noise) = (inputs[0], inputs[1], inputs[2])
        let size = inputShape(0).count
        let samples = program[step.inputs[2]].rows.count(images: values.imageCount) / images
        var (z, kl, perDimension) = (zeros(0), zeros(1), zeros(2))
        for n in 0..<images {
            for d in 0..<size {
                let i = n * size + d
                for k in 0..<samples {
                    let sample = (n * samples + k) * size + d
                    z[sample] = mean[i] + exp(0.5 * logVariance[i]) * noise[sample]
                }
                let divergence = 0.5 * (mean[i] * mean[i] + exp(logVariance[i]) - 1 - logVariance[i])
                kl[n] += divergence
                perDimension[d] += divergence / Double(images)
            }
        }
        return [z, kl, perDimension]
    }

    /// `[dz, dkl and dklPerDimension where they exist, μ, log σ², ε] → [dμ, d log σ²]`: the gradients that come through z and through
    /// the KL divergence.
    func gaussianLatentBackward(_ inputs: [[Double]]) -> [[Double]] {
        let given = step.gradient?.outputs ?? []
        func gradient(of output: Int) -> [Double]? { given.firstIndex(of: output).map { inputs[$0] } }
        let (dz, dKL, dPerDimension) = (gradient(of: 0), gradient(of: 1), gradient(of: 2))
        let (mean, logVariance, noise) = (inputs[given.count], inputs[given.count + 1], inputs[given.count + 2])
        let size = outputShape(0).count
        let images = program[step.outputs[0]].rows.count(images: values.imageCount)
        let samples = program[step.inputs[given.count + 2]].rows.count(images: values.imageCount) / images
        var (dMean, dLogVariance) = (zeros(0), zeros(1))
        for n in 0..<images {
            for d in 0..<size {
                let i = n * size + d
                let factor = (dKL?[n] ?? 0) + (dPerDimension?[d] ?? 0) / Double(images)
                dMean[i] = factor * mean[i]
                dLogVariance[i] = factor * 0.5 * (exp(logVariance[i]) - 1)
                guard let dz else { continue }
                for k in 0..<samples {
                    let sample = (n * samples + k) * size + d
                    dMean[i] += dz[sample]
                    dLogVariance[i] += dz[sample] * noise[sample] * 0.5 * exp(0.5 * logVariance[i])
                }
            }
        }
        return [dMean, dLogVariance]
    }

    /// `[] → [dTerm]`: the weight over the number of rows.
    func lossGradient(_ weight: ScheduleSlot) -> [[Double]] {
        var gradient = zeros(0)
        for row in 0..<images { gradient[row] = Double(values[weight]) / Double(images) }
        return [gradient]
    }
}
