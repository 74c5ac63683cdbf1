import FileSupport
import TensorCore

/// The names in a checkpoint file. Part of the format: see docs/checkpoint-format.md.
enum CheckpointLayout {
    /// Value of the root attribute `format`.
    static let format = "zoo.checkpoint"
    /// The newest value of the root attribute `format_version`, written where weights are in half precision; all from 1 to this are
    /// read.
    static let version: Int64 = 3
    /// What is written where weights are in single precision, so that readers of version 2 go on reading them.
    static let singlePrecisionVersion: Int64 = 2
    /// The root group of everything that is not a weight; no parameter path may begin with it.
    static let reserved = "zoo"

    /// Root attributes.
    enum Root {
        static let format = "format"
        static let version = "format_version"
        static let model = "model"
        static let family = "family"
        static let kind = "kind"
        static let dataset = "dataset"
        static let datasetDigest = "dataset_sha256"
        /// Keras' name for the groups that hold weights, in model order.
        static let layers = "layer_names"
    }

    /// Values of the root attribute `kind`.
    enum Kind: String, CaseIterable {
        /// Training can go on from here.
        case full
        /// Without what only training needs, for publishing.
        case slim
    }

    /// Keras' name for the datasets of a layer, on its group.
    static let weights = "weight_names"

    /// Attributes of a dataset.
    enum Tensor {
        static let role = "role"
        static let index = "index"
        static let digest = "sha256"
        static let parameter = "parameter"
        static let buffer = "buffer"
    }

    /// Members of the reserved group.
    enum State {
        static let definition = "definition"
        static let metrics = "metrics"
        static let provenance = "provenance"
        static let optimizer = "optimizer"
        static let progress = "progress"
        static let runningSums = "running_sums"
        static let latentStatistics = "latent_statistics"
        static let scaling = "scaling"
    }

    /// Attributes of `/zoo/progress`.
    enum Progress {
        static let epoch = "epoch"
        static let step = "step"
        static let imagesSeenInEpoch = "images_seen_in_epoch"
        static let batchesInEpoch = "batches_in_epoch"
        static let stepLimit = "step_limit"
        static let elapsedSeconds = "elapsed_seconds"
        static let seed = "seed"
        static let randomStreamVersion = "random_stream_version"
        static let optimizerStep = "optimizer_step"
        static let bestMetric = "best_metric"
        static let evaluationsWithoutImprovement = "evaluations_without_improvement"
        /// The running sum that held what is `batchesInEpoch` now, in version 1.
        static let batchSum = "batch"
    }

    /// Members and the attribute of `/zoo/scaling`.
    enum Scaling {
        static let method = "method"
        static let offsets = "offsets"
        static let scales = "scales"
        static let least = "least"
        static let largest = "largest"
    }

    /// Members and attributes of `/zoo/latent_statistics`.
    enum Latent {
        static let meanOfMean = "mean_of_mean"
        static let varianceOfMean = "variance_of_mean"
        static let meanVariance = "mean_variance"
        static let kl = "kl"
        static let active = "active"
        static let covariance = "covariance"
        static let mutualInformation = "mutual_information"
        static let factors = "factors"
        static let imageCount = "image_count"
        static let split = "split"
        static let dataset = "dataset"
        static let factorEntropies = "factor_entropies"
    }

    /// The names of groups and dataset for a tensor path: `encoder.conv1.weight` is `encoder/conv1/weight`.
    static func components(of path: String) -> [String] {
        path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    }

    /// SHA-256 of the elements, in hexadecimal digits.
    static func digest(of values: HDF5Values) -> String {
        SHA256.hexadecimal(values.withUnsafeBytes { SHA256.digest($0) })
    }
}

/// Text in attributes, which hold ASCII only: anything else, and the backslash, is written as in a JSON string.
package enum ASCIIText {
    /// `text` with each backslash as `\\`, and each UTF-16 unit that is NUL or not ASCII as `\u` and four digits.
    package static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0 || $0 >= 0x80 || $0 == 0x5C }) else { return text }
        var result = ""
        for unit in text.utf16 {
            switch unit {
            case 0x5C: result += "\\\\"
            case 1..<0x80: result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result
    }

    /// The text that `escaped` made, or nil when it is not such.
    package static func unescaped(_ text: String) -> String? {
        guard text.utf8.contains(0x5C) else { return text }
        var units: [UInt16] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == 0x5C else {
                units.append(UInt16(byte))
                continue
            }
            switch rest.popFirst() {
            case 0x5C: units.append(0x5C)
            case 0x75:
                let digits = String(decoding: rest.prefix(4), as: UTF8.self)
                guard digits.utf8.count == 4, let unit = UInt16(digits, radix: 16) else { return nil }
                units.append(unit)
                rest = rest.dropFirst(4)
            default: return nil
            }
        }
        return String(validating: units, as: UTF16.self)
    }
}
