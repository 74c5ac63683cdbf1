#!/usr/bin/env python3
"""Writes Tests/InterchangeTests/Fixtures: small files of h5py, Keras and NumPy, to be read or refused.

    pip install h5py keras torch numpy
    python tools/reference/foreign_files.py

Elements of tensors are 0, 1, 2 ... in their order, or what Keras' initialisers gave.
"""
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "torch")
import h5py
import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/InterchangeTests/Fixtures"


def count(shape, dtype=np.float32):
    return np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)


def readable(f):
    f.attrs["text"] = "größe"
    f.attrs["texts"] = np.array(["a", "bc"], dtype=h5py.string_dtype())
    f.attrs["fixed"] = np.bytes_(b"fixed")
    f.attrs["none"] = np.zeros(0)
    f.attrs["vector"] = [1.0, 2.0]
    f["chunks"] = 0
    del f["chunks"]
    f.create_dataset("chunks", data=count((7, 5, 3)), chunks=(3, 2, 3), compression="gzip", shuffle=True)
    f.create_dataset("growing", data=count((5,)), chunks=(2,), maxshape=(None,))
    f.create_dataset("empty", data=count((0, 3)))
    for name in ("f2", "f8", "i4", "u2", "?"):
        f.create_dataset(f"types/{name}", data=count((3,), name))
    space = h5py.h5s.create_simple((4,))
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    h5py.h5d.create(f.id, b"compact", h5py.h5t.IEEE_F32LE, space, plist).write(h5py.h5s.ALL, h5py.h5s.ALL, count((4,)))
    for index in range(40):
        f[f"many/group{index}/weight"] = np.float32([index])


def fletcher(f):
    f.create_dataset("x", data=count((8,)), chunks=(4,), fletcher32=True)


def lzf(f):
    f.create_dataset("x", data=count((8,)), chunks=(4,), compression="lzf")


def soft_link(f):
    f["x"] = count((2,))
    f["y"] = h5py.SoftLink("/x")


def external_link(f):
    f["y"] = h5py.ExternalLink("other.h5", "/x")


def hard_link_twice(f):
    f["x"] = count((2,))
    f["y"] = f["x"]


def cycle(f):
    f["a"] = f["/"]


def external_data(f):
    f.create_dataset("x", shape=(4,), dtype="f4", external=[("/etc/hostname", 0, 16)])


def virtual(f):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(4,))
    f.create_virtual_dataset("x", layout)


def big_endian(f):
    f.create_dataset("x", data=count((4,)).astype(">f4"))


def compound(f):
    f.create_dataset("x", data=np.zeros(2, [("a", "f4"), ("b", "i4")]))


def reference(f):
    f["x"] = count((2,))
    f.attrs["r"] = f["x"].ref


def opaque(f):
    f.create_dataset("x", data=np.void(b"abc"))


def committed_type(f):
    f["t"] = np.dtype("f4")
    f.create_dataset("x", data=count((2,)), dtype=f["t"])


def sparse_chunks(f):
    f.create_dataset("x", shape=(8,), chunks=(2,), dtype="f4")[0:2] = 1


def bomb(f):
    f.create_dataset("x", shape=(1 << 24,), dtype="f4", chunks=(1 << 24,), compression="gzip")[0:1] = 0


def texts(f):
    f.create_dataset("x", data=np.array(["a"], dtype=h5py.string_dtype()))


REFUSED = [fletcher, lzf, soft_link, external_link, hard_link_twice, cycle, external_data, virtual, big_endian, compound,
           reference, opaque, committed_type, sparse_chunks, bomb, texts]


def keras_files():
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((4, 4, 2))
    x = layers.Conv2D(3, 2, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Flatten()(x)
    model = keras.Model(inputs, layers.Dense(2)(x))
    model.compile("adam", "mse")
    model.save_weights(FOLDER / "keras.weights.h5")
    model.save(FOLDER / "keras.h5", include_optimizer=False)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with h5py.File(FOLDER / "h5py.h5", "w") as f:
        readable(f)
    for make in REFUSED:
        with h5py.File(FOLDER / f"refused-{make.__name__}.h5", "w") as f:
            make(f)
    with h5py.File(FOLDER / "refused-latest.h5", "w", libver="latest") as f:
        f.create_dataset("x", data=count((8,)), chunks=(4,))
    with h5py.File(FOLDER / "refused-user_block.h5", "w", userblock_size=512) as f:
        f["x"] = count((2,))
    np.savez(FOLDER / "numpy.npz", **{"a.weight": count((2, 3)), "b": np.float64(0.5), "c": count((3,), "f2")})
    np.savez_compressed(FOLDER / "compressed.npz", **{"a.weight": count((20, 3)), "b": count((4,), "i8")})
    keras_files()
