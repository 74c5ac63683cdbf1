import TensorCore
import TextSupport

/// Names and what they are, for people.
struct Fields {
    private var rows: [(name: String, value: String)] = []

    init(_ rows: [(name: String, value: String)] = []) {
        self.rows = rows
    }

    mutating func add(_ name: String, _ value: String) { rows.append((name, value)) }

    /// Several lines under one name.
    mutating func add(_ name: String, lines: [String]) {
        for (index, line) in lines.enumerated() { add(index == 0 ? name : "", line) }
    }

    /// A line for each in two columns.
    var lines: [String] {
        let rows = rows.map { (name: String($0.name.printable().prefix(40)), value: $0.value.printable()) }
        let width = (rows.map(\.name.count).max() ?? 0) + 2
        return rows.map { name, value in "  \(name)\(String(repeating: " ", count: width - name.count))\(value)" }
    }

    func print() {
        for line in lines { Console.print(line) }
    }
}
