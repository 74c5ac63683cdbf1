/// Where each tensor of a compiled program lies: byte offsets in one arena.
///
/// Tensors that must survive a run have memory of their own. The others share memory where their lifetimes do not meet;
/// element-wise steps write over an input that dies there, and reshapes move nothing.
struct MemoryPlan {
    /// Byte offset per tensor; nil for tensors that the caller places (parameters and their gradients) and for tensors
    /// that fusion removed.
    private(set) var offsets: [Int?]
    /// Bytes used, from `base`.
    private(set) var byteCount = 0

    private struct Group {
        var first: Int
        var last: Int
        var byteCount: Int
        var isPersistent: Bool
    }

    /// - Parameters:
    ///   - aliases: steps whose output is the same memory as their first input.
    ///   - byteCount: of a tensor; nil for those the caller places.
    init(
        steps: [FusedStep], program: Program, aliases: Set<Int>, keepsEverything: Bool, byteCount: (TensorID) -> Int?
    ) {
        let count = program.tensors.count
        var parent = Array(0..<count)
        func find(_ index: Int) -> Int {
            var index = index
            while parent[index] != index { index = parent[index] }
            return index
        }
        var groups = [Group?](repeating: nil, count: count)
        for (index, fused) in steps.enumerated() {
            for id in fused.inputs + fused.outputs {
                guard let bytes = byteCount(id) else { continue }
                let role = program[id].role
                let persistent = keepsEverything || !(role == .activation || role == .gradient)
                var group =
                    groups[id.index] ?? Group(first: index, last: index, byteCount: bytes, isPersistent: persistent)
                group.last = index
                groups[id.index] = group
            }
        }
        for (index, tensor) in program.tensors.enumerated() where groups[index] == nil {
            guard tensor.role == .input || tensor.role == .result || tensor.role == .buffer,
                let bytes = byteCount(TensorID(index))
            else { continue }
            groups[index] = Group(first: 0, last: 0, byteCount: bytes, isPersistent: true)
        }

        for (index, fused) in steps.enumerated() {
            for (input, output) in Self.candidates(fused, isAlias: aliases.contains(index), keepsEverything) {
                let (from, to) = (find(input.index), find(output.index))
                guard from != to, let source = groups[from], let target = groups[to],
                    source.byteCount == target.byteCount,
                    aliases.contains(index) || (source.last == index && !source.isPersistent && !target.isPersistent)
                else { continue }
                parent[to] = from
                groups[from] = Group(
                    first: min(source.first, target.first), last: max(source.last, target.last),
                    byteCount: source.byteCount, isPersistent: source.isPersistent || target.isPersistent)
                groups[to] = nil
                break
            }
        }

        offsets = [Int?](repeating: nil, count: count)
        var placed: [(offset: Int, group: Group)] = []
        let order = groups.indices.filter { groups[$0] != nil }.sorted {
            (groups[$0]?.byteCount ?? 0, -$0) > (groups[$1]?.byteCount ?? 0, -$1)
        }
        for root in order {
            guard let group = groups[root] else { continue }
            let size = (group.byteCount + 63) / 64 * 64
            let rivals = placed.filter {
                group.isPersistent || $0.group.isPersistent
                    || ($0.group.first <= group.last && group.first <= $0.group.last)
            }.sorted { $0.offset < $1.offset }
            var offset = 0
            for rival in rivals {
                if offset + size <= rival.offset { break }
                offset = max(offset, rival.offset + (rival.group.byteCount + 63) / 64 * 64)
            }
            placed.append((offset, group))
            offsets[root] = offset
            self.byteCount = max(self.byteCount, offset + size)
        }
        for index in 0..<count { offsets[index] = offsets[find(index)] }
    }

    /// (input, output) pairs that may share memory, best first.
    private static func candidates(
        _ fused: FusedStep, isAlias: Bool, _ keepsEverything: Bool
    ) -> [(TensorID, TensorID)] {
        let step = fused.step
        if isAlias { return [(step.inputs[0], step.outputs[0])] }
        if keepsEverything { return [] }
        switch step.operation {
        case .activation, .dropout: return [(step.inputs[0], step.outputs[0])]
        case .add: return [(step.inputs[0], step.outputs[0]), (step.inputs[1], step.outputs[0])]
        case .linear, .convolution, .transposedConvolution, .batchNorm, .groupNorm, .reshape, .upsampleNearest,
            .maxPool, .averagePool, .gaussianLatent, .reconstruction, .lossGradient, .custom,
            .vectorQuantization, .codebookUpdate, .crop, .gate:
            return []
        }
    }
}
