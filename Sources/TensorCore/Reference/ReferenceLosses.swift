import Glibc

/// The latent sample with its divergence, and the reconstruction losses.
extension ReferenceProgram {
    func gaussianLatent(_ step: ProgramStep, _ regularizer: KLRegularizer, _ stepValues: StepValues) {
        let images = stepValues.imageCount
        let forward = step.pass == .forward
        let offset = forward ? 0 : 1
        let size = program[step.inputs[offset]].shape.count
        let mean = values[step.inputs[offset].index]
        let logVariance = values[step.inputs[offset + 1].index]
        let noise = values[step.inputs[offset + 2].index]
        guard forward else {
            let dz = values[step.inputs[0].index]
            let factors = regularizer.gradientFactors(
                klPerDimension: values[step.inputs[4].index], weight: Double(stepValues.klWeight),
                capacity: Double(stepValues.klCapacity))
            for index in 0..<batchSize * size {
                let isInside = index < images * size
                let factor = factors[index % size] / Double(images)
                let deviation = exp(logVariance[index] / 2)
                values[step.outputs[0].index][index] = isInside ? dz[index] + factor * mean[index] : 0
                values[step.outputs[1].index][index] =
                    isInside
                    ? dz[index] * noise[index] * deviation / 2 + factor * (deviation * deviation - 1) / 2 : 0
            }
            return
        }
        var perDimension = [Double](repeating: 0, count: size)
        for n in 0..<images {
            var sum = 0.0
            for d in 0..<size {
                let index = n * size + d
                let deviation = exp(logVariance[index] / 2)
                values[step.outputs[0].index][index] = mean[index] + deviation * noise[index]
                let kl = (mean[index] * mean[index] + deviation * deviation - 1 - logVariance[index]) / 2
                perDimension[d] += kl / Double(images)
                sum += kl
            }
            values[step.outputs[1].index][n] = sum
        }
        values[step.outputs[2].index] = perDimension
    }

    func reconstruction(_ step: ProgramStep, _ loss: ReconstructionLoss, _ images: Int) {
        let prediction = values[step.inputs[0].index]
        let target = values[step.inputs[1].index]
        let pixels = program[step.inputs[1]].shape.count
        let logSigma = step.inputs.count > 2 ? values[step.inputs[2].index][0] : 0
        let isSigmoid = loss.link == .sigmoid
        var losses = [Double](repeating: 0, count: batchSize)
        var gradient = [Double](repeating: 0, count: prediction.count)
        var dLogSigma = 0.0
        for term in loss.terms {
            let weight = Double(term.weight)
            for index in 0..<images * pixels {
                let (l, x) = (prediction[index], target[index])
                let p = isSigmoid ? logistic(l) : l
                let slope = isSigmoid ? p * (1 - p) : 1
                let (value, derivative): (Double, Double)
                switch term.likelihood {
                case .bernoulli:
                    (value, derivative) = (max(0, l) - l * x + log1p(exp(-abs(l))), logistic(l) - x)
                case .gaussian:
                    (value, derivative) = ((p - x) * (p - x) / 2, (p - x) * slope)
                case .gaussianLearnedVariance:
                    let precision = exp(-2 * logSigma)
                    (value, derivative) = ((p - x) * (p - x) / 2 * precision + logSigma, (p - x) * precision * slope)
                    dLogSigma += weight * (1 - (p - x) * (p - x) * precision) / Double(images)
                case .laplace:
                    (value, derivative) = (abs(p - x), (p > x ? 1 : p < x ? -1 : 0) * slope)
                case .custom(let custom):
                    let result = custom.valueAndDerivative(prediction: p, target: x)
                    (value, derivative) = (result.value, result.derivative * slope)
                }
                losses[index / pixels] += weight * value
                gradient[index] += weight * derivative / Double(images)
            }
        }
        if step.pass == .forward {
            values[step.outputs[0].index] = losses
        } else {
            values[step.outputs[0].index] = gradient
            if step.outputs.count > 1 { values[step.outputs[1].index] = [dLogSigma] }
        }
    }
}
