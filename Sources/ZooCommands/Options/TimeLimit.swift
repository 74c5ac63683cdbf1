import ArgumentParser
import Runs

/// A time on the command line: `90s`, `30min`, `3h`.
struct TimeLimit: ExpressibleByArgument {
    let seconds: Double

    init?(argument: String) {
        guard case .seconds(let count) = SaveInterval(argument) else { return nil }
        seconds = Double(count)
    }
}
