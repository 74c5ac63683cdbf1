import Glibc
import TensorCore

/// Reads the steps of a program that has run, with names and formulas for people.
public struct TraceReader {
    private let compiled: ReferenceProgram
    private let values: StepValues
    private let forwardPart: [ProgramStep]
    private let backwardPart: [ProgramStep]
    /// What each gradient is the gradient of.
    private var primals: [TensorID: TensorID] = [:]
    private var names: [TensorID: String] = [:]
    /// Of the gradient with respect to each term of the loss.
    private var termNames: [TensorID: String] = [:]

    private var program: Program { compiled.program }

    public init(_ compiled: ReferenceProgram, _ values: StepValues, isTargetApart: Bool, images: TensorID?) {
        self.compiled = compiled
        self.values = values
        let program = compiled.program
        let end = program.steps.firstIndex { step in
            step.outputs.allSatisfy { program[$0].role == .gradient || program[$0].role == .parameterGradient }
        }
        var forward = Array(program.steps[..<(end ?? program.steps.endIndex)])
        backwardPart = Array(program.steps[(end ?? program.steps.endIndex)...])
        var given: [TensorID: String] = [:]
        if isTargetApart, let images, let first = forward.first {
            given = [images: "target", first.outputs[0]: "images"]
            forward.removeFirst()
        }
        forwardPart = forward
        nameForwardTensors(given)
        findPrimals()
        nameGradients()
    }

    // MARK: Names

    /// Tensors of one name are told apart by the operations that make them.
    private mutating func nameForwardTensors(_ given: [TensorID: String]) {
        names = given
        var makers: [TensorID: String] = [:]
        var order: [TensorID] = []
        for step in forwardPart {
            for id in step.inputs + step.outputs where makers[id] == nil {
                order.append(id)
                makers[id] = step.outputs.contains(id) ? step.operation.name : ""
            }
        }
        let counts = Dictionary(order.map { (program[$0].name, 1) }, uniquingKeysWith: +)
        var taken = Set(given.values)
        for id in order where names[id] == nil {
            let plain = program[id].name
            let base = counts[plain] == 1 ? plain : "\(plain) (\(makers[id] ?? ""))"
            var name = base
            var number = 2
            while !taken.insert(name).inserted {
                name = "\(base) \(number)"
                number += 1
            }
            names[id] = name
        }
    }

    /// A gradient that several paths lead to is named by the layers on the way, and bare once they are summed.
    private mutating func nameGradients() {
        var made: [TensorID: [(gradient: TensorID, step: ProgramStep)]] = [:]
        for step in backwardPart {
            for id in step.outputs {
                if let primal = primals[id] { made[primal, default: []].append((id, step)) }
            }
        }
        for (primal, gradients) in made {
            let name = "∂L/∂\(names[primal] ?? program[primal].name)"
            for (gradient, step) in gradients.dropLast() {
                names[gradient] = name + (step.pass == .forward ? " (so far)" : " (through \(step.path))")
            }
            if let last = gradients.last { names[last.gradient] = name }
        }
    }

    // MARK: What belongs to what

    private mutating func findPrimals() {
        for step in backwardPart {
            if case .lossGradient(let weight) = step.operation {
                let term = program.terms.first { $0.weight == weight }
                for id in step.outputs {
                    primals[id] = term?.value
                    termNames[id] = term?.name
                }
            } else if let gradient = step.gradient {
                let origin = program.steps[gradient.step]
                for (id, input) in zip(step.outputs, gradient.inputs) { primals[id] = origin.inputs[input] }
            } else {
                // A sum of gradients of one tensor.
                for id in step.outputs { primals[id] = primals[step.inputs[0]] ?? primals[step.inputs[1]] }
            }
        }
    }

    // MARK: Steps

    private func tensor(_ id: TensorID) -> ModelTrace.Tensor {
        ModelTrace.Tensor(
            name: names[id] ?? program[id].name, shape: program[id].shape.dimensions, values: compiled.readDouble(id))
    }

    private func terms(_ symbols: [String], _ ids: [TensorID]) -> [ModelTrace.Term] {
        zip(symbols, ids).map { ModelTrace.Term(symbol: $0, tensor: tensor($1)) }
    }

    private func derived(_ symbol: String, _ values: [Double], like id: TensorID) -> ModelTrace.Term {
        ModelTrace.Term(
            symbol: symbol, tensor: ModelTrace.Tensor(name: "", shape: program[id].shape.dimensions, values: values))
    }

    public var forwardSteps: [ModelTrace.Step] {
        forwardPart.map { step in
            let formula = OperationFormula(step.operation, inputCount: step.inputs.count)
            // Running statistics are no result of this image alone.
            let outputs = step.outputs.filter { program[$0].role != .buffer }
            return ModelTrace.Step(
                path: step.path, operation: step.operation.name, formulas: formula.forward,
                inputs: terms(formula.inputs, step.inputs), intermediates: forwardIntermediates(step),
                outputs: terms(formula.outputs, outputs))
        }
    }

