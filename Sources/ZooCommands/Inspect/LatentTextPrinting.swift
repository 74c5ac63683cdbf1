import TensorCore
import TextSupport
import WeightFiles

extension LatentText {
    /// A heading as tables in terminals have it; μ and σ stay small, for their capitals look like other letters.
    private static func capitals(_ title: String) -> String {
        String(title.map { $0.isASCII ? Character($0.uppercased()) : $0 })
    }

    func print() {
        for line in summary { Console.print(line.printable()) }
        Console.print("")
        var table = Table(headings.map { (Self.capitals($0.title), $0.isNumber ? .right : .left) })
        for row in rows { table.add(row) }
        for line in table.fittedLines { Console.print(line) }
        let correlations = correlations
        guard !correlations.isEmpty else { return }
        Console.print("")
        Console.print("strongest correlations of μ: \(correlations.joined(separator: ", "))")
    }
}
