import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Interchange

@Suite struct ParquetTests {
    /// Each line is what the specification of the protocol says of it.
    @Test func theCompactProtocol() {
        var writer = ThriftWriter()
        writer.int32(1, 5)
        writer.int64(3, -3)
        writer.text(4, "né")
        writer.structure(10) { $0.int32(2, 300) }
        writer.int32s(12, [0, -1])
        writer.structures(13, [Int](repeating: 1, count: 15)) { writer, value in writer.int32(1, value) }
        writer.end()
        var expected: [UInt8] = [0x15, 10, 0x26, 5, 0x18, 3, 0x6E, 0xC3, 0xA9, 0x6C, 0x25, 0xD8, 0x04, 0]
        expected += [0x29, 0x25, 0, 1, 0x19, 0xFC, 15]
        for _ in 0..<15 { expected += [0x15, 2, 0] }
        expected.append(0)
        #expect(writer.bytes == expected)
    }

    private static func table() throws -> [UInt8] {
        var writer = ParquetWriter()
        for rows in [0..<3, 3..<5] {
            try writer.add(
                rowCount: rows.count,
                [
                    ("whole", .integers(rows.map { $0 - 2 })), ("single", .floats(rows.map { Float($0) / 3 })),
                    ("double", .doubles(rows.map { Double($0) / 3 })),
                    ("kind", .texts(rows.map { ["", "né", "a,b"][$0 % 3] })),
                    ("one", .vectors(rows.map { Float($0) }, width: 1)),
                    ("many", .vectors(rows.flatMap { row in (0..<40).map { Float(row * 100 + $0) } }, width: 40)),
                    ("image", .pictures(rows.map { ("\($0).png", [UInt8](repeating: UInt8($0), count: $0)) })),
                ])
        }
        return writer.finish()
    }

    @Test func theFileBeginsAndEndsAsItMust() throws {
        let bytes = try Self.table()
        #expect(bytes.prefix(4).elementsEqual("PAR1".utf8) && bytes.suffix(4).elementsEqual("PAR1".utf8))
        let footerByteCount = bytes.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(footerByteCount > 100 && footerByteCount < bytes.count - 12)
    }

    @Test(.enabled(if: Judge.python != nil)) func pyarrowReadsWhatWasWritten() throws {
        try withTemporaryFolder { folder in
            try Data(Self.table()).write(to: URL(fileURLWithPath: "\(folder)/t.parquet"))
            let script = """
                import sys, pyarrow as pa, pyarrow.parquet as pq
                file = pq.ParquetFile(sys.argv[1])
                assert file.metadata.num_row_groups == 2 and file.metadata.num_rows == 5, file.metadata
                table = file.read()
                table.validate(full=True)
                image = pa.struct([pa.field("bytes", pa.binary(), False), pa.field("path", pa.string(), False)])
                types = [pa.int64(), pa.float32(), pa.float64(), pa.string()]
                assert table.schema.types[:4] == types and table.schema.types[6] == image, table.schema
                assert all(pa.types.is_list(t) for t in table.schema.types[4:6]), table.schema
                rows = table.to_pylist()
                for i, row in enumerate(rows):
                    assert row["whole"] == i - 2 and row["double"] == i / 3 and abs(row["single"] - i / 3) < 1e-6, row
                    assert row["kind"] == ["", "n\\u00e9", "a,b"][i % 3] and row["one"] == [i], row
                    assert row["many"] == [100 * i + k for k in range(40)], row
                    assert row["image"] == {"bytes": bytes([i]) * i, "path": f"{i}.png"}, row
                print("read")
                """
            #expect(try Judge.run(Judge.python, ["-c", script, "\(folder)/t.parquet"]).contains("read"))
        }
    }
}