    private func forwardIntermediates(_ step: ProgramStep) -> [ModelTrace.Term] {
        switch step.operation {
        case .gaussianLatent:
            let deviation = compiled.readDouble(step.inputs[1]).map { exp($0 / 2) }
            return [derived("σ", deviation, like: step.inputs[1])]
        case .reconstruction(let loss) where loss.link == .sigmoid:
            return [derived("x̂", predicted(step), like: step.inputs[0])]
        default:
            return []
        }
    }

    private func predicted(_ step: ProgramStep) -> [Double] {
        compiled.readDouble(step.inputs[0]).map { 1 / (1 + exp(-$0)) }
    }

    public var backwardSteps: [ModelTrace.Step] {
        backwardPart.map { step in
            if case .lossGradient(let weight) = step.operation {
                return ModelTrace.Step(
                    path: step.path, operation: "gradient of the loss",
                    formulas: ["∂L/∂\(termNames[step.outputs[0]] ?? "term") = its weight, \(values[weight])"],
                    inputs: [],
                    intermediates: [], outputs: terms(["w"], step.outputs))
            }
            guard let gradient = step.gradient else {
                let names = step.inputs.indices.map { "g\($0 + 1)" }
                return ModelTrace.Step(
                    path: step.path, operation: "sum of gradients", formulas: ["g = \(names.joined(separator: " + "))"],
                    inputs: terms(names, step.inputs), intermediates: [], outputs: terms(["g"], step.outputs))
            }
            let origin = program.steps[gradient.step]
            let formula = OperationFormula(step.operation, inputCount: origin.inputs.count)
            let symbols = gradient.inputs.filter { formula.inputs.indices.contains($0) }
                .map { "∂L/∂\(formula.inputs[$0])" }
            return ModelTrace.Step(
                path: step.path, operation: step.operation.name,
                formulas: step.pass == .backwardWeights ? formula.backwardWeights : formula.backwardData,
                inputs: backwardInputs(step, origin, formula), intermediates: backwardIntermediates(step),
                outputs: terms(symbols, step.outputs))
        }
    }

    private func backwardInputs(
        _ step: ProgramStep, _ origin: ProgramStep, _ formula: OperationFormula
    ) -> [ModelTrace.Term] {
        let symbols = Dictionary(
            zip(origin.inputs + origin.outputs, formula.inputs + formula.outputs).map { ($0, $1) }
        ) { first, _ in first }
        return step.inputs.map { id in
            guard program[id].role == .gradient else {
                return ModelTrace.Term(symbol: symbols[id] ?? "s", tensor: tensor(id))
            }
            let position = step.inputs.firstIndex(of: id).flatMap { index in
                step.gradient.flatMap { $0.outputs.indices.contains(index) ? $0.outputs[index] : nil }
            }
            return ModelTrace.Term(symbol: "∂L/∂\(formula.outputs[position ?? 0])", tensor: tensor(id))
        }
    }

    private func backwardIntermediates(_ step: ProgramStep) -> [ModelTrace.Term] {
        switch step.operation {
        case .reconstruction(let loss) where loss.link == .sigmoid:
            return [derived("x̂", predicted(step), like: step.inputs[0])]
        case .gaussianLatent:
            guard let gradient = step.gradient else { return [] }
            let given = gradient.outputs.count
            let (mean, logVariance) = (
                compiled.readDouble(step.inputs[given]), compiled.readDouble(step.inputs[given + 1])
            )
            let noise = compiled.readDouble(step.inputs[given + 2])
            func outputGradient(_ output: Int) -> [Double]? {
                gradient.outputs.firstIndex(of: output).map { compiled.readDouble(step.inputs[$0]) }
            }
            let (kl, perDimension) = (outputGradient(1)?.first ?? 0, outputGradient(2))
            let factors = mean.indices.map { kl + (perDimension?[$0] ?? 0) }
            let shaped = step.inputs[given]
            return [
                derived("∂z/∂log σ²", zip(logVariance, noise).map { exp($0 / 2) * $1 / 2 }, like: shaped),
                derived("∂L_KL/∂μ", zip(mean, factors).map { $0 * $1 }, like: shaped),
                derived("∂L_KL/∂log σ²", zip(logVariance, factors).map { (exp($0) - 1) / 2 * $1 }, like: shaped),
            ]
        default:
            return []
        }
    }

    public var parameterGradients: [ModelTrace.Tensor] {
        zip(program.parameters, program.parameterGradients).map { parameter, gradient in
            var tensor = tensor(gradient)
            tensor.name = program[parameter].name
            return tensor
        }
    }
}
