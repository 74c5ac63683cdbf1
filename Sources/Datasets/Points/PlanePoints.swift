import Glibc
import TensorCore

/// Points of the plane, made by a rule: the data of exercises in which density, encoding and decoding can be drawn.
public enum PlanePoints: String, CaseIterable, Sendable {
    /// Two half circles that interlock.
    case twoMoons = "two-moons"
    /// Two circles about one centre.
    case rings
    /// Eight Gaussians on a circle.
    case gaussians

    /// 18,000 training and 2,000 test points.
    public static let count = 20_000

    /// What there is to say about the points.
    public var description: DatasetInfo {
        let (title, summary, classNames): (String, String, [String]) =
            switch self {
            case .twoMoons:
                (
                    "Two moons", "two half circles of radius 1 that interlock, with Gaussian noise of deviation 0.1",
                    ["upper", "lower"]
                )
            case .rings:
                (
                    "Rings", "two circles of radius 0.5 and 1 about one centre, with Gaussian noise of deviation 0.05",
                    ["inner", "outer"]
                )
            case .gaussians:
                (
                    "Gaussians", "eight Gaussians of deviation 0.1 on a circle of radius 1", (0..<8).map { "\($0)" }
                )
            }
        return DatasetInfo(
            name: rawValue, title: title, summary: "20,000 points of the plane: \(summary).",
            license: "computed by this program", source: "computed by this program", shape: [2],
            classNames: classNames, isGenerated: true)
    }

    /// The points as a data set. The same in every run.
    ///
    /// - Throws: `ZooError` for a scaling of other data.
    public func dataset(scaling: ScalingChoice? = nil) throws -> ArrayDataset {
        let info = description
        let stream = RandomStream(seed: 0, purpose: .other)
        let noise = RandomStream(seed: 1, purpose: .other)
        var values: [Double] = []
        var labels: [String] = []
        for index in 0..<Self.count {
            // Four elements of each stream belong to a point.
            let first = UInt64(index) * 4
            let group = Int(stream.uniform(first) * Float(classCount))
            let place = Double(stream.uniform(first + 1))
            let center = center(group, place)
            values += [
                center.x + deviation * Double(noise.normal(first)),
                center.y + deviation * Double(noise.normal(first + 1)),
            ]
            labels.append(info.classNames?[group] ?? "")
        }
        return try ArrayDataset(
            info, rows: StoredArray(name: rawValue, shape: [Self.count, 2], values: values),
            labels: ArrayLabels(words: labels, names: info.classNames ?? []), scaling: scaling)
    }

    private var classCount: Int { self == .gaussians ? 8 : 2 }

    private var deviation: Double {
        switch self {
        case .twoMoons, .gaussians: 0.1
        case .rings: 0.05
        }
    }

    /// A point without noise.
    ///
    /// - Parameter place: along the curve of the group, from 0 to 1.
    private func center(_ group: Int, _ place: Double) -> (x: Double, y: Double) {
        switch self {
        case .twoMoons:
            let angle = Double.pi * place
            return group == 0 ? (cos(angle), sin(angle)) : (1 - cos(angle), 0.5 - sin(angle))
        case .rings:
            let (angle, radius) = (2 * Double.pi * place, group == 0 ? 0.5 : 1)
            return (radius * cos(angle), radius * sin(angle))
        case .gaussians:
            let angle = 2 * Double.pi * Double(group) / 8
            return (cos(angle), sin(angle))
        }
    }
}
