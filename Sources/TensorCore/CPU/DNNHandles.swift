import COneDNN
import Synchronization

/// Throws a `ZooError` for a oneDNN status other than success.
private func check(_ status: Int32, _ what: @autoclosure () -> String) throws {
    guard status != 0 else { return }
    throw ZooError("oneDNN cannot make \(what()): \(String(cString: zoo_dnn_status_text(status)))", code: .system)
}

/// oneDNN's CPU engine and stream. One owner; lives as long as the primitives made with it.
final class DNNContext {
    fileprivate let handle: OpaquePointer

    init() throws {
        var handle: OpaquePointer?
        try check(zoo_dnn_context_create(&handle), "an engine for this processor")
        guard let handle else { throw ZooError("oneDNN made no engine", code: .system) }
        self.handle = handle
    }

    deinit {
        zoo_dnn_context_destroy(handle)
    }
}

/// How a tensor lies in memory: extents, strides or blocks, element type.
final class DNNLayout {
    fileprivate let handle: OpaquePointer

    fileprivate init(owning handle: OpaquePointer) {
        self.handle = handle
    }

    /// - Parameter strides: nil leaves the choice to the primitive.
    init(_ extents: [Int], strides: [Int]?, type: zoo_dnn_type = ZOO_DNN_F32) throws {
        var handle: OpaquePointer?
        let status = zoo_dnn_layout_create(
            &handle, Int32(extents.count), extents.map(Int64.init), strides?.map(Int64.init), type)
        try check(status, "a layout for extents \(extents)")
        guard let handle else { throw ZooError("oneDNN made no layout for extents \(extents)", code: .system) }
        self.handle = handle
    }

    deinit {
        zoo_dnn_layout_destroy(handle)
    }

    /// Row-major.
    static func plain(_ extents: [Int], type: zoo_dnn_type = ZOO_DNN_F32) throws -> DNNLayout {
        var strides = [Int](repeating: 1, count: extents.count)
        for axis in extents.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * extents[axis + 1] }
        return try DNNLayout(extents, strides: strides, type: type)
    }

    /// N C H W extents stored as N H W C.
    static func channelsLast(batch: Int, _ shape: Shape, type: zoo_dnn_type = ZOO_DNN_F32) throws -> DNNLayout {
        try DNNLayout(
            [batch, shape.channels, shape.height, shape.width],
            strides: [shape.count, 1, shape.width * shape.channels, shape.channels], type: type)
    }

    /// A convolution's weights, maps × channels × height × width, stored as height × width × channels × maps.
    static func channelsThenMaps(_ weights: Shape) throws -> DNNLayout {
        let extents = weights.dimensions
        return try DNNLayout(
            extents, strides: [1, extents[0], extents[3] * extents[1] * extents[0], extents[1] * extents[0]])
    }

    /// The same stored as height × width × maps × channels.
    static func mapsThenChannels(_ weights: Shape) throws -> DNNLayout {
        let extents = weights.dimensions
        return try DNNLayout(
            extents, strides: [extents[1], 1, extents[3] * extents[1] * extents[0], extents[1] * extents[0]])
    }

    /// Left to the primitive.
    static func any(_ extents: [Int], type: zoo_dnn_type = ZOO_DNN_F32) throws -> DNNLayout {
        try DNNLayout(extents, strides: nil, type: type)
    }

    var byteCount: Int { zoo_dnn_layout_byte_count(handle) }

    var type: zoo_dnn_type { zoo_dnn_layout_type(handle) }

    func isEqual(to other: DNNLayout) -> Bool {
        zoo_dnn_layout_equal(handle, other.handle)
    }
}

/// A oneDNN primitive, bound to memory once and then run again and again.
final class DNNPrimitive {
    /// Primitives are made and destroyed one at a time. oneDNN shares the code it generates between them, and with 2.6.3 programs that
    /// several threads compiled at once computed, all of the same shape alike, wrong numbers in 3 of 32 runs of the engines'
    /// tests on a busy machine; with this lock in none of 96.
    private static let creation = Mutex(())

    private let handle: OpaquePointer
    private let context: DNNContext

    private init(
        context: DNNContext, _ what: @autoclosure () -> String, _ make: (inout OpaquePointer?) -> Int32
    ) throws {
        var handle: OpaquePointer?
        let status = Self.creation.withLock { _ in make(&handle) }
        try check(status, what())
        guard let handle else { throw ZooError("oneDNN made no \(what())", code: .system) }
        self.handle = handle
        self.context = context
    }

    deinit {
        Self.creation.withLock { _ in zoo_dnn_primitive_destroy(handle) }
    }

    static func convolution(
        _ context: DNNContext, pass: zoo_dnn_pass, source: DNNLayout, weights: DNNLayout, bias: DNNLayout?,
        destination: DNNLayout, window: Window, relu: Bool
    ) throws -> DNNPrimitive {
        var cWindow = zoo_dnn_window(
            stride: (Int64(window.stride.height), Int64(window.stride.width)),
            padding: (Int64(window.padding.height), Int64(window.padding.width)))
        return try DNNPrimitive(context: context, "a convolution (\(window))") {
            zoo_dnn_convolution(
                &$0, context.handle, pass, source.handle, weights.handle, bias?.handle, destination.handle, &cWindow,
                relu)
        }
    }

    static func innerProduct(
        _ context: DNNContext, pass: zoo_dnn_pass, source: DNNLayout, weights: DNNLayout, bias: DNNLayout?,
        destination: DNNLayout, relu: Bool
    ) throws -> DNNPrimitive {
        try DNNPrimitive(context: context, "an inner product") {
            zoo_dnn_inner_product(
                &$0, context.handle, pass, source.handle, weights.handle, bias?.handle, destination.handle, relu)
        }
    }

    static func reorder(_ context: DNNContext, from: DNNLayout, to: DNNLayout) throws -> DNNPrimitive {
        try DNNPrimitive(context: context, "a reorder") {
            zoo_dnn_reorder(&$0, context.handle, from.handle, to.handle)
        }
    }

    /// The layout this primitive wants for an operand; nil if it has no such operand.
    func layout(of operand: zoo_dnn_operand) -> DNNLayout? {
        zoo_dnn_primitive_layout(handle, operand).map { DNNLayout(owning: $0) }
    }

    /// For instance `brgemm:avx512_core`.
    var implementation: String { String(cString: zoo_dnn_primitive_implementation(handle)) }

    func bind(_ operand: zoo_dnn_operand, _ memory: UnsafeMutableRawPointer) throws {
        try check(zoo_dnn_primitive_bind(handle, operand, memory), "a binding to memory")
    }

    /// All operands must be bound.
    func run() {
        let status = zoo_dnn_primitive_run(handle)
        precondition(
            status == 0, "oneDNN cannot run \(implementation): \(String(cString: zoo_dnn_status_text(status)))")
    }
}
