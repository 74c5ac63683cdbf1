import Testing
import Zoo

/// Values in and out: every wrong shape is an error.
@Suite struct TensorTests {
    private static func model() throws -> TrainedModel { try TrainedModel("worked-vae") }

    @Test func shapes() throws {
        #expect(throws: ZooError.self) { try Tensor(shape: [2, 3], values: [1, 2, 3, 4, 5]) }
        #expect(throws: ZooError.self) { try Tensor(shape: [], values: []) }
        #expect(throws: ZooError.self) { try Tensor(shape: [Int.max, 3], values: [1]) }
        #expect(throws: ZooError.self) { try Tensor(shape: [1, -1], values: [1]) }
        #expect(throws: ZooError.self) { try Tensor(rows: [[1, 2], [3]]) }
        #expect(throws: ZooError.self) { try Tensor(pixels: [1, 2, 3], shape: [1, 2, 1]) }
        let tensor = try Tensor(rows: [[1, 2], [3, 4], [5, 6]])
        #expect(tensor.shape == [3, 2])
        #expect(Array(tensor[1]) == [3, 4])
        #expect(tensor[1..<3].rows == [[3, 4], [5, 6]])
        #expect(try Tensor.concatenated([tensor, tensor[0..<1]]).count == 4)
        #expect(throws: ZooError.self) { try Tensor.concatenated([tensor, Tensor(rows: [[1]])]) }
        #expect(throws: ZooError.self) { try Tensor.concatenated([]) }
    }

    /// Bytes are H W C, tensors C H W.
    @Test func bytes() throws {
        let tensor = try Tensor(pixels: [0, 255, 51, 102, 153, 204], shape: [3, 1, 2])
        #expect(tensor.shape == [1, 3, 1, 2])
        #expect(tensor.values.map { ($0 * 255).rounded() } == [0, 102, 255, 153, 51, 204])
        #expect(try tensor.pictures()[0].pixels == [0, 255, 51, 102, 153, 204])
    }

    @Test func wrongShapesAreErrors() throws {
        let model = try Self.model()
        let size = model.definition.latentSize
        for latents in [[[Float]](), [[Float](repeating: 0, count: size + 1)]] {
            let error = #expect(throws: ZooError.self) { try model.decode(Tensor(rows: latents)) }
            #expect(error?.code == .mismatch)
        }
        let input = model.definition.input
        let wrong = Tensor.self
        #expect(throws: ZooError.self) {
            try model.encode(
                wrong.init(shape: [1, input.count + 1], values: [Float](repeating: 0, count: input.count + 1)))
        }
        #expect(throws: ZooError.self) { try model.encode(wrong.init(shape: [0] + input.dimensions, values: [])) }
        #expect(throws: ZooError.self) { try model.sample(count: 0) }
        let error = #expect(throws: ZooError.self) { try TrainedModel("worked-autoencoder").sample(count: 1) }
        #expect(error?.code == .unsupported)
    }

    /// More images than a batch, the last batch not full, as one by one.
    @Test func batchesDoNotMatter() throws {
        let model = try Self.model()
        let count = 130
        let input = model.definition.input
        let values = (0..<count * input.count).map { Float(($0 * 7) % 11) / 10 }
        let images = try Tensor(shape: [count] + input.dimensions, values: values)
        let all = try model.encode(images)
        let one = try model.encode(images[129..<130])
        #expect(all.mean[129].elementsEqual(one.mean[0]))
        #expect(try model.reconstruct(images).shape == [count] + input.dimensions)
    }
}
