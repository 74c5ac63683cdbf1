import Dispatch
import Foundation
import Synchronization
import TensorCore

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// One HTTP request whose body goes to an open file, continuing at the file's end where the server allows it.
final class HTTPTransfer: NSObject, URLSessionDataDelegate, Sendable {
    enum Outcome: Sendable, Equatable {
        case complete
        /// Status 416: the file has no byte at the offset asked for.
        case rangeRefused
        case status(Int)
        /// An error number of the system.
        case diskFailure(Int32)
        case connectionFailure(reason: String, received: Int, total: Int?)
    }

    private struct State {
        var byteCount: Int
        var total: Int?
        var lastReport = 0.0
        var outcome: Outcome?
    }

    private let file: String
    private let descriptor: Int32
    private let resumeOffset: Int
    private let progress: @Sendable (DownloadProgress) -> Void
    private let state: Mutex<State>
    private let done = DispatchSemaphore(value: 0)
    private let start = DispatchTime.now()

    /// - Parameters:
    ///   - file: The name for progress reports.
    ///   - descriptor: Open for writing, `resumeOffset` bytes long, at its end; stays open.
    init(
        file: String, descriptor: Int32, resumeOffset: Int, progress: @escaping @Sendable (DownloadProgress) -> Void
    ) {
        self.file = file
        self.descriptor = descriptor
        self.resumeOffset = resumeOffset
        self.progress = progress
        state = Mutex(State(byteCount: resumeOffset))
    }

    /// Sends the request and waits for its end.
    /// - Throws: `ZooError` if `address` is not an HTTP address.
    func run(address: String, timeoutSeconds: Double) throws -> Outcome {
        guard let url = URL(string: address), url.scheme == "http" || url.scheme == "https" else {
            throw ZooError("'\(address)' is not an http or https address", kind: .usage)
        }
        var request = URLRequest(url: url, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: timeoutSeconds)
        // Compressed transfer would make byte ranges and sizes meaningless.
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        if resumeOffset > 0 {
            request.setValue("bytes=\(resumeOffset)-", forHTTPHeaderField: "Range")
        }
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = timeoutSeconds
        let session = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
        session.dataTask(with: request).resume()
        done.wait()
        session.invalidateAndCancel()
        return state.withLock {
            $0.outcome ?? .connectionFailure(reason: "it ended", received: $0.byteCount, total: $0.total)
        }
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        let range = (response as? HTTPURLResponse)?.value(forHTTPHeaderField: "Content-Range")
        let length = response.expectedContentLength
        let accepted = state.withLock { state -> Bool in
            switch status {
            case 200:
                // The whole file, whether or not a range was asked for.
                guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
                    state.outcome = .diskFailure(errno)
                    return false
                }
                state.byteCount = 0
            case 206 where range?.hasPrefix("bytes \(resumeOffset)-") == true:
                break
            case 206, 416:
                state.outcome = .rangeRefused
                return false
            default:
                state.outcome = .status(status)
                return false
            }
            state.total = length >= 0 ? state.byteCount + Int(length) : nil
            return true
        }
        completionHandler(accepted ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let report = state.withLock { state -> DownloadProgress? in
            guard state.outcome == nil else { return nil }
            if let code = write(data) {
                state.outcome = .diskFailure(code)
                dataTask.cancel()
                return nil
            }
            state.byteCount += data.count
            let now = seconds
            guard now - state.lastReport >= 0.1 else { return nil }
            state.lastReport = now
            return DownloadProgress(
                file: file, byteCount: state.byteCount, totalByteCount: state.total, seconds: now)
        }
        if let report { progress(report) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        let last = state.withLock { state -> DownloadProgress? in
            if state.outcome == nil {
                if let error {
                    state.outcome = .connectionFailure(
                        reason: HTTPTransfer.describe(error), received: state.byteCount, total: state.total)
                } else if let total = state.total, total != state.byteCount {
                    state.outcome = .connectionFailure(
                        reason: "it was cut", received: state.byteCount, total: total)
                } else {
                    state.outcome = .complete
                }
            }
            guard state.outcome == .complete else { return nil }
            return DownloadProgress(
                file: file, byteCount: state.byteCount, totalByteCount: state.byteCount, seconds: seconds)
        }
        if let last { progress(last) }
        done.signal()
    }

    private var seconds: Double {
        Double(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) * 1e-9
    }

    /// Appends to the file; the error number if that fails.
    private func write(_ data: Data) -> Int32? {
        data.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count, let base = bytes.baseAddress {
                let written = Foundation.write(descriptor, base + offset, bytes.count - offset)
                if written < 0, errno == EINTR { continue }
                guard written >= 0 else { return errno }
                offset += written
            }
            return nil
        }
    }

    private static func describe(_ error: any Error) -> String {
        guard let error = error as? URLError else { return "\(error)" }
        return switch error.code {
        case .timedOut: "it timed out"
        case .networkConnectionLost: "it was cut"
        case .cannotFindHost, .dnsLookupFailed: "the host's name cannot be resolved"
        case .cannotConnectToHost: "the host does not accept it"
        case .notConnectedToInternet: "there is no network"
        default: error.localizedDescription
        }
    }
}
