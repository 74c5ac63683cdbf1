import Checkpoints
import Foundation
import TestSupport
import Testing

/// Other readers of HDF5: h5py, whose interpreter `ZOO_JUDGES` names, and h5dump, where it is installed.
@Suite struct JudgeTests {
    static let h5dump = "/usr/bin/h5dump"

    @Test(.enabled(if: Judge.python != nil)) func h5pyReadsTheSameValues() throws {
        let script = """
            import h5py, hashlib, json, sys
            f = h5py.File(sys.argv[1], "r")
            assert f["encoder/conv1/weight"][:].tolist() == [[[[1, -2], [3, 0.5]]], [[[4, 5], [-6, 7]]]]
            assert f["encoder/conv1/weight"].dtype == "<f4"
            assert f["decoder/empty"].shape == (3, 0)
            assert f["log_sigma"][()] == -1.5
            assert f["zoo/definition"][()].decode() == "format: zoo.model/1\\nname: größe\\\\x\\n"
            assert json.loads(b'"' + f.attrs["model"].replace(b'"', b'\\\\"') + b'"') == 'größe-vae "x\\\\y" 🦓'
            assert f["zoo/progress"].attrs["seed"] == 2**64 - 1
            assert f["zoo/progress/running_sums"].attrs["loss"] == 0.1 + 0.2
            assert list(f.attrs["layer_names"]) == [b"encoder/conv1", b"decoder", b"encoder/bn1"]
            for layer in f.attrs["layer_names"]:
                for weight in f[layer].attrs["weight_names"]:
                    assert f[layer][weight].attrs["role"] in (b"parameter", b"buffer")
            def check(name, item):
                if isinstance(item, h5py.Dataset):
                    assert hashlib.sha256(item[()].tobytes()).hexdigest() == item.attrs["sha256"].decode(), name
            f.visititems(check)
            print("read")
            """
        try withTemporaryFolder { folder in
            try Samples.small().write(to: folder + "/a.h5")
            let output = try Judge.run(Judge.python, ["-c", script, folder + "/a.h5"])
            #expect(output == "read\n")
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: h5dump))) func h5dumpReadsTheFile() throws {
        try withTemporaryFolder { folder in
            try Samples.small().write(to: folder + "/a.h5")
            let output = try Judge.run(Self.h5dump, [folder + "/a.h5"])
            for expected in [
                "DATASET \"weight\"", "H5T_IEEE_F32LE", "format: zoo.model/1", "ATTRIBUTE \"layer_names\"",
                "18446744073709551615",
            ] {
                #expect(output.contains(expected), "\(expected)")
            }
        }
    }
}
