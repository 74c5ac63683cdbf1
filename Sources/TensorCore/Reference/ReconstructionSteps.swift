import Glibc

extension StepContext {
    /// `[prediction, target, logSigma?] → [loss]`, in nats per row; rows of one image share its target.
    func reconstruction(_ inputs: [[Double]], _ loss: ReconstructionLoss) -> [[Double]] {
        let pixels = inputShape(1).count
        let samples = images / values.imageCount
        let logSigma = inputs.count > 2 ? inputs[2][0] : 0
        var losses = zeros(0)
        for n in 0..<images {
            for p in 0..<pixels {
                let target = inputs[1][n / samples * pixels + p]
                losses[n] += loss.pixel(inputs[0][n * pixels + p], target: target, logSigma: logSigma).value
            }
        }
        return [losses]
    }

    /// `[dLoss, prediction, target, logSigma?] → [dPrediction, dLogSigma?]`.
    func reconstructionBackward(_ inputs: [[Double]], _ loss: ReconstructionLoss) -> [[Double]] {
        let pixels = inputShape(2).count
        let samples = images / values.imageCount
        let logSigma = inputs.count > 3 ? inputs[3][0] : 0
        var dPrediction = zeros(0)
        var dLogSigma = 0.0
        for n in 0..<images {
            for p in 0..<pixels {
                let target = inputs[2][n / samples * pixels + p]
                let pixel = loss.pixel(inputs[1][n * pixels + p], target: target, logSigma: logSigma)
                dPrediction[n * pixels + p] = pixel.derivative * inputs[0][n]
                dLogSigma += pixel.logSigmaDerivative * inputs[0][n]
            }
        }
        return step.outputs.count > 1 ? [dPrediction, [dLogSigma]] : [dPrediction]
    }
}

extension ReconstructionLoss {
    /// The loss of one pixel with its derivatives with respect to the pre-activation and log σ.
    fileprivate struct Pixel {
        var value = 0.0
        var derivative = 0.0
        var logSigmaDerivative = 0.0
    }

    /// The weighted sum of all terms for one pixel. `preactivation` is what the link function takes.
    fileprivate func pixel(_ preactivation: Double, target: Double, logSigma: Double) -> Pixel {
        let prediction = link == .sigmoid ? logistic(preactivation) : preactivation
        let linkDerivative = link == .sigmoid ? prediction * (1 - prediction) : 1
        let difference = prediction - target
        var pixel = Pixel()
        for term in terms {
            let weight = Double(term.weight)
            switch term.likelihood {
            case .bernoulli:
                // log(1 + eˡ) − x·l is the cross-entropy of x and sigmoid(l).
                let logit = preactivation
                pixel.value += weight * (max(0, logit) + log1p(exp(-abs(logit))) - target * logit)
                pixel.derivative += weight * (logistic(logit) - target)
            case .gaussian:
                pixel.value += weight * 0.5 * difference * difference
                pixel.derivative += weight * difference * linkDerivative
            case .gaussianLearnedVariance:
                let precision = exp(-2 * logSigma)
                pixel.value += weight * (0.5 * difference * difference * precision + logSigma)
                pixel.derivative += weight * difference * precision * linkDerivative
                pixel.logSigmaDerivative += weight * (1 - difference * difference * precision)
            case .laplace:
                let sign: Double = difference > 0 ? 1 : difference < 0 ? -1 : 0
                pixel.value += weight * abs(difference)
                pixel.derivative += weight * sign * linkDerivative
            case .custom(let loss):
                let (value, derivative) = loss.valueAndDerivative(prediction: prediction, target: target)
                pixel.value += weight * value
                pixel.derivative += weight * derivative * linkDerivative
            }
        }
        return pixel
    }
}
