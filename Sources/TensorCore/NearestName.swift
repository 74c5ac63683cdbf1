/// The known name nearest to a mistyped one, by edits (insert, delete, replace, swap neighbours); nil if none is near.
public func nearestName(to name: String, among candidates: [String]) -> String? {
    let limit = max(2, name.count / 3)
    return candidates.map { ($0, editDistance(Array(name.lowercased().prefix(64)), Array($0.lowercased().prefix(64)))) }
        .filter { $0.1 <= limit }.min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
}

private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
        var row = [i + 1]
        for j in 0..<b.count {
            var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
            row.append(best)
        }
        rows.append(row)
    }
    return rows[a.count][b.count]
}
