extension StepContext {
    /// The same elements, for either pass.
    func reshape(_ inputs: [[Double]]) -> [[Double]] {
        var y = zeros(0)
        for i in 0..<images * outputShape(0).count { y[i] = inputs[0][i] }
        return [y]
    }

    /// y[c, r, q] = x[c, r / fh, q / fw].
    func upsample(_ inputs: [[Double]], _ factor: Window.Extent) -> [[Double]] {
        let (small, large) = (inputShape(0), outputShape(0))
        var y = zeros(0)
        forEachPlace(of: large) { map, r, q in
            y[(map * large.height + r) * large.width + q] =
                inputs[0][(map * small.height + r / factor.height) * small.width + q / factor.width]
        }
        return [y]
    }

    /// Each element of dx is the sum over its copies.
    func upsampleBackward(_ inputs: [[Double]], _ factor: Window.Extent) -> [[Double]] {
        let (large, small) = (inputShape(0), outputShape(0))
        var dx = zeros(0)
        forEachPlace(of: large) { map, r, q in
            dx[(map * small.height + r / factor.height) * small.width + q / factor.width] +=
                inputs[0][(map * large.height + r) * large.width + q]
        }
        return [dx]
    }

    func maxPool(_ inputs: [[Double]], _ window: Window) -> [[Double]] {
        let pooled = outputShape(0)
        var y = zeros(0)
        forEachPlace(of: pooled) { map, r, q in
            let members = members(window, of: inputShape(0), map, r, q)
            y[(map * pooled.height + r) * pooled.width + q] = members.map { inputs[0][$0] }.max() ?? -.infinity
        }
        return [y]
    }

    /// The first maximum of each window takes its gradient.
    func maxPoolBackward(_ inputs: [[Double]], _ window: Window) -> [[Double]] {
        let (dy, x) = (inputs[0], inputs[1])
        let pooled = inputShape(0)
        var dx = zeros(0)
        forEachPlace(of: pooled) { map, r, q in
            let members = members(window, of: outputShape(0), map, r, q)
            guard var winner = members.first else { return }
            for member in members where x[member] > x[winner] { winner = member }
            dx[winner] += dy[(map * pooled.height + r) * pooled.width + q]
        }
        return [dx]
    }

    /// The sum of each window over kh·kw, as if padding were zeros.
    func averagePool(_ inputs: [[Double]], _ window: Window) -> [[Double]] {
        let pooled = outputShape(0)
        let size = Double(window.kernel.height * window.kernel.width)
        var y = zeros(0)
        forEachPlace(of: pooled) { map, r, q in
            let members = members(window, of: inputShape(0), map, r, q)
            y[(map * pooled.height + r) * pooled.width + q] = members.reduce(0) { $0 + inputs[0][$1] } / size
        }
        return [y]
    }

    func averagePoolBackward(_ inputs: [[Double]], _ window: Window) -> [[Double]] {
        let pooled = inputShape(0)
        let size = Double(window.kernel.height * window.kernel.width)
        var dx = zeros(0)
        forEachPlace(of: pooled) { map, r, q in
            let share = inputs[0][(map * pooled.height + r) * pooled.width + q] / size
            for member in members(window, of: outputShape(0), map, r, q) { dx[member] += share }
        }
        return [dx]
    }

    /// Calls `body` with (n·C + c, r, q) for every element of the images that count.
    private func forEachPlace(of shape: Shape, _ body: (_ map: Int, _ r: Int, _ q: Int) -> Void) {
        for map in 0..<images * shape.channels {
            for r in 0..<shape.height {
                for q in 0..<shape.width { body(map, r, q) }
            }
        }
    }

    /// The indices of the elements of map `map` under the window at (r, q), padding left out, row by row.
    private func members(_ window: Window, of shape: Shape, _ map: Int, _ r: Int, _ q: Int) -> [Int] {
        var members: [Int] = []
        for i in 0..<window.kernel.height {
            let row = r * window.stride.height - window.padding.height + i
            guard row >= 0, row < shape.height else { continue }
            for j in 0..<window.kernel.width {
                let column = q * window.stride.width - window.padding.width + j
                guard column >= 0, column < shape.width else { continue }
                members.append((map * shape.height + row) * shape.width + column)
            }
        }
        return members
    }
}
