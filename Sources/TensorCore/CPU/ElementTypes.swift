/// Which tensors of a program are bfloat16.
///
/// Matrix products read bfloat16 and write either type. Element-wise steps want one type for all their tensors, and
/// everything else (losses, latent vectors, normalisation, pooling, plug-ins) is f32. So a tensor is bfloat16 where all steps
/// that touch it agree; an f32 tensor that a matrix product reads is converted just before.
struct ElementTypes {
    private var bf16Tensors: Set<TensorID> = []

    init(
        _ steps: [FusedStep], _ program: Program, precision: Precision, aliases: Set<Int>
    ) {
        guard precision == .bf16 else { return }
        for (index, info) in program.tensors.enumerated()
        where info.isBatched && (info.role == .activation || info.role == .gradient) {
            bf16Tensors.insert(TensorID(index))
        }
        var uniform: [[TensorID]] = []
        for (index, step) in steps.enumerated() {
            switch step.step.operation {
            case .linear, .convolution, .transposedConvolution:
                if let id = step.kernel?.f32Tensor { bf16Tensors.remove(id) }
                if let mask = step.mask, let operands = step.step.matrixOperands {
                    uniform.append([mask, step.step.pass == .backwardWeights ? operands.narrow : step.step.outputs[0]])
                }
            case .activation, .add:
                uniform.append(step.inputs + step.outputs)
            case .reshape where aliases.contains(index):
                uniform.append(step.inputs + step.outputs)
            case .reshape, .batchNorm, .groupNorm, .dropout, .upsampleNearest, .maxPool, .averagePool, .gaussianLatent,
                .reconstruction, .lossGradient, .custom, .vectorQuantization, .codebookUpdate, .crop, .gate:
                bf16Tensors.subtract(step.inputs + step.outputs)
            }
        }
        var changed = true
        while changed {
            changed = false
            for group in uniform where !group.allSatisfy({ bf16Tensors.contains($0) }) {
                let count = bf16Tensors.count
                bf16Tensors.subtract(group)
                changed = changed || bf16Tensors.count < count
            }
        }
    }

    func isBF16(_ id: TensorID) -> Bool { bf16Tensors.contains(id) }

    /// Bytes of one element.
    func stride(of id: TensorID) -> Int {
        isBF16(id) ? MemoryLayout<UInt16>.stride : MemoryLayout<Float>.stride
    }
}
