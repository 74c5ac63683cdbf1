import LatentTools
import TensorCore

/// Images whose factors of variation are known, and their codes.
public protocol EncodedImages {
    /// N.
    var count: Int { get }
    /// D.
    var latentSize: Int { get }
    /// What varies, with the position of each of the N images.
    var factors: [KnownFactor] { get }

    /// The codes of images (the mean of the posterior), in this order.
    ///
    /// - Throws: `ZooError` where they cannot be computed.
    func codes(of images: [Int]) throws -> Codes

    /// Says which images will be asked for next, so that they can be computed together.
    ///
    /// - Throws: `ZooError` where they cannot be computed.
    func prepare(_ images: [Int]) throws
}

extension EncodedImages {
    public func prepare(_ images: [Int]) throws {}
}

/// Images whose codes are all there.
public struct StoredCodes: EncodedImages, Sendable {
    private let stored: Codes
    public let factors: [KnownFactor]

    /// - Precondition: every factor has a position for each row.
    public init(_ codes: Codes, factors: [KnownFactor]) {
        precondition(
            factors.allSatisfy { $0.positions.count == codes.count }, "positions do not fit \(codes.count) codes")
        stored = codes
        self.factors = factors
    }

    public var count: Int { stored.count }
    public var latentSize: Int { stored.size }

    public func codes(of images: [Int]) -> Codes {
        Codes(values: images.flatMap { stored[$0] }, size: stored.size)
    }
}

extension EncodedImages {
    /// `count` images drawn with replacement, as all published protocols draw.
    func draw(_ count: Int, _ random: inout RandomNumbers) -> [Int] {
        (0..<count).map { _ in random.integer(below: self.count) }
    }

    /// The positions of a factor of images.
    func positions(of factor: Int, _ images: [Int]) -> [Int] { images.map { factors[factor].positions[$0] } }

    /// - Throws: `ZooError` (wrong usage) where there is no factor that varies over the images, or fewer than two where several are
    ///   compared.
    func requireFactors(atLeast least: Int = 1) throws {
        let varying = factors.filter { factor in factor.positions.contains { $0 != factor.positions.first } }
        guard varying.count == factors.count, factors.count >= least else {
            let constant = factors.filter { factor in !factor.positions.contains { $0 != factor.positions.first } }
            if let first = constant.first {
                throw ZooError("the factor '\(first.name)' never varies over the \(count) images", kind: .usage)
            }
            throw ZooError(
                "\(factors.count) factor\(factors.count == 1 ? " is" : "s are") known of the images; "
                    + "at least \(least) \(least == 1 ? "is" : "are") needed", kind: .usage)
        }
    }
}

/// Draws images that agree in one factor and differ in the others at random.
struct FixedFactorSampler {
    /// The images of each position of each factor.
    private let members: [[[Int]]]

    init(_ images: some EncodedImages) {
        members = images.factors.map { factor in
            var members = [[Int]](repeating: [], count: factor.count)
            for (image, position) in factor.positions.enumerated() { members[position].append(image) }
            return members.filter { !$0.isEmpty }
        }
    }

    /// Images of one position of `factor`, drawn with replacement; the position is drawn first, each as likely as its images are.
    func draw(_ count: Int, fixing factor: Int, imageCount: Int, _ random: inout RandomNumbers) -> [Int] {
        var place = random.integer(below: imageCount)
        var group = 0
        while place >= members[factor][group].count {
            place -= members[factor][group].count
            group += 1
        }
        let chosen = members[factor][group]
        return (0..<count).map { _ in chosen[random.integer(below: chosen.count)] }
    }
}
