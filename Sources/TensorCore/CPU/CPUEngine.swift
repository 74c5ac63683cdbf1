import CKernels
import COneDNN

/// The fast engine: matrix products and convolutions by kernels of our own (`MatrixKernel`) or, in bf16 where none takes the shapes, by
/// oneDNN, everything between them by the fused kernels of `CKernels`.
///
/// All feature maps are channels-last (N H W C) from the first layer to the last, so nothing is reordered between layers;
/// what a flattened vector's order would change is folded into the rows and columns of the neighbouring weights
/// (`FeatureOrders`).
public struct CPUEngine: Engine {
    public var name: String { "cpu" }

    /// Keeps every activation and gradient readable after a run, at the price of memory: for tests and for finding the
    /// first tensor that is not finite.
    public let keepsEverything: Bool

    public let precision: Precision

    public let convolution: ConvolutionMethod

    public init(
        precision: Precision = .f32, convolution: ConvolutionMethod = .fast, keepsEverything: Bool = false
    ) {
        self.precision = precision
        self.convolution = convolution
        self.keepsEverything = keepsEverything
    }

    public var singlePrecision: any Engine { CPUEngine(convolution: convolution, keepsEverything: keepsEverything) }

    public var keepingEverything: any Engine {
        CPUEngine(precision: precision, convolution: convolution, keepsEverything: true)
    }

    public func compile(_ program: Program, batchSize: Int) throws -> any CompiledProgram {
        guard Self.supports(precision) else {
            throw ZooError(
                "this processor cannot compute in \(precision.rawValue): oneDNN uses \(Self.instructionSet) here, and it takes "
                    + "AVX-512 with bf16 instructions",
                code: .unsupported, remedy: .computeInF32)
        }
        return try CPUProgram(
            program, batchSize: batchSize, choice: KernelChoice(precision: precision, convolution: convolution),
            keepsEverything: keepsEverything)
    }

    /// Whether this processor has instructions for matrix products in a precision.
    public static func supports(_ precision: Precision) -> Bool {
        precision == .f32 || zoo_dnn_has_bf16()
    }

    /// On what the last bits of results depend besides the processor: the version of our kernels, raised when they compute other numbers,
    /// and that of oneDNN; for instance `cpu 2, oneDNN 2.6.3`.
    public static var version: String { "cpu \(kernelVersion), oneDNN \(libraryVersion)" }

    /// 1: oneDNN's products and convolutions in f32. 2: our own.
    private static let kernelVersion = 3

    private static var libraryVersion: String {
        var major: Int32 = 0
        var minor: Int32 = 0
        var patch: Int32 = 0
        zoo_dnn_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }

    /// The instruction set its kernels use, for instance `avx512_core`.
    public static var instructionSet: String { String(cString: zoo_dnn_instruction_set()) }

    /// Threads that programs compiled from now on by the calling thread compute with. A program keeps its number, whoever
    /// runs it. More threads than `processorCount` are possible and slow: those of a step wait for each other.
    public static var threadCount: Int {
        get {
            _ = limitThreads
            return Int(zk_thread_count())
        }
        set { zk_set_thread_count(Int32(clamping: max(1, newValue))) }
    }

    /// Processors that this process may use: those that the system lets it run on, but no more than the quota of its control
    /// groups.
    public static var processorCount: Int { ProcessLimits.current.processorCount }

    /// Makes the kernels use no more threads than that, unless they are told to.
    private static let limitThreads: Void = zk_limit_processors(Int32(clamping: processorCount))

    /// f32 operations per second that this machine reaches in a multiply-add loop on registers: the limit of any program.
    public static func measuredPeak(seconds: Double) -> Double {
        _ = limitThreads
        return zk_peak_flops(seconds)
    }
}
