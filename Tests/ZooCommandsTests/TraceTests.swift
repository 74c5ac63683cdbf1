import Glibc
import Testing

/// The numbers of the worksheet: x through 2-3-1-3-2 with ReLU everywhere, and the gradients that its formulas give.
private struct Worksheet {
    let x = [0.34, 0.55]
    let w1 = [[1.0, -0.5], [0.5, 1.0], [1.0, 1.0]]
    let w2 = [0.5, 0.5, 0.5]
    let w3 = [1.0, 0.8, 1.2]
    let w4 = [[0.4, 0.3, 0.3], [0.3, 0.4, 0.3]]
    let a1 = [0.065, 0.72, 0.89]

    /// ∂L/∂a3, given x̂ − x: the columns of W4.
    func gradientOfA3(_ error: [Double]) -> [Double] {
        (0..<3).map { w4[0][$0] * error[0] + w4[1][$0] * error[1] }
    }

    func decoded(_ z: Double) -> (a3: [Double], image: [Double]) {
        let a3 = w3.map { $0 * z }
        return (a3, w4.map { row in zip(row, a3).map { $0 * $1 }.reduce(0, +) })
    }
}

private func outer(_ a: [Double], _ b: [Double]) -> [Double] {
    a.flatMap { a in b.map { a * $0 } }
}

@Suite struct TraceTests {
    private let sheet = Worksheet()

