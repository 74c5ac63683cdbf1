import LatentTools
import ModelKit
import TensorCore
import Testing

@testable import ZooCommands

/// Values of the libraries as users write them.
@Suite struct ValueArgumentTests {
    @Test(arguments: [
        ("prior", LatentRegion.prior), ("aggregate", .aggregate), ("posterior", .posterior),
        ("shell:2.5", .shell(radius: 2.5)), ("box:-1..0.5", .box(-1...0.5)),
        ("near:42:0.3", .near(index: 42, deviation: 0.3)), ("class:horse", .label("horse")),
    ])
    func regionsAsUsersWriteThem(_ text: String, _ region: LatentRegion) throws {
        #expect(try LatentRegion(argument: text) == region)
    }

    @Test(arguments: [
        "priors", "shell", "shell:x", "shell:-1", "shell:inf", "box:1", "box:2..1", "box:nan..1", "near:42",
        "near:-1:1",
        "near:1:2:3", "class:", "",
    ])
    func badRegions(_ text: String) {
        let error = #expect(throws: ZooError.self) { try LatentRegion(argument: text) }
        #expect(error?.kind == .usage)
    }

    @Test func dimensionsAsUsersWriteThem() throws {
        #expect(try LatentDimension.list("3,z0, 7", size: 8) == [3, 0, 7])
        for (text, message) in [("3,x", "'x'"), ("8", "z0 to z7"), ("1,1", "twice"), ("", "''"), ("-1", "z-1")] {
            let error = #expect(throws: ZooError.self) { try LatentDimension.list(text, size: 8) }
            #expect(error?.message.contains(message) == true, "\(text)")
        }
    }

    @Test(arguments: [
        ("latent.size", "--set latent.size: expected PATH=VALUE\n  for instance --set objective.kl.weight=4"),
        ("=4", "--set =4: expected PATH=VALUE\n  for instance --set objective.kl.weight=4"),
        ("latent..size=4", "--set latent..size=4: the path has an empty component"),
    ])
    func badOverrides(_ text: String, _ message: String) {
        let error = #expect(throws: ZooError.self) { try DefinitionOverride(argument: text) }
        #expect(error?.description == message)
        #expect(error?.kind == .usage)
    }

    @Test func overrides() throws {
        let override = try DefinitionOverride(argument: "objective.kl.weight=a=b")
        #expect(override == DefinitionOverride(path: ["objective", "kl", "weight"], value: "a=b"))
    }
}
