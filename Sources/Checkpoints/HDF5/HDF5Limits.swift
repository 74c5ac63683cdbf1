import TensorCore

/// Bounds on what a reader accepts and a writer makes, so that no file can ask for unbounded work or memory.
package struct HDF5Limits: Sendable {
    /// Largest file in bytes.
    package var fileByteCount = 4 << 30
    /// Groups and datasets in a file.
    package var objectCount = 4_096
    /// Levels of groups below the root.
    package var depth = 16
    /// Axes of a dataset.
    package var rank = 8
    /// UTF-8 bytes of a member or attribute name.
    package var nameByteCount = 255
    /// Strings in all attributes together.
    package var stringCount = 65_536
    /// Attributes of all objects together.
    package var attributeCount = 65_536
    /// Chunks of all datasets together; only in files of other tools.
    package var chunkCount = 65_536
    /// Bytes of one attribute's value, below the 64 KiB of an HDF5 message with room for its header.
    package var attributeByteCount = 64_512

    /// What all datasets that are compressed or in chunks may take unpacked; nil for what the length of the file allows.
    package var unpackedByteCount: Int?

    /// Which parts of HDF5 are read.
    package var profile = Profile.checkpoint

    /// Which parts of HDF5 are read.
    package enum Profile: Sendable {
        /// What the zoo writes.
        case checkpoint
        /// What h5py and Keras write, in addition.
        case foreign
    }

    package init() {}

    /// Limits for a file of another tool.
    package static var foreign: HDF5Limits {
        var limits = HDF5Limits()
        limits.profile = .foreign
        return limits
    }

    /// Limits for a file of data, of which datasets are unpacked one by one when they are asked for.
    package static var data: HDF5Limits {
        var limits = foreign
        limits.chunkCount = 1 << 20
        limits.unpackedByteCount = 1 << 50
        return limits
    }

    /// Checks the name of a member or attribute.
    ///
    /// - Throws: `ZooError` when it is empty, `.` or `..`, too long, or contains `/` or a control character.
    package func checkName(_ name: String) throws {
        guard name.utf8.count <= nameByteCount else {
            throw ZooError(
                "an HDF5 name has \(name.utf8.count) bytes; at most \(nameByteCount) are accepted", code: .limit)
        }
        let forbidden = name.unicodeScalars.contains { $0 == "/" || $0.value < 0x20 || $0.value == 0x7F }
        guard !name.isEmpty, name != ".", name != "..", !forbidden else {
            throw ZooError(
                "\(name.debugDescription) is no usable HDF5 name: it must not be empty, \".\" or \"..\", nor contain "
                    + "\"/\" or control characters", code: .unsupported)
        }
    }
}
