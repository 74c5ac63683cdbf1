import Datasets
import FileSupport
import Foundation
import ImageFiles
import LatentTools
import ModelKit
import Planning
import Runs
import TensorCore
import TestSupport
import Testing
import TextSupport
import Training
import ZooModels

@testable import Explorer

/// A run that is looked at while it trains.
@Suite struct TrainingViewTests {
    private static func training(_ folder: String, epochs: Int) throws -> TrainingRun {
        try TrainingRun(
            ExploredBlots.definition(name: "blots-run", epochs: epochs), dataset: try ExploredBlots.dataset(),
            settings: TrainingRun.Settings(folder: folder, seed: 5))
    }

    /// What the page gets to know of the run in a folder.
    private static func status(_ folder: String) throws -> [String: Any] {
        let text = RunStatus(RunFolder(path: folder)).json.text()
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func theStatusIsWhatTheRunHasDone() async throws {
        try await withFolder { folder in
            let path = folder + "/run"
            var during: [[String: Any]] = []
            _ = try Self.training(path, epochs: 2).train { event in
                if case .epoch = event { during.append(try Self.status(path)) }
            }
            let first = try #require(during.first)
            #expect(first["isRunning"] as? Bool == true && first["state"] as? String == "running")
            #expect(first["totalSteps"] as? Int == 16 && first["model"] as? String == "blots-run")
            let after = try Self.status(path)
            #expect(after["isRunning"] as? Bool == false)
            #expect(after["secondsLeft"] is NSNull && after["step"] as? Int == 16)
            let series = try #require(after["series"] as? [[String: Any]])
            let losses = try #require(
                series.first { $0["split"] as? String == "test" && $0["term"] as? String == "loss" })
            // The curve is what the run recorded.
            let recorded = try RunOverview(RunFolder(path: path)).history.epochs.map { $0.test?.loss }
            #expect((losses["points"] as? [[Double]])?.map { $0[1] } == recorded.compactMap(\.self))
            let pictures = try #require(after["pictures"] as? [[String: Any]])
            #expect(Set(pictures.compactMap { $0["kind"] as? String }) == ["samples", "reconstructions", "traversal"])
            let names = pictures.flatMap { $0["pictures"] as? [[String: Any]] ?? [] }.compactMap {
                $0["name"] as? String
            }
            for name in names {
                #expect(try RunStatus.picture(name, of: RunFolder(path: path))?.isEmpty == false, "\(name)")
            }
            #expect(try RunStatus.picture("../run.json", of: RunFolder(path: path)) == nil)
        }
    }

    @Test func theModelBecomesWhatItsRunHasSaved() async throws {
        try await withFolder { folder in
            let path = folder + "/run"
            let registry = try ZooModels.registry()
            let run = try Self.training(path, epochs: 2)
            var explored: ExploredModel?
            _ = try run.train { event in
                if case .saved = event, explored == nil {
                    let model = try TrainedModel(path, registry: registry)
                    explored = try ExploredModel(
                        model, run: RunFolder(path: path), registry: registry,
                        images: try model.images(of: ExploredBlots.dataset(), split: .test), mapCount: 20)
                }
            }
            let model = try #require(explored)
            let latent: [Float] = [1, -0.5, 0.25, 2]
            let before = try await model.live.decode(latent, imageClass: nil)
            #expect(try await model.decode([latent], imageClass: nil) == before)
            let codes = try await model.map().codes.means
            #expect(try await model.refresh())
            #expect(try await model.refresh() == false)
            let last = try TrainedModel(path, registry: registry)
            let expected = try last.decode(Tensor(rows: [latent])).pictures()[0].pixels
            #expect(expected != before)
            #expect(try await model.live.decode(latent, imageClass: nil) == expected)
            #expect(try await model.decode([latent], imageClass: nil) == expected)
            #expect(try await model.map().codes.means != codes)
        }
    }

    /// In a browser: the table, the curves and the picture of a run follow it, and so does its model.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/chromium")))
    func thePageFollowsARun() async throws {
        try await withFolder { folder in
            let path = folder + "/run"
            let registry = try ZooModels.registry()
            let page = try #require(
                Bundle.module.path(forResource: "page", ofType: "py", inDirectory: "Browser"))
            let (begun, release) = (folder + "/begun", folder + "/release")
            async let end: Result<TrainingEnd, any Error> = apart {
                Result {
                    try Self.training(path, epochs: 3).train { event in
                        guard case .epoch(let epoch) = event, epoch.epoch == 2 else { return }
                        // The third epoch begins when the page has been looked at.
                        try AtomicFile.write([], to: begun)
                        while access(release, F_OK) != 0 { usleep(20_000) }
                    }
                }
            }
            await apart { while access(begun, F_OK) != 0 { usleep(20_000) } }
            let model = try TrainedModel(path, registry: registry)
            let explored = try ExploredModel(
                model, run: RunFolder(path: path), registry: registry, images: nil, imagesProblem: "no images")
            let server = try ExplorerServer(
                ExplorerContent(models: [explored], runs: [RunFolder(path: path)]), port: 0)
            defer { server.stop() }
            let output = try await apart {
                Result { try Judge.run("/usr/bin/python3", [page, "training", server.address, release]) }
            }.get()
            _ = try await end.get()
            let found = try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
            #expect(found["problems"] as? [String] == [])
            let (running, finished) = (found["running"] as? [String: Any], found["finished"] as? [String: Any])
            #expect((running?["row"] as? String)?.contains("running") == true, "\(running ?? [:])")
            #expect((finished?["row"] as? String)?.contains("finished") == true, "\(finished ?? [:])")
            #expect(
                (running?["curves"] as? Int ?? 0) > 0
                    && (finished?["moments"] as? Int ?? 0) > (running?["moments"] as? Int ?? 9))
            // What the sliders show is the last state.
            let latent = try #require(found["latent"] as? [Double]).map { Float($0) }
            let last = try TrainedModel(path, registry: registry)
            #expect(
                found["pixels"] as? [Int]
                    == (try last.decode(Tensor(rows: [latent])).pictures()[0].pixels.map(Int.init)))
        }
    }
}
