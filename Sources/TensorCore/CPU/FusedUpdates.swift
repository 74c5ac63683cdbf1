import CKernels

/// The weights that a kernel updates as soon as it has computed their gradient, while that is in the cache. The gradient is then not
/// stored.
final class FusedUpdates {
    /// Bytes of the parameter block: what is left to the update at the end of a run.
    let remaining: [Range<Int>]
    private let parameters: Set<TensorID>
    private let update: UnsafeMutablePointer<zk_update>
    private let targets: [TensorID: UnsafeMutablePointer<zk_target>]

    /// - Parameters:
    ///   - ranges: the bytes of each such weight in the block.
    ///   - block: parameters and optimiser state.
    init(_ ranges: [TensorID: Range<Int>], _ block: ParameterBlock) {
        parameters = Set(ranges.keys)
        update = .allocate(capacity: 1)
        update.initialize(to: zk_update())
        let update = update
        targets = ranges.mapValues { range in
            let target = UnsafeMutablePointer<zk_target>.allocate(capacity: 1)
            target.initialize(to: block.target(at: range.lowerBound, update))
            return target
        }
        var remaining: [Range<Int>] = []
        var next = 0
        for range in ranges.values.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if next < range.lowerBound { remaining.append(next..<range.lowerBound) }
            next = range.upperBound
        }
        if next < block.byteCount { remaining.append(next..<block.byteCount) }
        self.remaining = remaining
    }

    deinit {
        for target in targets.values { target.deallocate() }
        update.deallocate()
    }

    func contains(_ parameter: TensorID) -> Bool { parameters.contains(parameter) }

    /// What the kernels of a run do with the gradients that they compute.
    func prepare(_ update: zk_update) { self.update.pointee = update }

    /// Valid as long as this object.
    func target(of parameter: TensorID) -> UnsafePointer<zk_target>? { targets[parameter].map { UnsafePointer($0) } }
}
