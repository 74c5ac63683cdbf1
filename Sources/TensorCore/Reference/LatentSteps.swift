import Glibc

extension StepContext {
    /// `[μ, log σ², ε] → [z, kl, klPerDimension]`: z = μ + σ·ε and KL_d = ½(μ² + σ² − 1 − log σ²).
    func gaussianLatent(_ inputs: [[Double]]) -> [[Double]] {
        let (mean, logVariance, noise) = (inputs[0], inputs[1], inputs[2])
        let size = inputShape(0).count
        var (z, kl, perDimension) = (zeros(0), zeros(1), zeros(2))
        for n in 0..<images {
            for d in 0..<size {
                let i = n * size + d
                z[i] = mean[i] + exp(0.5 * logVariance[i]) * noise[i]
                let divergence = 0.5 * (mean[i] * mean[i] + exp(logVariance[i]) - 1 - logVariance[i])
                kl[n] += divergence
                perDimension[d] += divergence / Double(images)
            }
        }
        return [z, kl, perDimension]
    }

    /// `[dz, μ, log σ², ε, klPerDimension] → [dμ, d log σ²]`: the gradient that comes through z, and the regulariser's.
    func gaussianLatentBackward(_ inputs: [[Double]], _ regularizer: KLRegularizer) -> [[Double]] {
        let (dz, mean, logVariance, noise) = (inputs[0], inputs[1], inputs[2], inputs[3])
        let size = inputShape(0).count
        let factors = regularizer.gradientFactors(
            klPerDimension: inputs[4], weight: Double(values.klWeight), capacity: Double(values.klCapacity))
        var (dMean, dLogVariance) = (zeros(0), zeros(1))
        for n in 0..<images {
            for d in 0..<size {
                let i = n * size + d
                let factor = factors[d] / Double(images)
                dMean[i] = dz[i] + factor * mean[i]
                dLogVariance[i] =
                    dz[i] * noise[i] * 0.5 * exp(0.5 * logVariance[i]) + factor * 0.5 * (exp(logVariance[i]) - 1)
            }
        }
        return [dMean, dLogVariance]
    }
}
