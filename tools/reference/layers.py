#!/usr/bin/env python3
"""Writes Tests/LayerLibraryTests/Golden/layers.json: what PyTorch computes in float64 for the table of layer cases.

    pip install torch numpy
    python tools/reference/layers.py

Each case is the network of the same name in Tests/LayerLibraryTests/LayerCases.swift. The tensor `name` of a case holds
scale * formula("case.name") + offset, with `formula` of models.py and the scale and offset of `Network.tensor` here and
`CaseProgram.initialValues` there. The loss is the mean over three images, in nats per image.

The file has, per case, the prediction, the loss of each image, its KL divergence where there is one, the gradient
with respect to the input and to every parameter, and the buffers after the run; and, per update rule, the parameters
after three steps. Nine significant digits. Dropout masks come from a Philox generator of its own, in this file.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

from models import formula

IMAGES, IMAGE_INDICES, SEED, STEP = 3, (7, 2, 11), 5, 3
KL_WEIGHT, LEARNING_RATE, UPDATES = 0.75, 0.0625, 3
MASK = 0xFFFFFFFF


def philox(counter, key):
    """Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011): four words for one counter and key."""
    (a, b, c, d), (key0, key1) = counter, key
    for _ in range(10):
        first, second = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (second >> 32) ^ b ^ key0, second & MASK, (first >> 32) ^ d ^ key1, first & MASK
        key0, key1 = key0 + 0x9E3779B9 & MASK, key1 + 0xBB67AE85 & MASK
    return a, b, c, d


def uniform(number):
    """Uniform number `number` of the dropout stream (purpose 3) of the tests' seed and step."""
    block = number // 4
    words = philox((block & MASK, block >> 32, STEP, 3), (SEED & MASK, SEED >> 32))
    return (words[number % 4] >> 8) / 2**24


