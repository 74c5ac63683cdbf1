import Foundation
import Glibc
import Testing

/// The program `zoo` in a process of its own, which a test may kill.
final class ZooProcess {
    private let process = Process()
    private let errors = Pipe()

    /// The executable that was built with the tests.
    static let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("zoo").path

    /// - Parameter wrapper: a program and its arguments that runs `zoo`.
    init(_ arguments: [String], wrapper: [String] = []) throws {
        let all = wrapper + [Self.executable] + arguments
        process.executableURL = URL(fileURLWithPath: all[0])
        process.arguments = Array(all.dropFirst())
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
    }

    var isRunning: Bool { process.isRunning }

    /// SIGKILL: the process has no say in it. False when it had ended before.
    func kill() -> Bool {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal
    }

    func send(_ signal: Int32) {
        Glibc.kill(process.processIdentifier, signal)
    }

    /// Waits for the end; returns the exit status and what went to standard error.
    func finish() -> (status: Int32, errors: String) {
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationReason == .exit ? process.terminationStatus : -1, text)
    }
}

/// How often a test repeats what chance decides: `full` times where the environment variable `ZOO_SURVIVAL` is set.
func repetitions(_ quick: Int, full: Int) -> Int {
    ProcessInfo.processInfo.environment["ZOO_SURVIVAL"] == nil ? quick : full
}
