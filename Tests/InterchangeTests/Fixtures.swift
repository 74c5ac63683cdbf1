import Foundation

/// Files of other tools; tools/reference/foreign_files.py wrote them.
enum Fixtures {
    static func bytes(_ name: String) throws -> [UInt8] {
        let url = Bundle.module.url(forResource: "Fixtures", withExtension: nil)?.appendingPathComponent(name)
        return Array(try Data(contentsOf: url ?? URL(fileURLWithPath: name)))
    }
}
