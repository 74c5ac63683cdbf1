import ImageFiles
import TensorCore
import Testing

@Suite("Image8")
struct Image8Tests {
    @Test("The sample count and the sizes are checked")
    func sizes() throws {
        let error = zooError { _ = try Image8(width: 2, height: 3, channels: 3, pixels: [1, 2, 3]) }
        #expect(
            error?.message == "an image of 2 x 3 pixels with 3 channels needs 18 samples, but 3 were given")
        #expect(throws: ZooError.self) { try Image8(width: 0, height: 3, channels: 1, pixels: []) }
        #expect(throws: ZooError.self) { try Image8(width: 1, height: 1, channels: 4, pixels: [1, 2, 3, 4]) }
        #expect(throws: ZooError.self) { try Image8(width: .max, height: .max, channels: 3, filledWith: 0) }
        #expect(throws: ZooError.self) { try Image8(width: 20_000, height: 5_001, channels: 1, filledWith: 0) }
    }

    @Test("The middle is cut out; an odd rest goes right and down")
    func crop() throws {
        let image = try Image8(width: 4, height: 3, channels: 1, pixels: Array(0..<12))
        #expect(try image.centerCropped(width: 2, height: 1).pixels == [5, 6])
        #expect(try image.centerCropped(width: 1, height: 2).pixels == [1, 5])
        #expect(try image.centerCropped(width: 4, height: 3) == image)
        let color = try patterned(width: 3, height: 3, channels: 3)
        #expect(try color.centerCropped(width: 1, height: 1).pixels == Array(color.pixels[12..<15]))
        let error = zooError { _ = try image.centerCropped(width: 5, height: 1) }
        #expect(error?.message == "a crop of 5 x 1 pixels does not fit in an image of 4 x 3")
    }

    @Test("Shrinking averages areas exactly")
    func shrink() throws {
        let image = try Image8(width: 4, height: 2, channels: 1, pixels: [0, 10, 20, 30, 40, 50, 60, 71])
        #expect(try image.resized(width: 2, height: 1).pixels == [25, 45])
        #expect(try image.resized(width: 1, height: 1).pixels == [35])
        // 3 to 2: the middle sample is shared in halves. (0 + 30 / 2) / 1.5 and (30 / 2 + 90) / 1.5.
        let row = try Image8(width: 3, height: 1, channels: 1, pixels: [0, 30, 90])
        #expect(try row.resized(width: 2, height: 1).pixels == [10, 70])
        let column = try Image8(width: 1, height: 3, channels: 1, pixels: [0, 30, 90])
        #expect(try column.resized(width: 1, height: 2).pixels == [10, 70])
    }

    @Test("Growing interpolates between pixel centres")
    func grow() throws {
        let row = try Image8(width: 2, height: 1, channels: 1, pixels: [0, 100])
        #expect(try row.resized(width: 4, height: 1).pixels == [0, 25, 75, 100])
        #expect(try row.resized(width: 4, height: 2).pixels == [0, 25, 75, 100, 0, 25, 75, 100])
        let point = try Image8(width: 1, height: 1, channels: 3, pixels: [1, 2, 3])
        #expect(try point.resized(width: 2, height: 2).pixels == [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3])
        let column = try Image8(width: 1, height: 3, channels: 1, pixels: [0, 60, 120])
        #expect(try column.resized(width: 1, height: 6).pixels == [0, 15, 45, 75, 105, 120])
    }

    @Test("A constant image stays constant at any size", arguments: [1, 2, 3, 7, 31, 64, 100], [1, 5, 32, 99])
    func constant(width: Int, height: Int) throws {
        let image = try Image8(width: 31, height: 17, channels: 3, filledWith: 255)
        #expect(try image.resized(width: width, height: height).pixels.allSatisfy { $0 == 255 })
    }

    @Test("Channels: grey is repeated, RGB weighs by BT.601")
    func convert() throws {
        let grey = try Image8(width: 2, height: 1, channels: 1, pixels: [7, 200])
        #expect(try grey.converted(toChannels: 3).pixels == [7, 7, 7, 200, 200, 200])
        #expect(try grey.converted(toChannels: 3).converted(toChannels: 1) == grey)
        let color = try Image8(width: 3, height: 1, channels: 3, pixels: [255, 0, 0, 0, 255, 0, 0, 0, 255])
        #expect(try color.converted(toChannels: 1).pixels == [76, 150, 29])
        #expect(throws: ZooError.self) { try grey.converted(toChannels: 2) }
    }
}
