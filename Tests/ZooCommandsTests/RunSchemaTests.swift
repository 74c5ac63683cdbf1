import Foundation
import TestSupport
import Testing

/// `run.json` as `schemas/run.schema.json` describes it.
@Suite struct RunSchemaTests {
    static let schema = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("schemas/run.schema.json").path

    /// The records of a finished, a resumed and a failed run.
    private func records(_ small: SmallRun) throws -> [String] {
        let definition = SmallRun.definition(epochs: 1)
        #expect(try zoo(small.begin("new", definition)).status == 0)
        #expect(try zoo(small.begin("resumed", definition, ["--save-every", "90s"])).status == 0)
        #expect(try zoo(small.resume("resumed", ["--epochs", "2"])).status == 0)
        let wild = SmallRun.definition(optimizer: "sgd: {learning_rate: 1000}").replacing("  clip_norm: 5\n", with: "")
        #expect(try zoo(small.begin("failed", wild)).status == 1)
        return ["new", "resumed", "failed"].map { "\(small.folder.path)/\($0)/run.json" }
    }

    @Test func everyRequiredFieldIsThereAndNoOther() throws {
        let small = try SmallRun()
        let schema = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: Self.schema)))
                as? [String: Any])
        let required = try #require(schema["required"] as? [String])
        let properties = try #require(schema["properties"] as? [String: Any])
        #expect(Set(required) == Set(properties.keys))
        for path in try records(small) {
            let record = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any])
            #expect(Set(record.keys) == Set(required), "\(path)")
        }
    }

    /// `ZOO_JUDGES` names a Python with jsonschema.
    @Test(.enabled(if: Judge.python != nil)) func anIndependentValidatorAgrees() throws {
        let script = """
            import json, jsonschema, sys
            schema = json.load(open(sys.argv[1]))
            jsonschema.Draft202012Validator.check_schema(schema)
            validator = jsonschema.Draft202012Validator(schema)
            for path in sys.argv[2:]:
                record = json.load(open(path))
                for error in validator.iter_errors(record): print(path, error.message)
                for name in record:
                    if validator.is_valid({k: v for k, v in record.items() if k != name}): print(name, "may be missing")
                    if validator.is_valid({**record, name: {"no": "type"}}): print(name, "may be anything")
            """
        let small = try SmallRun()
        let report = try Judge.run(Judge.python, ["-c", script, Self.schema] + (try records(small)))
        #expect(report.isEmpty, "\(report)")
    }
}
