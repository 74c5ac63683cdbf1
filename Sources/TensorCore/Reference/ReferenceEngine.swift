/// The oracle: every operation written out as its definition says, in `Double`, on row-major N C H W arrays.
///
/// Slow on purpose. The other engines, finite differences and PyTorch's numbers are compared with it, and it runs
/// wherever Swift does.
public struct ReferenceEngine: Engine {
    public var name: String { "reference" }

    /// Whether activations and gradients stay readable after a run; without, their memory is given back.
    public let keepsEverything: Bool
    /// Whether every tensor is rounded to single precision when it has been computed. Between such a run and one without lies what
    /// single precision costs a program, however it is computed.
    public let roundsToSingle: Bool

    public init(keepsEverything: Bool = true, roundsToSingle: Bool = false) {
        self.keepsEverything = keepsEverything
        self.roundsToSingle = roundsToSingle
    }

    public var keepingEverything: any Engine { ReferenceEngine() }

    /// - Throws: `ZooError` where `batchSize` is not positive.
    public func compile(_ program: Program, batchSize: Int) throws -> any CompiledProgram {
        try ReferenceProgram(
            program, batchSize: batchSize, keepsEverything: keepsEverything,
            roundsToSingle: roundsToSingle)
    }
}
