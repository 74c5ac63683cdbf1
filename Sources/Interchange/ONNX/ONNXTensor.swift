import FileSupport
import TensorCore

/// The fields of a `TensorProto`, and the tensor they make.
struct ONNXTensor {
    private typealias Fields = ONNXFields.Tensor

    private var name = ""
    private var shape: [Int] = []
    private var dataType = 0
    private var raw: ArraySlice<UInt8>?
    /// Elements in a field of their type instead of raw bytes: which, and the pieces in which they came.
    private var typed: (field: UInt64, pieces: [ProtobufReader.Value])?
    /// Where the elements are, if they are in another file.
    private var outside: [String: String]?
    private var reader: ProtobufReader

    /// Reads the message in `bytes`.
    ///
    /// - Throws: `ZooError` when it is damaged.
    init(_ bytes: ArraySlice<UInt8>) throws {
        reader = ProtobufReader(bytes, subject: "a tensor")
        while let (field, value) = try reader.next() {
            switch field {
            case Fields.extents:
                shape += try reader.integers(value, "the shape", limit: ForeignTensor.rankLimit)
                guard shape.count <= ForeignTensor.rankLimit, shape.allSatisfy({ $0 >= 0 }) else {
                    throw reader.damaged("the shape \(shape.prefix(16))")
                }
            case Fields.dataType: dataType = try reader.integer(value, "the data type")
            case Fields.name: name = try reader.text(value, "the name of a tensor")
            case Fields.raw:
                guard raw == nil else { throw reader.damaged("raw data twice") }
                raw = try reader.bytes(value, "raw data")
            case Fields.floats, Fields.int32s, Fields.int64s, Fields.doubles, Fields.uint64s:
                try add(value, of: field)
            case Fields.segment, Fields.strings:
                throw ZooError(
                    "unsupported ONNX feature: the tensor \"\(name)\" holds texts or is a segment", code: .unsupported)
            case Fields.external:
                let (field, text) = try ProtobufReader.texts(try reader.bytes(value, "a place"), subject: "a place")
                guard outside?[field] == nil, (outside?.count ?? 0) < 16 else {
                    throw reader.damaged("the \(field.prefix(40)) of \"\(name)\" is there twice")
                }
                outside = (outside ?? [:]).merging([field: text]) { $1 }
            case Fields.location where try reader.integer(value, "the location") != 0: outside = outside ?? [:]
            default: break
            }
        }
    }

    private mutating func add(_ value: ProtobufReader.Value, of field: UInt64) throws {
        guard case .bytes = value else {
            throw ZooError("unsupported ONNX feature: the elements of \"\(name)\" are not packed", code: .unsupported)
        }
        guard typed == nil || typed?.field == field, (typed?.pieces.count ?? 0) < 64 else {
            throw reader.damaged("the elements of \"\(name)\" are in several fields")
        }
        if typed == nil { typed = (field, []) }
        typed?.pieces.append(value)
    }

    /// The tensor; what its elements take beyond the file's own bytes comes out of `budget`.
    ///
    /// - Parameter outsideData: the files beside the model; nil where there are none, for bytes in memory.
    /// - Throws: `ZooError` when its elements do not fill its shape, or are of a type that is not read.
    func tensor(budget: inout UnpackingBudget, _ outsideData: inout ONNXOutsideData?) throws -> ForeignTensor {
        try ForeignTensor.checkName(name)
        guard let type = StoredElementType.allCases.first(where: { $0.onnxDataType == dataType }) else {
            throw ZooError(
                "unsupported ONNX feature: the tensor \"\(name)\" has data type \(dataType)", code: .unsupported)
        }
        guard raw == nil || typed == nil else {
            throw reader.damaged("the elements of \"\(name)\" are there twice, raw and typed")
        }
        guard let byteCount = type.byteCount(of: shape) else { throw reader.damaged("\"\(name)\" claims \(shape)") }
        if let outside {
            guard raw == nil, typed == nil else {
                throw reader.damaged("the elements of \"\(name)\" are there twice, here and in another file")
            }
            guard let found = try outsideData?.tensor(name, shape: shape, type: type, byteCount: byteCount, outside)
            else { throw Self.outside(name) }
            return found
        }
        let bytes = try raw ?? elements(type, byteCount, &budget)
        guard bytes.count == byteCount else {
            throw reader.damaged(
                "\"\(name)\" has \(shape) of \(type), \(byteCount) bytes, and \(bytes.count) are there")
        }
        return ForeignTensor(name: name, shape: shape, elementType: type, bytes: bytes)
    }

    /// The elements of the typed field as they would stand raw, which are at most `byteCount` bytes.
    private func elements(
        _ type: StoredElementType, _ byteCount: Int, _ budget: inout UnpackingBudget
    ) throws -> ArraySlice<UInt8> {
        guard let typed else { return [] }
        var elements: [UInt8] = []
        switch (typed.field, type) {
        case (Fields.floats, .float32), (Fields.doubles, .float64):
            let pieces = try typed.pieces.map { try reader.bytes($0, "elements") }
            guard pieces.count > 1 else { return pieces.first ?? [] }
            try budget.take(pieces.reduce(0) { $0 + $1.count }, for: name)
            for piece in pieces { elements += piece }
        case (Fields.int64s, .int64), (Fields.uint64s, .uint64), (Fields.uint64s, .uint32), (Fields.int32s, .int32),
            (Fields.int32s, .int16), (Fields.int32s, .int8), (Fields.int32s, .uint16), (Fields.int32s, .uint8),
            (Fields.int32s, .boolean), (Fields.int32s, .float16), (Fields.int32s, .bfloat16),
            (Fields.int32s, .float8E4M3), (Fields.int32s, .float8E5M2):
            // One byte of the file may become eight.
            try budget.take(byteCount, for: name)
            for piece in typed.pieces {
                try reader.forEachInteger(piece, "an element") { integer in
                    guard elements.count < byteCount else {
                        throw reader.damaged("\"\(name)\" has more elements than the shape \(shape)")
                    }
                    withUnsafeBytes(of: integer.littleEndian) { elements += $0.prefix(type.byteCount) }
                }
            }
        default:
            throw reader.damaged(
                "the tensor \"\(name)\" holds \(type) in field \(typed.field), which is of another type")
        }
        return elements[...]
    }

    private static func outside(_ name: String) -> ZooError {
        ZooError(
            "the tensor \"\(name)\" lies in another file, and there are only the bytes of this one",
            advice: "write one file: torch.onnx.export(…, external_data=False), or of a model that is loaded "
                + "onnx.save(model, path, save_as_external_data=False)", code: .unsupported)
    }
}

extension StoredElementType {
    /// `TensorProto.DataType`.
    fileprivate var onnxDataType: Int {
        switch self {
        case .float32: 1
        case .uint8: 2
        case .int8: 3
        case .uint16: 4
        case .int16: 5
        case .int32: 6
        case .int64: 7
        case .boolean: 9
        case .float16: 10
        case .float64: 11
        case .uint32: 12
        case .uint64: 13
        case .complex64: 14
        case .bfloat16: 16
        case .float8E4M3: 17
        case .float8E5M2: 19
        }
    }
}
