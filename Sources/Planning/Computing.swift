import ModelKit
import TensorCore

/// What computes: the one place where engines are chosen, and what is to be known of them.
public enum Computing {
    /// For encoding, decoding and evaluation: 32-bit floating point.
    public static var engine: any Engine { CPUEngine() }

    /// For training with these settings.
    public static func engine(for settings: TrainingSettings) -> any Engine {
        CPUEngine(precision: settings.precision, convolution: settings.convolution)
    }

    /// Threads that compute, for the whole process.
    public static var threadCount: Int {
        get { CPUEngine.threadCount }
        set { CPUEngine.threadCount = newValue }
    }

    /// Processors that this process may use.
    public static var processorCount: Int { CPUEngine.processorCount }

    /// Whether this processor can train in a number format.
    public static func supports(_ precision: Precision) -> Bool { CPUEngine.supports(precision) }

    /// Changes with every kernel that may change the last bits of a result.
    public static var engineVersion: String { CPUEngine.version }

    /// The widest instructions in use, for instance `AVX-512`.
    public static var instructionSet: String { CPUEngine.instructionSet }

    /// Floating-point operations a second of all threads in fused multiplications and additions.
    ///
    /// - Parameter seconds: how long to measure.
    public static func measuredPeak(seconds: Double) -> Double { CPUEngine.measuredPeak(seconds: seconds) }
}
