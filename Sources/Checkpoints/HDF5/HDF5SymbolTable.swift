import FileSupport
import TensorCore

/// The members of a group in the format of HDF5 1.6: a B-tree of version 1 over nodes of symbols, names in a local heap.
///
/// Source: HDF5 File Format Specification 3.0, sections III.A, III.B and III.D.
enum HDF5SymbolTable {
    /// The names and addresses of the members.
    ///
    /// - Throws: `ZooError` when a part is damaged, or a member is a soft link.
    static func links(
        _ source: some ByteSource, tree: Int, heap: Int, _ path: String, _ state: inout HDF5ReadingState
    ) throws -> [HDF5Message.Link] {
        let names = try localHeap(source, at: heap, path, &state)
        var links: [HDF5Message.Link] = []
        try visit(source, tree, level: nil, names, path, &links, &state)
        return links
    }

    /// The bytes of the heap at `address` that hold names.
    private static func localHeap(
        _ source: some ByteSource, at address: Int, _ path: String, _ state: inout HDF5ReadingState
    ) throws -> [UInt8] {
        let subject = "the heap of \(path)"
        var cursor = try state.extents.cursor(source, at: address, count: 32, subject)
        try cursor.expect("HEAP", "signature")
        try cursor.version("heap version", 0...0)
        _ = try cursor.bytes(3, "reserved")
        let size = try cursor.integer(bytes: 8, "size of the names")
        _ = try cursor.bytes(8, "free list")
        guard let start = try cursor.address("address of the names") else {
            throw cursor.damaged("the names are nowhere")
        }
        return try source.bytes(try state.extents.claim(start, size, "the names of \(path)"))
    }

    /// Visits a node of the tree; its level must be one less than that of its parent, so there is no cycle.
    private static func visit(
        _ source: some ByteSource, _ address: Int, level expected: UInt8?, _ names: [UInt8], _ path: String,
        _ links: inout [HDF5Message.Link], _ state: inout HDF5ReadingState
    ) throws {
        let subject = "the tree of \(path)"
        let node = try HDF5TreeNode(source, at: address, kind: 0, keyByteCount: 8, level: expected, subject, &state)
        for child in node.children {
            if node.level > 0 {
                try visit(source, child.address, level: node.level - 1, names, path, &links, &state)
            } else {
                try readSymbols(source, child.address, names, path, &links, &state)
            }
        }
    }

    private static func readSymbols(
        _ source: some ByteSource, _ address: Int, _ names: [UInt8], _ path: String,
        _ links: inout [HDF5Message.Link], _ state: inout HDF5ReadingState
    ) throws {
        let subject = "the symbols of \(path)"
        var cursor = try state.extents.cursor(source, at: address, count: 8, subject)
        try cursor.expect("SNOD", "signature")
        try cursor.version("symbol node version", 1...1)
        _ = try cursor.bytes(1, "reserved")
        let count = try cursor.integer(bytes: 2, "number of symbols")
        var entries = try state.extents.cursor(source, at: address + 8, count: 40 * count, subject)
        for _ in 0..<count {
            let offset = try entries.integer(bytes: 8, "name")
            let target = try entries.address("object address")
            let kind = try entries.unsigned(bytes: 4, "kind")
            _ = try entries.bytes(20, "cache")
            guard kind <= 1 else { throw entries.unsupported("a soft link") }
            guard let target, offset < names.count else { throw entries.damaged("a symbol that leads nowhere") }
            let text = names[offset...].prefix { $0 != 0 }
            guard let name = String(validating: text, as: UTF8.self), text.endIndex < names.count else {
                throw entries.damaged("a name is not valid UTF-8, or does not end")
            }
            try state.limits.checkName(name)
            guard state.objectsLeft > links.count else {
                throw entries.unsupported("more than \(state.limits.objectCount) objects")
            }
            links.append(HDF5Message.Link(name: name, address: target))
        }
    }
}

/// A node of a B-tree of version 1.
///
/// Source: HDF5 File Format Specification 3.0, section III.A.1.
struct HDF5TreeNode {
    /// 0 for a leaf.
    let level: UInt8
    /// The addresses of the children, each with the key before it.
    private(set) var children: [(key: ByteCursor, address: Int)] = []

    /// Reads the node at `address`.
    ///
    /// - Parameters:
    ///   - kind: 0 for groups, 1 for chunks.
    ///   - expected: the level that it must have; nil for the root of a tree.
    init(
        _ source: some ByteSource, at address: Int, kind: UInt8, keyByteCount: Int, level expected: UInt8?,
        _ subject: String, _ state: inout HDF5ReadingState
    ) throws {
        var cursor = try state.extents.cursor(source, at: address, count: 24, subject)
        try cursor.expect("TREE", "signature")
        try cursor.version("node type", kind...kind)
        level = try cursor.byte("level")
        guard level <= 16, expected == nil || level == expected else {
            throw cursor.damaged("a node of level \(level) where \(expected ?? 16) is due")
        }
        let count = try cursor.integer(bytes: 2, "entries")
        let entryByteCount = keyByteCount + 8
        var entries = try state.extents.cursor(
            source, at: address + 24, count: count * entryByteCount + keyByteCount, subject)
        for _ in 0..<count {
            let key = try entries.part(keyByteCount, subject)
            guard let child = try entries.address("child") else { throw entries.damaged("a child that is nowhere") }
            children.append((key, child))
        }
    }
}
