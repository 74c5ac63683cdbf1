import Glibc

/// One block of zeroed memory, 64-byte aligned, that owns everything a compiled program needs.
///
/// Large blocks start on a 2 MiB border and ask for huge pages, which spares address translation.
package final class Arena {
    package let byteCount: Int
    private let memory: UnsafeMutableRawPointer

    /// Throws a `ZooError` where the system has not that much memory.
    package init(byteCount: Int) throws {
        let rounded = Swift.max(64, (byteCount + 63) / 64 * 64)
        var pointer: UnsafeMutableRawPointer?
        let alignment = rounded >= 4 << 20 ? 2 << 20 : 64
        guard posix_memalign(&pointer, alignment, rounded) == 0, let pointer else {
            throw ZooError(
                "cannot allocate \(rounded) bytes for activations and parameters",
                code: .limit, remedy: .reduceBatch)
        }
        if alignment > 64 { madvise(pointer, rounded, MADV_HUGEPAGE) }
        memset(pointer, 0, rounded)
        self.byteCount = rounded
        self.memory = pointer
    }

    deinit {
        free(memory)
    }

    /// The address of the float at this byte offset.
    package func floats(at offset: Int) -> UnsafeMutablePointer<Float> {
        precondition(offset >= 0 && offset < byteCount, "offset \(offset) lies outside an arena of \(byteCount) bytes")
        return (memory + offset).assumingMemoryBound(to: Float.self)
    }
}
