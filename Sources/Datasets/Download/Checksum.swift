import CCrypto
import FileSupport
import Glibc
import TensorCore

/// A published checksum of a file, in lower-case hexadecimal digits.
public enum Checksum: Sendable, Equatable, CustomStringConvertible {
    /// RFC 1321. Not safe against forgery, but what the publishers of MNIST and CIFAR-10 give.
    case md5(String)
    case sha256(String)

    public var description: String {
        switch self {
        case .md5(let digits): "MD5 \(digits)"
        case .sha256(let digits): "SHA-256 \(digits)"
        }
    }

    /// The checksum of the same kind of the file at `path`.
    /// - Throws: `ZooError` if it cannot be read.
    public func ofFile(at path: String) throws -> Checksum {
        switch self {
        case .md5:
            var hash = try MD5()
            try Checksum.forEachChunk(of: path) { hash.update($0) }
            return .md5(SHA256.hexadecimal(hash.finish()))
        case .sha256:
            var hash = SHA256()
            try Checksum.forEachChunk(of: path) { hash.update($0) }
            return .sha256(SHA256.hexadecimal(hash.finish()))
        }
    }

    private static func forEachChunk(of path: String, _ body: (UnsafeRawBufferPointer) -> Void) throws {
        let descriptor = try Files.openForReading(path).descriptor
        defer { close(descriptor) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ZooError("cannot read '\(path)': \(Files.reason())", code: .system) }
            if count == 0 { return }
            body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

/// MD5 (RFC 1321), computed by libcrypto.
private struct MD5: ~Copyable {
    private let context: OpaquePointer

    init() throws {
        guard let context = EVP_MD_CTX_new() else { throw ZooError("libcrypto is out of memory", code: .system) }
        guard EVP_DigestInit_ex(context, EVP_md5(), nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw ZooError(
                "libcrypto does not offer MD5 on this system, so the checksum cannot be computed", code: .unsupported)
        }
        self.context = context
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    }

    consuming func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 16)
        EVP_DigestFinal_ex(context, &digest, nil)
        return digest
    }
}
