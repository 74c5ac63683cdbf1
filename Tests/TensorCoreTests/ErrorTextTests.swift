import TensorCore
import Testing

@Suite struct ErrorTextTests {
    @Test func namesAreOneLine() {
        let name = "a\nerror: b\u{202E}"
        let error = ZooError("'\(name)' is none", details: [name, "two"], advice: "not \(name)")
        let written = "a\\u{A}error: b\\u{202E}"
        #expect(error.message == "'\(written)' is none")
        #expect(error.description == "'\(written)' is none\n  \(written)\n  two\n  not \(written)")
        #expect(error.at(name).description.hasPrefix("\(written): '\(written)' is none\n  \(written)"))
        #expect(error.about(.layer("x")).details == error.details)
    }

    @Test func severalErrorsAreOne() {
        let errors = [ZooError("one", advice: "do"), ZooError("two", details: ["a"])]
        #expect(ZooError(errors.map(\.description)).description == "one\n  do\n  two\n  a")
    }
}
