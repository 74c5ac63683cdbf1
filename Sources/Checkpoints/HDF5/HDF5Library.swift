import CHDF5
import TensorCore

/// An identifier of libhdf5 with one owner: closed when it goes out of scope.
struct HDF5Handle: ~Copyable {
    /// What an identifier stands for, which decides how it is closed.
    enum Kind {
        case file, group, dataset, attribute, dataspace, datatype, propertyList
    }

    let id: hid_t
    private let kind: Kind

    /// Takes ownership of `id`.
    ///
    /// - Throws: `ZooError` when `id` is negative: libhdf5 could not do `what`.
    init(_ id: hid_t, _ kind: Kind, _ what: @autoclosure () -> String) throws {
        guard id >= 0 else { throw HDF5Library.failure(what()) }
        self.id = id
        self.kind = kind
    }

    deinit {
        // A file here lives in memory only, and its bytes are taken before: closing cannot lose anything.
        switch kind {
        case .file: H5Fclose(id)
        case .group: H5Gclose(id)
        case .dataset: H5Dclose(id)
        case .attribute: H5Aclose(id)
        case .dataspace: H5Sclose(id)
        case .datatype: H5Tclose(id)
        case .propertyList: H5Pclose(id)
        }
    }
}

/// Checked calls of libhdf5.
enum HDF5Library {
    static func failure(_ what: String) -> ZooError {
        ZooError("libhdf5 could not \(what)", advice: "this is most often a lack of memory", code: .system)
    }

    /// Checks the status that a call returned.
    static func check(_ status: herr_t, _ what: @autoclosure () -> String) throws {
        guard status >= 0 else { throw failure(what()) }
    }

    /// A dataspace of `shape`; a scalar when it is empty.
    static func dataspace(_ shape: [Int]) throws -> HDF5Handle {
        let extents = shape.map { hsize_t($0) }
        return try HDF5Handle(
            extents.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(extents.count), extents, nil),
            .dataspace, "describe the shape \(shape)")
    }

    /// The types of `elementType` in the file and in memory.
    static func withTypes<Result: ~Copyable>(
        _ elementType: HDF5ElementType, isUTF8: Bool = false, _ body: (_ file: hid_t, _ memory: hid_t) throws -> Result
    ) throws -> Result {
        switch elementType {
        case .float16:
            // libhdf5 has this type by name from 1.14.4 on only.
            let what = "make a type of 16-bit floating-point numbers"
            let type = try HDF5Handle(H5Tcopy(chdf5_file_f32()), .datatype, what)
            try check(H5Tset_fields(type.id, 15, 10, 5, 0, 10), what)
            try check(H5Tset_size(type.id, 2), what)
            try check(H5Tset_ebias(type.id, 15), what)
            return try body(type.id, type.id)
        case .float32: return try body(chdf5_file_f32(), chdf5_native_f32())
        case .float64: return try body(chdf5_file_f64(), chdf5_native_f64())
        case .int64: return try body(chdf5_file_i64(), chdf5_native_i64())
        case .uint64: return try body(chdf5_file_u64(), chdf5_native_u64())
        case .uint8: return try body(chdf5_file_u8(), chdf5_native_u8())
        case .string(let byteCount):
            let what = "make a string type of \(byteCount) bytes"
            let type = try HDF5Handle(H5Tcopy(chdf5_c_string()), .datatype, what)
            try check(H5Tset_size(type.id, byteCount), what)
            try check(H5Tset_strpad(type.id, H5T_STR_NULLPAD), what)
            try check(H5Tset_cset(type.id, isUTF8 ? H5T_CSET_UTF8 : H5T_CSET_ASCII), what)
            return try body(type.id, type.id)
        case .other, .variableString, .opaque:
            throw ZooError("elements of type \(elementType) are read and not written", code: .unsupported)
        }
    }

    /// Makes a creation list keep attributes in the object header, and no times.
    static func setCompactAttributes(_ list: borrowing HDF5Handle) throws {
        let what = "set creation properties"
        // 65,535 is the largest number there is: beyond it, an object would move its attributes to a heap.
        try check(H5Pset_attr_phase_change(list.id, 65_535, 0), what)
        try check(chdf5_use_no_times(list.id), what)
    }

    /// As `setCompactAttributes`, and makes a group keep its links in its header, with room for those of `group`.
    static func setCompactStorage(_ list: borrowing HDF5Handle, for group: HDF5Group<HDF5Values>) throws {
        try setCompactAttributes(list)
        let what = "set group properties"
        try check(H5Pset_link_phase_change(list.id, 65_535, 0), what)
        guard !group.members.isEmpty else { return }
        let nameByteCount = group.members.map(\.name.utf8.count).reduce(0, +) / group.members.count + 1
        try check(
            H5Pset_est_link_info(list.id, UInt32(min(group.members.count, 65_535)), UInt32(min(nameByteCount, 255))),
            what)
    }
}
