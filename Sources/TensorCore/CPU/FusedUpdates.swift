import CKernels
import Glibc

/// The weights that a kernel updates as soon as it has computed their gradient, while that is in the cache. The gradient is then not
/// stored.
final class FusedUpdates {
    /// What is updated by one rule.
    struct Group {
        let rule: UpdateRule
        /// nil for the learning rate of the run.
        let learningRate: ScheduleSlot?
        /// Its bytes of the parameter block.
        let range: Range<Int>
        /// Those that are left to the end of a run.
        fileprivate(set) var remaining: [Range<Int>]
        /// Its numbers in this run; what clips the gradient changes them.
        let update: UnsafeMutablePointer<zk_update>
    }

    private(set) var groups: [Group] = []
    private let parameters: Set<TensorID>
    private var targets: [TensorID: UnsafeMutablePointer<zk_target>] = [:]

    /// - Parameters:
    ///   - ranges: the bytes of each such weight in the block.
    ///   - groups: all groups, with their bytes.
    ///   - block: parameters and optimiser state.
    init(_ ranges: [TensorID: Range<Int>], groups: [(ParameterGroup, Range<Int>)], _ block: ParameterBlock) {
        parameters = Set(ranges.keys)
        for (group, range) in groups {
            guard let rule = group.update else { continue }
            let update = UnsafeMutablePointer<zk_update>.allocate(capacity: 1)
            update.initialize(to: zk_update())
            var remaining: [Range<Int>] = []
            var next = range.lowerBound
            for (parameter, bytes) in ranges.sorted(by: { $0.value.lowerBound < $1.value.lowerBound })
            where range.contains(bytes.lowerBound) {
                let target = UnsafeMutablePointer<zk_target>.allocate(capacity: 1)
                target.initialize(to: block.target(at: bytes.lowerBound, rule, update))
                targets[parameter] = target
                if next < bytes.lowerBound { remaining.append(next..<bytes.lowerBound) }
                next = bytes.upperBound
            }
            if next < range.upperBound { remaining.append(next..<range.upperBound) }
            self.groups.append(
                Group(
                    rule: rule, learningRate: group.learningRate, range: range, remaining: remaining, update: update))
        }
    }

    deinit {
        for target in targets.values { target.deallocate() }
        for group in groups { group.update.deallocate() }
    }

    func contains(_ parameter: TensorID) -> Bool { parameters.contains(parameter) }

    /// What a run does with the gradients that it computes, without clipping.
    func prepare(_ values: StepValues) {
        for group in groups { group.update.pointee = zk_update(group, values) }
    }

    /// Valid as long as this object.
    func target(of parameter: TensorID) -> UnsafePointer<zk_target>? { targets[parameter].map { UnsafePointer($0) } }
}

extension zk_update {
    /// The numbers of one update, without clipping.
    fileprivate init(_ group: FusedUpdates.Group, _ values: StepValues) {
        self.init()
        let rule = group.rule
        rate = group.learningRate.map { values[$0] } ?? values.learningRate
        gradient_scale = 1
        average_decay = rule.averageDecay ?? 0
        switch rule.method {
        case .sgd(let momentum, let nesterov, let weightDecay):
            method = nesterov ? ZK_NESTEROV : ZK_SGD
            self.momentum = momentum
            weight_decay = weightDecay
        case .adam(let beta1, let beta2, let epsilon, let weightDecay),
            .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            if case .adam = rule.method { method = ZK_ADAM } else { method = ZK_ADAMW }
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
            weight_decay = weightDecay
            correction1 = Float(1 - pow(Double(beta1), Double(values.updateCount + 1)))
            correction2 = Float(1 - pow(Double(beta2), Double(values.updateCount + 1)))
        }
    }
}
