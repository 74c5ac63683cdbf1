extension ZooError {
    /// What can be done about an error, as a value: a library says it in a sentence, a command with its options.
    public enum Remedy: Sendable, Equatable {
        /// Another folder for what is made.
        case chooseOutput
        /// Another folder for the run.
        case chooseRunFolder
        /// Another folder, or the run that is there.
        case resumeOrChooseRunFolder(run: String)
        /// One of the runs in a folder; nil for where runs usually are.
        case listRuns(folder: String?)
        /// A new run that begins with these weights; nil where it is clear which.
        case initializeFrom(checkpoint: String?)
        /// The weights that fit, and random ones for the rest.
        case takeFittingWeights
        /// The zoo that wrote a file, or a new run that begins with its weights.
        case useSameVersion
        /// The same data as before, or a new run that begins with these weights.
        case giveSameData(checkpoint: String)
        /// More steps or epochs.
        case trainLonger
        /// Fewer steps or epochs.
        case trainShorter
        /// Training that does not diverge.
        case stabilize
        /// Batches of fewer images, or a smaller model.
        case reduceBatch
        /// Batches of two images and more.
        case enlargeBatch
        /// Another data set, or another input of the model.
        case fitInput
        /// A class of images.
        case chooseClass
        /// A folder of pictures.
        case giveImageFolder
        /// A file with an array.
        case giveArray
        /// One of the arrays in a file.
        case chooseArray
        /// Numbers from 0 to 1, or a likelihood of any numbers.
        case scaleData
        /// The pictures that can be decoded.
        case skipDamaged
        /// Names without what they all begin with.
        case stripPrefix(String)
        /// A data set; those that fit by name.
        case chooseDataset(fitting: [String])
        /// A look at the model by hand, or a file of numbers.
        case traceOrGiveArray(model: String)
        /// A table in place of a picture.
        case writeNumbers
        /// Nothing said of this.
        case leaveOut(DataSetting)
        /// A folder for downloads.
        case chooseDownloadFolder
        /// The folder where a data set lies.
        case giveDataFolder
        /// Matrix products in 32 bits.
        case computeInF32
        /// A checkpoint made of a file of another tool.
        case importWeights(file: String)
        /// A table of names, or the acceptance of kinds of differences.
        case mapNames(accepting: [String])
        /// Statistics of the latent space computed anew.
        case computeLatentStatistics(checkpoint: String)

        /// What may be said of data.
        public enum DataSetting: Sendable, Equatable {
            case scaling, fit, skipsDamaged
        }

        /// What to do, in the words of the library.
        public var sentence: String {
            switch self {
            case .chooseOutput: "choose another folder"
            case .chooseRunFolder: "choose another folder"
            case .resumeOrChooseRunFolder: "choose another folder, or resume the run"
            case .listRuns: "give a run's folder, which has run.json in it"
            case .initializeFrom: "resume from a full checkpoint of the run, or begin a run with its weights"
            case .takeFittingWeights: "take the definition they belong to, or only what fits"
            case .useSameVersion: "resume with the version that wrote it, or begin a run with its weights"
            case .giveSameData: "give the same data, or begin a run with these weights"
            case .trainLonger: "ask for more steps or epochs"
            case .trainShorter: "ask for fewer steps or epochs"
            case .stabilize: "lower the learning rate, or clip gradients (training.clip_norm)"
            case .reduceBatch: "use smaller batches or a smaller model"
            case .enlargeBatch: "use batches of at least two images, or group_norm or layer_norm"
            case .fitInput: "choose another data set, or change the model's input"
            case .chooseClass: "give the class of each image"
            case .giveImageFolder: "give a folder of pictures"
            case .giveArray: "give a file with an array"
            case .chooseArray: "say which array is meant"
            case .scaleData: "scale the data to 0…1, or take the likelihood gaussian or gaussian_learned_variance"
            case .skipDamaged: "repair, replace or remove them, or have them left out"
            case .stripPrefix(let prefix): "remove “\(prefix)”, with which all names begin"
            case .chooseDataset(let names):
                "choose one, or data of your own"
                    + (names.isEmpty ? "" : "; \(names.joined(separator: ", ")) have its shape")
            case .traceOrGiveArray: "follow it by hand with a trace, or give it data of your own"
            case .writeNumbers: "write the numbers"
            case .leaveOut: "leave it out"
            case .chooseDownloadFolder: "give one"
            case .giveDataFolder: "say in which folder the files are"
            case .computeInF32: "compute in f32"
            case .importWeights: "make a checkpoint of weights of Keras, PyTorch, NumPy or ONNX by importing them"
            case .mapNames(let kinds):
                "rename tensors with a table of names (lines `theirs: ours`)"
                    + (kinds.isEmpty ? "" : ", or accept differences of these kinds: \(kinds.joined(separator: ", "))")
            case .computeLatentStatistics: "compute the statistics anew"
            }
        }
    }
}
