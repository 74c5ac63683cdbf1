#!/usr/bin/env python3
"""Writes Tests/InterchangeTests/Fixtures: small files of h5py, Keras and NumPy, to be read or refused.

    pip install h5py keras torch numpy
    python tools/reference/foreign_files.py

Elements of tensors are 0, 1, 2 ... in their order, or what Keras' initialisers gave.
"""
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")
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


def bomb(f):
    f.create_dataset("x", shape=(1 << 24,), dtype="f4", chunks=(1 << 24,), compression="gzip")[0:1] = 0


def texts(f):
    f.create_dataset("x", data=np.array(["a"], dtype=h5py.string_dtype()))


REFUSED = [fletcher, lzf, soft_link, external_link, cycle, external_data, virtual, big_endian, compound, reference, opaque,
           bomb, texts]


def shared(f):
    """One object under two names, a datatype that is an object, and data that was never written."""
    f["x"] = count((2,))
    f["y"] = f["x"]
    f["group/w"] = count((3,))
    f["again"] = f["group"]
    f["type"] = np.dtype("f4")
    f["unused"] = np.dtype(">f8")
    f.create_dataset("typed", data=count((2,)), dtype=f["type"]).attrs.create("a", [1, 2], dtype=f["type"])
    f.create_dataset("never", shape=(4,), dtype="f4")
    f.create_dataset("filled", shape=(2, 2), dtype="f4", fillvalue=2.5)
    f.create_dataset("sparse", shape=(8,), chunks=(3,), dtype="f4", fillvalue=-1)[3:5] = [7, 8]
    f.create_dataset("none", shape=(8,), chunks=(2,), dtype="f4", compression="gzip")


def latest(f):
    """More links and attributes than fit in a header, and every index of chunks."""
    for index in range(60):
        f[f"member{index}"] = np.float32(index)
    for index in range(12):
        f.attrs[f"attribute{index}"] = index
    values = count((7, 5))
    f.create_dataset("chunks/one", data=values, chunks=(7, 5))
    f.create_dataset("chunks/one_packed", data=values, chunks=(7, 5), compression="gzip", shuffle=True)
    f.create_dataset("chunks/fixed", data=values, chunks=(3, 2))
    f.create_dataset("chunks/fixed_packed", data=values, chunks=(3, 2), compression="gzip")
    f.create_dataset("chunks/room", data=values, chunks=(3, 2), maxshape=(20, 5))
    f.create_dataset("chunks/rows", data=values, chunks=(3, 2), maxshape=(None, 5))
    f.create_dataset("chunks/columns", data=values, chunks=(3, 2), maxshape=(9, None))
    f.create_dataset("chunks/columns_packed", data=values, chunks=(3, 2), maxshape=(9, None), compression="gzip")
    f.create_dataset("chunks/growing", data=values, chunks=(3, 2), maxshape=(None, None))
    f.create_dataset("chunks/growing_packed", data=values, chunks=(3, 2), maxshape=(None, None), compression="gzip")
    f.create_dataset("chunks/pages", data=np.arange(1100, dtype="u1"), chunks=(1,))
    f.create_dataset("chunks/endless", data=np.arange(3000, dtype="u1"), chunks=(1,), maxshape=(None,))
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((3, 2))
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    space = h5py.h5s.create_simple((7, 5))
    h5py.h5d.create(f.id, b"chunks/implicit", h5py.h5t.IEEE_F32LE, space, plist).write(
        h5py.h5s.ALL, h5py.h5s.ALL, values)


def track_order(f):
    """More than eight links in the order in which they were made, which is not that of their names."""
    for index in reversed(range(12)):
        f[f"layer{index}/weight"] = np.float32([index])


def onnx_file():
    """Elements in the fields of their types instead of raw bytes."""
    from onnx import TensorProto, helper

    initializers = [
        helper.make_tensor("a.weight", TensorProto.FLOAT, (2,), [0.5, -2]),
        helper.make_tensor("i64", TensorProto.INT64, (3,), [-1, 784, 1 << 40]),
        helper.make_tensor("i32", TensorProto.INT32, (2,), [-7, 1 << 30]),
        helper.make_tensor("i8", TensorProto.INT8, (2,), [-128, 127]),
        helper.make_tensor("u64", TensorProto.UINT64, (1,), [(1 << 64) - 1]),
        helper.make_tensor("flag", TensorProto.BOOL, (2,), [True, False]),
        helper.make_tensor("f16", TensorProto.FLOAT16, (3,), [1.5, -0.25, 65504]),
        helper.make_tensor("bf16", TensorProto.BFLOAT16, (2,), [1.5, -3]),
    ]
    graph = helper.make_graph([], "g", [], [], initializers)
    (FOLDER / "typed.onnx").write_bytes(helper.make_model(graph, ir_version=8).SerializeToString())


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

    # A model whose layers are models, as one file of either format, and weights in bfloat16.
    inputs = keras.Input((8,))
    x = layers.Dense(4, activation="relu")(inputs)
    encoder = keras.Model(inputs, [layers.Dense(2)(x), layers.Dense(2)(x)], name="encoder")
    decoder = keras.Sequential(
        [keras.Input((2,)), layers.Dense(4, activation="relu"), layers.Dense(8, activation="sigmoid")], name="decoder")
    inputs = keras.Input((8,))
    model = keras.Model(inputs, decoder(encoder(inputs)[0]), name="vae")
    model.save_weights(FOLDER / "keras-nested.weights.h5")
    model.save(FOLDER / "keras-nested.h5", include_optimizer=False)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, dtype="bfloat16")])
    model.set_weights([np.array([[1.5, -2], [0.25, 3], [-1, 0]]), np.array([0.5, 4])])
    model.save_weights(FOLDER / "keras-bfloat16.weights.h5")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with h5py.File(FOLDER / "h5py.h5", "w") as f:
        readable(f)
    for make in REFUSED:
        with h5py.File(FOLDER / f"refused-{make.__name__}.h5", "w") as f:
            make(f)
    with h5py.File(FOLDER / "shared.h5", "w") as f:
        shared(f)
    with h5py.File(FOLDER / "latest.h5", "w", libver="latest") as f:
        latest(f)
    with h5py.File(FOLDER / "track_order.h5", "w", track_order=True) as f:
        track_order(f)
    for version in ("earliest", "latest"):
        with h5py.File(FOLDER / f"user_block-{version}.h5", "w", userblock_size=1024, libver=version) as f:
            f["x"] = count((2,))
            f.create_dataset("y", data=count((8,)), chunks=(3,), compression="gzip")
    # A user block may hold anything, here a text.
    with open(FOLDER / "user_block-earliest.h5", "r+b") as f:
        f.write(b"PK is how a zip archive begins, and a text may, too")
    np.savez(FOLDER / "fortran.npz", **{"a": np.asfortranarray(count((2, 3, 4))), "b": np.asfortranarray(count((3, 2), "f8")),
                                        "c": count((4,)), "d": np.asfortranarray(count((0, 2)))})
    np.savez(FOLDER / "numpy.npz", **{"a.weight": count((2, 3)), "b": np.float64(0.5), "c": count((3,), "f2")})
    np.savez_compressed(FOLDER / "compressed.npz", **{"a.weight": count((20, 3)), "b": count((4,), "i8")})
    onnx_file()
    keras_files()
