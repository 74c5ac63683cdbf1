import CXGBoost
import TensorCore

/// A classifier of gradient-boosted trees, by XGBoost (Chen and Guestrin 2016).
struct GradientBoostedTrees {
    /// The share of each feature in the gain of all splits, `[D]`: sums to 1 unless nothing could be split.
    let importances: [Double]
    private let booster: Booster
    private let classCount: Int

    /// Trains on N rows with labels `0..<classCount`: a tree of depth 3 for each class in each of 100 rounds with step 0.1, the
    /// settings of scikit-learn's `GradientBoostingClassifier`. One thread computes, so that results do not depend on how many there
    /// are.
    ///
    /// - Throws: `ZooError` with XGBoost's words where it cannot.
    init(
        _ codes: Codes, labels: [Int], classCount: Int, rounds: Int = 100, depth: Int = 3, step: Double = 0.1
    ) throws {
        let data = try DataMatrix(codes)
        try data.set(labels: labels)
        self.classCount = classCount
        booster = try Booster(data)
        let settings = [
            ("objective", "multi:softprob"), ("num_class", String(classCount)), ("max_depth", String(depth)),
            ("eta", String(step)), ("tree_method", "hist"), ("nthread", "1"), ("seed", "0"), ("verbosity", "0"),
        ]
        for (name, value) in settings { try booster.set(name, value) }
        for round in 0..<rounds { try booster.update(round, data) }
        importances = try booster.gains(featureCount: codes.size)
    }

    /// The share of rows whose label is predicted.
    func accuracy(_ codes: Codes, labels: [Int]) throws -> Double {
        let probabilities = try booster.predict(DataMatrix(codes))
        guard probabilities.count == codes.count * classCount else {
            throw ZooError("XGBoost predicts \(probabilities.count) numbers for \(codes.count) rows", code: .system)
        }
        let right = (0..<codes.count).count { row in
            let values = probabilities[row * classCount..<(row + 1) * classCount]
            let best = values.indices.max { values[$0] < values[$1] } ?? 0
            return best - row * classCount == labels[row]
        }
        return Double(right) / Double(max(1, codes.count))
    }

    private static func check(_ status: Int32) throws {
        guard status == 0 else {
            let words = XGBGetLastError().map { String(cString: $0) } ?? "unknown"
            throw ZooError("XGBoost: \(words.split(separator: "\n").first.map(String.init) ?? words)", code: .system)
        }
    }

    /// Rows for XGBoost.
    private final class DataMatrix {
        let handle: DMatrixHandle

        init(_ codes: Codes) throws {
            var created: DMatrixHandle?
            try check(
                XGDMatrixCreateFromMat(
                    codes.values, bst_ulong(codes.count), bst_ulong(codes.size), .nan, &created))
            guard let created else { throw ZooError("XGBoost made no matrix", code: .system) }
            handle = created
        }

        func set(labels: [Int]) throws {
            try check(XGDMatrixSetFloatInfo(handle, "label", labels.map(Float.init), bst_ulong(labels.count)))
        }

        deinit { _ = XGDMatrixFree(handle) }
    }

    /// The trees.
    private final class Booster {
        private let handle: BoosterHandle

        init(_ data: DataMatrix) throws {
            var created: BoosterHandle?
            var matrices: [DMatrixHandle?] = [data.handle]
            try check(XGBoosterCreate(&matrices, 1, &created))
            guard let created else { throw ZooError("XGBoost made no model", code: .system) }
            handle = created
        }

        func set(_ name: String, _ value: String) throws { try check(XGBoosterSetParam(handle, name, value)) }

        func update(_ round: Int, _ data: DataMatrix) throws {
            try check(XGBoosterUpdateOneIter(handle, Int32(round), data.handle))
        }

        func predict(_ data: DataMatrix) throws -> [Float] {
            var count: bst_ulong = 0
            var values: UnsafePointer<Float>?
            try check(XGBoosterPredict(handle, data.handle, 0, 0, 0, &count, &values))
            return Array(UnsafeBufferPointer(start: values, count: Int(count)))
        }

        /// The share of each feature in the gain of all splits.
        func gains(featureCount: Int) throws -> [Double] {
            var nameCount: bst_ulong = 0
            var names: UnsafeMutablePointer<UnsafePointer<CChar>?>?
            var dimensionCount: bst_ulong = 0
            var shape: UnsafePointer<bst_ulong>?
            var scores: UnsafePointer<Float>?
            try check(
                XGBoosterFeatureScore(
                    handle, #"{"importance_type": "total_gain"}"#, &nameCount, &names, &dimensionCount, &shape, &scores)
            )
            var gains = [Double](repeating: 0, count: featureCount)
            for entry in 0..<Int(nameCount) {
                // XGBoost names the features f0, f1, …, and leaves out those that no split uses.
                guard let name = names?[entry], let score = scores?[entry],
                    let feature = Int(String(cString: name).dropFirst()), gains.indices.contains(feature)
                else { continue }
                gains[feature] = Double(score)
            }
            let total = gains.reduce(0, +)
            return total > 0 ? gains.map { $0 / total } : gains
        }

        deinit { _ = XGBoosterFree(handle) }
    }
}
