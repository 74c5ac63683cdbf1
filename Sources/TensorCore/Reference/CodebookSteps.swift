import Glibc

extension StepContext {
    /// Element d of the vector at a position of an image.
    private func place(_ image: Int, _ position: Int, _ d: Int, _ shape: Shape) -> Int {
        (image * shape.channels + d) * shape.area + position
    }

    /// `[x, E] → [y, i]`: in the place of each vector of x the nearest row of E.
    func vectorQuantization(_ inputs: [[Double]]) -> [[Double]] {
        let (shape, codes) = (inputShape(0), inputShape(1).dimensions[0])
        let size = shape.channels
        var (y, indices) = (zeros(0), zeros(1))
        for n in 0..<images {
            for position in 0..<shape.area {
                var (nearest, least) = (0, Double.infinity)
                for code in 0..<codes {
                    var distance = 0.0
                    for d in 0..<size {
                        let difference = inputs[0][place(n, position, d, shape)] - inputs[1][code * size + d]
                        distance += difference * difference
                    }
                    if distance < least { (nearest, least) = (code, distance) }
                }
                indices[n * shape.area + position] = Double(nearest)
                for d in 0..<size { y[place(n, position, d, shape)] = inputs[1][nearest * size + d] }
            }
        }
        return [y, indices]
    }

    /// `[x, i, E, N, m] → [E, N, m]`.
    func codebookUpdate(_ inputs: [[Double]], _ decay: Double, _ smoothing: Double, _ revival: Double) -> [[Double]] {
        let (x, indices) = (inputs[0], inputs[1])
        var (codebook, sizes, sums) = (inputs[2], inputs[3].map { decay * $0 }, inputs[4].map { decay * $0 })
        let (shape, codes) = (inputShape(0), inputShape(2).dimensions[0])
        let size = shape.channels
        for n in 0..<images {
            for position in 0..<shape.area {
                let code = Int(indices[n * shape.area + position])
                sizes[code] += 1 - decay
                for d in 0..<size { sums[code * size + d] += (1 - decay) * x[place(n, position, d, shape)] }
            }
        }
        let total = sizes.reduce(0, +)
        let stream = RandomStream(seed: values.seed, purpose: .codebook, step: values.step)
        for code in 0..<codes {
            guard sizes[code] >= revival else {
                let chosen = stream.integer(UInt64(code), below: images * shape.area)
                sizes[code] = 1
                for d in 0..<size {
                    sums[code * size + d] = x[place(chosen / shape.area, chosen % shape.area, d, shape)]
                    codebook[code * size + d] = sums[code * size + d]
                }
                continue
            }
            let divisor = (sizes[code] + smoothing) / (total + Double(codes) * smoothing) * total
            guard divisor > 0 else { continue }
            for d in 0..<size { codebook[code * size + d] = sums[code * size + d] / divisor }
        }
        return [codebook, sizes, sums]
    }

    /// `[x] → [y]`, the upper left of the maps, or `[dy] → [dx]`, back there.
    func crop(_ inputs: [[Double]]) -> [[Double]] {
        var result = zeros(0)
        let (from, to) = (inputShape(0), outputShape(0))
        for map in 0..<images * from.channels {
            for row in 0..<min(from.height, to.height) {
                for column in 0..<min(from.width, to.width) {
                    result[map * to.area + row * to.width + column] =
                        inputs[0][map * from.area + row * from.width + column]
                }
            }
        }
        return [result]
    }

    /// `[x] → [y]`: y = tanh(a)·sigmoid(b).
    func gate(_ inputs: [[Double]]) -> [[Double]] {
        var y = zeros(0)
        let half = outputShape(0).count
        for n in 0..<images {
            for i in 0..<half {
                let (a, b) = (inputs[0][2 * n * half + i], inputs[0][(2 * n + 1) * half + i])
                y[n * half + i] = tanh(a) / (1 + exp(-b))
            }
        }
        return [y]
    }

    /// `[dy, x] → [dx]`.
    func gateBackward(_ inputs: [[Double]]) -> [[Double]] {
        var dx = zeros(0)
        let half = inputShape(0).count
        for n in 0..<images {
            for i in 0..<half {
                let (first, second) = (2 * n * half + i, (2 * n + 1) * half + i)
                let (t, s) = (tanh(inputs[1][first]), 1 / (1 + exp(-inputs[1][second])))
                dx[first] = inputs[0][n * half + i] * (1 - t * t) * s
                dx[second] = inputs[0][n * half + i] * t * s * (1 - s)
            }
        }
        return [dx]
    }
}
