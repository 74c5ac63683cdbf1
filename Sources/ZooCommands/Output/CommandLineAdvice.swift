import TensorCore
import TextSupport

extension ZooError {
    /// What to do next, as options and commands of this program.
    var commandLineAdvice: String? { remedy?.options ?? advice }

    /// The message and what to do next.
    var commandLineDescription: String { description(advice: commandLineAdvice) }
}

extension ZooError.Remedy {
    /// What to type.
    fileprivate var options: String {
        switch self {
        case .chooseOutput: "choose another --output"
        case .chooseRunFolder: "choose another --run-dir"
        case .resumeOrChooseRunFolder(let run):
            "choose another --run-dir, or resume it: \(Tool.line(["train", "--resume", run]))"
        case .listRuns(nil): "`\(Tool.name) runs list` shows the runs in ./runs"
        case .listRuns(let folder?): "`\(Tool.line(["runs", "list", folder]))` shows all"
        case .initializeFrom(nil):
            "resume from a full checkpoint of the run, or begin a run with its weights: --init-from"
        case .initializeFrom(let checkpoint?):
            "resume from a full checkpoint of the run, or begin a run with its weights: --init-from \(checkpoint)"
        case .takeFittingWeights: "take the definition they belong to, or take what fits with --init-partial"
        case .useSameVersion: "resume with the zoo that wrote it, or begin a run with its weights: --init-from"
        case .giveSameData(let checkpoint):
            "give the same data, or begin a run with these weights: --init-from \(checkpoint)"
        case .trainLonger: "ask for more with --epochs or --steps"
        case .trainShorter: "ask for fewer with --epochs or --steps"
        case .stabilize: "lower the learning rate (--learning-rate), or clip gradients (--set training.clip_norm=1)"
        case .reduceBatch: "use a smaller --batch-size or a smaller model"
        case .enlargeBatch: "use batches of at least two images (--batch-size 2), or group_norm or layer_norm"
        case .fitInput: "choose another --dataset, or change the model with --set input=…"
        case .chooseClass: "give one for all with --class N"
        case .giveImageFolder: "give one with --image-folder"
        case .giveArray: "give one with --array FILE"
        case .chooseArray: "name one with --member"
        case .scaleData:
            "scale the data to 0…1 with --scaling unit, or take a likelihood of any numbers: "
                + "--set objective.reconstruction=gaussian_learned_variance"
        case .skipDamaged: "repair, replace or remove them, or leave them out with --skip-damaged"
        case .stripPrefix(let prefix): "all names begin with it: remove it with --strip-prefix \(prefix)"
        case .chooseDataset(let names):
            "choose one with --dataset, or your own data with --image-folder or --array"
                + (names.isEmpty ? "" : "; \(names.joined(separator: ", ")) have its shape")
        case .traceOrGiveArray(let model):
            "follow it by hand with `\(Tool.name) trace \(model)`, or give it your own data with --array"
        case .writeNumbers: "write the numbers: --output latents.csv"
        case .leaveOut(.scaling): "leave out --scaling"
        case .leaveOut(.fit): "leave out --fit"
        case .leaveOut(.skipsDamaged): "leave out --skip-damaged"
        case .chooseDownloadFolder: "give one with --data-dir"
        case .giveDataFolder: "say where the files are with --data-dir or $ZOO_DATA"
        case .computeInF32: "use --precision f32"
        case .importWeights(let file):
            "make a checkpoint of weights of Keras, PyTorch, NumPy or ONNX with `\(Tool.convert) import \(file) "
                + "--model MODEL --to FILE.h5`"
        case .mapNames(let kinds):
            "rename tensors with --map FILE (lines `theirs: ours`)"
                + (kinds.isEmpty ? "" : ", or accept this with --allow \(kinds.joined(separator: ","))")
        case .computeLatentStatistics(let checkpoint):
            "compute them anew: \(Tool.convert) latent \(checkpoint) --store FILE"
        }
    }
}
