/// Turns programs into something that runs. The seam between what is computed and how.
public protocol Engine: Sendable {
    /// The name shown to users, for instance `cpu`.
    var name: String { get }

    /// The engine for what is reported and published, in f32; this one unless it computes in a coarser format.
    var singlePrecision: any Engine { get }

    /// The engine that computes the same, and keeps every activation and gradient readable after a run.
    var keepingEverything: any Engine { get }

    /// Compiles a program for batches of up to `batchSize` images.
    ///
    /// - Throws: `ZooError` where the engine cannot run the program or memory is short.
    func compile(_ program: Program, batchSize: Int) throws -> any CompiledProgram
}

extension Engine {
    public var singlePrecision: any Engine { self }
}

/// A program with memory, ready to run again and again.
///
/// Values go in and out in row-major N C H W order whatever the engine's own layout is. Not thread-safe: one owner.
public protocol CompiledProgram: AnyObject {
    var program: Program { get }
    var batchSize: Int { get }

    /// Fills an input, parameter or buffer. `values` holds whole images (at most `batchSize`) or the whole tensor.
    func write(_ values: [Float], to id: TensorID)

    /// Reads a tensor: `batchSize` images or the whole tensor. Inputs, parameters, buffers and results are always readable, parameter
    /// gradients too unless `isReadable` says otherwise; activations and gradients only if the engine was asked to keep
    /// them.
    func read(_ id: TensorID) -> [Float]

    /// Whether a parameter's gradient is stored: an engine may update a parameter as soon as it has computed the gradient, and
    /// then keeps it only if it was asked to.
    func isReadable(_ gradient: TensorID) -> Bool

    /// Reads the first elements of a tensor into `buffer`, in the order of `read`, without allocating memory for tensors
    /// whose memory is in that order.
    func read(_ id: TensorID, into buffer: UnsafeMutableBufferPointer<Float>)

    /// Fills an input of shape `[C, H, W]` or `[D]` with at most `batchSize` images.
    func writeImages(_ images: ImageBatch, to id: TensorID)

    /// Fills a noise input with standard normal numbers: the rows of image r get elements of the stream that belong to
    /// `imageIndices[r]`, so that noise follows the image and not its place in the batch. Each noise input of a program has elements
    /// of its own: those of number k begin at k·2⁴⁸.
    func writeNoise(_ stream: RandomStream, imageIndices: UnsafeBufferPointer<Int32>, to id: TensorID)

    /// Fills the input for the classes of images, each a number from 0.
    func writeClasses(_ classes: UnsafeBufferPointer<Int32>, to id: TensorID)

    /// Says which image of the data set each row of the batch is; dropout masks follow it. Rows are 0, 1, … at first.
    func setImageIndices(_ indices: UnsafeBufferPointer<Int32>)

    /// Runs all steps and then the update, if the program has one.
    ///
    /// - Returns: whether every loss term was finite and, where the update rule clips it, the
    ///   norm of the gradient, too. If not, the update was not made and parameters and optimiser state are as before.
    @discardableResult
    func run(_ values: StepValues) -> Bool

    /// The optimiser's state for one parameter; nil if the update rule has no such slot.
    func readState(_ slot: UpdateRule.Slot, of parameter: TensorID) -> [Float]?

    /// Restores the optimiser's state for one parameter.
    func writeState(_ slot: UpdateRule.Slot, of parameter: TensorID, _ values: [Float])

    /// Runs like `run` and tells how long each step took, the update included; empty if the engine does not measure.
    func profile(_ values: StepValues) -> [StepProfile]

    /// Bytes of memory the program holds.
    var memoryByteCount: Int { get }

    /// The L2 norm of the whole gradient in the last run, before clipping; nil without an update rule that clips.
    var gradientNorm: Float? { get }
}

/// How long one step of a compiled program took.
public struct StepProfile: Sendable {
    /// The layer's path, or the parameter whose weights are packed.
    public var path: String
    public var operation: String
    public var pass: Pass
    /// The name of the kernel, for instance `brgemm:avx512_core`.
    public var implementation: String
    /// Floating-point operations: twice the multiply-adds of matrix products, 0 for everything else.
    public var flops: Double
    /// Bytes of the tensors read and written.
    public var byteCount: Int
    public var seconds: Double
}

extension CompiledProgram {
    public func isReadable(_ gradient: TensorID) -> Bool { true }

    public func profile(_ values: StepValues) -> [StepProfile] {
        run(values)
        return []
    }

    public func read(_ id: TensorID, into buffer: UnsafeMutableBufferPointer<Float>) {
        for (index, value) in read(id).prefix(buffer.count).enumerated() { buffer[index] = value }
    }
}

extension RandomStream {
    /// The first of the elements that belong to image `index` when each image draws `count` numbers: blocks of four are
    /// never shared between images.
    @inlinable
    public static func firstElement(image index: Int32, count: Int) -> UInt64 {
        UInt64(UInt32(bitPattern: index)) * UInt64((count + 3) / 4 * 4)
    }
}
