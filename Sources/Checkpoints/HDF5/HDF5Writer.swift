import CHDF5
import Synchronization
import TensorCore

/// Makes the bytes of an HDF5 file with libhdf5, in memory: libhdf5 never sees a path.
///
/// The profile: format of HDF5 1.8, links and attributes in object headers, no times, contiguous data aligned to
/// 64 bytes, fixed-length strings. The same tree gives the same bytes. See docs/checkpoint-format.md.
package enum HDF5Writer {
    /// libhdf5 is not thread-safe everywhere.
    private static let lock = Mutex(())
    /// Alignment of every object in the file, in bytes.
    private static let alignment: hsize_t = 64

    /// The bytes of a file with the tree `root`.
    ///
    /// - Throws: `ZooError` when the tree exceeds `limits` (then the reader would refuse the file) or libhdf5 fails.
    package static func image(
        of root: HDF5Group<HDF5Values>, limits: HDF5Limits = HDF5Limits()
    ) throws -> [UInt8] {
        var check = HDF5TreeCheck(limits: limits)
        try check.visit(root, path: "/", depth: 0)
        let estimate = check.estimatedByteCount
        guard estimate <= limits.fileByteCount else {
            throw ZooError(
                "the checkpoint would have about \(estimate) bytes; files of at most \(limits.fileByteCount) are read",
                code: .limit)
        }
        return try lock.withLock { _ in try build(root, estimatedByteCount: estimate) }
    }

    private static func build(_ root: HDF5Group<HDF5Values>, estimatedByteCount: Int) throws -> [UInt8] {
        try HDF5Library.check(H5open(), "start")
        try HDF5Library.check(chdf5_silence(), "turn off its messages")
        let access = try HDF5Handle(
            H5Pcreate(chdf5_class_file_access()), .propertyList, "make a file access list")
        let what = "set file properties"
        try HDF5Library.check(chdf5_use_memory(access.id, max(64 << 10, estimatedByteCount)), what)
        try HDF5Library.check(chdf5_use_format_1_8(access.id), what)
        try HDF5Library.check(H5Pset_alignment(access.id, 1, alignment), what)
        let creation = try HDF5Handle(
            H5Pcreate(chdf5_class_file_create()), .propertyList, "make a file creation list")
        try HDF5Library.setCompactStorage(creation, for: root)

        let file = try HDF5Handle(
            chdf5_create_file("zoo-checkpoint-in-memory", creation.id, access.id), .file, "make a file in memory")
        try writeContents(of: root, into: file, path: "/")
        return try takeImage(of: file)
    }

    /// Writes the attributes and members of `group` into the open file or group `target`.
    private static func writeContents(
        of group: HDF5Group<HDF5Values>, into target: borrowing HDF5Handle, path: String
    ) throws {
        for attribute in group.attributes { try write(attribute, to: target, path: path) }
        for member in group.members {
            let memberPath = path == "/" ? "/\(member.name)" : "\(path)/\(member.name)"
            let links = try HDF5Handle(
                H5Pcreate(chdf5_class_link_create()), .propertyList, "make a link creation list")
            if !member.name.utf8.allSatisfy({ $0 < 0x80 }) {
                try HDF5Library.check(H5Pset_char_encoding(links.id, H5T_CSET_UTF8), "choose UTF-8 names")
            }
            switch member.node {
            case .group(let inner):
                let list = try HDF5Handle(
                    H5Pcreate(chdf5_class_group_create()), .propertyList, "make a group creation list")
                try HDF5Library.setCompactStorage(list, for: inner)
                let created = try HDF5Handle(
                    H5Gcreate2(target.id, member.name, links.id, list.id, chdf5_default()), .group,
                    "make the group \(memberPath)")
                try writeContents(of: inner, into: created, path: memberPath)
            case .dataset(let dataset):
                try write(dataset, name: member.name, links: links, to: target, path: memberPath)
            }
        }
    }

    private static func write(
        _ dataset: HDF5Dataset<HDF5Values>, name: String, links: borrowing HDF5Handle, to target: borrowing HDF5Handle,
        path: String
    ) throws {
        let what = "write the dataset \(path)"
        let list = try HDF5Handle(H5Pcreate(chdf5_class_dataset_create()), .propertyList, what)
        try HDF5Library.setCompactAttributes(list)
        try HDF5Library.check(H5Pset_layout(list.id, H5D_CONTIGUOUS), what)
        try HDF5Library.check(H5Pset_fill_time(list.id, H5D_FILL_TIME_NEVER), what)
        try HDF5Library.check(H5Pset_alloc_time(list.id, H5D_ALLOC_TIME_EARLY), what)
        let space = try HDF5Library.dataspace(dataset.shape)
        let created = try HDF5Library.withTypes(dataset.payload.elementType, isUTF8: true) { fileType, memoryType in
            let created = try HDF5Handle(
                H5Dcreate2(target.id, name, fileType, space.id, links.id, list.id, chdf5_default()), .dataset, what)
            if dataset.payload.count > 0 {
                try dataset.payload.withUnsafeBytes { bytes in
                    try HDF5Library.check(
                        H5Dwrite(
                            created.id, memoryType, chdf5_all(), chdf5_all(), chdf5_default(), bytes.baseAddress), what)
                }
            }
            return created
        }
        for attribute in dataset.attributes { try write(attribute, to: created, path: path) }
    }

    private static func write(_ attribute: HDF5Attribute, to target: borrowing HDF5Handle, path: String) throws {
        let what = "write the attribute \(attribute.name) of \(path)"
        let encoded = attribute.value.encoded
        let space = try HDF5Library.dataspace(encoded.shape)
        try HDF5Library.withTypes(encoded.elementType) { fileType, memoryType in
            let created = try HDF5Handle(
                H5Acreate2(target.id, attribute.name, fileType, space.id, chdf5_default(), chdf5_default()),
                .attribute, what)
            guard !encoded.bytes.isEmpty else { return }
            try encoded.bytes.withUnsafeBytes { bytes in
                try HDF5Library.check(H5Awrite(created.id, memoryType, bytes.baseAddress), what)
            }
        }
    }

    /// The bytes of the file, with the checksum of its superblock put right: libhdf5 before 2.0 changes the superblock
    /// in the image without computing its checksum again.
    private static func takeImage(of file: borrowing HDF5Handle) throws -> [UInt8] {
        let what = "take the bytes of the file"
        try HDF5Library.check(H5Fflush(file.id, H5F_SCOPE_GLOBAL), what)
        let size = H5Fget_file_image(file.id, nil, 0)
        guard size >= HDF5Superblock.byteCount else { throw HDF5Library.failure(what) }
        let fileID = file.id
        var image = try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            guard H5Fget_file_image(fileID, buffer.baseAddress, size) == size else {
                throw HDF5Library.failure(what)
            }
            count = size
        }
        let position = HDF5Superblock.byteCount - 4
        let checksum = HDF5Checksum.lookup3(image[..<position])
        for index in 0..<4 { image[position + index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(index))) }
        return image
    }
}
