import ModelKit
import TensorCore
import Testing
import ZooModels

@testable import Interchange

/// Padding "same" with a stride: shapes agree with even paddings, values do not.
@Suite struct KerasPaddingTests {
    private func layer(_ kind: String, _ name: String, kernel: Int, stride: Int, padding: String) -> String {
        """
        {"class_name": "\(kind)", "config": {"name": "\(name)", "padding": "\(padding)", "kernel_size": [\(kernel), \(kernel)], \
        "strides": [\(stride), \(stride)]}}
        """
    }

    private func uneven(_ layers: String...) -> [String] {
        let inner = layers.joined(separator: ", ")
        let model = "{\"class_name\": \"Functional\", \"config\": {\"name\": \"m\", \"layers\": [\(inner)]}}"
        let outer = "{\"class_name\": \"Functional\", \"config\": {\"layers\": [\(model)]}}"
        return KerasDescription(outer).unevenlyPadded
    }

    @Test func whatIsUneven() {
        #expect(
            uneven(layer("Conv2D", "c1", kernel: 3, stride: 2, padding: "same"))
                == ["c1 (Conv2D, kernel 3, stride 2)"])
        #expect(uneven(layer("Conv2DTranspose", "t", kernel: 3, stride: 2, padding: "same")).count == 1)
        // Two rows in all are one on each side.
        #expect(uneven(layer("Conv2D", "c", kernel: 4, stride: 2, padding: "same")).isEmpty)
        #expect(uneven(layer("Conv2D", "c", kernel: 3, stride: 1, padding: "same")).isEmpty)
        #expect(uneven(layer("Conv2D", "c", kernel: 3, stride: 2, padding: "valid")).isEmpty)
        #expect(KerasDescription("no JSON").unevenlyPadded.isEmpty)
    }

    @Test func suchAnImportIsRefused() throws {
        let definition = try ModelDefinition(
            text: try ZooModels.registry().model("conv-vae-mnist").text, source: "m", registry: .builtIn)
        let weights = try ModelGraph(definition, purpose: .training).initialParameters(seed: 0)
        var file = try ForeignFile(NumPyArchive.encode(weights, definition: ""), path: "model.h5")
        _ = try WeightAssignment([file], to: definition)
        file.unevenlyPadded = ["conv2d (Conv2D, kernel 3, stride 2)"]
        let error = #expect(throws: ZooError.self) { _ = try WeightAssignment([file], to: definition) }
        #expect(error?.details == ["conv2d (Conv2D, kernel 3, stride 2)"])
        #expect(error?.advice?.contains("ZeroPadding2D") == true)
    }
}
