import LatentTools
import TensorCore
import Testing

@Suite struct LatentTraversalTests {
    @Test func oneDimensionAtATime() throws {
        let traversal = try LatentTraversal(start: [0.5, -1, 2], dimensions: [2, 0], steps: 3) {
            .even(-Double($0 + 1)...Double($0 + 1))
        }
        #expect(traversal.rows.map(\.dimension) == [2, 0])
        #expect(traversal.latents(of: traversal.rows[0]) == [[0.5, -1, -3], [0.5, -1, 0], [0.5, -1, 3]])
        #expect(traversal.latents(of: traversal.rows[1]) == [[-1, -1, 2], [0, -1, 2], [1, -1, 2]])
        #expect(traversal.latent(1, -1) == traversal.start)
    }

    @Test func badInput() {
        for (dimensions, steps, message) in [([3], 3, "no dimension z3"), ([0], 1, "from 2 to 200")] {
            let error = #expect(throws: ZooError.self) {
                try LatentTraversal(start: [0, 0, 0], dimensions: dimensions, steps: steps) { _ in .quantiles }
            }
            #expect(error?.message.contains(message) == true)
        }
    }
}
