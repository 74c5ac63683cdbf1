import Datasets
import Figures
import ModelFigures
import Runs
import TensorCore
import TextSupport

extension AnomalyScores {
    /// A line for each image with its name, its class and its scores; headings first (RFC 4180).
    ///
    /// - Parameter names: of the images, in the order of `rows`.
    public func csv(names: [String], classNames: [String]?) -> String {
        var text = (["image", "class"] + measures.map(\.rawValue)).joined(separator: ",") + "\n"
        for (row, name) in zip(rows, names) {
            let label = row.label.map { label in
                classNames.flatMap { $0.indices.contains(label) ? $0[label] : nil } ?? String(label)
            }
            let cells = [name, label ?? ""].map(Self.quoted) + row.scores.map { "\($0)" }
            text += cells.joined(separator: ",") + "\n"
        }
        return text
    }

    /// A field of a table, in quotes where it needs them (RFC 4180, section 2).
    private static func quoted(_ text: String) -> String {
        guard text.contains(where: { ",\"\r\n".contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// A picture of the least and the most strange images by the first measure, at most ten of each.
    ///
    /// - Parameters:
    ///   - dataset: where the images are from.
    ///   - names: what stands before the score of each image, in the order of `rows`; nil for the score alone.
    /// - Throws: `ZooError` for a model of vectors, or where the images cannot be read.
    public func extremes(of dataset: any Dataset, names: [String]?, model: TrainedModel) throws -> ImageGrid {
        let order = rows.indices.sorted { rows[$0].scores[0] < rows[$1].scores[0] }
        let perRow = min(10, order.count)
        let shown = Array(order.prefix(perRow)) + order.suffix(perRow).reversed()
        var grid = ImageGrid(
            images: try model.pictures().images(dataset.tensor(shown.map { rows[$0].index })), columns: perRow,
            words: model.words(
                "Images by \(measures.first?.rawValue ?? "")",
                ["\(Formatting.grouped(rows.count)) images of \(dataset.info.name)"]))
        grid.rowCaptions = ["least strange", "strangest"]
        grid.imageCaptions = shown.map { row in
            (names.map { "\($0[row]): " } ?? "") + Formatting.decimals(rows[row].scores[0], 1)
        }
        return grid
    }
}
