/// A number that changes with the training step: from `start` in a straight line to `end`, which it has after `steps` steps.
public struct LinearSchedule: Hashable, Sendable {
    public var start: Float
    public var end: Float
    public var steps: Int

    public init(from start: Float, to end: Float, over steps: Int) {
        self.start = start
        self.end = end
        self.steps = steps
    }

    /// The same in every step.
    public static func constant(_ value: Float) -> LinearSchedule { LinearSchedule(from: value, to: value, over: 0) }

    /// - Parameter step: from 0.
    public func value(step: Int) -> Float {
        start + (end - start) * (steps > 0 ? min(1, Float(step) / Float(steps)) : 1)
    }
}

/// The place of a `LinearSchedule` in a program, and of its number in `StepValues`.
public struct ScheduleSlot: Hashable, Sendable {
    public let index: Int
}
