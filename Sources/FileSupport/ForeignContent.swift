import TensorCore

/// What is often found in place of a file of weights or data, known by its first bytes.
package enum ForeignContent: Equatable, Sendable {
    /// The text that Git LFS keeps in place of a large file.
    case largeFilePointer
    /// What a server answers in place of a file.
    case webPage
    /// A Python pickle, alone.
    case pickle

    /// nil for what is none of these.
    package init?(_ start: [UInt8]) {
        let text = String(decoding: start.prefix(1024).drop { $0 <= 0x20 }, as: UTF8.self).lowercased()
        if text.hasPrefix("version https://git-lfs") {
            self = .largeFilePointer
        } else if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") {
            self = .webPage
        } else if start.count > 1, start[0] == 0x80, (2...5).contains(start[1]) {
            self = .pickle
        } else {
            return nil
        }
    }

    /// Why such a file is refused.
    package var refusal: ZooError {
        switch self {
        case .largeFilePointer:
            ZooError(
                "this is not the file but a pointer of Git LFS to it, a few lines of text",
                advice: "fetch the file itself: `git lfs pull` in the folder of the repository", code: .unsupported)
        case .webPage:
            ZooError(
                "this is a web page (HTML), as a server sends when there is no such file or one has to log in",
                advice: "open it in a browser to see what it says, and download the file itself", code: .unsupported)
        case .pickle:
            ZooError(
                "this is a Python pickle, a program that runs when it is loaded, so it is refused",
                advice: "save numbers with numpy.save, and weights with safetensors.torch.save_file", code: .unsupported
            )
        }
    }

    /// Why a file that begins so is refused; nil where it may be what it should be.
    package static func refusal(of start: [UInt8]) -> ZooError? { ForeignContent(start)?.refusal }
}
