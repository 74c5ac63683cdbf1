import ModelKit
import Planning
import TensorCore

extension InferencePlan {
    /// Draws from the model's prior: N(0, I), or the prior that it has learned over its codes.
    ///
    /// - Throws: `ZooError` (wrong usage) for a codebook without a prior.
    public func priorDraws(_ sampler: LatentSampler, count: Int) throws -> [[Float]] {
        guard definition.codeCount != nil else { return sampler.prior(count: count) }
        return try drawCodes(count: count, seed: sampler.seed, temperature: sampler.temperature)
    }
}
