import Checkpoints
import TensorCore
import TestSupport
import Testing

/// Each rule of a checkpoint beyond those of HDF5: trees that are sound HDF5 and no sound checkpoint.
@Suite struct CheckpointRuleTests {
    struct TreeRule: Sendable, CustomStringConvertible {
        let name: String
        /// Where in the tree; empty for the root.
        let path: [String]
        let message: String
        let change: @Sendable (inout HDF5Group<HDF5Values>) throws -> Void

        init(
            _ name: String, _ path: String, _ message: String,
            _ change: @escaping @Sendable (inout HDF5Group<HDF5Values>) throws -> Void
        ) {
            (self.name, self.message, self.change) = (name, message, change)
            self.path = path.split(separator: "/").map(String.init)
        }

        var description: String { name }
    }

    private static func reals(_ values: [Double]) -> HDF5Node<HDF5Values> {
        let values = HDF5Values.float64(values)
        return .dataset(HDF5Dataset(shape: [values.count], payload: values))
    }

    static let rules = [
        TreeRule("the format is named", "", "no checkpoint") { $0.setAttribute("format", .string("other")) },
        TreeRule("the version is not newer", "", "newer than 3") { $0.setAttribute("format_version", .integer(4)) },
        TreeRule("versions begin with 1", "", "versions begin with 1") {
            $0.setAttribute("format_version", .integer(0))
        },
        TreeRule("the version is an integer", "", "no checkpoint") { $0.setAttribute("format_version", .real(2)) },
        TreeRule("the model is named", "", "\"model\"") { $0.setAttribute("model", .integer(1)) },
        TreeRule("the family is named", "", "\"family\"") { $0.setAttribute("family", nil) },
        TreeRule("escapes end", "", "an escape that does not end") { $0.setAttribute("model", .string("a\\u12")) },
        TreeRule("escapes are whole characters", "", "an escape that does not end") {
            $0.setAttribute("model", .string("\\ud800"))
        },
        TreeRule("the kind is named", "", "\"kind\"") { $0.setAttribute("kind", nil) },
        TreeRule("the kind is known", "", "unknown kind \"other\"; known are \"full\" and \"slim\"") {
            $0.setAttribute("kind", .string("other"))
        },
        TreeRule("a full checkpoint says how far it is", "zoo", "\"progress\" is missing") { $0.remove("progress") },
        TreeRule("the state is there", "", "\"zoo\" is missing") { $0.remove("zoo") },
        TreeRule("the definition is there", "zoo", "\"definition\" is missing") { $0.remove("definition") },
        TreeRule("the definition is a text", "zoo", "instead of one text") {
            try $0.replace("definition", by: reals([1]))
        },
        TreeRule("the history is there", "zoo", "\"metrics\" is missing") { $0.remove("metrics") },
        TreeRule("the provenance is there", "zoo", "\"provenance\" is missing") { $0.remove("provenance") },
        TreeRule("the provenance holds texts", "zoo/provenance", "instead of one text") {
            try $0.replace("notes", by: reals([1]))
        },
        TreeRule("weights are f32", "encoder/conv1", "holds f64 instead of f32") {
            try $0.replace("bias", by: reals([1, 2]))
        },
        TreeRule("names hold no dots", "encoder", "contains a dot") {
            try $0.insert(.dataset(HDF5Dataset(shape: [1], payload: .float32([1]))), at: ["a.b"])
        },
        TreeRule("weights have a role", "encoder/conv1", "neither as a parameter nor as a buffer") {
            $0.setAttribute("role", .string("other"), of: "bias")
        },
        TreeRule("weights have an index", "encoder/conv1", "\"index\"") { $0.setAttribute("index", nil, of: "bias") },
        TreeRule("indices have no gap", "encoder/conv1", "the parameters is damaged") {
            $0.setAttribute("index", .integer(9), of: "bias")
        },
        TreeRule("no index is there twice", "encoder/conv1", "the parameters is damaged") {
            $0.setAttribute("index", .integer(0), of: "bias")
        },
        TreeRule("slots are groups", "zoo/optimizer", "a dataset instead of a group") {
            try $0.replace("first_moment", by: reals([1]))
        },
        TreeRule("slots have an index", "zoo/optimizer/first_moment", "\"index\"") { $0.setAttribute("index", nil) },
        TreeRule("the optimiser's state is there", "zoo", "\"optimizer\" is missing") { $0.remove("optimizer") },
        TreeRule("counts are not negative", "zoo/progress", "must lie in 0…9007199254740992") {
            $0.setAttribute("step", .integer(-1))
        },
        TreeRule("counts do not overflow", "zoo/progress", "is 9223372036854775807; it must lie in 0…") {
            $0.setAttribute("step_limit", .integer(.max))
        },
        TreeRule("images can be counted", "zoo/progress", "is 9223372036854775807; it must lie in 0…") {
            $0.setAttribute("images_seen_in_epoch", .integer(.max))
        },
        TreeRule("times are finite", "zoo/progress", "is inf, which is not finite") {
            $0.setAttribute("elapsed_seconds", .real(.infinity))
        },
        TreeRule("counts are there", "zoo/progress", "\"epoch\"") { $0.setAttribute("epoch", nil) },
        TreeRule("counts are integers", "zoo/progress", "\"batches_in_epoch\"") {
            $0.setAttribute("batches_in_epoch", .real(1))
        },
        TreeRule("the seed is unsigned", "zoo/progress", "\"seed\"") { $0.setAttribute("seed", .integer(1)) },
        TreeRule("the best metric is a real number", "zoo/progress", "\"best_metric\"") {
            $0.setAttribute("best_metric", .integer(1))
        },
        TreeRule("running sums are there", "zoo/progress", "\"running_sums\"") { $0.remove("running_sums") },
        TreeRule("running sums are real numbers", "zoo/progress/running_sums", "\"kl\"") {
            $0.setAttribute("kl", .integer(1))
        },
        TreeRule("factors are listed", "zoo/latent_statistics", "\"factors\"") { $0.setAttribute("factors", nil) },
        TreeRule("statistics count images", "zoo/latent_statistics", "\"image_count\"") {
            $0.setAttribute("image_count", .integer(-1))
        },
        TreeRule("statistics have one value per dimension", "zoo/latent_statistics", "instead of [2] of f64") {
            try $0.replace("variance_of_mean", by: reals([1, 2, 3]))
        },
        TreeRule("means are there", "zoo/latent_statistics", "\"mean_of_mean\" is missing") {
            $0.remove("mean_of_mean")
        },
        TreeRule("activity is bytes", "zoo/latent_statistics", "is not 2 bytes") {
            try $0.replace("active", by: reals([1, 0]))
        },
        TreeRule("variance and KL come together", "zoo/latent_statistics", "without the other") { $0.remove("kl") },
        TreeRule("the covariance is square", "zoo/latent_statistics", "instead of [2, 2] of f64") {
            try $0.replace("covariance", by: reals([1, 2, 3, 4]))
        },
        TreeRule("information is per factor and dimension", "zoo/latent_statistics", "instead of [3, 2] of f64") {
            try $0.replace("mutual_information", by: reals([1, 2, 3, 4, 5, 6]))
        },
    ]