    /// The values of the tensors in a list of steps, by symbol and name.
    private func values(_ trace: [String: Any], _ part: String, _ direction: String = "outputs") throws -> [String:
        [Double]]
    {
        let steps = try #require(trace[part] as? [[String: Any]])
        var found: [String: [Double]] = [:]
        for step in steps {
            for tensor in try #require(step[direction] as? [[String: Any]]) {
                if let name = tensor["name"] as? String { found[name] = tensor["values"] as? [Double] }
            }
        }
        return found
    }

    private func gradients(_ trace: [String: Any]) throws -> [String: [Double]] {
        let list = try #require(trace["gradients"] as? [[String: Any]])
        return Dictionary(
            uniqueKeysWithValues: list.map { ($0["name"] as? String ?? "", $0["values"] as? [Double] ?? []) })
    }

    private func expect(
        _ found: [Double]?, _ expected: [Double], tolerance: Double = 1e-6,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        guard let found, found.count == expected.count else {
            Issue.record("found \(String(describing: found)), expected \(expected)", sourceLocation: sourceLocation)
            return
        }
        for (a, b) in zip(found, expected) where !(abs(a - b) <= tolerance) {
            Issue.record("found \(found), expected \(expected)", sourceLocation: sourceLocation)
        }
    }

    @Test func workedAutoencoderPrintsTheWorksheet() throws {
        let result = try zoo("trace", "worked-autoencoder", "--input", "0.34,0.55")
        #expect(result.status == 0)
        #expect(result.errors == "")
        for numbers in [
            "[0.065, 0.72, 0.89]", "[0.8375]", "[0.8375, 0.67, 1.005]", "[0.8375, 0.82075]", "y = W·x", "y = max(0, x)",
            "½‖x − x̂‖²",
        ] {
            #expect(result.output.contains(numbers), "\(numbers) is missing")
        }
    }

    @Test func workedAutoencoderHasItsGradients() throws {
        let trace = try zoo("trace", "worked-autoencoder", "--json").object()
        let error = [0.8375 - 0.34, 0.82075 - 0.55]
        let loss = try #require(trace["loss"] as? [String: Any])
        expect([try #require(loss["loss"] as? Double)], [(error[0] * error[0] + error[1] * error[1]) / 2])
        #expect(loss["kl"] is Double == false)
        let gradients = try gradients(trace)
        let da3 = sheet.gradientOfA3(error)
        let da2 = zip(sheet.w3, da3).map { $0 * $1 }.reduce(0, +)
        let da1 = sheet.w2.map { $0 * da2 }
        let named = Dictionary(
            uniqueKeysWithValues: gradients.map {
                ($0.key.split(separator: ".").dropLast().joined(separator: "."), $0.value)
            })
        expect(named["decoder.fc4"], outer(error, [0.8375, 0.67, 1.005]))
        expect(named["decoder.fc3"], da3.map { $0 * 0.8375 })
        expect(named["encoder.fc1"], outer(da1, sheet.x))
        let code = named.filter { !["decoder.fc4", "decoder.fc3", "encoder.fc1"].contains($0.key) }
        #expect(code.count == 1)
        expect(code.values.first, sheet.a1.map { $0 * da2 })
    }

    @Test func workedVAEPrintsTheWorksheet() throws {
        let result = try zoo("trace", "worked-vae", "--input", "0.34,0.55", "--noise", "0.1")
        #expect(result.status == 0)
        for text in [
            "[0.065, 0.72, 0.89]", "[0.8375]", "[1.52006]", "[0.989506]", "[0.989506, 0.791605, 1.18741]",
            "[0.989506, 0.969716]", "z = μ + σ·ε", "∂L/∂μ = ∂L/∂z·1 + ∂L_KL/∂μ", "½·(σ² − 1)",
        ] {
            #expect(result.output.contains(text), "\(text) is missing")
        }
    }

    @Test func workedVAEHasItsGradients() throws {
        let trace = try zoo("trace", "worked-vae", "--noise", "0.1", "--json").object()
        let (mean, noise) = (0.8375, 0.1)
        let deviation = exp(mean / 2)
        let z = mean + deviation * noise
        let (a3, image) = sheet.decoded(z)
        let error = zip(image, sheet.x).map { $0 - $1 }
        let da3 = sheet.gradientOfA3(error)
        let dz = zip(sheet.w3, da3).map { $0 * $1 }.reduce(0, +)
        let dMean = dz + mean
        let dLogVariance = dz * deviation * noise / 2 + (deviation * deviation - 1) / 2
        let da1 = sheet.w2.map { $0 * (dMean + dLogVariance) }

        let loss = try #require(trace["loss"] as? [String: Any])
        let kl = (mean * mean + deviation * deviation - 1 - mean) / 2
        expect([try #require(loss["kl"] as? Double)], [kl])
        expect(
            [try #require(loss["loss"] as? Double)], [zip(error, error).map { $0 * $1 }.reduce(0, +) / 2 + kl])
        let gradients = try gradients(trace)
        expect(gradients["decoder.fc4.weight"], outer(error, a3))
        expect(gradients["decoder.fc3.weight"], da3.map { $0 * z })
        expect(gradients["encoder.mean.weight"], sheet.a1.map { $0 * dMean })
        expect(gradients["encoder.log_variance.weight"], sheet.a1.map { $0 * dLogVariance })
        expect(gradients["encoder.fc1.weight"], outer(da1, sheet.x))
        // Both heads lead to a1: what comes through each, and the sum.
        let backward = try values(trace, "backward")
        expect(backward["∂L/∂encoder.fc1 (relu)"], da1)
        expect(backward["∂L/∂encoder.fc1 (relu) (through encoder.mean)"], sheet.w2.map { $0 * dMean })
        expect(backward["∂L/∂mean"], [dMean])
        expect(backward["∂L/∂log_variance"], [dLogVariance])
        expect(backward["∂L/∂latent.z"], [dz])
    }

    @Test func theTargetReplacesTheImageInTheLossOnly() throws {
        let trace = try zoo("trace", "worked-autoencoder", "--target", "1,0", "--json").object()
        expect(try values(trace, "forward")["prediction"], [0.8375, 0.82075])
        let gradients = try gradients(trace)
        expect(
            gradients["decoder.fc4.weight"], outer([0.8375 - 1, 0.82075], [0.8375, 0.67, 1.005]))
        let inputs = try values(trace, "forward", "inputs")
        expect(inputs["images"], [0.34, 0.55])
        expect(inputs["target"], [1, 0])
        let same = try self.gradients(
            try zoo("trace", "worked-autoencoder", "--target", "0.34,0.55", "--json").object())
        let plain = try self.gradients(try zoo("trace", "worked-autoencoder", "--json").object())
        for (name, gradient) in plain { expect(same[name], gradient, tolerance: 1e-12) }
    }

    @Test func weightsOfTheObjectiveCount() throws {
        let trace = try zoo("trace", "worked-vae", "--noise", "0", "--set", "objective.kl.weight=4", "--json").object()
        let loss = try #require(trace["loss"] as? [String: Double])
        let kl = try #require(loss["kl"])
        expect([loss["regularizer"] ?? 0], [4 * kl])
        expect([loss["loss"] ?? 0], [(loss["reconstruction"] ?? 0) + 4 * kl])
    }

    @Test func branchesAreSummedAndNamed() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(branchingDefinition, "branching.yaml")
        let image = (0..<32).map { "\(Double($0 * 7 % 11) / 10)" }.joined(separator: ",")
        let trace = try zoo("trace", file, "--input", image, "--noise", "0.5", "--json").object()
        let backward = try #require(trace["backward"] as? [[String: Any]])
        var sums = 0
        for step in backward {
            let inputs = try #require(step["inputs"] as? [[String: Any]])
            let outputs = try #require(step["outputs"] as? [[String: Any]])
            #expect(!outputs.isEmpty)
            for tensor in outputs { #expect((tensor["name"] as? String)?.hasPrefix("∂L/∂") == true, "\(tensor)") }
            for tensor in inputs { #expect(tensor["symbol"] as? String != "s", "\(tensor)") }
            guard step["operation"] as? String == "sum of gradients" else {
                #expect((step["formulas"] as? [String])?.isEmpty == false)
                continue
            }
            sums += 1
            let means = (inputs + outputs).compactMap { tensor in
                tensor["mean"] as? Double
                    ?? (tensor["values"] as? [Double]).map { $0.reduce(0, +) / Double($0.count) }
            }
            #expect(means.count == 3)
            #expect(abs(means[0] + means[1] - means[2]) < 1e-12)
        }
        // The block's input (used by the block and around it), and the features that both heads read.
        #expect(sums == 2)
        let names = try #require(trace["gradients"] as? [[String: Any]]).compactMap { $0["name"] as? String }
        #expect(names.contains("objective.log_sigma"))
        #expect(names.contains("encoder.block.normalized.weight"))
        let text = try zoo("trace", file, "--input", image)
        #expect(text.output.contains("batch statistics are those of this one image"))
    }

    @Test func imagesAreSummarised() throws {
        let result = try zoo("trace", "conv-vae-mnist", "--index", "3", "--dataset", "sprites")
        #expect(result.status == 2)
        #expect(result.errors.contains("the images of sprites are [1, 64, 64], but conv-vae-mnist takes [1, 28, 28]"))
        let zeros = try zoo("trace", "conv-vae-mnist")
        #expect(zeros.status == 0)
        #expect(zeros.errors.contains("The image is all zeros"))
        #expect(zeros.lines.contains { $0.contains("encoder.conv1.weight") && $0.contains("[32, 1, 3, 3]  min ") })
        let sprite = try zoo("trace", "beta-vae-sprites", "--index", "3", "--json").object()
        let input = try #require(sprite["input"] as? [String: Any])
        #expect(input["shape"] as? [Int] == [1, 64, 64])
        #expect(input["max"] as? Double == 1)
        #expect(input["min"] as? Double == 0)
        #expect(try zoo("trace", "beta-vae-sprites", "--index", "737280").errors.contains("images 0 to 737279"))
    }

    @Test func whatDoesNotFitIsSaid() throws {
        let count = try zoo("trace", "worked-vae", "--input", "1,2,3")
        #expect(count.status == 2)
        #expect(
            count.errors == "error: --input has 3 numbers, but worked-vae takes 2: an image of shape [2]\n"
                + "  give 2 numbers between commas\n")
        #expect(try zoo("trace", "worked-vae", "--input", "1,two").errors.contains("--input: “two” is not a number"))
        #expect(try zoo("trace", "worked-vae", "--target", "1").errors.contains("--target has 1 number, but"))
        #expect(try zoo("trace", "worked-vae", "--noise", "1,2").errors.contains("has 1 latent dimension"))
        #expect(try zoo("trace", "worked-autoencoder", "--noise", "1").errors.contains("a plain autoencoder"))
        #expect(try zoo("trace", "worked-vae", "--index", "-1").status == 2)
        #expect(try zoo("trace", "worked-vae", "--index", "1").errors.contains("names no data set"))
        #expect(try zoo("trace", "worked-vae", "--input", "1,2", "--index", "1").status == 2)
        #expect(try zoo("trace", "worked-vae", "--input", "-1,-2", "--noise", "-0.5").status == 0)
    }
}
