import Glibc
import TensorCore

/// A case in which the fast engine does what it should not, so that a sweep can show that it notices.
struct BrokenCase: SweepCase {
    private enum Fault: Int, CaseIterable {
        case none, crash, wrongNumber, changingNumber, wrongForOneSetOfData, error
    }

    private let fault: Fault

    init(index: Int) {
        fault = Fault.allCases[index % Fault.allCases.count]
    }

    var description: String { "\(fault)" }

    func outcome(of engine: any Engine, data: UInt64) throws -> [SweepTensor] {
        var values: [Float] = [1, 2, 3]
        if engine.name != ReferenceEngine().name {
            switch fault {
            case .none: break
            case .crash: raise(SIGSEGV)
            case .wrongNumber: values[1] *= 1.001
            case .changingNumber: values[2] += Float.random(in: -1e-5...1e-5)
            case .wrongForOneSetOfData: if data == 0 { values[0] = 0 }
            case .error: throw ZooError("this engine cannot do that")
            }
        }
        return [SweepTensor(name: "x", group: .gradient, values: values)]
    }
}
