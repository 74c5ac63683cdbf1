#!/usr/bin/env python3
"""The other side of `zoo convert`: PyTorch, onnxruntime and Keras on the files it writes, and files of theirs to read.

    python tools/reference/interchange.py check-pytorch MODEL.safetensors DEFINITION.yaml VALUES.safetensors
    python tools/reference/interchange.py check-onnx MODEL.encoder.onnx MODEL.decoder.onnx VALUES.safetensors
    python tools/reference/interchange.py check-keras MODEL.weights.h5 DEFINITION.yaml VALUES.safetensors
    python tools/reference/interchange.py make-pytorch MODEL.safetensors DEFINITION.yaml VALUES.safetensors
    python tools/reference/interchange.py make-keras MODEL.weights.h5 ENCODER.h5 DECODER.h5 DEFINITION.yaml VALUES.safetensors

VALUES holds what goes in (images [N, C, H, W] of bytes / 255, latent [N, D]) and what must come out (mean, log_variance,
reconstruction): of the zoo when checking, of the other tool when making. Outputs must agree to 1e-5 of the largest.
"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
import numpy as np
import yaml
from safetensors.numpy import load_file, save_file

TOLERANCE = 1e-5


def compare(name, found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, f"{name}: {found.shape} instead of {expected.shape}"
    deviation = np.abs(found - expected).max() / max(1, np.abs(expected).max())
    assert deviation < TOLERANCE, f"{name}: deviates by {deviation}"
    print(f"{name} {deviation:.1e}")


def written_by_hand():
    """Models as one would write them in PyTorch, by the name of their definition."""
    import torch
    from torch import nn
    import torch.nn.functional as F

    class ConvEncoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 32, 3, stride=2, padding=1)
            self.conv2 = nn.Conv2d(32, 64, 3, stride=2, padding=1)
            self.fc1 = nn.Linear(64 * 7 * 7, 256)
            self.fc2_mean = nn.Linear(256, 20)
            self.fc2_logvar = nn.Linear(256, 20)

        def forward(self, x):
            x = F.relu(self.conv2(F.relu(self.conv1(x))))
            x = F.relu(self.fc1(x.flatten(1)))
            return self.fc2_mean(x), self.fc2_logvar(x)

    class ConvDecoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(20, 256)
            self.fc2 = nn.Linear(256, 64 * 7 * 7)
            self.conv1 = nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1)
            self.conv2 = nn.ConvTranspose2d(32, 1, 3, stride=2, padding=1, output_padding=1)

        def forward(self, z):
            x = F.relu(self.fc2(F.relu(self.fc1(z)))).view(-1, 64, 7, 7)
            return torch.sigmoid(self.conv2(F.relu(self.conv1(x))))

    class MLPEncoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 400)
            self.mean = nn.Linear(400, 20)
            self.log_variance = nn.Linear(400, 20)

        def forward(self, x):
            x = F.relu(self.fc1(x.flatten(1)))
            return self.mean(x), self.log_variance(x)

    class MLPDecoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(20, 400)
            self.fc2 = nn.Linear(400, 784)

        def forward(self, z):
            return torch.sigmoid(self.fc2(F.relu(self.fc1(z)))).view(-1, 1, 28, 28)

    class CIFAREncoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 32, 4, stride=2, padding=1)
            self.conv2 = nn.Conv2d(32, 64, 4, stride=2, padding=1)
            self.conv3 = nn.Conv2d(64, 128, 4, stride=2, padding=1)
            self.fc1 = nn.Linear(128 * 4 * 4, 256)
            self.mean = nn.Linear(256, 128)
            self.log_variance = nn.Linear(256, 128)

        def forward(self, x):
            x = F.relu(self.conv3(F.relu(self.conv2(F.relu(self.conv1(x))))))
            x = F.relu(self.fc1(x.flatten(1)))
            return self.mean(x), self.log_variance(x)

    class CIFARDecoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(128, 256)
            self.fc2 = nn.Linear(256, 128 * 4 * 4)
            self.conv1 = nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1)
            self.conv2 = nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)
            self.conv3 = nn.ConvTranspose2d(32, 3, 4, stride=2, padding=1)

        def forward(self, z):
            x = F.relu(self.fc2(F.relu(self.fc1(z)))).view(-1, 128, 4, 4)
            return torch.sigmoid(self.conv3(F.relu(self.conv2(F.relu(self.conv1(x))))))

    return {"conv-vae-mnist": (ConvEncoder, ConvDecoder), "mlp-vae-mnist": (MLPEncoder, MLPDecoder),
            "conv-vae-cifar": (CIFAREncoder, CIFARDecoder)}


def torch_layer(kind, fields, shape):
    """A layer of a definition for inputs of `shape`, without the axis N."""
    from torch import nn

    spec = fields if isinstance(fields, dict) else {}

    def several(*names):
        return {name: pair(spec[name]) for name in names if name in spec}

    if kind in ("conv2d", "conv_transpose2d"):
        make = nn.Conv2d if kind == "conv2d" else nn.ConvTranspose2d
        return make(shape[0], spec["filters"], pair(spec["kernel"]), bias=spec.get("bias", True),
                    **several("stride", "padding", "output_padding"))
    if kind == "linear":
        layer = nn.Linear(int(np.prod(shape)), spec.get("units", fields), bias=spec.get("bias", True))
        return Flattened(layer) if len(shape) > 1 else layer
    if kind == "flatten":
        return nn.Flatten()
    if kind == "reshape":
        return nn.Unflatten(1, fields)
    if kind == "batch_norm":
        return (nn.BatchNorm2d if len(shape) > 1 else nn.BatchNorm1d)(shape[0], eps=spec.get("epsilon", 1e-5))
    if kind in ("group_norm", "layer_norm"):
        groups = 1 if kind == "layer_norm" else spec.get("groups", fields)
        return nn.GroupNorm(groups, shape[0], eps=spec.get("epsilon", 1e-5))
    if kind in ("max_pool", "average_pool"):
        make = nn.MaxPool2d if kind == "max_pool" else nn.AvgPool2d
        return make(pair(spec.get("kernel", fields)), **several("stride", "padding"))
    if kind == "upsample":
        return nn.Upsample(scale_factor=pair(fields))
    if kind == "dropout":
        return nn.Dropout(fields)
    if kind == "activation":
        return torch_activation(spec.get("function", fields))
    raise ValueError(f"no module for {kind}")


def Flattened(layer):
    """A linear layer that takes maps. Its parameters are those of the layer itself, not of a module in it."""
    forward = layer.forward
    layer.forward = lambda x: forward(x.flatten(1))
    return layer


def torch_activation(spec):
    from torch import nn

    kind, fields = next(iter(spec.items())) if isinstance(spec, dict) else (spec, {})
    return {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "silu": nn.SiLU, "gelu": nn.GELU,
            "softplus": nn.Softplus, "elu": lambda: nn.ELU(fields.get("alpha", 1.0)),
            "leaky_relu": lambda: nn.LeakyReLU(fields.get("slope", 0.01))}[kind]()


def torch_network(entries, shape, residual=False):
    """(module, shape that comes out) for the list of layers of a definition, under their names."""
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.steps = []

        def add(self, name, module):
            if name is not None:
                setattr(self, name, module)
            self.steps.append([module])  # in a list, so that PyTorch does not see it twice

        def forward(self, x):
            y = x
            for (step,) in self.steps:
                y = step(y)
            return x + y if residual else y

    module = Network()
    for entry in entries:
        name, body = next(iter(entry.items())) if isinstance(entry, dict) else (entry, {})
        if name in ("flatten", "reshape", "activation", "dropout", "upsample", "max_pool", "average_pool"):
            name, kind, fields, after = None, name, body, None
        else:
            kind = next(key for key in body if key != "activation")
            fields, after = body[kind], body.get("activation") if kind != "activation" else None
        if kind == "residual":
            inner, shape = torch_network(fields, shape, residual=True)
        else:
            inner = torch_layer(kind, fields, shape)
        module.add(name, inner)
        if after:
            module.add(None, torch_activation(after))
        if kind != "residual":
            with torch.no_grad():
                shape = tuple(inner.eval()(torch.zeros(2, *shape)).shape[1:])
    return module, shape


def torch_model(definition):
    """A module with `encoder` and `decoder` for a definition: written by hand, or made of its layers."""
    from torch import nn

    vae = nn.Module()
    if definition["name"] in (classes := written_by_hand()):
        vae.encoder, vae.decoder = (part() for part in classes[definition["name"]])
        return vae.eval()
    latent = definition["latent"]
    body, features = torch_network(definition["encoder"], tuple(definition["input"]))
    heads = []
    for key in ("code",) if "code" in latent else ("mean", "log_variance"):
        spec = latent[key] if isinstance(latent[key], dict) else {latent[key]: {}}
        (name, fields), = spec.items()
        head = torch_layer("linear", {"units": latent["size"], **fields}, features)
        setattr(body, name, head)
        heads.append(nn.Sequential(head, torch_activation(fields["activation"])) if "activation" in fields else head)
    trunk = body.forward
    body.forward = lambda x: tuple(head(trunk(x)) for head in heads)
    vae.encoder = body
    vae.decoder, shape = torch_network(definition["decoder"], (latent["size"],))
    if shape != tuple(definition["input"]):
        vae.decoder.add(None, nn.Unflatten(1, definition["input"]))
    return vae.eval()


def torch_outputs(vae, images, latent):
    import torch

    with torch.no_grad():
        vectors = vae.encoder(torch.tensor(images))
        outputs = dict(zip(("mean", "log_variance"), vectors)) | {"reconstruction": vae.decoder(torch.tensor(latent))}
    return {name: np.ascontiguousarray(value.numpy()) for name, value in outputs.items()}


def check_pytorch(model, definition, values):
    from safetensors.torch import load_file as load_tensors

    vae = torch_model(yaml.safe_load(open(definition)))
    vae.load_state_dict(load_tensors(model), strict=True)
    values = load_file(values)
    for name, found in torch_outputs(vae, values["images"], values["latent"]).items():
        compare(name, found, values[name])


def make_pytorch(model, definition, values):
    import torch
    from safetensors.torch import save_file as save_tensors

    torch.manual_seed(5)
    definition = yaml.safe_load(open(definition))
    vae = torch_model(definition)
    for tensor in vae.state_dict().values():
        if tensor.dim() == 1:  # running statistics and the like, away from their first values
            tensor.add_(torch.rand_like(tensor) * 0.1)
    save_tensors(vae.state_dict(), model)
    images, latent = inputs(tuple(definition["input"]), definition["latent"]["size"])
    save_file({"images": images, "latent": latent} | torch_outputs(vae, images, latent), values)


def check_onnx(encoder, decoder, values):
    import onnx
    import onnxruntime

    values = load_file(values)
    for path, key in ((encoder, "images"), (decoder, "latent")):
        onnx.checker.check_model(onnx.load(path), full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        for name, found in zip(names, session.run(None, {key: values[key]})):
            if name == "log_sigma":  # a parameter, which has no value of its own to compare with
                continue
            compare(name, found, values["mean" if name == "code" else name])


def inputs(shape, size):
    random = np.random.default_rng(3)
    images = random.integers(0, 256, (5, *shape)).astype(np.float32) / 255
    return images, random.standard_normal((5, size)).astype(np.float32)


def pair(value):
    return tuple(value) if isinstance(value, list) else (value, value)


def activation(x, spec):
    from keras import layers

    kind, fields = next(iter(spec.items())) if isinstance(spec, dict) else (spec, {})
    if kind == "leaky_relu":
        return layers.LeakyReLU(negative_slope=fields.get("slope", 0.01))(x)
    if kind == "elu":
        return layers.ELU(alpha=fields.get("alpha", 1.0))(x)
    return layers.Activation(kind)(x)


def layer(x, kind, fields):
    """A layer of a definition in Keras, channels last (docs/interchange.md has the table)."""
    from keras import layers

    def windowed(make, name="kernel"):
        spec = fields if isinstance(fields, dict) else {name: fields}
        kernel = pair(spec[name])
        stride = pair(spec["stride"]) if "stride" in spec else (kernel if make is not layers.Conv2D else (1, 1))
        padding = pair(spec.get("padding", 0))
        y = layers.ZeroPadding2D(padding)(x) if padding != (0, 0) else x
        return spec, kernel, stride, y

    if kind == "conv2d":
        spec, kernel, stride, y = windowed(layers.Conv2D)
        return layers.Conv2D(spec["filters"], kernel, stride, use_bias=spec.get("bias", True))(y)
    if kind == "conv_transpose2d":
        stride, padding, extra = pair(fields.get("stride", 1)), pair(fields.get("padding", 0)), pair(fields.get("output_padding", 0))
        kernel = pair(fields["kernel"])
        y = layers.Conv2DTranspose(fields["filters"], kernel, stride, use_bias=fields.get("bias", True))(x)
        # Where the kernel is smaller than the stride, Keras gives more than (in - 1) * stride + kernel.
        more = [max(0, s - k) for s, k in zip(stride, kernel)]
        return layers.Cropping2D([(p, p - e + m) for p, e, m in zip(padding, extra, more)])(y)
    if kind == "linear":
        if len(x.shape) > 2:
            x = layers.Flatten()(x)
        spec = fields if isinstance(fields, dict) else {"units": fields}
        return layers.Dense(spec["units"], use_bias=spec.get("bias", True))(x)
    if kind == "flatten":
        return layers.Flatten()(x)
    if kind == "reshape":
        return layers.Reshape((*fields[1:], fields[0]) if len(fields) == 3 else fields)(x)
    if kind == "batch_norm":
        return layers.BatchNormalization(epsilon=(fields or {}).get("epsilon", 1e-5))(x)
    if kind in ("group_norm", "layer_norm"):
        groups = 1 if kind == "layer_norm" else fields if isinstance(fields, int) else fields["groups"]
        epsilon = fields.get("epsilon", 1e-5) if isinstance(fields, dict) else 1e-5
        return layers.GroupNormalization(groups=groups, epsilon=epsilon)(x)
    if kind == "max_pool":
        _, kernel, stride, y = windowed(layers.MaxPooling2D)
        return layers.MaxPooling2D(kernel, stride)(y)
    if kind == "average_pool":
        _, kernel, stride, y = windowed(layers.AveragePooling2D)
        return layers.AveragePooling2D(kernel, stride)(y)
    if kind == "upsample":
        return layers.UpSampling2D(pair(fields))(x)
    if kind == "activation":
        return activation(x, fields["function"] if "function" in fields else fields)
    if kind == "dropout":
        return x
    if kind == "residual":
        return layers.Add()([x, network(x, fields)])
    raise ValueError(f"no layer for {kind}")


def network(x, entries):
    for entry in entries:
        if isinstance(entry, str):
            x = layer(x, entry, {})
            continue
        name, body = next(iter(entry.items()))
        if name in ("flatten", "reshape", "activation", "dropout", "upsample", "max_pool", "average_pool"):
            x = layer(x, name, body)
            continue
        kinds = [key for key in body if key != "activation"] if isinstance(body, dict) else [body]
        x = layer(x, kinds[0], body[kinds[0]] if isinstance(body, dict) else {})
        if isinstance(body, dict) and "activation" in body:
            x = activation(x, body["activation"])
    return x


def head(x, spec, size):
    """A head: its name alone stands for a linear layer."""
    if isinstance(spec, str):
        spec = {spec: {}}
    (name, fields), = spec.items()
    act = fields.pop("activation", None) if isinstance(fields, dict) else None
    y = layer(x, "linear", {"units": size, **fields})
    return activation(y, act) if act else y


def keras_model(path):
    """(model with `encoder` and `decoder`, definition) for a definition file."""
    import keras
    from keras import layers

    definition = yaml.safe_load(open(path))
    shape, latent = definition["input"], definition["latent"]
    x = inputs = keras.Input((*shape[1:], shape[0]) if len(shape) == 3 else shape)
    features = network(x, definition["encoder"])
    heads = [latent["code"]] if "code" in latent else [latent["mean"], latent["log_variance"]]
    encoder = keras.Model(inputs, [head(features, spec, latent["size"]) for spec in heads])
    z = keras.Input((latent["size"],))
    y = network(z, definition["decoder"])
    if len(shape) == 3 and len(y.shape) == 2:
        y = layers.Reshape((*shape[1:], shape[0]))(y)
    decoder = keras.Model(z, y)

    class Autoencoder(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = encoder, decoder

        def call(self, images):
            return self.decoder(codes(self.encoder(images))[0])

    model = Autoencoder()
    model(np.zeros((1, *inputs.shape[1:]), np.float32))
    return model, definition


def codes(outputs):
    """What an encoder gives as a list; Keras unwraps lists of one."""
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]


def keras_outputs(model, images, latent):
    last = np.moveaxis(images, 1, -1) if images.ndim == 4 else images
    vectors = [np.asarray(value) for value in codes(model.encoder(last, training=False))]
    pictures = np.asarray(model.decoder(latent, training=False))
    pictures = np.moveaxis(pictures, -1, 1) if pictures.ndim == 4 else pictures
    return dict(zip(("mean", "log_variance"), vectors)) | {"reconstruction": np.ascontiguousarray(pictures)}


def check_keras(weights, definition, values):
    model, _ = keras_model(definition)
    model.load_weights(weights)
    values = load_file(values)
    for name, found in keras_outputs(model, values["images"], values["latent"]).items():
        compare(name, found, values[name])


def make_keras(weights, encoder, decoder, definition, values):
    import keras

    keras.utils.set_random_seed(11)
    model, definition = keras_model(definition)
    random = np.random.default_rng(4)
    for variable in model.weights:
        if len(variable.shape) == 1:
            variable.assign(np.asarray(variable.value) + random.uniform(0, 0.1, variable.shape).astype(np.float32))
    model.save_weights(weights)
    model.encoder.save(encoder)
    model.decoder.save(decoder)
    images, latent = inputs(tuple(definition["input"]), definition["latent"]["size"])
    outputs = {name: np.ascontiguousarray(value) for name, value in keras_outputs(model, images, latent).items()}
    save_file({"images": images, "latent": latent} | outputs, values)


if __name__ == "__main__":
    commands = {"check-pytorch": check_pytorch, "check-onnx": check_onnx, "check-keras": check_keras,
                "make-pytorch": make_pytorch, "make-keras": make_keras}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
