/// Batch and group normalisation.
extension ReferenceProgram {
    func batchNorm(_ step: ProgramStep, _ epsilon: Double, _ momentum: Double, _ training: Bool, _ images: Int) {
        let forward = step.pass == .forward
        let shape = program[step.inputs[0]].shape
        let count = Double(images * shape.area)
        let x = values[step.inputs[forward ? 0 : 1].index]
        let scale = values[step.inputs[forward ? 1 : 2].index]
        var result = [Double](repeating: 0, count: values[step.outputs[0].index].count)
        for c in 0..<shape.channels {
            let places = (0..<images).flatMap { n in (0..<shape.area).map { n * shape.count + c * shape.area + $0 } }
            if forward {
                var mean = values[step.inputs[3].index][c]
                var variance = values[step.inputs[4].index][c]
                if training {
                    mean = places.reduce(0) { $0 + x[$1] } / count
                    let squares = places.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) }
                    variance = squares / count
                    values[step.outputs[1].index][c] = mean
                    values[step.outputs[2].index][c] = 1 / (variance + epsilon).squareRoot()
                    values[step.inputs[3].index][c] += momentum * (mean - values[step.inputs[3].index][c])
                    let unbiased = count > 1 ? squares / (count - 1) : variance
                    values[step.inputs[4].index][c] += momentum * (unbiased - values[step.inputs[4].index][c])
                }
                let shift = values[step.inputs[2].index][c]
                for place in places {
                    result[place] = (x[place] - mean) / (variance + epsilon).squareRoot() * scale[c] + shift
                }
            } else {
                let dy = values[step.inputs[0].index]
                let (mean, inverse) = (values[step.inputs[3].index][c], values[step.inputs[4].index][c])
                let sum = places.reduce(0) { $0 + dy[$1] }
                let product = places.reduce(0) { $0 + dy[$1] * (x[$1] - mean) * inverse }
                values[step.outputs[1].index][c] = product
                values[step.outputs[2].index][c] = sum
                for place in places {
                    let normalized = (x[place] - mean) * inverse
                    result[place] = scale[c] * inverse * (dy[place] - sum / count - normalized * product / count)
                }
            }
        }
        values[step.outputs[0].index] = result
    }

    func groupNorm(_ step: ProgramStep, _ groups: Int, _ epsilon: Double, _ images: Int) {
        let forward = step.pass == .forward
        let shape = program[step.inputs[0]].shape
        let size = shape.count / groups
        let x = values[step.inputs[forward ? 0 : 1].index]
        let scale = values[step.inputs[forward ? 1 : 2].index]
        var result = [Double](repeating: 0, count: values[step.outputs[0].index].count)
        var (dScale, dShift) = (
            [Double](repeating: 0, count: shape.channels), [Double](repeating: 0, count: shape.channels)
        )
        for n in 0..<images {
            for g in 0..<groups {
                let places = (0..<size).map { n * shape.count + g * size + $0 }
                func channel(_ place: Int) -> Int { place % shape.count / shape.area }
                if forward {
                    let mean = places.reduce(0) { $0 + x[$1] } / Double(size)
                    let variance = places.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / Double(size)
                    let inverse = 1 / (variance + epsilon).squareRoot()
                    values[step.outputs[1].index][n * groups + g] = mean
                    values[step.outputs[2].index][n * groups + g] = inverse
                    let shift = values[step.inputs[2].index]
                    for place in places {
                        result[place] = (x[place] - mean) * inverse * scale[channel(place)] + shift[channel(place)]
                    }
                } else {
                    let dy = values[step.inputs[0].index]
                    let mean = values[step.inputs[3].index][n * groups + g]
                    let inverse = values[step.inputs[4].index][n * groups + g]
                    func normalized(_ place: Int) -> Double { (x[place] - mean) * inverse }
                    let sum = places.reduce(0) { $0 + dy[$1] * scale[channel($1)] } / Double(size)
                    let product =
                        places.reduce(0) { $0 + dy[$1] * scale[channel($1)] * normalized($1) } / Double(size)
                    for place in places {
                        dScale[channel(place)] += dy[place] * normalized(place)
                        dShift[channel(place)] += dy[place]
                        result[place] =
                            inverse * (dy[place] * scale[channel(place)] - sum - normalized(place) * product)
                    }
                }
            }
        }
        values[step.outputs[0].index] = result
        if !forward {
            values[step.outputs[1].index] = dScale
            values[step.outputs[2].index] = dShift
        }
    }
}
