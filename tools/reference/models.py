#!/usr/bin/env python3
"""Writes Tests/LayerLibraryTests/Golden/models.json: ten training steps of two whole models, by PyTorch in float64.

    pip install torch numpy
    python tools/reference/models.py

Everything that goes in comes from one formula that the tests compute, too (`formula` here, `HashFormula` there): a
parameter holds formula(path) / sqrt(fan-in), fan-in counted as PyTorch's initialisation counts it (a bias has that of
its weight), biases 1/2 more; images (formula("images") + 1) / 2 and noise formula("noise"). The 1/2 keeps rectified
units alive: a unit that comes to life in step 3 moves by Adam's full rate whatever the size of its gradient, so that
rounding errors would decide the later losses. The loss is the mean over the images of binary cross-entropy plus KL
divergence, both in nats; the optimiser is Adam with a rate of 1e-3.

The file has the losses of each step and, of every gradient of the first step, the L2 norm, the sum, the dot products
with formula("direction0") ... formula("direction3") and 64 elements at an odd stride. It also tells how far
PyTorch's own float32 is from its float64, which is the yardstick for any engine that computes in float32.
"""
import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

IMAGES, STEPS, SAMPLES, DIRECTIONS = 16, 10, 64, 4


def formula(key, count):
    """Elements of the tensor `key`: multiples of 2**-23 in -1 ... 1 (Tests/LayerLibraryTests/HashFormula.swift)."""
    mask = 0xFFFFFFFF
    seed = 0x811C9DC5
    for byte in key.encode():
        seed = (seed ^ byte) * 0x01000193 & mask
    h = (np.arange(count, dtype=np.uint64) * 0x9E3779B9 + seed) & mask
    h = (h ^ (h >> 16)) * 0x85EBCA6B & mask
    h = (h ^ (h >> 13)) * 0xC2B2AE35 & mask
    h ^= h >> 16
    return (h >> 8).astype(np.float64) * 2.0**-23 - 1


#: name -> (input shape, latent size, shape that the decoder starts from, layers in the order of their parameters);
#: a layer is (path, kind, weight shape, window), the window being (stride, padding, output padding).
MODELS = {
    "conv-vae-mnist": ((1, 28, 28), 20, (64, 7, 7), [
        ("encoder.conv1", "conv", (32, 1, 3, 3), (2, 1, 0)),
        ("encoder.conv2", "conv", (64, 32, 3, 3), (2, 1, 0)),
        ("encoder.fc1", "linear", (256, 3136), None),
        ("encoder.fc2_mean", "mean", (20, 256), None),
        ("encoder.fc2_logvar", "log_variance", (20, 256), None),
        ("decoder.fc1", "linear", (256, 20), None),
        ("decoder.fc2", "linear", (3136, 256), None),
        ("decoder.conv1", "transposed", (64, 32, 3, 3), (2, 1, 1)),
        ("decoder.conv2", "transposed", (32, 1, 3, 3), (2, 1, 1)),
    ]),
    "conv-vae-cifar": ((3, 32, 32), 128, (128, 4, 4), [
        ("encoder.conv1", "conv", (32, 3, 4, 4), (2, 1, 0)),
        ("encoder.conv2", "conv", (64, 32, 4, 4), (2, 1, 0)),
        ("encoder.conv3", "conv", (128, 64, 4, 4), (2, 1, 0)),
        ("encoder.fc1", "linear", (256, 2048), None),
        ("encoder.mean", "mean", (128, 256), None),
        ("encoder.log_variance", "log_variance", (128, 256), None),
        ("decoder.fc1", "linear", (256, 128), None),
        ("decoder.fc2", "linear", (2048, 256), None),
        ("decoder.conv1", "transposed", (128, 64, 4, 4), (2, 1, 0)),
        ("decoder.conv2", "transposed", (64, 32, 4, 4), (2, 1, 0)),
        ("decoder.conv3", "transposed", (32, 3, 4, 4), (2, 1, 0)),
    ]),
}


