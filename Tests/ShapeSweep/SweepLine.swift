/// What the process that computes says about a trial, as a line of JSON.
struct SweepLine: Codable {
    /// The trial's place in the sweep.
    var trial: Int
    /// False when it begins, true when it has ended.
    var isDone: Bool
    /// What is computed; said when it begins.
    var what: String?
    /// The largest relative deviation from the reference.
    var deviation: Double?
    /// Of which tensor.
    var tensor: String?
    /// Whether the first set of data deviated by more than is allowed, and another did not.
    var neededOtherData: Bool?
    /// What is wrong.
    var fault: String?
}
