extension String {
    /// The text with the middle of each line left out that has more than `limit` characters: values that a message repeats
    /// may be as long as a file.
    func clippingLines(to limit: Int) -> String {
        // Characters are never more than bytes.
        guard utf8.count > limit else { return self }
        return split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard line.utf8.count > limit, line.count > limit else { return String(line) }
            let end = limit / 4
            return "\(line.prefix(limit - end)) … \(line.suffix(end))"
        }.joined(separator: "\n")
    }
}
