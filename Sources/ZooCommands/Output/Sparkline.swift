/// A curve of block characters: `▇▅▃▂▁▁`.
enum Sparkline {
    private static let blocks: [Character] = Array("▁▂▃▄▅▆▇█")

    /// - Parameters:
    ///   - values: what is not finite leaves a gap.
    ///   - width: the most characters; more values than that are averaged in groups.
    static func text(_ values: [Double], width: Int = 60) -> String {
        guard !values.isEmpty, width > 0 else { return "" }
        let count = min(width, values.count)
        let means = (0..<count).map { cell -> Double in
            let group = values[cell * values.count / count..<(cell + 1) * values.count / count]
            return group.reduce(0, +) / Double(group.count)
        }
        let finite = means.filter(\.isFinite)
        guard let low = finite.min(), let high = finite.max() else { return String(repeating: " ", count: count) }
        return String(
            means.map { mean in
                guard mean.isFinite else { return " " }
                // Halves keep the range of the largest numbers finite.
                let share = high > low ? (mean / 2 - low / 2) / (high / 2 - low / 2) : 0
                return blocks[min(blocks.count - 1, Int(share * Double(blocks.count)))]
            })
    }
}
