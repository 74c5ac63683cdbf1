import Foundation
import Testing

@testable import ZooCommands

/// Command lines that cannot be taken, and folders that are no runs.
@Suite struct MisuseTests {
    @Test(arguments: [
        ("--lr", "--learning-rate"), ("--bs", "--batch-size"), ("--rate", "--learning-rate"), ("--epoch", "--epochs"),
        ("--thread=3", "--threads"), ("--prcision", "--precision"), ("--learningrate", "--learning-rate"),
        ("--xyz", nil), ("--zo", "--zoo"), ("--ab", nil),
    ])
    func nearOptions(option: String, near: String?) {
        let known = [
            "--batch-size", "--epochs", "--learning-rate", "--precision", "--seed", "--set", "--threads", "--zoo",
        ]
        #expect(nearestOption(to: option, among: known) == near)
    }

    @Test(arguments: [
        (
            ["train", "conv-vae-mnist", "--lr", "1e-3"],
            "error: unknown option --lr\n  did you mean --learning-rate? `zoo train --help` shows what may be given\n"
        ),
        (
            ["data", "get"],
            "error: missing expected argument '<name>'\n  `zoo data get --help` shows what may be given\n"
        ),
        (
            ["train", "conv-vae-mnist", "--steps", "0"],
            "error: --steps must lie in 1…4294967295, is 0\n  `zoo train --help` shows what may be given\n"
        ),
        (
            ["sweep", "conv-vae-mnist", "--vary", "latent.size=1,2", "--lr", "1"],
            "error: unknown option --lr\n  did you mean --learning-rate? `zoo train --help` shows what may be given\n"
        ),
    ])
    func errorsHaveOneForm(arguments: [String], errors: String) throws {
        let result = try zoo(arguments)
        #expect(result.status == 2 && result.errors == errors, "\(result.errors)")
    }

    /// An option of other data than those that are worked on is not passed over.
    @Test(arguments: [
        (
            ["train", "conv-vae-mnist", "--dataset", "sprites", "--image-folder", "."],
            "--image-folder belongs to the data set image-folder"
        ),
        (
            ["train", "conv-vae-mnist", "--dataset", "sprites", "--array", "a.npy"],
            "--array belongs to the data set array"
        ),
        (["data", "info", "mnist", "--image-folder", "."], "--image-folder belongs to the data set image-folder"),
        (["data", "verify", "mnist", "--array", "a.npy"], "--array belongs to the data set array"),
        (
            ["train", "beta-vae-sprites", "--fit", "pad", "--dry-run"],
            "fitting pictures belongs to the data sets image-folder and celeba, and the data are sprites\n  leave out --fit\n"
        ),
        (
            ["train", "beta-vae-sprites", "--skip-damaged", "--dry-run"],
            "leaving out damaged pictures belongs to the data sets image-folder and celeba, and the data are sprites\n"
                + "  leave out --skip-damaged\n"
        ),
        (
            ["train", "beta-vae-sprites", "--scaling", "unit", "--dry-run"],
            "a scaling belongs to data of real numbers, and sprites has images of bytes, which become 0…1\n"
                + "  leave out --scaling\n"
        ),
        (["train", "beta-vae-sprites", "--labels", "kind"], "give it with --array"),
    ])
    func optionsOfOtherData(arguments: [String], message: String) throws {
        let result = try zoo(arguments)
        #expect(result.status == 2 && result.errors.contains(message), "\(result.errors)")
    }

    @Test func aFolderOfRunsSaysWhichThereAre() throws {
        let folder = try TemporaryFolder()
        for run in ["runs/b", "runs/sweep/a"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder.path)/\(run)", withIntermediateDirectories: true)
            try folder.write("{}", run + "/run.json")
        }
        let runs = folder.path + "/runs"
        let expected = "error: \(runs) is no run, but holds 2:\n  \(runs)/b\n  \(runs)/sweep/a\n  give one of them\n"
        for arguments in [
            ["train", "--resume", runs], ["sample", runs], ["evaluate", runs], ["runs", "show", runs],
            ["convert", "verify", runs], ["show", runs],
        ] {
            let result = try zoo(arguments)
            #expect(result.status == 2 && result.errors == expected, "\(arguments): \(result.errors)")
        }
        let one = try zoo("sample", runs + "/sweep")
        #expect(one.errors.contains("is no run, but holds one:\n  \(runs)/sweep/a\n  give that"), "\(one.errors)")
        let none = try zoo("train", "--resume", folder.path + "/nowhere")
        #expect(none.status == 2 && none.errors.contains("there is no folder \(folder.path)/nowhere"))
    }

    @Test func aModelWithoutADataSetSaysWhatItNeeds() throws {
        let worked = try zoo("train", "worked-vae", "--steps", "1")
        #expect(worked.status == 2)
        #expect(worked.errors.contains("worked-vae names no data set"))
        #expect(worked.errors.contains("two-moons, rings, gaussians have its shape"), "\(worked.errors)")
        let folder = try TemporaryFolder()
        let text = FewSprites.definition.replacing("dataset: few-sprites\n", with: "")
        let plain = try zoo("train", try folder.write(text, "plain.yaml"), "--steps", "1")
        #expect(plain.errors.contains("--image-folder or --array; dsprites, sprites have its shape"), "\(plain.errors)")
    }
}
