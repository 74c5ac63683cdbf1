import TensorCore

/// What a simple classifier reads off codes: how much of the labels is there, and how plainly.
public enum Probes {
    /// The accuracy on test codes of a logistic regression, one class against the rest, on standardised codes (C = 1).
    ///
    /// - Throws: `ZooError` (wrong usage) where the training codes are of one class.
    public static func linear(
        _ train: Codes, _ trainLabels: [Int], _ test: Codes, _ testLabels: [Int], cost: Double = 1
    ) throws -> Double {
        let moments = Codes.Moments(of: train)
        let classifier = try LinearClassifier(
            train.standardized(by: moments), labels: trainLabels, loss: .logistic, cost: cost)
        return classifier.accuracy(test.standardized(by: moments), labels: testLabels)
    }

    /// The accuracy on test codes of the majority of the k nearest training codes; of classes with as many votes, the one with the
    /// smallest label, as in scikit-learn.
    ///
    /// - Throws: `ZooError` (wrong usage) for fewer training codes than neighbours.
    public static func nearestNeighbours(
        _ train: Codes, _ trainLabels: [Int], _ test: Codes, _ testLabels: [Int], neighbours: Int
    ) throws -> Double {
        try requireComparable(train, test, atLeast: 1)
        guard train.count >= neighbours else {
            throw ZooError("\(train.count) images have no \(neighbours) neighbours", kind: .usage)
        }
        struct Neighbour: Comparable {
            let distance: Double
            let row: Int
            static func < (a: Neighbour, b: Neighbour) -> Bool { (a.distance, a.row) < (b.distance, b.row) }
        }
        var right = 0
        Distances.forEachRow(test, train) { row, distances in
            let nearest = distances.enumerated().map { Neighbour(distance: $1, row: $0) }.smallest(neighbours)
            var votes: [Int: Int] = [:]
            for neighbour in nearest { votes[trainLabels[neighbour.row], default: 0] += 1 }
            let most = votes.values.max() ?? 0
            if votes.filter({ $0.value == most }).keys.min() == testLabels[row] { right += 1 }
        }
        return Double(right) / Double(max(1, test.count))
    }
}
