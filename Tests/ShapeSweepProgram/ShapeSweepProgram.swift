import ArgumentParser
import Foundation
import ShapeSweep

/// The long study of shapes, and the processes in which it computes.
@main
struct ShapeSweepProgram: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shape-sweep", abstract: "Compares the fast engine with the reference engine on random shapes.",
        subcommands: [Study.self, Work.self], defaultSubcommand: Study.self)
}

struct SweepOptions: ParsableArguments {
    @Argument(help: "What is compared: \(SweepKind.allCases.map(\.rawValue).joined(separator: ", ")).")
    var kind: SweepKind

    @Option(help: "Names the sweep; a case follows from it and from its number.")
    var seed: UInt64 = 0

    @Option(help: "The first number.")
    var first = 0

    @Option(help: "How many.")
    var count: Int

    @Option(help: "Numbers of threads, separated by commas.")
    var threads = "1,2,3"

    var threadCounts: [Int] { threads.split(separator: ",").compactMap { Int($0) } }

    func validate() throws {
        guard count >= 0, first >= 0 else { throw ValidationError("--first and --count are not negative") }
        guard !threadCounts.isEmpty, threadCounts.allSatisfy({ $0 > 0 }) else {
            throw ValidationError("--threads takes positive numbers, for instance 1,2,3")
        }
    }
}

extension SweepKind: ExpressibleByArgument {}

/// Cases in processes of their own; prints what is wrong.
struct Study: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Compares cases, in processes that may crash.")

    @OptionGroup var options: SweepOptions

    func run() throws {
        let sweep = Sweep(kind: options.kind, seed: options.seed, threadCounts: options.threadCounts)
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        let result = try sweep.run(
            options.first..<options.first + options.count, worker: [program, "work"], report: { print($0) })
        print(
            "\(result.trialCount) trials, \(result.faults.count) faults, largest deviation \(result.largestDeviation), "
                + "\(result.otherDataCount) with other data")
        if !result.faults.isEmpty { throw ExitCode.failure }
    }
}

/// Trials in this process; a trial is a case on a number of threads.
struct Work: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Computes trials, and prints lines of JSON about them.")

    @OptionGroup var options: SweepOptions

    func run() throws {
        try SweepWorker(kind: options.kind, seed: options.seed, threadCounts: options.threadCounts)
            .run(options.first..<options.first + options.count)
    }
}