    @Test(arguments: rules) func rule(_ rule: TreeRule) throws {
        var tree = try CheckpointEncoder.tree(of: Samples.small())
        try tree.change(rule.path[...], rule.change)
        var bytes = try HDF5Writer.image(of: tree)
        CheckpointTrailer.append(to: &bytes)
        let error = #expect(throws: ZooError.self) { try Checkpoint(encoded: bytes) }
        #expect(error?.message.contains(rule.message) == true, "\(String(describing: error))")
    }

    /// What a slim checkpoint may hold of a training's state is passed over: it is none to go on from.
    @Test func aSlimCheckpointIsNotResumable() throws {
        var tree = try CheckpointEncoder.tree(of: Samples.small())
        tree.setAttribute("kind", .string("slim"))
        var bytes = try HDF5Writer.image(of: tree)
        CheckpointTrailer.append(to: &bytes)
        let checkpoint = try Checkpoint(encoded: bytes)
        #expect(!checkpoint.isResumable && checkpoint.parameters == Samples.small().parameters)
    }

    /// What the trailer says is checked before anything else is read.
    @Test func theEndIsTheTrailer() throws {
        let bytes = try Samples.small().encoded()
        let trailer = Array(bytes.suffix(CheckpointTrailer.byteCount))
        let ends: [([UInt8], String)] = [
            ([], "are missing at the end"), (Array(trailer.dropLast()), "end of the checkpoint is damaged"),
            (trailer + [0], "end of the checkpoint is damaged"),
            (trailer.changed(0, [0]), "end of the checkpoint is damaged"),
            (trailer.changed(39, [trailer[39] ^ 1]), "the damage is elsewhere"),
        ]
        for (end, message) in ends {
            let error = #expect(throws: ZooError.self) { try Checkpoint(encoded: bytes.dropLast(trailer.count) + end) }
            #expect(error?.message.contains(message) == true, "\(String(describing: error))")
        }
    }
}

extension HDF5Group<HDF5Values> {
    /// Changes the group at `path`.
    fileprivate mutating func change(
        _ path: ArraySlice<String>, _ body: (inout HDF5Group<HDF5Values>) throws -> Void
    ) throws {
        guard let name = path.first else { return try body(&self) }
        guard let place = members.firstIndex(where: { $0.name == name }), case .group(var group) = members[place].node
        else { throw Missing(name: name) }
        try group.change(path.dropFirst(), body)
        members[place].node = .group(group)
    }

    /// Gives an attribute of the group, or of the dataset `member`, another value; nil removes it.
    fileprivate mutating func setAttribute(_ name: String, _ value: HDF5AttributeValue?, of member: String? = nil) {
        func change(_ attributes: inout [HDF5Attribute]) {
            attributes.removeAll { $0.name == name }
            if let value { attributes.append(HDF5Attribute(name, value)) }
        }
        guard let member else { return change(&attributes) }
        guard let place = members.firstIndex(where: { $0.name == member }),
            case .dataset(var dataset) = members[place].node
        else { return }
        change(&dataset.attributes)
        members[place].node = .dataset(dataset)
    }

    fileprivate mutating func remove(_ name: String) {
        members.removeAll { $0.name == name }
    }

    /// Puts another node in the place of `name`, with the attributes of the dataset there.
    fileprivate mutating func replace(_ name: String, by node: HDF5Node<HDF5Values>) throws {
        guard let place = members.firstIndex(where: { $0.name == name }) else { throw Missing(name: name) }
        var node = node
        if case .dataset(let old) = members[place].node, case .dataset(var new) = node {
            new.attributes = old.attributes
            node = .dataset(new)
        }
        members[place].node = node
    }
}

private struct Missing: Error {
    let name: String
}
