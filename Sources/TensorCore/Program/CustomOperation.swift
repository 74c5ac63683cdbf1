import RealModule

/// The numbers that an operation computes with: `Double` in the reference engine, `Float` in the fast one.
public typealias RealNumber = BinaryFloatingPoint & Real

/// An operation with code of its own and its derivative, on tensors in row-major N C H W order: those that the objectives are made
/// of, and what plug-ins bring.
///
/// Both engines call the same generic code: the reference engine with `Double`, the fast engine with `Float`. It sees the whole batch.
public protocol CustomOperation: Sendable {
    /// The name shown in profiles and errors.
    var name: String { get }

    /// What a definition says to have it: the field, layer or likelihood.
    var definitionName: String { get }

    /// What it computes, for `zoo trace`: for instance `y = x²`.
    var formula: String? { get }

    /// What the output is. Throws a `ZooError` where the inputs do not fit.
    func output(_ inputs: [TensorType]) throws -> TensorType

    /// Computes `tensors.output`, which holds zeros.
    func forward<Element: RealNumber>(_ tensors: OperationTensors<Element>)

    /// Adds the gradient with respect to each input for which there is memory to `tensors.inputGradients`, which hold zeros; that of
    /// a tensor without a batch axis is the sum over the images.
    func backward<Element: RealNumber>(_ tensors: OperationTensors<Element>)

    /// Whether the two functions in single precision take and give maps channels-last, N H W C, as they lie in the fast engine, so that
    /// nothing is copied; they then write every element that they give.
    var takesChannelsLast: Bool { get }

    /// `forward` in single precision: what the fast engine calls. Leave it be, it makes the compiler specialise.
    func forwardInSingle(_ tensors: OperationTensors<Float>)

    /// `backward` in single precision.
    func backwardInSingle(_ tensors: OperationTensors<Float>)
}

extension CustomOperation {
    public var formula: String? { nil }

    public var definitionName: String { name }

    public var takesChannelsLast: Bool { false }

    @inlinable public func forwardInSingle(_ tensors: OperationTensors<Float>) { forward(tensors) }

    @inlinable public func backwardInSingle(_ tensors: OperationTensors<Float>) { backward(tensors) }
}

/// The shape of one row of a tensor, and how many rows it has.
public struct TensorType: Hashable, Sendable {
    public var shape: Shape
    public var rows: Rows

    public init(_ shape: Shape, _ rows: Rows = .images) {
        self.shape = shape
        self.rows = rows
    }
}

/// What an operation reads and writes in one run: the rows of the images of the batch.
public struct OperationTensors<Element: RealNumber> {
    /// Of the inputs and of the output.
    public internal(set) var inputTypes: [TensorType]
    public internal(set) var outputType: TensorType
    /// In the order of the program's step.
    public internal(set) var inputs: [UnsafeBufferPointer<Element>]
    /// To be filled; in `backward`, empty.
    public internal(set) var output: UnsafeMutableBufferPointer<Element>
    /// In `forward`, empty.
    public internal(set) var outputGradient: UnsafeBufferPointer<Element>
    /// One for each input; nil where the gradient is not needed, and in `forward`.
    public internal(set) var inputGradients: [UnsafeMutableBufferPointer<Element>?]
    /// Step, seed and the program's schedules.
    public internal(set) var values: StepValues

    /// For calling an operation by itself, as its tests do.
    ///
    /// - Parameters:
    ///   - output: in `backward`, nil.
    ///   - outputGradient: in `forward`, nil.
    ///   - inputGradients: in `forward`, none.
    public init(
        inputTypes: [TensorType], outputType: TensorType, inputs: [UnsafeBufferPointer<Element>],
        output: UnsafeMutableBufferPointer<Element>? = nil, outputGradient: UnsafeBufferPointer<Element>? = nil,
        inputGradients: [UnsafeMutableBufferPointer<Element>?] = [], values: StepValues
    ) {
        self.inputTypes = inputTypes
        self.outputType = outputType
        self.inputs = inputs
        self.output = output ?? UnsafeMutableBufferPointer(start: nil, count: 0)
        self.outputGradient = outputGradient ?? UnsafeBufferPointer(start: nil, count: 0)
        self.inputGradients = inputGradients
        self.values = values
    }

    /// Images in the batch.
    @inlinable public var imageCount: Int { values.imageCount }

    /// Rows of the output that count.
    @inlinable public var outputRowCount: Int { outputType.rows.count(images: imageCount) }

    /// Rows of an input that count.
    @inlinable public func rowCount(_ input: Int) -> Int { inputTypes[input].rows.count(images: imageCount) }

    /// Rows of the output for each of an input.
    @inlinable public func repeats(_ input: Int) -> Int { outputRowCount / rowCount(input) }

    /// Elements of one row of an input.
    @inlinable public func rowSize(_ input: Int) -> Int { inputTypes[input].shape.count }
}
