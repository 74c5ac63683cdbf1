import CLibLinear
import Glibc
import TensorCore

/// A linear classifier, one against the rest, by liblinear (Fan and others 2008): the bias is a feature that is always 1 and
/// regularised like the others, as in scikit-learn's `LinearSVC` and `LogisticRegression(solver='liblinear')`.
struct LinearClassifier: Sendable {
    enum Loss: Sendable {
        case logistic
        case squaredHinge

        fileprivate var solver: Int32 {
            switch self {
            // Both solved in the primal, by a trust-region Newton method: without random numbers.
            case .logistic: Int32(L2R_LR)
            case .squaredHinge: Int32(L2R_L2LOSS_SVC)
            }
        }
    }

    /// The labels in the order of `weights`.
    let classes: [Int]
    /// D + 1 for each class, the bias last.
    let weights: [[Double]]

    /// Trains on N rows.
    ///
    /// - Parameters:
    ///   - cost: C, the weight of the losses against ½‖w‖².
    ///   - balanced: whether the losses of a class have the weight N / (K · images of the class).
    /// - Throws: `ZooError` where there is one class only.
    init(
        _ codes: Codes, labels: [Int], loss: Loss, cost: Double = 1, balanced: Bool = false, tolerance: Double = 1e-4
    ) throws {
        precondition(codes.count == labels.count, "\(labels.count) labels for \(codes.count) rows")
        var counts: [Int: Int] = [:]
        for label in labels { counts[label, default: 0] += 1 }
        guard counts.count > 1 else {
            throw ZooError("a classifier needs images of at least two classes; all are of one", kind: .usage)
        }
        Self.silence()
        // A row is its features from 1 on, the bias and an end mark; zeros need no node, but are rare here.
        let (count, size) = (codes.count, codes.size)
        var nodes: [feature_node] = []
        nodes.reserveCapacity(count * (size + 2))
        for row in 0..<count {
            for (d, value) in codes[row].enumerated() {
                nodes.append(feature_node(index: Int32(d + 1), value: Double(value)))
            }
            nodes.append(feature_node(index: Int32(size + 1), value: 1))
            nodes.append(feature_node(index: -1, value: 0))
        }
        var targets = labels.map(Double.init)
        let sorted = counts.keys.sorted()
        var weightLabels = sorted.map(Int32.init)
        var classWeights = sorted.map { balanced ? Double(count) / Double(sorted.count * (counts[$0] ?? 1)) : 1 }
        (classes, weights) = nodes.withUnsafeMutableBufferPointer { nodes in
            var rows = (0..<count).map { row in nodes.baseAddress.map { $0 + row * (size + 2) } }
            return rows.withUnsafeMutableBufferPointer { rows in
                targets.withUnsafeMutableBufferPointer { targets in
                    weightLabels.withUnsafeMutableBufferPointer { weightLabels in
                        classWeights.withUnsafeMutableBufferPointer { classWeights in
                            var problem = problem()
                            problem.l = Int32(count)
                            problem.n = Int32(size + 1)
                            problem.y = targets.baseAddress
                            problem.x = rows.baseAddress
                            problem.bias = 1
                            var parameter = parameter()
                            parameter.solver_type = loss.solver
                            parameter.eps = tolerance
                            parameter.C = cost
                            parameter.nr_weight = Int32(weightLabels.count)
                            parameter.weight_label = weightLabels.baseAddress
                            parameter.weight = classWeights.baseAddress
                            return Self.trained(&problem, &parameter)
                        }
                    }
                }
            }
        }
    }

    private static func trained(
        _ problem: inout problem, _ parameter: inout parameter
    ) -> (classes: [Int], weights: [[Double]]) {
        var model = train(&problem, &parameter)
        defer { free_and_destroy_model(&model) }
        guard let model else { return ([], []) }
        let (classCount, size) = (Int(model.pointee.nr_class), Int(model.pointee.nr_feature) + 1)
        let classes = (0..<classCount).map { Int(model.pointee.label[$0]) }
        // Two classes have one vector, that of the first.
        let vectors = classCount == 2 ? 1 : classCount
        var weights = (0..<vectors).map { vector in
            (0..<size).map { model.pointee.w[$0 * vectors + vector] }
        }
        if classCount == 2 { weights.append(weights[0].map { -$0 }) }
        return (classes, weights)
    }

    /// The value of each class's linear function, in the order of `classes`.
    func decisions(_ row: ArraySlice<Float>) -> [Double] {
        weights.map { weights in
            zip(row, weights).reduce(weights[row.count]) { $0 + Double($1.0) * $1.1 }
        }
    }

    /// For the logistic loss, the probability of each class: those of one against the rest, made to sum to 1.
    func probabilities(_ row: ArraySlice<Float>) -> [Double] {
        let odds = decisions(row).map { 1 / (1 + exp(-$0)) }
        let total = odds.reduce(0, +)
        return total > 0 ? odds.map { $0 / total } : odds
    }

    func prediction(_ row: ArraySlice<Float>) -> Int {
        let values = decisions(row)
        let best = values.indices.max { values[$0] < values[$1] } ?? 0
        return classes[best]
    }

    /// The share of rows whose label is predicted.
    func accuracy(_ codes: Codes, labels: [Int]) -> Double {
        let right = (0..<codes.count).count { prediction(codes[$0]) == labels[$0] }
        return Double(right) / Double(max(1, codes.count))
    }

    /// liblinear prints its progress unless told otherwise.
    private static func silence() { _ = silenced }
    private static let silenced: Void = set_print_string_function { _ in }
}