class Network:
    """Makes parameters when a layer first asks for them, named as the layer library names them."""

    def __init__(self, case, training=True):
        self.case, self.training = case, training
        self.parameters, self.buffers, self.dropouts, self.prefix = {}, {}, 0, ""

    def tensor(self, name, shape):
        suffix = name.split(".")[-1]
        scale, offset = {"x": (2, 0), "target": (0.5, 0.5), "noise": (1.5, 0), "running_var": (0.5, 1)}.get(
            suffix, (0.5, 0))
        values = formula(f"{self.case}.{name}", math.prod(shape)) * scale + offset
        return torch.from_numpy(values).reshape(shape)

    def parameter(self, name, shape):
        name = self.prefix + name
        if name not in self.parameters:
            self.parameters[name] = self.tensor(name, shape).requires_grad_()
        return self.parameters[name]

    def buffer(self, name, shape):
        name = self.prefix + name
        if name not in self.buffers:
            self.buffers[name] = self.tensor(name, shape)
        return self.buffers[name]

    def bias(self, name, count, present):
        return self.parameter(f"{name}.bias", (count,)) if present else None

    def linear(self, x, units, name="linear", bias=True):
        x = x.flatten(1)
        return F.linear(x, self.parameter(f"{name}.weight", (units, x.shape[1])), self.bias(name, units, bias))

    def conv(self, x, filters, kernel, stride=1, padding=0, name="conv", bias=True):
        weight = self.parameter(f"{name}.weight", (filters, x.shape[1], *pair(kernel)))
        return F.conv2d(x, weight, self.bias(name, filters, bias), stride, padding)

    def transposed(self, x, filters, kernel, stride=1, padding=0, output_padding=0, name="transposed", bias=True):
        weight = self.parameter(f"{name}.weight", (x.shape[1], filters, *pair(kernel)))
        return F.conv_transpose2d(x, weight, self.bias(name, filters, bias), stride, padding, output_padding)

    def scale_and_shift(self, x, name):
        return self.parameter(f"{name}.weight", (x.shape[1],)), self.parameter(f"{name}.bias", (x.shape[1],))

    def batch_norm(self, x, eps=1e-5, momentum=0.1, name="batch_norm"):
        mean = self.buffer(f"{name}.running_mean", (x.shape[1],))
        variance = self.buffer(f"{name}.running_var", (x.shape[1],))
        weight, bias = self.scale_and_shift(x, name)
        return F.batch_norm(x, mean, variance, weight, bias, self.training, momentum, eps)

    def group_norm(self, x, groups, eps=1e-5, name="group_norm"):
        return F.group_norm(x, groups, *self.scale_and_shift(x, name), eps)

    def layer_norm(self, x, name="layer_norm"):
        if x.dim() == 2:
            return F.layer_norm(x, x.shape[1:], *self.scale_and_shift(x, name))
        return self.group_norm(x, 1, name=name)

    def dropout(self, x, rate):
        layer, count = self.dropouts, x[0].numel()
        self.dropouts += 1
        if not self.training:
            return x
        firsts = [(layer << 48) + image * ((count + 3) // 4 * 4) for image in IMAGE_INDICES]
        kept = [float(uniform(first + element) >= rate) for first in firsts for element in range(count)]
        return x * torch.tensor(kept, dtype=x.dtype).reshape(x.shape) / (1 - rate)

    def residual(self, x, body, shortcut=None):
        self.prefix = "residual."
        y = body(x)
        y = y + (self.conv(x, y.shape[1], 1, shortcut, name="shortcut", bias=False) if shortcut else x)
        self.prefix = ""
        return y

    def parabola(self, x):
        return self.parameter("parabola.weight", (x.shape[1],)).reshape(1, -1, 1, 1) * x * x + x


def pair(extent):
    return extent if isinstance(extent, tuple) else (extent, extent)


#: name -> (shape of one image, network(n, x) -> prediction)
CASES = {
    "linear": ((5,), lambda n, x: n.linear(x, 4)),
    "linear_no_bias": ((5,), lambda n, x: n.linear(x, 4, bias=False)),
    "linear_on_maps": ((2, 3, 2), lambda n, x: n.linear(x, 4)),
    "conv2d": ((3, 5, 6), lambda n, x: n.conv(x, 4, 3, padding=1)),
    "conv2d_stride": ((2, 6, 7), lambda n, x: n.conv(x, 3, 3, 2, 1)),
    "conv2d_one_channel": ((1, 5, 5), lambda n, x: n.conv(x, 1, 4, 2, 1)),
    "conv2d_non_square": ((2, 6, 5), lambda n, x: n.conv(x, 3, (3, 2), (2, 1), (1, 0), bias=False)),
    "conv2d_20_channels": ((3, 4, 4), lambda n, x: n.conv(
        n.conv(x, 20, 3, padding=1, name="first").relu(), 3, 2, 2, name="second")),
    "conv_transpose2d": ((3, 4, 3), lambda n, x: n.transposed(x, 2, 3, padding=1)),
    "conv_transpose2d_stride": ((4, 3, 3), lambda n, x: n.transposed(x, 3, 4, 2, 1)),
    "conv_transpose2d_output_padding": ((3, 3, 3), lambda n, x: n.transposed(x, 1, 3, 2, 1, 1)),
    "conv_transpose2d_non_square": ((2, 3, 2), lambda n, x: n.transposed(
        x, 3, (3, 2), (2, 3), (1, 0), (0, 1), bias=False)),
    "conv2d_image": ((1, 9, 21), lambda n, x: n.conv(
        n.conv(x, 16, 3, 2, 1, name="first").relu(), 3, 3, 2, name="second")),
    "conv2d_image_3_channels": ((3, 6, 7), lambda n, x: n.conv(
        n.conv(x, 48, 4, 2, 1, name="first").relu(), 32, 2, name="second")),
    "conv_transpose2d_image": ((3, 3, 5), lambda n, x: n.transposed(
        n.transposed(x, 48, 3, 2, 1, 1, name="first").relu(), 1, 3, 2, 1, 1, name="second")),
    "conv_transpose2d_image_3_channels": ((5, 2, 2), lambda n, x: torch.sigmoid(n.transposed(
        n.transposed(x, 32, 4, 2, 1, name="first").relu(), 3, 4, 2, 1, name="second"))),
    "image_25_taps": ((1, 7, 8), lambda n, x: n.transposed(
        n.conv(x, 16, 5, 2, 2, name="first").relu(), 1, 5, 2, 2, name="second")),
    "image_27_taps": ((3, 5, 4), lambda n, x: n.transposed(
        n.conv(x, 32, 3, 1, 1, name="first").relu(), 3, 3, 1, 1, name="second")),
    "conv_transpose2d_20_channels": ((3, 2, 2), lambda n, x: n.transposed(
        n.transposed(x, 20, 2, 2, name="first").relu(), 3, 3, 1, 1, name="second")),
    "batch_norm_on_maps": ((3, 3, 2), lambda n, x: n.batch_norm(x)),
    "batch_norm_on_vector": ((6,), lambda n, x: n.batch_norm(x, 0.125, 0.25)),
    "layer_norm_on_maps": ((4, 2, 3), lambda n, x: n.layer_norm(x)),
    "layer_norm_on_vector": ((7,), lambda n, x: n.layer_norm(x)),
    "group_norm": ((4, 3, 2), lambda n, x: n.group_norm(x, 2)),
    "group_norm_per_channel": ((3, 2, 2), lambda n, x: n.group_norm(x, 3, 0.25)),
    "dropout_on_vector": ((9,), lambda n, x: n.dropout(x, 0.5)),
    "dropout_twice": ((3, 3, 2), lambda n, x: n.dropout(n.dropout(x, 0.25), 0.5)),
    "flatten": ((3, 2, 3), lambda n, x: x.flatten(1)),
    "reshape_maps": ((4, 2, 3), lambda n, x: x.reshape(-1, 2, 3, 4)),
    "reshape_vector": ((12,), lambda n, x: x.reshape(-1, 3, 2, 2)),
    "upsample": ((2, 2, 3), lambda n, x: F.interpolate(x, scale_factor=2, mode="nearest")),
    "upsample_non_square": ((3, 2, 2), lambda n, x: F.interpolate(x, scale_factor=(1, 3), mode="nearest")),
    "max_pool": ((3, 4, 6), lambda n, x: F.max_pool2d(x, 2)),
    "max_pool_overlapping": ((2, 5, 6), lambda n, x: F.max_pool2d(x, 3, 2, 1)),
    "average_pool": ((3, 4, 6), lambda n, x: F.avg_pool2d(x, 2)),
    "average_pool_overlapping": ((2, 5, 6), lambda n, x: F.avg_pool2d(x, 3, 2, 1)),
    "average_pool_non_square": ((2, 4, 6), lambda n, x: F.avg_pool2d(x, (2, 3), (2, 1), (0, 1))),
    "maps_vector_maps": ((2, 4, 4), lambda n, x: n.transposed(
        n.linear(n.linear(n.conv(x, 3, 3, 2, 1).relu(), 5, "inward").tanh(), 12, "outward").relu().reshape(-1, 3, 2, 2),
        2, 4, 2, 1)),
    "flatten_batch_norm_linear": ((3, 2, 2), lambda n, x: n.linear(n.batch_norm(x.flatten(1)).relu(), 4)),
    "flatten_dropout_linear": ((3, 2, 2), lambda n, x: n.linear(n.dropout(x.flatten(1), 0.5), 4)),
    "flatten_layer_norm_linear": ((3, 2, 2), lambda n, x: n.linear(F.silu(n.layer_norm(x.flatten(1))), 4)),
    "conv_batch_norm_linear": ((2, 4, 4), lambda n, x: n.linear(n.batch_norm(n.conv(x, 4, 3, 2, 1)).relu(), 3)),
    "residual": ((3, 3, 3), lambda n, x: n.residual(x, lambda x: n.conv(
        n.conv(x, 4, 3, padding=1, name="first").relu(), 3, 3, padding=1, name="second")).relu()),
    "residual_on_vector": ((6,), lambda n, x: n.residual(x, lambda x: n.linear(
        n.linear(x, 4, "first").relu(), 6, "second"))),
    "residual_shortcut": ((2, 4, 4), lambda n, x: n.residual(x, lambda x: n.conv(
        n.conv(x, 3, 3, 2, 1, name="first").relu(), 5, 3, padding=1, name="second"), shortcut=2)),
    "custom_operation": ((3, 2, 3), lambda n, x: n.linear(n.parabola(n.conv(x, 4, 2)), 3)),
    "custom_activation": ((5,), lambda n, x: cubic(n.linear(x, 4))),
    "learning": ((2, 4, 4), lambda n, x: n.transposed(
        n.linear(n.linear(n.conv(x, 3, 3, 2, 1).tanh(), 4, "inward").tanh(), 12, "outward").tanh().reshape(-1, 3, 2, 2),
        2, 4, 2, 1)),
}


def cubic(x):
    return x - x**3 / 8


ACTIVATIONS = {
    "identity": lambda x: x, "relu": F.relu, "leaky_relu": lambda x: F.leaky_relu(x, 0.125),
    "elu": lambda x: F.elu(x, 0.75), "gelu": F.gelu, "silu": F.silu, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
}
for _name, _f in ACTIVATIONS.items():
    CASES[_name] = ((11,), lambda n, x, f=_f: f(x))
    CASES[f"{_name}_fused"] = ((2, 4, 4), lambda n, x, f=_f: f(n.linear(
        f(n.transposed(f(n.conv(x, 3, 3, 2, 1)), 2, 4, 2, 1)), 5)))

#: name -> (link, terms)
OBJECTIVES = {
    "bernoulli": ("sigmoid", {"bernoulli": 1}),
    "gaussian_identity": ("identity", {"gaussian": 1}),
    "gaussian_sigmoid": ("sigmoid", {"gaussian": 1}),
    "learned_variance_identity": ("identity", {"learned_variance": 1}),
    "learned_variance_sigmoid": ("sigmoid", {"learned_variance": 1}),
    "laplace_identity": ("identity", {"laplace": 1}),
    "laplace_sigmoid": ("sigmoid", {"laplace": 1}),
    "custom_loss_identity": ("identity", {"quartic": 1}),
    "custom_loss_sigmoid": ("sigmoid", {"quartic": 1.5}),
    "mixture_sigmoid": ("sigmoid", {"bernoulli": 0.5, "gaussian": 2, "learned_variance": 0.25, "quartic": 0.75}),
    "mixture_identity": ("identity", {"laplace": 1.5, "gaussian": 0.25}),
}
for _name in OBJECTIVES:
    CASES[_name] = ((2, 3, 3), lambda n, x: x)

#: name -> regulariser of (KL per dimension, mean over the images) in nats
REGULARIZERS = {
    "latent_weighted": lambda kl: KL_WEIGHT * kl.sum(),
    "latent_capacity_above": lambda kl: KL_WEIGHT * (kl.sum() - 0.25).abs(),
    "latent_capacity_below": lambda kl: KL_WEIGHT * (kl.sum() - 25).abs(),
    "latent_free_bits": lambda kl: KL_WEIGHT * kl.clamp(min=0.25).sum(),
}


def latent(network, x):
    hidden = network.linear(x, 5, "hidden").tanh()
    mean, log_variance = network.linear(hidden, 4, "mean"), network.linear(hidden, 4, "log_variance")
    posterior = torch.distributions.Normal(mean, torch.exp(log_variance / 2))
    prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    network.kl = torch.distributions.kl_divergence(posterior, prior)
    z = mean + posterior.stddev * network.tensor("noise", (IMAGES, 4))
    return network.linear(z, 3, "decoder")


for _name in REGULARIZERS:
    CASES[_name] = ((6,), latent)


def losses(network, prediction, target):
    """The reconstruction loss of each image."""
    link, terms = OBJECTIVES.get(network.case, ("identity", {"gaussian": 1}))
    image = torch.sigmoid(prediction) if link == "sigmoid" else prediction
    total = 0
    for term, weight in terms.items():
        if term == "bernoulli":
            pixels = F.binary_cross_entropy(image, target, reduction="none")
        elif term == "gaussian":
            pixels = F.mse_loss(image, target, reduction="none") / 2
        elif term == "laplace":
            pixels = F.l1_loss(image, target, reduction="none")
        elif term == "quartic":
            pixels = (image - target) ** 4 / 4
        else:
            log_sigma = network.parameter("log_sigma", ())
            density = torch.distributions.Normal(target, torch.exp(log_sigma)).log_prob(image)
            pixels = -density - math.log(2 * math.pi) / 2
        total = total + weight * pixels.flatten(1).sum(1)
    return total


def run(network):
    """One run: (x, prediction, losses per image, mean loss with the regulariser)."""
    shape, build = CASES[network.case]
    x = network.tensor("x", (IMAGES, *shape)).requires_grad_()
    network.dropouts = 0
    prediction = build(network, x + network.parameter("offset", shape))
    per_image = losses(network, prediction, network.tensor("target", prediction.shape))
    total = per_image.mean()
    if network.case in REGULARIZERS:
        total = total + REGULARIZERS[network.case](network.kl.mean(0))
    return x, prediction, per_image, total


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


def golden(name, training=True):
    network = Network(name, training)
    x, prediction, per_image, total = run(network)
    total.backward()
    divergences = {}
    if name in REGULARIZERS:
        divergences = {"kl": numbers(network.kl.sum(1)), "klPerDimension": numbers(network.kl.mean(0))}
    return divergences | {
        "prediction": numbers(prediction), "losses": numbers(per_image), "inputGradient": numbers(x.grad),
        "gradients": {path: numbers(p.grad) for path, p in network.parameters.items()},
        "buffers": {path: numbers(b) for path, b in network.buffers.items()},
    }


def evaluated(name):
    """A case in evaluation mode, under a name of its own."""
    CASES[name + "_evaluation"] = CASES[name]
    return golden(name + "_evaluation", training=False)


#: name -> (optimiser, its options, largest norm of the gradient, decay of the average)
UPDATES_BY_NAME = {
    "sgd": (torch.optim.SGD, {}, None, None),
    "sgd_weight_decay": (torch.optim.SGD, {"weight_decay": 0.125}, None, None),
    "momentum": (torch.optim.SGD, {"momentum": 0.875}, None, None),
    "nesterov": (torch.optim.SGD, {"momentum": 0.875, "nesterov": True, "weight_decay": 0.125}, None, None),
    "adam": (torch.optim.Adam, {}, None, None),
    "adam_weight_decay": (
        torch.optim.Adam, {"betas": (0.875, 0.96875), "eps": 0.0625, "weight_decay": 0.125}, None, None),
    "adamw": (torch.optim.AdamW, {"betas": (0.875, 0.96875), "eps": 0.0625, "weight_decay": 0.25}, None, None),
    "clipped": (torch.optim.SGD, {"momentum": 0.5}, 0.125, None),
    "not_clipped": (torch.optim.SGD, {"momentum": 0.5}, 1000, None),
    "averaged": (torch.optim.SGD, {}, None, 0.75),
    "adam_clipped_averaged": (torch.optim.Adam, {}, 0.125, 0.75),
}


def learned(name):
    """Parameters, and their running average where there is one, after three updates of the case `learning`."""
    optimizer_class, options, limit, decay = UPDATES_BY_NAME[name]
    network = Network("learning")
    run(network)
    parameters = network.parameters
    optimizer = optimizer_class(parameters.values(), lr=LEARNING_RATE, **options)
    average = {path: p.detach().clone() for path, p in parameters.items()}
    for _ in range(UPDATES):
        optimizer.zero_grad()
        run(network)[3].backward()
        if limit:
            torch.nn.utils.clip_grad_norm_(parameters.values(), limit)
        optimizer.step()
        for path, p in parameters.items():
            average[path] = (decay or 0) * average[path] + (1 - (decay or 0)) * p.detach()
    return {
        "parameters": {path: numbers(p) for path, p in parameters.items()},
        "averages": {path: numbers(p) for path, p in average.items()} if decay else {},
    }


def main():
    cases = {name: golden(name) for name in CASES if name != "learning"}
    for name in ("batch_norm_on_maps", "batch_norm_on_vector", "dropout_on_vector"):
        cases[name + "_evaluation"] = evaluated(name)
    document = {
        "source": f"PyTorch {torch.__version__}, float64; regenerate with: python tools/reference/layers.py",
        "cases": cases,
        "updates": {name: learned(name) for name in UPDATES_BY_NAME},
    }
    path = pathlib.Path(__file__).parents[2] / "Tests/LayerLibraryTests/Golden/layers.json"
    path.write_text(json.dumps(document, indent=0, separators=(",", ":"), sort_keys=True).replace(",\n", ",") + "\n")


if __name__ == "__main__":
    main()