def make_parameters(layers, dtype):
    """path -> tensor, in the order of the layers, weights before biases."""
    parameters = {}
    for path, kind, shape, _ in layers:
        fan_in = math.prod(shape[1:])
        bias = (shape[1] if kind == "transposed" else shape[0],)
        for name, extents in (("weight", shape), ("bias", bias)):
            values = formula(f"{path}.{name}", math.prod(extents)) / math.sqrt(fan_in)
            values += 0.5 if name == "bias" else 0
            parameters[f"{path}.{name}"] = torch.tensor(values.reshape(extents), dtype=dtype, requires_grad=True)
    return parameters


def losses(layers, start, parameters, images, noise):
    """(reconstruction, KL), means over the images, in nats."""
    x, heads = images, {}
    last = layers[-1][0]
    for path, kind, _, window in layers:
        weight, bias = parameters[path + ".weight"], parameters[path + ".bias"]
        if kind == "conv":
            x = F.relu(F.conv2d(x, weight, bias, window[0], window[1]))
        elif kind == "transposed":
            if x.dim() == 2:
                x = x.reshape(-1, *start)
            x = F.conv_transpose2d(x, weight, bias, window[0], window[1], window[2])
            x = x if path == last else F.relu(x)
        elif kind == "linear":
            x = F.relu(F.linear(x.flatten(1), weight, bias))
        else:
            heads[kind] = F.linear(x, weight, bias)
            if kind == "log_variance":
                x = heads["mean"] + noise * torch.exp(0.5 * heads["log_variance"])
    mean, log_variance = heads["mean"], heads["log_variance"]
    reconstruction = F.binary_cross_entropy_with_logits(x, images, reduction="sum") / len(images)
    kl = -0.5 * torch.sum(1 + log_variance - mean**2 - log_variance.exp()) / len(images)
    return reconstruction, kl


def train(name, dtype):
    """The losses of all steps and the gradients of the first."""
    shape, latent, start, layers = MODELS[name]
    images = (formula("images", IMAGES * math.prod(shape)).reshape(IMAGES, *shape) + 1) / 2
    noise = formula("noise", IMAGES * latent).reshape(IMAGES, latent)
    images, noise = torch.tensor(images, dtype=dtype), torch.tensor(noise, dtype=dtype)
    parameters = make_parameters(layers, dtype)
    optimizer = torch.optim.Adam(parameters.values(), lr=1e-3)
    history, gradients = [], {}
    for step in range(STEPS):
        optimizer.zero_grad()
        reconstruction, kl = losses(layers, start, parameters, images, noise)
        (reconstruction + kl).backward()
        if step == 0:
            gradients = {path: p.grad.detach().double().numpy().ravel().copy() for path, p in parameters.items()}
        optimizer.step()
        history.append((reconstruction.item(), kl.item()))
    return history, gradients


def digits(value, count=12):
    return float(f"{value:.{count}g}")


def describe(gradient):
    """What the golden file says about one gradient."""
    count = gradient.size
    stride = max(1, count // SAMPLES) - 1 | 1  # odd, so that it does not follow rows
    places = range(0, min(count, SAMPLES * stride), stride)[:SAMPLES]
    return {
        "count": count,
        "norm": digits(np.linalg.norm(gradient)),
        "sum": digits(gradient.sum()),
        "products": [digits(gradient @ formula(f"direction{k}", count)) for k in range(DIRECTIONS)],
        "elements": [digits(gradient[place], 9) for place in places],
    }


def main():
    torch.manual_seed(0)
    result = {}
    for name in MODELS:
        history, gradients = train(name, torch.float64)
        history32, gradients32 = train(name, torch.float32)
        loss_error = max(abs(a - b) / abs(a) for x, y in zip(history, history32) for a, b in zip(x, y))
        gradient_error = max(
            np.linalg.norm(gradients[path] - gradients32[path]) / np.linalg.norm(gradients[path]) for path in gradients)
        print(f"{name}: float32 against float64: losses {loss_error:.1e}, gradients {gradient_error:.1e}")
        result[name] = {
            "torch": torch.__version__,
            "float32LossError": digits(loss_error, 3),
            "float32GradientError": digits(gradient_error, 3),
            "reconstruction": [digits(r) for r, _ in history],
            "kl": [digits(k) for _, k in history],
            "gradients": {path: describe(gradient) for path, gradient in gradients.items()},
        }
    root = pathlib.Path(__file__).resolve().parents[2]
    path = root / "Tests/LayerLibraryTests/Golden/models.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(f"{path.relative_to(root)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
