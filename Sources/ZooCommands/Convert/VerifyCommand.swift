import ArgumentParser
import Checkpoints
import Runs
import TensorCore
import TextSupport

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Compare checkpoints with their SHA-256, whole and tensor by tensor.",
        discussion: """
            \(Tool.convert) verify best.h5 runs/conv-vae-mnist

            Of a run all checkpoints are verified. Exits with 1 if anything does not match; each problem is named.
            """)

    @Argument(help: "Checkpoints, or folders of runs.", completion: .trained)
    var checkpoints: [String]

    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
        let files = try checkpoints.flatMap { try CheckpointSource($0).files() }
        let results = files.map { path in Result { try Checkpoint.verify(path: path) } }
        if json {
            Console.print((["files": zip(files, results).map(Self.json)] as JSONValue).text())
        }
        var isIntact = true
        for (path, result) in zip(files, results) {
            switch result {
            case .success(let report) where report.isIntact:
                guard !json else { continue }
                Console.print(
                    "\(path.printable()): intact, \(report.datasets.count) tensors and texts, "
                        + "\(Formatting.grouped(report.byteCount)) bytes, sha256 \(report.digest)")
            case .success(let report):
                isIntact = false
                for problem in report.problems { Console.complain("\(path): \(problem)".printable()) }
            case .failure(let error):
                isIntact = false
                Console.complain("\(error)")
            }
        }
        if !isIntact { throw ExitStatus.failed }
    }

    private static func json(_ path: String, _ result: Result<VerificationReport, any Error>) -> JSONValue {
        switch result {
        case .success(let report):
            [
                "path": path, "intact": report.isIntact, "bytes": report.byteCount,
                "format_version": report.formatVersion, "sha256": report.digest, "problems": report.problems,
                "tensors": report.datasets.map {
                    ["path": $0.path, "sha256": $0.digest, "intact": $0.isIntact] as JSONValue
                },
            ] as JSONValue
        case .failure(let error):
            [
                "path": path, "intact": false,
                "problems": JSONValue.array([.string((error as? ZooError)?.message ?? "\(error)")]),
            ] as JSONValue
        }
    }
}
