import LatentTools
import TensorCore
import TextSupport
import WeightFiles

extension InspectionDifference {
    func print() {
        Console.printTitle("\(paths.0.printable()) and \(paths.1.printable())")
        if let definition, !definition.isEmpty {
            Console.print("definitions differ:")
            for line in definition { Console.print("  \(line.printable())") }
            Console.print("")
        }
        let different = tensors.filter { !$0.outcome.isSame }
        let same = tensors.count - different.count
        Console.print(
            different.isEmpty
                ? "all \(same) tensors are the same, bit for bit"
                : "\(different.count) of \(tensors.count) tensors differ")
        if !different.isEmpty { printTensors(different) }
        if let hint { Console.warn(hint) }
        printLatent()
    }

    /// What to do where nothing could be compared.
    private var hint: String? {
        guard Set(tensors.map(\.outcome.place)) == [.onlyFirst, .onlySecond] else { return nil }
        return "the two files name no tensor alike; of a file of Keras make a checkpoint first: \(Tool.convert) import"
    }

    private func printTensors(_ different: [Tensor]) {
        var table = Table([
            ("TENSOR", .left), ("‖A − B‖", .right), ("RELATIVE", .right), ("COSINE", .right), ("LARGEST", .right),
            ("", .left),
        ])
        func number(_ value: Double?) -> String { value.map { Formatting.significant($0, 4) } ?? "" }
        for tensor in different {
            switch tensor.outcome {
            case .onlyFirst: table.add([tensor.path, "", "", "", "", "only in the first"])
            case .onlySecond: table.add([tensor.path, "", "", "", "", "only in the second"])
            case .shapes(let a, let b):
                table.add(
                    [tensor.path, "", "", "", "", "\(TensorShapeText.text(a)) and \(TensorShapeText.text(b))"])
            case .values(let difference):
                table.add([
                    tensor.path, number(difference.norm), number(difference.relative),
                    difference.cosine.map { Formatting.decimals($0, 6) } ?? "", number(difference.largest), "",
                ])
            }
        }
        Console.print("")
        for line in table.fittedLines { Console.print(line) }
    }

    private func printLatent() {
        guard let (a, b) = latent, a != b else { return }
        Console.print("")
        Console.print("latent statistics (first, second):")
        var table = Table([
            ("DIMENSION", .left), ("KL", .right), ("KL", .right), ("VAR(μ)", .right), ("VAR(μ)", .right),
            ("ACTIVE", .left),
        ])
        for d in a.dimensionsByInformation {
            let kl = a.isVariational ? [a.kl[d], b.kl[d]].map { Formatting.decimals($0, 4) } : ["", ""]
            let variances = [a.varianceOfMean[d], b.varianceOfMean[d]].map { Formatting.significant($0, 3) }
            let active = [a.active[d], b.active[d]].map { $0 ? "yes" : "no" }.joined(separator: ", ")
            table.add(["z\(d)"] + kl + variances + [active])
        }
        for line in table.fittedLines { Console.print(line) }
    }
}
