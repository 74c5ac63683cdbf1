import Glibc

/// The optimiser's state of one parameter in the reference engine; slots that the update rule lacks stay empty.
struct ReferenceOptimizerState {
    var momentum: [Double] = []
    var firstMoment: [Double] = []
    var secondMoment: [Double] = []
    var average: [Double] = []

    /// Zeros for the slots of `rule`.
    init(_ rule: UpdateRule, count: Int) {
        for slot in rule.slots { self[slot] = [Double](repeating: 0, count: count) }
    }

    subscript(slot: UpdateRule.Slot) -> [Double] {
        get {
            switch slot {
            case .momentum: momentum
            case .firstMoment: firstMoment
            case .secondMoment: secondMoment
            case .average: average
            }
        }
        set {
            switch slot {
            case .momentum: momentum = newValue
            case .firstMoment: firstMoment = newValue
            case .secondMoment: secondMoment = newValue
            case .average: average = newValue
            }
        }
    }

    /// Adam's direction m̂/(√v̂ + ε) for element `i` after moving both moments. `update` counts from 1.
    mutating func adamDirection(
        _ g: Double, _ i: Int, beta1: Float, beta2: Float, epsilon: Float, update: Int
    ) -> Double {
        let (beta1, beta2) = (Double(beta1), Double(beta2))
        firstMoment[i] = beta1 * firstMoment[i] + (1 - beta1) * g
        secondMoment[i] = beta2 * secondMoment[i] + (1 - beta2) * g * g
        let first = firstMoment[i] / (1 - pow(beta1, Double(update)))
        let second = secondMoment[i] / (1 - pow(beta2, Double(update)))
        return first / (second.squareRoot() + Double(epsilon))
    }
}

extension UpdateRule {
    /// Scales all gradients so that their common L2 norm is at most `limit`.
    ///
    /// - Returns: the norm before.
    func clip(_ gradients: inout [[Double]], to limit: Double) -> Double {
        let norm = gradients.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard norm > limit else { return norm }
        for index in gradients.indices { gradients[index] = gradients[index].map { $0 * limit / norm } }
        return norm
    }

    /// Moves one parameter along its gradient, and its optimiser state with it.
    func apply(
        _ gradient: [Double], to parameter: inout [Double], state: inout ReferenceOptimizerState, _ values: StepValues
    ) {
        let rate = Double(values.learningRate)
        let update = values.updateCount + 1
        switch method {
        case .sgd(let momentum, let nesterov, let weightDecay):
            for i in parameter.indices {
                let g = gradient[i] + Double(weightDecay) * parameter[i]
                guard momentum != 0 else {
                    parameter[i] -= rate * g
                    continue
                }
                let velocity = Double(momentum) * state.momentum[i] + g
                state.momentum[i] = velocity
                parameter[i] -= rate * (nesterov ? g + Double(momentum) * velocity : velocity)
            }
        case .adam(let beta1, let beta2, let epsilon, let weightDecay):
            for i in parameter.indices {
                let g = gradient[i] + Double(weightDecay) * parameter[i]
                parameter[i] -=
                    rate * state.adamDirection(g, i, beta1: beta1, beta2: beta2, epsilon: epsilon, update: update)
            }
        case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            for i in parameter.indices {
                parameter[i] *= 1 - rate * Double(weightDecay)
                parameter[i] -=
                    rate
                    * state.adamDirection(
                        gradient[i], i, beta1: beta1, beta2: beta2, epsilon: epsilon, update: update)
            }
        }
        if let decay = averageDecay.map(Double.init) {
            state.average = zip(state.average, parameter).map { decay * $0 + (1 - decay) * $1 }
        }
    }
}
