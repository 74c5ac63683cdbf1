import CKernels
import COneDNN

/// How a weight lies in memory.
enum WeightLayout {
    /// As a primitive of oneDNN wants it.
    case blocked(DNNLayout)
    /// As PyTorch has it.
    case rowMajor
    /// A convolution's weights, maps × channels × height × width, as height × width × channels × maps.
    case channelsThenMaps
    /// The same as height × width × maps × channels.
    case mapsThenChannels
    /// A linear layer's outputs × inputs in panels of 32 outputs: panel × input × 32, the last panel 16 or 32 wide (`zk_linear`).
    case panels

    /// Whether two operations can share weights that lie so.
    func isEqual(to other: WeightLayout) -> Bool {
        switch (self, other) {
        case (.blocked(let layout), .blocked(let otherLayout)): layout.isEqual(to: otherLayout)
        case (.rowMajor, .rowMajor), (.channelsThenMaps, .channelsThenMaps), (.mapsThenChannels, .mapsThenChannels),
            (.panels, .panels):
            true
        case (.blocked, _), (.rowMajor, _), (.channelsThenMaps, _), (.mapsThenChannels, _), (.panels, _): false
        }
    }

    /// Whether it holds f32.
    var isFloat: Bool {
        if case .blocked(let layout) = self { layout.type == ZOO_DNN_F32 } else { true }
    }

    func byteCount(_ shape: Shape) -> Int {
        switch self {
        case .blocked(let layout): layout.byteCount
        case .rowMajor, .channelsThenMaps, .mapsThenChannels: shape.count * MemoryLayout<Float>.stride
        case .panels:
            Int(zk_linear_weight_count(Int64(shape.dimensions[1]), Int64(shape.dimensions[0])))
                * MemoryLayout<Float>.stride
        }
    }

    /// The same for oneDNN; nil for panels, which it cannot describe.
    func described(_ shape: Shape) throws -> DNNLayout? {
        switch self {
        case .blocked(let layout): layout
        case .rowMajor: try .plain(shape.dimensions)
        case .channelsThenMaps: try .channelsThenMaps(shape)
        case .mapsThenChannels: try .mapsThenChannels(shape)
        case .panels: nil
        }
    }

    /// The place in memory of each element in row-major order; nil where only oneDNN knows it.
    func places(_ shape: Shape) -> [Int]? {
        let extents = shape.dimensions
        func strided(_ strides: [Int]) -> [Int] {
            var places = [0]
            for (extent, stride) in zip(extents, strides) {
                places = places.flatMap { place in (0..<extent).map { place + $0 * stride } }
            }
            return places
        }
        switch self {
        case .blocked: return nil
        case .rowMajor: return Array(0..<shape.count)
        case .channelsThenMaps:
            let (maps, channels) = (extents[0], extents[1])
            return strided([1, maps, extents[3] * channels * maps, channels * maps])
        case .mapsThenChannels:
            let (maps, channels) = (extents[0], extents[1])
            return strided([channels, 1, extents[3] * channels * maps, channels * maps])
        case .panels:
            let (outputs, inputs) = (extents[0], extents[1])
            return (0..<outputs).flatMap { output in
                let first = output / 32 * 32
                let width = outputs - first > 16 ? 32 : 16
                return (0..<inputs).map { first * inputs + $0 * width + output - first }
            }
        }
    }
}
