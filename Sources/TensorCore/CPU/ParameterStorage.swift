import COneDNN

/// How one parameter or buffer lies in memory, and the way between that and PyTorch's row-major layout.
///
/// A weight is stored in the layout in which its gradient is computed, so that the update needs no reorder; rows and
/// columns follow the feature orders of the neighbouring vectors. Padding in a blocked layout stays zero: its gradient is
/// zero.
struct ParameterStorage {
    let shape: Shape
    let layout: WeightLayout
    let rowOrder: FeatureOrder
    let columnOrder: FeatureOrder

    var byteCount: Int { layout.byteCount(shape) }

    /// Writes row-major values into the storage at `memory`.
    func pack(_ values: [Float], into memory: UnsafeMutablePointer<Float>, context: DNNContext) throws {
        try convert(permuted(values, toMemory: true), to: memory, context)
    }

    /// The row-major values of the storage at `memory`.
    func unpack(_ memory: UnsafeMutablePointer<Float>, context: DNNContext) throws -> [Float] {
        var plain = [Float](repeating: 0, count: shape.count)
        if case .blocked(let layout) = layout {
            let reorder = try DNNPrimitive.reorder(context, from: layout, to: .plain(shape.dimensions))
            try plain.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                try run(reorder, from: memory, to: base)
            }
        } else if let places = layout.places(shape) {
            for (index, place) in places.enumerated() { plain[index] = memory[place] }
        }
        return permuted(plain, toMemory: false)
    }

    private func convert(
        _ plain: [Float], to memory: UnsafeMutablePointer<Float>, _ context: DNNContext
    ) throws {
        if case .blocked(let layout) = layout {
            var plain = plain
            let reorder = try DNNPrimitive.reorder(context, from: .plain(shape.dimensions), to: layout)
            try plain.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                try run(reorder, from: base, to: memory)
            }
        } else if let places = layout.places(shape) {
            memory.update(repeating: 0, count: byteCount / MemoryLayout<Float>.stride)
            for (index, place) in places.enumerated() { memory[place] = plain[index] }
        }
    }

    private func run(
        _ reorder: DNNPrimitive, from source: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>
    ) throws {
        let scratchpad = try Arena(byteCount: reorder.layout(of: ZOO_DNN_SCRATCHPAD)?.byteCount ?? 0)
        try reorder.bind(ZOO_DNN_SOURCE, source)
        try reorder.bind(ZOO_DNN_DESTINATION, target)
        try reorder.bind(ZOO_DNN_SCRATCHPAD, scratchpad.floats(at: 0))
        withExtendedLifetime(scratchpad) { reorder.run() }
    }

    /// Where each element lies, in the row-major order of the elements; nil where that is the order of the memory.
    ///
    /// - Throws: `ZooError` where only oneDNN knows.
    func places() throws -> [Int]? {
        if case .rowMajor = layout, rowOrder == .plain, columnOrder == .plain { return nil }
        guard let places = layout.places(shape) else {
            throw ZooError("weights in a layout of oneDNN's cannot be read by other code", code: .unsupported)
        }
        var result = places
        let (rows, columns) = (rowOrder.featureAtPlace(), columnOrder.featureAtPlace())
        let width = shape.rank == 2 ? shape.dimensions[1] : 1
        for (place, memory) in places.enumerated() {
            let (row, column) = (place / width, place % width)
            result[(rows?[row] ?? row) * width + (columns?[column] ?? column)] = memory
        }
        return result
    }

    private func permuted(_ values: [Float], toMemory: Bool) -> [Float] {
        let rows = rowOrder.featureAtPlace()
        let columns = columnOrder.featureAtPlace()
        guard rows != nil || columns != nil else { return values }
        let width = shape.rank == 2 ? shape.dimensions[1] : 1
        let height = shape.count / width
        var result = values
        for row in 0..<height {
            let feature = rows?[row] ?? row
            for column in 0..<width {
                let place = row * width + column
                let number = feature * width + (columns?[column] ?? column)
                if toMemory { result[place] = values[number] } else { result[number] = values[place] }
            }
        }
        return result
    }
}
