import FileSupport
import TensorCore
import Testing

@testable import Datasets

@Suite struct DSpritesTests {
    private let folder: TemporaryFolder
    private let path: String
    /// 2 · 2 · 2 · 1 · 2 = 16 images instead of 737,280.
    private let grid = FactorGrid([
        Factor(name: "shape", valueNames: ["square", "ellipse"]), .spaced("scale", count: 2, from: 0.5, through: 1),
        .spaced("orientation", count: 2, from: 0, through: 6), .spritePosition("x", count: 1),
        .spritePosition("y", count: 2),
    ])
    private let images: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        path = Files.join(folder.path, DSprites.fileName)
        images = noise(16 * 4096).map { $0 & 1 }
    }

    private func array(
        _ descriptor: String, _ shape: String, _ data: [UInt8], isFortran: Bool = false
    ) -> [UInt8] {
        let order = isFortran ? "True" : "False"
        var header = "{'descr': '\(descriptor)', 'fortran_order': \(order), 'shape': \(shape), }"
        while (header.utf8.count + 11) % 64 != 0 { header += " " }
        header += "\n"
        let size = header.utf8.count
        return [0x93] + "NUMPY".utf8 + [1, 0, UInt8(size & 255), UInt8(size >> 8)] + header.utf8 + data
    }

    private func littleEndian(_ bits: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
    }

    private func entries() -> [(name: String, bytes: [UInt8])] {
        var classes: [UInt8] = []
        var values: [UInt8] = []
        for index in 0..<16 {
            let positions = grid.positions(of: index)
            let row = [0] + positions
            classes += row.flatMap { littleEndian(UInt64($0)) }
            var numbers = [1, Double(positions[0] + 1)]
            for factor in 1..<5 { numbers.append(grid.factors[factor].values?[positions[factor]] ?? -1) }
            values += numbers.flatMap { littleEndian($0.bitPattern) }
        }
        return [
            ("metadata.npy", array("|O", "()", [0x80, 2])), ("imgs.npy", array("|u1", "(16, 64, 64)", images)),
            ("latents_classes.npy", array("<i8", "(16, 6)", classes)),
            ("latents_values.npy", array("<f8", "(16, 6)", values)),
        ]
    }

    @Test func readsThePublishedForm() throws {
        try ArchiveWriter.write(entries(), .zip, to: path)
        let dataset = try DSprites(path: path, grid: grid, testCount: 3)
        #expect(dataset.count == 16)
        let expected = (images[(13 * 4096)..<(14 * 4096)] + images[..<4096]).map { $0 * 255 }
        #expect(try dataset.images([13, 0]) == expected)
        #expect(dataset.factors(13) == [1, 1, 0, 0, 1])
        #expect(dataset.indices(of: .test).count == 3)
        #expect(dataset.indices(of: .train).count == 13)
    }

    private func failure(_ change: (inout [(name: String, bytes: [UInt8])]) -> Void) throws -> String {
        var changed = entries()
        change(&changed)
        try ArchiveWriter.write(changed, .zip, to: path)
        return try message { _ = try DSprites(path: path, grid: grid, testCount: 3) }
    }

    @Test func damagedFilesAreNamedAndExplained() throws {
        #expect(
            try failure { $0[1].bytes = array("|O", "(16, 64, 64)", images) }.contains("Python objects (type '|O')"))
        #expect(try failure { $0[1].bytes = array("<f4", "(16, 64, 64)", images) }.contains("the type f32"))
        #expect(try failure { $0[1].bytes = array("|u1", "(15, 64, 64)", images) }.contains("[15, 64, 64]"))
        #expect(
            try failure { $0[1].bytes = array("|u1", "(16, 64, 64)", images, isFortran: true) }
                .contains("in Fortran order"))
        #expect(try failure { $0[1].bytes.removeLast(8) }.contains("does not hold the 65536 bytes"))
        #expect(try failure { $0[1].bytes += [0, 0, 0, 0, 0, 0, 0, 0] }.contains("does not hold the 65536 bytes"))
        #expect(try failure { $0[1].bytes[$0[1].bytes.count - 1] = 2 }.contains("image 15 holds a value other"))
        #expect(try failure { $0.removeLast() }.contains("does not hold latents_values"))
        #expect(try failure { $0[2].bytes[$0[2].bytes.count - 8] ^= 1 }.contains("row 15 differs in column 5"))
        #expect(try failure { $0[3].bytes[$0[3].bytes.count - 1] ^= 64 }.contains("row 15 differs in column 5"))
        #expect(
            try failure {
                $0.append($0[1])
                $0.removeAll { $0.name.hasPrefix("lat") }
            }.contains("twice"))
    }

    @Test func truncatedFilesAreErrors() throws {
        try ArchiveWriter.write(entries(), .zip, to: path)
        let bytes = try Files.read(path, maximumByteCount: 1 << 20)
        for count in [0, 10, 100, bytes.count / 2] {
            try folder.write(Array(bytes[..<count]), DSprites.fileName)
            #expect(throws: ZooError.self) { try DSprites(path: path, grid: grid, testCount: 3) }
        }
    }

    private func header(_ text: String, version: UInt8 = 1) throws -> NumPyHeader {
        let bytes = Array(text.utf8)
        let size: [UInt8] = [UInt8(bytes.count & 255), UInt8(bytes.count >> 8)] + (version > 1 ? [0, 0] : [])
        let file: [UInt8] = [0x93] + "NUMPY".utf8 + [version, 0] + size + bytes
        var position = 0
        return try NumPyHeader(name: "x.npy") { count in
            defer { position = min(position + count, file.count) }
            return Array(file[position..<min(position + count, file.count)])
        }
    }

    @Test(arguments: [UInt8(1), 2, 3])
    func headersOfAllVersionsAreRead(version: UInt8) throws {
        let one = try header("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }   \n", version: version)
        #expect(one.type == .float64 && one.shape == [3])
        let none = try header("{'descr': '|u1', 'fortran_order': False, 'shape': (), }\n", version: version)
        #expect(none.shape == [] && !none.isFortranOrder)
        #expect(try header("{'descr': '<f8', 'fortran_order': True, 'shape': (3, 2), }\n").isFortranOrder)
    }

    @Test(arguments: [
        "", "\n", "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, }\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }\n",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }\n",
        "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'more': __import__('os')}\n",
    ])
    func otherHeadersAreRefused(text: String) throws {
        #expect(throws: ZooError.self) { try header(text) }
    }
}
