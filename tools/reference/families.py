#!/usr/bin/env python3
"""Loss terms, gradients and ten training losses of many families of autoencoders on one tiny model, in float64.

    python3.11 -m venv venv
    venv/bin/pip install torch "numpy<2" "pydantic<2" cloudpickle imageio scipy scikit-learn tqdm typing_extensions
    venv/bin/pip install --no-deps pythae==0.1.2
    venv/bin/python tools/reference/families.py OUTPUT.json

Every family is written here from its paper, as one function from parameters and random numbers to loss terms. Where
pythae 0.1.2 has the family, pythae computes it, too, with the same weights and noise and with its trainers' way of
making a step: where both do the same, the script ends with an error unless they agree to 1e-9, and where pythae
deviates from the paper, its numbers stand in a case of their own, `..._pythae`, whose note says how it deviates.

The model: images of 1 x 4 x 4 bytes, scaled to 0 ... 1; encoder fc1 16 -> 12, tanh, and heads `mean` and
`log_variance` (or only `code`) 12 -> 3; decoder fc1 3 -> 12, tanh, `out` 12 -> 16. A batch holds images 0 ... 5, the
same in every step. Weights are formula(name) / 2 of models.py, which float32 holds exactly. Unless a case says
otherwise the decoder gives logits and the reconstruction term is binary cross-entropy, summed over the pixels; every
term is a mean over the images (or a number of the whole batch), in nats.

Random numbers are those of the Swift program (Sources/TensorCore/Random): stream (seed 11, purpose, step), purpose 2
for noise, where noise input k of an image that draws `count` numbers has elements k * 2^48 + image * ceil4(count) + e.
Input 0 is the noise of the posterior (sample s, dimension d: e = s * D + d), input 1 the sample of the prior or the
noise added to pixels. Permutations have purpose 8.

The file has, per case: weights that differ from the common ones, hyperparameters, the terms, the loss and the gradient
of every parameter in the first step, the losses of ten steps, each taken before the step's update, and, under
"float32", how far PyTorch's own float32 is from that: the largest relative difference of a loss, and the largest
difference of a gradient relative to the largest element of its tensor. Nine significant digits.
"""
import json
import math
import sys
import types

import mpmath
import numpy as np
import torch
import torch.nn.functional as F

from layers import MASK, philox
from models import formula

IMAGES, PIXELS, LATENT, HIDDEN, SEED, STEPS, DATASET_SIZE = 6, 16, 3, 12, 11, 10, 60
LATENT_NOISE, BATCH_PERMUTATION = 2, 8
ADAM = {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8}
DISCRIMINATOR_ADAM = {"lr": 0.001, "betas": (0.5, 0.9), "eps": 1e-8}

# Random numbers


class RandomStream:
    """Sources/TensorCore/Random/Philox.swift: numbers by (seed, purpose, step, element)."""

    def __init__(self, purpose, step):
        self.purpose, self.step = purpose, step

    def block(self, index):
        return philox((index & MASK, index >> 32, self.step, self.purpose), (SEED & MASK, SEED >> 32))

    def normal(self, element):
        """Box and Muller; computed in float64 and rounded to float32."""
        words, pair = self.block(element // 4), element % 4 & 2
        radius = math.sqrt(-2 * math.log(((words[pair] >> 8) + 1) * 2.0**-24))
        angle = 2 * math.pi * ((words[pair + 1] >> 8) * 2.0**-24)
        return float(np.float32(radius * (math.cos(angle) if element % 2 == 0 else math.sin(angle))))

    def integer(self, block, below):
        words = self.block(block)
        return ((words[0] | words[1] << 32) * below) >> 64

    def permutation(self, count, first_block=0):
        """Fisher and Yates."""
        order = list(range(count))
        for last in range(count - 1, 0, -1):
            other = self.integer(first_block + last, last + 1)
            order[last], order[other] = order[other], order[last]
        return order


class Batch:
    """What a step gets: the images and the step's random numbers."""

    def __init__(self, step, images=range(IMAGES)):
        self.step, self.images = step, list(images)
        self.bytes = torch.tensor(IMAGE_BYTES)[self.images]
        self.x = self.bytes.to(torch.get_default_dtype()) / 255

    def noise(self, number=0, count=LATENT):
        """Noise input `number`: [images, count]."""
        stream = RandomStream(LATENT_NOISE, self.step)
        return torch.tensor([
            [stream.normal((number << 48) + image * ((count + 3) // 4 * 4) + e) for e in range(count)]
            for image in self.images])

    def orders(self, count=IMAGES):
        """A permutation of the rows for every dimension of the code."""
        stream = RandomStream(BATCH_PERMUTATION, self.step)
        return [stream.permutation(count, d << 32) for d in range(LATENT)]


def image_bytes():
    """A quarter of them saturates at 0 or 255."""
    values = np.floor(128 + 170 * formula("families.images", IMAGES * PIXELS)).clip(0, 255).astype(int)
    return values.reshape(IMAGES, PIXELS).tolist()


IMAGE_BYTES = image_bytes()


def initial(name, shape, case=None):
    """Weights in -1/2 ... 1/2: the common ones, or those of one case."""
    key = f"families.{case}.{name}" if case else f"families.{name}"
    return formula(key, math.prod(shape)).reshape(shape) / 2


def layer(name, outputs, inputs, case=None):
    return {
        f"{name}.weight": initial(f"{name}.weight", (outputs, inputs), case),
        f"{name}.bias": initial(f"{name}.bias", (outputs,), case),
    }


WEIGHTS = {
    **layer("encoder.fc1", HIDDEN, PIXELS), **layer("encoder.mean", LATENT, HIDDEN),
    **layer("encoder.log_variance", LATENT, HIDDEN), **layer("encoder.code", LATENT, HIDDEN),
    **layer("decoder.fc1", HIDDEN, LATENT), **layer("decoder.out", PIXELS, HIDDEN),
}
VAE_LAYERS = ("encoder.fc1", "encoder.mean", "encoder.log_variance", "decoder.fc1", "decoder.out")
AE_LAYERS = ("encoder.fc1", "encoder.code", "decoder.fc1", "decoder.out")

# The model and the terms that families share


def linear(p, name, x):
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


def encode(p, x):
    """Mean and log variance of the posterior."""
    h = torch.tanh(linear(p, "encoder.fc1", x))
    return linear(p, "encoder.mean", h), linear(p, "encoder.log_variance", h)


def encode_code(p, x):
    return linear(p, "encoder.code", torch.tanh(linear(p, "encoder.fc1", x)))


def decode(p, z):
    """Logits, or whatever the likelihood takes."""
    return linear(p, "decoder.out", torch.tanh(linear(p, "decoder.fc1", z)))


def sample(mean, log_variance, noise):
    return mean + torch.exp(log_variance / 2) * noise


def bernoulli(logits, x):
    """Binary cross-entropy of each image (the last axis is pixels)."""
    return (F.softplus(logits) - x * logits).sum(-1)


def squared_error(prediction, x):
    return ((prediction - x) ** 2).sum(-1)


def kl_to_standard_normal(mean, log_variance):
    """Of each image."""
    return 0.5 * (mean**2 + torch.exp(log_variance) - 1 - log_variance).sum(-1)


def log_normal(z, mean, log_variance):
    """Log density of each element."""
    return -0.5 * (math.log(2 * math.pi) + log_variance + (z - mean) ** 2 * torch.exp(-log_variance))


# Running a family


class Family:
    """A case: its parameters, its function and how it is trained."""

    def __init__(self, name, compute, layers=VAE_LAYERS, weights=None, updates=None, buffers=None, sequential=False,
                 twin=None, agrees=("losses", "gradients"), **document):
        self.name, self.compute, self.document, self.twin, self.agrees = name, compute, document, twin, agrees
        #: Weights that the common ones lack, or that differ from them.
        self.own = weights or {}
        self.weights = {path: values for path, values in WEIGHTS.items() if path.rsplit(".", 1)[0] in layers} | self.own
        #: (which loss, the parameters it updates by their prefixes, the options of Adam)
        self.updates = updates or [("loss", ("",), ADAM)]
        self.buffers, self.sequential = buffers or {}, sequential

    def run(self, dtype=torch.float64):
        """Ten steps. All gradients of a step are taken before any update, except in a sequential family."""
        torch.set_default_dtype(dtype)
        p = {path: torch.tensor(values, dtype=dtype).requires_grad_() for path, values in self.weights.items()}
        p |= {path: torch.tensor(values, dtype=dtype) for path, values in self.buffers.items()}
        updates = []
        for key, prefixes, options in self.updates:
            paths = [path for path in self.weights if path.startswith(prefixes)]
            updates.append((key, paths, torch.optim.Adam([p[path] for path in paths], **options)))
        record = {"losses": {key: [] for key, _, _ in updates}, "gradients": {}}
        for step in range(STEPS):
            batch = Batch(step)
            result = None
            for key, paths, optimizer in updates:
                if result is None or self.sequential:
                    result = self.compute(p, batch)
                losses = result["losses"]
                gradients = torch.autograd.grad(losses[key], [p[path] for path in paths], retain_graph=True)
                record["losses"][key].append(losses[key].item())
                for path, gradient in zip(paths, gradients):
                    p[path].grad = gradient
                    if step == 0:
                        name = path if path not in record["gradients"] else f"{key}:{path}"
                        record["gradients"][name] = gradient
                if step == 0 and key == updates[0][0]:
                    record["terms"] = {name: value.item() for name, value in result["terms"].items()}
                    record["indices"] = result.get("indices")
                if self.sequential:
                    optimizer.step()
            if not self.sequential:
                for _, _, optimizer in updates:
                    optimizer.step()
            if "buffers" in result:
                p |= {path: value.detach() for path, value in result["buffers"].items()}
        record["buffers"] = {path: p[path] for path in self.buffers}
        torch.set_default_dtype(torch.float64)
        return record

    def json(self):
        record, single = self.run(), self.run(torch.float32)
        if self.twin:
            compare(self.name, record, self.twin(self), self.agrees)
        main = self.updates[0][0]
        document = {
            "weights": {path: numbers(torch.tensor(values)) for path, values in (self.own | self.buffers).items()},
            "configuration": self.document["configuration"],
            "terms": rounded(record["terms"]), "loss": rounded(record["losses"][main][0]),
            "gradients": {path: numbers(gradient) for path, gradient in record["gradients"].items()},
            "losses": rounded(record["losses"][main]),
            "otherLosses": {key: rounded(values) for key, values in record["losses"].items() if key != main},
            "float32": difference(record, single),
            "source": self.document["source"], "note": self.document["note"],
        }
        if self.buffers:
            document["buffersAfterTenSteps"] = {path: numbers(value) for path, value in record["buffers"].items()}
        for key in ("table", "labels"):
            if key in self.document:
                document[key] = self.document[key]
        if record["indices"] is not None:
            document["indices"] = record["indices"]
        return document


def numbers(tensor):
    """Nine significant digits; what float32 cannot hold is zero."""
    return [value if abs(value) > 1e-37 else 0.0 for value in rounded(tensor.detach().flatten().tolist())]


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return float(f"{value:.9g}")


def difference(record, other):
    losses = max(
        abs(a - b) / max(abs(a), 1e-3)
        for key in record["losses"] for a, b in zip(record["losses"][key], other["losses"][key]))
    gradients = max(
        ((a - other["gradients"][path].double()).abs().max() / a.abs().max().clamp(min=1e-30)).item()
        for path, a in record["gradients"].items())
    return {"losses": float(f"{losses:.2g}"), "gradients": float(f"{gradients:.2g}")}


def compare(name, own, twin, what):
    """Ends the script where our own code and pythae differ."""
    worst = 0.0
    for key, values in own["losses"].items():
        if key not in twin["losses"]:
            continue
        pairs = list(zip(values, twin["losses"][key]))
        if "losses" in what:
            worst = max([worst] + [abs(a - b) / max(1, abs(a)) for a, b in pairs])
    if "gradients" in what:
        for path, gradient in own["gradients"].items():
            worst = max(worst, (gradient - twin["gradients"][path]).abs().max().item())
    print(f"{name}: own code and pythae differ by {worst:.1e} at most")
    if not worst < 1e-9:
        sys.exit(f"{name}: own code and pythae disagree")


FAMILIES = []


def family(name, **options):
    """Registers a function (parameters, batch) -> {"terms": ..., "losses": ...} as the case `name`."""
    def register(compute):
        FAMILIES.append(Family(name, compute, **options))
        return compute
    return register


def outcome(loss, **terms):
    return {"terms": terms, "losses": {"loss": loss}}


# pythae


class Replaced:
    """The module torch with some functions replaced: what pythae's modules get instead of torch."""

    def __init__(self, **functions):
        self.__dict__.update(functions)

    def __getattr__(self, name):
        return getattr(torch, name)


class Twin:
    """Runs a pythae model with our weights, our noise and the step of pythae's trainer."""

    def __init__(self, name, config, module=None, encoder="vae", decoder="sigmoid", trainer="base", options=None,
                 noise=None, prior=None, prepare=None, transposed=None, optimizers=None):
        self.__dict__.update(locals())

    def modules(self, weights):
        from pythae.models.base.base_utils import ModelOutput
        from pythae.models.nn import BaseDecoder, BaseDiscriminator, BaseEncoder
        twin = self

        def linear_of(path):
            outputs, inputs = weights[f"{path}.weight"].shape
            return torch.nn.Linear(inputs, outputs)

        class Encoder(BaseEncoder):
            def __init__(self):
                super().__init__()
                self.fc1 = linear_of("encoder.fc1")
                if twin.encoder == "vae":
                    self.mean, self.log_variance = linear_of("encoder.mean"), linear_of("encoder.log_variance")
                else:
                    self.code = linear_of("encoder.code")

            def forward(self, x):
                h = torch.tanh(self.fc1(x.flatten(1)))
                if twin.encoder == "vae":
                    return ModelOutput(embedding=self.mean(h), log_covariance=self.log_variance(h))
                code = self.code(h)
                if twin.name == "VQVAE":
                    # As maps of 1 x 1: of a vector pythae's VQVAE would quantise every number by itself.
                    code = code.reshape(-1, LATENT, 1, 1)
                return ModelOutput(embedding=code, log_covariance=torch.zeros_like(code))

        class Decoder(BaseDecoder):
            def __init__(self):
                super().__init__()
                self.fc1, self.out = linear_of("decoder.fc1"), linear_of("decoder.out")

            def forward(self, z):
                y = self.out(torch.tanh(self.fc1(z.flatten(1))))
                y = torch.sigmoid(y) if twin.decoder == "sigmoid" else y
                return ModelOutput(reconstruction=y.reshape(-1, 1, 4, 4))

        class Discriminator(BaseDiscriminator):
            def __init__(self):
                super().__init__()
                self.fc1, self.out = linear_of("discriminator.fc1"), linear_of("discriminator.out")

            def forward(self, z):
                if twin.name == "FactorVAE":
                    return self.out(F.leaky_relu(self.fc1(z), 0.2))
                return ModelOutput(embedding=torch.sigmoid(self.out(torch.relu(self.fc1(z)))))

        return Encoder, Decoder, Discriminator

    def __call__(self, family):
        import pythae.models
        from pythae.trainers.adversarial_trainer.adversarial_trainer import AdversarialTrainer
        from pythae.trainers.coupled_optimizer_trainer.coupled_optimizer_trainer import CoupledOptimizerTrainer
        torch.set_default_dtype(torch.float64)
        weights = family.weights
        make_encoder, make_decoder, make_discriminator = self.modules(weights)
        model_class = getattr(pythae.models, self.name)
        config_class = getattr(pythae.models, self.config)
        config = config_class(input_dim=(1, 4, 4), latent_dim=LATENT, **self.options or {})
        extra = {"discriminator": make_discriminator()} if self.name == "Adversarial_AE" else {}
        model = model_class(config, encoder=make_encoder(), decoder=make_decoder(), **extra)
        if self.name == "FactorVAE":
            model.set_discriminator(make_discriminator())
        model.double().train()
        if self.prepare:
            self.prepare(model)
        module, utilities = sys.modules[model_class.__module__], []
        if self.name == "VQVAE":
            import pythae.models.vq_vae.vq_vae_utils as quantizer
            utilities = [quantizer]
        parameters = {path: value for path, value in model.named_parameters() if value.requires_grad}
        #: our name -> (pythae's parameter, what makes one from the other)
        ours = {path: (value, lambda matrix: matrix) for path, value in parameters.items() if path in weights}
        ours |= {path: (parameters[theirs], torch.t) for path, theirs in (self.transposed or {}).items()}
        for path, (value, turned) in ours.items():
            value.data.copy_(turned(torch.tensor(weights[path])))
        optimizers = {
            key: torch.optim.Adam([v for path, v in parameters.items() if path.startswith(prefixes)], **options)
            for key, prefixes, options in self.optimizers or [("loss", ("",), ADAM)]}
        record = {"losses": {key: [] for key in optimizers}, "gradients": {}}
        for step in range(STEPS):
            batch = Batch(step)
            replaced = {"float": torch.float64}
            if self.noise:
                draws = iter(self.noise(batch))
                model._sample_gauss = lambda mean, std: (mean + (e := next(draws)) * std, e)
            if self.prior:
                replaced["randn_like"] = lambda z, **_: self.prior(batch)
            if self.name == "FactorVAE":
                orders = iter([list(range(IMAGES))] + batch.orders(IMAGES // 2))
                replaced["randperm"] = lambda count: torch.tensor(next(orders))
            module.torch = Replaced(**replaced)
            for other in utilities:
                other.torch = Replaced(**replaced)
            output = model({"data": batch.x.reshape(-1, 1, 4, 4)}, dataset_size=DATASET_SIZE, epoch=1)
            module.torch = torch
            if self.trainer == "base":
                optimizers["loss"].zero_grad()
                output.loss.backward()
                optimizers["loss"].step()
                losses = {"loss": output.loss}
            elif self.trainer == "adversarial":
                AdversarialTrainer._optimizers_step(types.SimpleNamespace(
                    autoencoder_optimizer=optimizers["loss"], discriminator_optimizer=optimizers["discriminator"]),
                    output)
                losses = {"loss": output.autoencoder_loss, "discriminator": output.discriminator_loss}
            else:
                CoupledOptimizerTrainer._optimizers_step(types.SimpleNamespace(
                    encoder_optimizer=optimizers["loss"], decoder_optimizer=optimizers["decoder"]), output)
                losses = {"loss": output.encoder_loss, "decoder": output.decoder_loss}
            for key, value in losses.items():
                record["losses"][key].append(value.item())
            if step == 0:
                record["terms"] = {
                    key: value.mean().item() for key, value in output.items()
                    if torch.is_tensor(value) and value.dtype == torch.float64 and key.endswith("loss")}
                record["gradients"] = {
                    path: turned(value.grad.detach().clone()) for path, (value, turned) in ours.items()}
        record["model"] = model
        return record


#: pythae's names of terms that mean the same here. (reg_loss and vq_loss have weights in them in some families.)
TERM_NAMES = {"recon_loss": "reconstruction", "embedding_loss": "embedding", "discriminator_loss": "discriminator"}


class PythaeCase:
    """A case whose numbers are pythae's alone, because pythae deviates from the paper."""

    def __init__(self, name, twin, layers=VAE_LAYERS, weights=None, **document):
        self.name, self.twin, self.document, self.own = name, twin, document, weights or {}
        self.weights = {path: values for path, values in WEIGHTS.items() if path.rsplit(".", 1)[0] in layers} | self.own

    def json(self):
        record = self.twin(self)
        totals = ("loss", "autoencoder_loss", "encoder_loss", "decoder_loss")
        terms = {TERM_NAMES.get(name, name): value for name, value in record["terms"].items() if name not in totals}
        document = {
            "weights": {path: numbers(torch.tensor(values)) for path, values in self.own.items()},
            "configuration": self.document["configuration"], "terms": rounded(terms),
            "loss": rounded(record["losses"]["loss"][0]),
            "gradients": {path: numbers(gradient) for path, gradient in record["gradients"].items()},
            "losses": rounded(record["losses"]["loss"]),
            "otherLosses": {key: rounded(values) for key, values in record["losses"].items() if key != "loss"},
            "source": self.document["source"], "note": self.document["note"],
        }
        if self.twin.name == "VQVAE":
            quantizer = record["model"].quantizer
            document["buffersAfterTenSteps"] = {
                "codebook.embeddings": numbers(quantizer.embeddings),
                "codebook.cluster_size": numbers(quantizer.cluster_size),
                "codebook.sum": numbers(quantizer.ema_embed)}
        return document


def posterior_noise(batch):
    return [batch.noise()]


def prior_noise(batch):
    return batch.noise(1)


# 1. VAE and beta-VAE


def weighted_vae(beta):
    def compute(p, batch):
        mean, log_variance = encode(p, batch.x)
        z = sample(mean, log_variance, batch.noise())
        reconstruction = bernoulli(decode(p, z), batch.x).mean()
        kl = kl_to_standard_normal(mean, log_variance).mean()
        return outcome(reconstruction + beta * kl, reconstruction=reconstruction, kl=kl)
    return compute


family(
    "vae", twin=Twin("VAE", "VAEConfig", options={"reconstruction_loss": "bce"}, noise=posterior_noise),
    configuration={}, source="pythae 0.1.2 VAE; own code agrees",
    note="loss = reconstruction + kl")(weighted_vae(1))
family(
    "beta_vae",
    twin=Twin("BetaVAE", "BetaVAEConfig", options={"reconstruction_loss": "bce", "beta": 4.0}, noise=posterior_noise),
    configuration={"beta": 4}, source="pythae 0.1.2 BetaVAE; own code agrees",
    note="loss = reconstruction + beta kl")(weighted_vae(4))

# 2. beta-TCVAE: Chen, Li, Grosse and Duvenaud, "Isolating sources of disentanglement in VAEs", 2018

TC = {"alpha": 1, "beta": 6, "gamma": 1}


def stratified_log_weights(count, dataset_size):
    """Chen et al. 2018, appendix C.2: 1/N for the image's own posterior, (N - M)/(N M) for one other, 1/M else."""
    m = count - 1
    weights = torch.full((count, count), 1 / m)
    for i in range(count):
        weights[i, i] = 1 / dataset_size
        weights[i, (i + 1) % count] = (dataset_size - m) / (dataset_size * m)
    return torch.log(weights)


def beta_tc_vae(stratified):
    def compute(p, batch):
        mean, log_variance = encode(p, batch.x)
        z = sample(mean, log_variance, batch.noise())
        reconstruction = bernoulli(decode(p, z), batch.x).mean()
        # [i, j, d]: log q(z_i[d] | x_j)
        pairs = log_normal(z[:, None], mean[None], log_variance[None])
        if stratified:
            log_weights = stratified_log_weights(IMAGES, DATASET_SIZE)
        else:
            log_weights = torch.full((IMAGES, IMAGES), -math.log(IMAGES * DATASET_SIZE))
        log_joint = torch.logsumexp(log_weights + pairs.sum(2), 1)
        log_product = torch.logsumexp(log_weights[:, :, None] + pairs, 1).sum(1)
        log_posterior = log_normal(z, mean, log_variance).sum(1)
        log_prior = log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1)
        information = (log_posterior - log_joint).mean()
        correlation = (log_joint - log_product).mean()
        dimension_wise = (log_product - log_prior).mean()
        loss = reconstruction + TC["alpha"] * information + TC["beta"] * correlation + TC["gamma"] * dimension_wise
        return outcome(loss, reconstruction=reconstruction, mutual_information=information,
                       total_correlation=correlation, dimension_wise_kl=dimension_wise)
    return compute


def beta_tc_twin(stratified):
    return Twin("BetaTCVAE", "BetaTCVAEConfig", noise=posterior_noise, options={
        "reconstruction_loss": "bce", "alpha": 1.0, "beta": 6.0, "gamma": 1.0, "use_mss": stratified})


family(
    "beta_tc_vae_mws", twin=beta_tc_twin(False), configuration={**TC, "estimator": "weighted"},
    source="pythae 0.1.2 BetaTCVAE, use_mss=False; own code agrees",
    note="loss = reconstruction + alpha mutual_information + beta total_correlation + gamma dimension_wise_kl; "
         "minibatch-weighted sampling")(beta_tc_vae(False))
family(
    "beta_tc_vae_mss", configuration={**TC, "estimator": "stratified"},
    source="Chen et al. 2018, appendix C.2, own code",
    note="weights: 1/N on the diagonal, (N-M)/(N M) in column (i + 1) mod B, 1/M elsewhere; M = B - 1")(
    beta_tc_vae(True))
FAMILIES.append(PythaeCase(
    "beta_tc_vae_mss_pythae", beta_tc_twin(True), configuration={**TC, "estimator": "stratified, columns"},
    source="pythae 0.1.2 BetaTCVAE, use_mss=True",
    note="a stride of M + 1 = B puts 1/N into column 0 and (N-M)/(N M) into column 1 (and into [M-1, 0]) "
         "instead of the diagonal"))

# 3. DIP-VAE: Kumar, Sattigeri and Balakrishnan, "Variational inference of disentangled latent concepts", 2018


def dip_vae(kind, off_diagonal_weight, diagonal_weight):
    def compute(p, batch):
        mean, log_variance = encode(p, batch.x)
        z = sample(mean, log_variance, batch.noise())
        reconstruction = bernoulli(decode(p, z), batch.x).mean()
        kl = kl_to_standard_normal(mean, log_variance).mean()
        centred = mean - mean.mean(0)
        covariance = centred.T @ centred / IMAGES
        if kind == 2:
            covariance = covariance + torch.diag(torch.exp(log_variance).mean(0))
        diagonal = torch.diagonal(covariance)
        off_diagonal = (covariance**2).sum() - (diagonal**2).sum()
        from_one = ((diagonal - 1) ** 2).sum()
        dip = off_diagonal_weight * off_diagonal + diagonal_weight * from_one
        return outcome(reconstruction + kl + dip, reconstruction=reconstruction, kl=kl, dip=dip,
                       dip_off_diagonal=off_diagonal, dip_diagonal=from_one)
    return compute


for kind, name, diagonal in ((1, "dip_vae_i", 100), (2, "dip_vae_ii", 10)):
    family(
        name, configuration={"lambda_off_diagonal": 10, "lambda_diagonal": diagonal},
        source="Kumar et al. 2018, own code",
        note="loss = reconstruction + kl + dip; dip = lambda_off_diagonal sum_(i != j) C_ij^2 + lambda_diagonal "
             "sum_i (C_ii - 1)^2; C = covariance of the means (divided by the number of images)"
             + (" + diag of the mean variance" if kind == 2 else ""))(dip_vae(kind, 10, diagonal))

# 4. MMD: Zhao, Song and Ermon, "InfoVAE", 2017; Tolstikhin et al., "Wasserstein auto-encoders", 2018

SCALES = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]
BANDWIDTH = 1.0


def kernel(kind, a, b):
    squares = ((a[:, None] - b[None]) ** 2).sum(2)
    c = 2 * LATENT * BANDWIDTH**2
    if kind == "rbf":
        return torch.exp(-squares / c)
    return sum(scale * c / (scale * c + squares) for scale in SCALES)


def mmd(kind, z, prior, biased):
    """Maximum mean discrepancy (squared): all pairs (biased), or without i = j within a sample."""
    count = len(z)

    def within(values):
        if biased:
            return kernel(kind, values, values).mean()
        without = 1 - torch.eye(count)
        return (kernel(kind, values, values) * without).sum() / (count * (count - 1))
    return within(z) + within(prior) - 2 * kernel(kind, z, prior).mean()


INFO = {"alpha": 0.5, "lambda": 10}


def info_vae(kind, biased):
    def compute(p, batch):
        mean, log_variance = encode(p, batch.x)
        z = sample(mean, log_variance, batch.noise())
        reconstruction = bernoulli(decode(p, z), batch.x).mean()
        kl = kl_to_standard_normal(mean, log_variance).mean()
        discrepancy = mmd(kind, z, batch.noise(1), biased)
        loss = reconstruction + (1 - INFO["alpha"]) * kl + (INFO["alpha"] + INFO["lambda"] - 1) * discrepancy
        return outcome(loss, reconstruction=reconstruction, kl=kl, mmd=discrepancy)
    return compute


def wae(kind):
    def compute(p, batch):
        z = encode_code(p, batch.x)
        reconstruction = squared_error(decode(p, z), batch.x).mean()
        discrepancy = mmd(kind, z, batch.noise(1), biased=False)
        return outcome(reconstruction + 10 * discrepancy, reconstruction=reconstruction, mmd=discrepancy)
    return compute


KERNELS = {"rbf": {"kernel": "rbf", "bandwidth": BANDWIDTH},
           "imq": {"kernel": "imq", "bandwidth": BANDWIDTH, "scales": SCALES}}
for kind in ("rbf", "imq"):
    family(
        f"info_vae_{kind}", configuration={**INFO, **KERNELS[kind], "estimator": "biased"},
        source="Zhao et al. 2017 with the all-pairs estimator of the authors' program, own code",
        note="loss = reconstruction + (1 - alpha) kl + (alpha + lambda - 1) mmd; z sampled; all pairs, i = j included")(
        info_vae(kind, biased=True))
    family(
        f"info_vae_{kind}_pythae", configuration={**INFO, **KERNELS[kind], "estimator": "unbiased"},
        twin=Twin("INFOVAE_MMD", "INFOVAE_MMD_Config", noise=posterior_noise, prior=prior_noise, options={
            "reconstruction_loss": "bce", "kernel_choice": kind, "alpha": 0.5, "lbd": 10.0,
            "kernel_bandwidth": BANDWIDTH, "scales": SCALES}),
        source="pythae 0.1.2 INFOVAE_MMD; own code agrees",
        note="as without _pythae, but the pairs i = j are left out within z and within the prior sample")(
        info_vae(kind, biased=False))
    family(
        f"wae_{kind}", layers=AE_LAYERS,
        twin=Twin("WAE_MMD", "WAE_MMD_Config", encoder="ae", decoder="identity", prior=prior_noise, options={
            "kernel_choice": kind, "reg_weight": 10.0, "kernel_bandwidth": BANDWIDTH, "scales": SCALES}),
        configuration={"lambda": 10, **KERNELS[kind], "estimator": "unbiased"},
        source="pythae 0.1.2 WAE_MMD; own code agrees",
        note="loss = reconstruction + lambda mmd; reconstruction = squared error summed over the pixels (no 1/2), "
             "identity output; z = encoder.code")(wae(kind))

# 5. FactorVAE: Kim and Mnih, "Disentangling by factorising", 2018

FACTOR_DISCRIMINATOR = (
    layer("discriminator.fc1", 8, LATENT, "factor_vae") | layer("discriminator.out", 2, 8, "factor_vae"))
FACTOR = {"gamma": 6.4, "negative_slope": 0.2, "discriminator_adam": {"lr": 0.001, "betas": [0.5, 0.9], "eps": 1e-8}}


def factor_discriminator(p, z):
    return linear(p, "discriminator.out", F.leaky_relu(linear(p, "discriminator.fc1", z), 0.2))


ADVERSARIAL_UPDATES = [
    ("loss", ("encoder", "decoder"), ADAM), ("discriminator", ("discriminator",), DISCRIMINATOR_ADAM)]


@family(
    "factor_vae", weights=FACTOR_DISCRIMINATOR, updates=ADVERSARIAL_UPDATES, configuration=FACTOR,
    source="Kim and Mnih 2018, algorithm 2, with the same batch permuted, own code",
    note="loss = reconstruction + kl + gamma total_correlation updates encoder and decoder; discriminator = "
         "1/2 [CE(D(z), class 0) + CE(D(z permuted), class 1)], z detached, updates the discriminator; both from one "
         "forward pass; total_correlation = mean(D(z)_0 - D(z)_1)")
def factor_vae(p, batch):
    mean, log_variance = encode(p, batch.x)
    z = sample(mean, log_variance, batch.noise())
    reconstruction = bernoulli(decode(p, z), batch.x).mean()
    kl = kl_to_standard_normal(mean, log_variance).mean()
    scores = factor_discriminator(p, z)
    correlation = (scores[:, 0] - scores[:, 1]).mean()
    fixed = z.detach()
    permuted = torch.stack([fixed[order, d] for d, order in enumerate(batch.orders())], 1)
    of_codes = F.log_softmax(factor_discriminator(p, fixed), 1)[:, 0]
    of_permuted = F.log_softmax(factor_discriminator(p, permuted), 1)[:, 1]
    discriminator = -0.5 * (of_codes.mean() + of_permuted.mean())
    return {
        "terms": {"reconstruction": reconstruction, "kl": kl, "total_correlation": correlation,
                  "discriminator": discriminator},
        "losses": {"loss": reconstruction + kl + 6.4 * correlation, "discriminator": discriminator}}


FAMILIES.append(PythaeCase(
    "factor_vae_pythae",
    Twin("FactorVAE", "FactorVAEConfig", trainer="adversarial", optimizers=ADVERSARIAL_UPDATES,
         options={"reconstruction_loss": "bce", "gamma": 6.4},
         noise=lambda batch: [batch.noise()[IMAGES // 2:], batch.noise()[:IMAGES // 2]]),
    weights=FACTOR_DISCRIMINATOR, configuration=FACTOR, source="pythae 0.1.2 FactorVAE",
    note="images 3, 4, 5 are the batch of the VAE, images 0, 1, 2 that of the permutation (of count 3, same streams); "
         "z is not detached in the discriminator's loss, so the gradients of encoder.* are those of loss + "
         "discriminator"))

# 6. Adversarial autoencoder: Makhzani et al. 2016

ADVERSARIAL_DISCRIMINATOR = (
    layer("discriminator.fc1", 8, LATENT, "adversarial_ae") | layer("discriminator.out", 1, 8, "adversarial_ae"))
ADVERSARIAL = {"discriminator_adam": FACTOR["discriminator_adam"]}


def adversarial_logits(p, z):
    return linear(p, "discriminator.out", torch.relu(linear(p, "discriminator.fc1", z)))[:, 0]


def adversarial_losses(p, batch, z):
    """Reconstruction, the encoder's loss against the discriminator, and the discriminator's loss."""
    reconstruction = bernoulli(decode(p, z), batch.x).mean()
    adversarial = F.softplus(-adversarial_logits(p, z)).mean()
    of_prior = F.softplus(-adversarial_logits(p, batch.noise(1))).mean()
    of_codes = F.softplus(adversarial_logits(p, z.detach())).mean()
    return reconstruction, adversarial, of_prior + of_codes


def adversarial_ae(encoder, scale):
    def compute(p, batch):
        if encoder == "vae":
            z = sample(*encode(p, batch.x), batch.noise())
        else:
            z = encode_code(p, batch.x)
        reconstruction, adversarial, discriminator = adversarial_losses(p, batch, z)
        return {
            "terms": {"reconstruction": reconstruction, "adversarial": adversarial, "discriminator": discriminator},
            "losses": {"loss": reconstruction + scale * adversarial, "discriminator": discriminator}}
    return compute


def adversarial_twin(encoder):
    return Twin(
        "Adversarial_AE", "Adversarial_AE_Config", encoder=encoder, trainer="adversarial",
        optimizers=ADVERSARIAL_UPDATES, noise=posterior_noise, prior=prior_noise, options={
            "reconstruction_loss": "bce", "adversarial_loss_scale": 0.5, "reconstruction_loss_scale": 1.0,
            "deterministic_posterior": encoder == "ae"})


ADVERSARIAL_NOTE = (
    "loss = reconstruction + adversarial_scale adversarial updates encoder and decoder; adversarial = BCE(D(z), 1); "
    "discriminator = BCE(D(prior), 1) + BCE(D(z detached), 0), no 1/2; both from one forward pass; ")
family(
    "adversarial_ae", weights=ADVERSARIAL_DISCRIMINATOR, updates=ADVERSARIAL_UPDATES, twin=adversarial_twin("vae"),
    configuration={**ADVERSARIAL, "adversarial_scale": 0.5}, source="pythae 0.1.2 Adversarial_AE; own code agrees",
    note=ADVERSARIAL_NOTE + "Gaussian posterior (mean, log_variance, noise 0), no KL")(adversarial_ae("vae", 0.5))
family(
    "adversarial_ae_deterministic", layers=AE_LAYERS, weights=ADVERSARIAL_DISCRIMINATOR, updates=ADVERSARIAL_UPDATES,
    twin=adversarial_twin("ae"), configuration={**ADVERSARIAL, "adversarial_scale": 0.5},
    source="pythae 0.1.2 Adversarial_AE with a deterministic posterior; own code agrees",
    note=ADVERSARIAL_NOTE + "z = encoder.code")(adversarial_ae("ae", 0.5))


@family(
    "adversarial_ae_phases", layers=AE_LAYERS, weights=ADVERSARIAL_DISCRIMINATOR, sequential=True, updates=[
        ("reconstruction", ("encoder", "decoder"), ADAM), ("discriminator", ("discriminator",), DISCRIMINATOR_ADAM),
        ("generator", ("encoder",), ADAM)],
    configuration=ADVERSARIAL, source="Makhzani et al. 2016, section 2 (the two phases), own code",
    note="three updates per step, each with its own Adam and a new forward pass through the weights as they are by "
         "then: reconstruction (encoder, decoder), discriminator, generator = BCE(D(z), 1) (encoder); gradients named "
         "generator:... are those of the third; terms are those before the first update")
def adversarial_ae_phases(p, batch):
    reconstruction, adversarial, discriminator = adversarial_losses(p, batch, encode_code(p, batch.x))
    return {
        "terms": {"reconstruction": reconstruction, "adversarial": adversarial, "discriminator": discriminator},
        "losses": {"reconstruction": reconstruction, "discriminator": discriminator, "generator": adversarial}}


# 7. Importance weighting: Burda, Grosse and Salakhutdinov 2016; Rainforth et al. 2018

ESTIMATES, SAMPLES, CIWAE_BETA = 3, 5, 0.5


def log_weights(p, batch, count):
    """log p(x|z) p(z) / q(z|x) of `count` samples per image, and the means of its two parts."""
    mean, log_variance = (values[:, None] for values in encode(p, batch.x))
    z = sample(mean, log_variance, batch.noise(0, count * LATENT).reshape(IMAGES, count, LATENT))
    reconstruction = bernoulli(decode(p, z), batch.x[:, None])
    log_prior = log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(2)
    divergence = log_normal(z, mean, log_variance).sum(2) - log_prior
    terms = {"reconstruction": reconstruction.mean(), "kl": divergence.mean()}
    return -reconstruction - divergence, terms


def log_mean_exp(values, axis):
    return torch.logsumexp(values, axis) - math.log(values.shape[axis])


def iwae(p, batch):
    log_w, terms = log_weights(p, batch, SAMPLES)
    return outcome(-log_mean_exp(log_w, 1).mean(), **terms)


def miwae(p, batch):
    log_w, terms = log_weights(p, batch, ESTIMATES * SAMPLES)
    return outcome(-log_mean_exp(log_w.reshape(IMAGES, ESTIMATES, SAMPLES), 2).mean(), **terms)


def piwae(p, batch):
    log_w, terms = log_weights(p, batch, ESTIMATES * SAMPLES)
    of_encoder = -log_mean_exp(log_w.reshape(IMAGES, ESTIMATES, SAMPLES), 2).mean()
    return {"terms": terms, "losses": {"loss": of_encoder, "decoder": -log_mean_exp(log_w, 1).mean()}}


def ciwae(p, batch):
    log_w, terms = log_weights(p, batch, SAMPLES)
    terms |= {"vae": -log_w.mean(), "iwae": -log_mean_exp(log_w, 1).mean()}
    return outcome(CIWAE_BETA * terms["vae"] + (1 - CIWAE_BETA) * terms["iwae"], **terms)


def importance_twin(name, **options):
    def noise(batch):
        if name in ("IWAE", "CIWAE"):
            return [batch.noise(0, SAMPLES * LATENT).reshape(IMAGES, SAMPLES, LATENT)]
        return [batch.noise(0, ESTIMATES * SAMPLES * LATENT).reshape(IMAGES, ESTIMATES, SAMPLES, LATENT)]
    if name in ("MIWAE", "PIWAE"):
        options["number_gradient_estimates"] = ESTIMATES
    return Twin(name, f"{name}Config", noise=noise, options={
        "reconstruction_loss": "bce", "number_samples": SAMPLES, **options},
        trainer="coupled" if name == "PIWAE" else "base", optimizers=COUPLED_UPDATES if name == "PIWAE" else None)


COUPLED_UPDATES = [("loss", ("encoder",), ADAM), ("decoder", ("decoder",), ADAM)]
VALUE_NOTE = (
    "pythae's value is -sum_k w_k/(sum w) log w_k, which has the gradient of -log mean_k w_k but not its value")
IMPORTANCE_CONFIGURATION = {"iwae": {"samples": SAMPLES}, "ciwae": {"samples": SAMPLES, "beta": CIWAE_BETA},
                            "miwae": {"estimates": ESTIMATES, "samples": SAMPLES},
                            "piwae": {"estimates": ESTIMATES, "samples": SAMPLES}}
family(
    "iwae", twin=importance_twin("IWAE"), agrees=("gradients",), configuration=IMPORTANCE_CONFIGURATION["iwae"],
    source="Burda et al. 2016, own code; the gradients agree with pythae's IWAE",
    note="loss = -mean over images of log 1/K sum_k w_k")(iwae)
family(
    "miwae", configuration=IMPORTANCE_CONFIGURATION["miwae"], source="Rainforth et al. 2018, own code",
    note="loss = -mean over images of 1/M sum_m log 1/K sum_k w_mk; sample s = m K + k; M = estimates")(miwae)
family(
    "piwae", updates=COUPLED_UPDATES, configuration=IMPORTANCE_CONFIGURATION["piwae"],
    source="Rainforth et al. 2018, own code",
    note="loss = the miwae loss, its gradient for encoder.*; otherLosses decoder = the iwae loss of all M K samples, "
         "its gradient for decoder.*; two Adams, both gradients before either update")(piwae)
family(
    "ciwae", twin=importance_twin("CIWAE", beta=CIWAE_BETA), agrees=("gradients",),
    configuration=IMPORTANCE_CONFIGURATION["ciwae"],
    source="Rainforth et al. 2018, own code; the gradients agree with pythae's CIWAE",
    note="loss = beta vae + (1 - beta) iwae; vae = -mean over images and samples of log w")(ciwae)
for name, deviation in (
    ("iwae", ""),
    ("miwae", "; its sum over samples runs over the axis of the M estimates, its mean over the K samples"),
    ("piwae", "; axes as in miwae; the trainer does not clear the encoder's gradients between the two backward passes, "
              "so the gradients of encoder.* are those of loss + decoder"),
    ("ciwae", "")):
    options = {"beta": CIWAE_BETA} if name == "ciwae" else {}
    FAMILIES.append(PythaeCase(
        f"{name}_pythae", importance_twin(name.upper(), **options), configuration=IMPORTANCE_CONFIGURATION[name],
        source=f"pythae 0.1.2 {name.upper()}", note=VALUE_NOTE + deviation))

# 8. Likelihoods of the plain VAE


def vae_with(likelihood):
    def compute(p, batch):
        mean, log_variance = encode(p, batch.x)
        z = sample(mean, log_variance, batch.noise())
        reconstruction = likelihood(decode(p, z), batch).mean()
        kl = kl_to_standard_normal(mean, log_variance).mean()
        return outcome(reconstruction + kl, reconstruction=reconstruction, kl=kl)
    return compute


def continuous_bernoulli_log_normalizer(logits):
    """log C = log(l / tanh(l / 2)): 2 artanh(1 - 2 p) / (1 - 2 p) in the logit l of p; a series near l = 0."""
    small = logits.abs() < 0.05
    safe = torch.where(small, torch.ones_like(logits), logits)
    square = logits**2
    series = math.log(2) + square / 12 - 7 * square**2 / 1440 + 31 * square**3 / 90720
    return torch.where(small, series, torch.log(safe / torch.tanh(safe / 2)))


def continuous_bernoulli(logits, batch):
    return bernoulli(logits, batch.x) - continuous_bernoulli_log_normalizer(logits).sum(-1)


def gaussian_pixel_variance(outputs, batch):
    mean, log_variance = outputs[:, :PIXELS], outputs[:, PIXELS:]
    return 0.5 * ((batch.x - mean) ** 2 * torch.exp(-log_variance) + log_variance).sum(-1)


def log_logistic_mixture(outputs, values):
    """Log probability of each pixel's byte: Salimans et al. 2017 (PixelCNN++) for one channel; log of the probability
    of a bin exactly, where they fall back to density times width below 1e-5."""
    logits, means, log_scales = outputs.reshape(len(outputs), 3, 3, PIXELS).unbind(1)
    log_scales = log_scales.clamp(min=-7)
    x = (2 * values.to(outputs.dtype) / 255 - 1)[:, None]
    inverse = torch.exp(-log_scales)
    upper, lower = inverse * (x - means + 1 / 255), inverse * (x - means - 1 / 255)
    # log(s(u) - s(l)) = u + log(1 - exp(l - u)) - softplus(u) - softplus(l), u - l = 2/255 / scale
    width = 2 / 255 * inverse
    inside = upper + torch.log(-torch.expm1(-width)) - F.softplus(upper) - F.softplus(lower)
    values = values[:, None]
    log_bins = torch.where(values == 255, -F.softplus(lower), inside)
    log_bins = torch.where(values == 0, upper - F.softplus(upper), log_bins)
    return torch.logsumexp(F.log_softmax(logits, 1) + log_bins, 1)


def logistic_mixture(outputs, batch):
    return -log_logistic_mixture(outputs, batch.bytes).sum(-1)


def normalizer_table():
    """The log normaliser and its derivative 1/l - 1/sinh(l), by mpmath with 40 digits."""
    mpmath.mp.dps = 40
    logits = [0, 1e-6, -1e-4, 1e-3, -0.01, 0.03, 0.1, -0.3, 1, -3, 10, -30, 80]
    points = [mpmath.mpf(float(logit)) for logit in logits]
    values = [mpmath.log(l / mpmath.tanh(l / 2)) if l else mpmath.log(2) for l in points]
    derivatives = [1 / l - 1 / mpmath.sinh(l) if l else mpmath.mpf(0) for l in points]
    return {"logits": logits, "log_normalizer": rounded([float(v) for v in values]),
            "derivative": rounded([float(v) for v in derivatives])}


#: The logits of pixel 5 are zero in the first step.
AROUND_ONE_HALF = {path: values.copy() for path, values in WEIGHTS.items() if path.startswith("decoder.out")}
AROUND_ONE_HALF["decoder.out.weight"][5] = 0
AROUND_ONE_HALF["decoder.out.bias"][5] = 0
MIXTURE_WEIGHTS = layer("decoder.out", 9 * PIXELS, HIDDEN, "discretised_logistic_mixture")
#: In the first four pixels the log scale of component 0 is clamped, and its mean is far from every byte's value: next
#: to one, rounding in float32 would matter.
MIXTURE_WEIGHTS["decoder.out.bias"][3 * PIXELS:3 * PIXELS + 4] = 2.5
MIXTURE_WEIGHTS["decoder.out.bias"][6 * PIXELS:6 * PIXELS + 4] = -9


def logistic_table():
    """Log probability of a byte under one discretised logistic and its derivatives, by mpmath with 60 digits."""
    rows = [(0, -0.75, -1), (0, -1.25, -4), (0, 0.5, -3), (255, 0.75, -1), (255, 1.25, -4), (255, -0.5, -3),
            (128, 0, -2), (128, 0.25, -4), (1, -1, -3), (254, 1, -3), (77, -0.375, -6.5), (77, -0.5, -6.5),
            (200, 0.5625, -7), (200, 0.5625, -9), (200, -0.5, -7), (30, 0.125, 1.5)]
    table = {"bytes": [], "means": [], "log_scales": [], "log_probability": [], "by_mean": [], "by_log_scale": []}
    mpmath.mp.dps = 60
    # As the logistic distribution is symmetric, what is 1 - s(v) can be written as s(-v).
    logistic = lambda v: 1 / (1 + mpmath.exp(-v))
    for byte, mean, log_scale in rows:
        def log_probability(mean, log_scale):
            distance = mpmath.mpf(2 * byte) / 255 - 1 - mean
            upper, lower = ((distance + sign / mpmath.mpf(255)) * mpmath.exp(-log_scale) for sign in (1, -1))
            if byte in (0, 255):
                return mpmath.log(logistic(upper if byte == 0 else -lower))
            # Of the side where both are small, so that their difference keeps its digits.
            upper, lower = (-lower, -upper) if lower > 0 else (upper, lower)
            return mpmath.log(logistic(upper) - logistic(lower))
        clamped = max(log_scale, -7)
        point = (mpmath.mpf(mean), mpmath.mpf(clamped))
        by_mean = mpmath.diff(log_probability, point, (1, 0))
        by_log_scale = mpmath.diff(log_probability, point, (0, 1)) if log_scale >= -7 else 0
        for key, value in zip(table, (byte, mean, log_scale, log_probability(*point), by_mean, by_log_scale)):
            table[key].append(value if key == "bytes" else rounded(float(value)))
    return table

family(
    "continuous_bernoulli", weights=AROUND_ONE_HALF, configuration={}, table=normalizer_table(),
    source="Loaiza-Ganem and Cunningham 2019, own code",
    note="loss = reconstruction + kl; reconstruction = sum over pixels of softplus(l) - x l - log(l / tanh(l/2)); the "
         "logits of pixel 5 are exactly 0 in the first step (weights of decoder.out)")(vae_with(continuous_bernoulli))
family(
    "gaussian_pixel_variance", weights=layer("decoder.out", 2 * PIXELS, HIDDEN, "gaussian_pixel_variance"),
    configuration={}, source="own code",
    note="loss = reconstruction + kl; reconstruction = 1/2 sum over pixels of (x - m)^2 exp(-s) + s, without "
         "1/2 log 2 pi; outputs 0 ... 15 are m (identity), 16 ... 31 are s")(vae_with(gaussian_pixel_variance))
family(
    "discretised_logistic_mixture", weights=MIXTURE_WEIGHTS,
    configuration={"components": 3, "smallest_log_scale": -7}, table=logistic_table(),
    source="Salimans et al. 2017 (PixelCNN++), section 2.1, own code",
    note="loss = reconstruction + kl; decoder.out is [9, 4, 4] channel-major: 3 logits, 3 means, 3 log scales; the "
         "encoder sees x in 0 ... 1, the likelihood 2 byte / 255 - 1; the log scale of component 0 of "
         "pixels 0 ... 3 is clamped")(
    vae_with(logistic_mixture))

# 9. Autoencoders with a penalty


@family(
    "denoising", layers=AE_LAYERS, configuration={"noise_deviation": 0.3}, source="Vincent et al. 2008, own code",
    note="loss = reconstruction of the clean x from x + 0.3 noise input 1 (count 16, not clipped); z = encoder.code")
def denoising(p, batch):
    logits = decode(p, encode_code(p, batch.x + 0.3 * batch.noise(1, PIXELS)))
    reconstruction = bernoulli(logits, batch.x).mean()
    return outcome(reconstruction, reconstruction=reconstruction)


@family(
    "sparse", layers=AE_LAYERS, configuration={"target": 0.05, "weight": 3},
    source="Ng, CS294A lecture notes, own code",
    note="loss = reconstruction + weight sparsity; a = sigmoid(encoder.code) goes to the decoder; sparsity = "
         "sum_j rho log(rho / r_j) + (1 - rho) log((1 - rho) / (1 - r_j)), r_j = mean of a_j over the batch")
def sparse(p, batch):
    activation = torch.sigmoid(encode_code(p, batch.x))
    reconstruction = bernoulli(decode(p, activation), batch.x).mean()
    rate, target = activation.mean(0), 0.05
    sparsity = (target * torch.log(target / rate) + (1 - target) * torch.log((1 - target) / (1 - rate))).sum()
    return outcome(reconstruction + 3 * sparsity, reconstruction=reconstruction, sparsity=sparsity)


@family(
    "contractive", layers=AE_LAYERS, configuration={"lambda": 0.1}, source="Rifai et al. 2011, own code",
    note="loss = reconstruction + lambda contraction; a = sigmoid(encoder.code(tanh(encoder.fc1 x))) goes to the "
         "decoder; contraction = mean over images of the squared Frobenius norm of da/dx, through both layers")
def contractive(p, batch):
    h = torch.tanh(linear(p, "encoder.fc1", batch.x))
    a = torch.sigmoid(linear(p, "encoder.code", h))
    reconstruction = bernoulli(decode(p, a), batch.x).mean()
    through = p["encoder.code.weight"][None] * (1 - h**2)[:, None, :] @ p["encoder.fc1.weight"]
    jacobian = (a * (1 - a))[:, :, None] * through
    contraction = (jacobian**2).sum((1, 2)).mean()
    return outcome(reconstruction + 0.1 * contraction, reconstruction=reconstruction, contraction=contraction)


# 10. VampPrior: Tomczak and Welling 2018

COMPONENTS = 4
#: Between -0.3 and 1.2: some are clamped at 0 or at 1, and get no gradient.
PSEUDO_INPUTS = {"prior.pseudo_inputs": np.float32(
    0.45 + 1.5 * initial("prior.pseudo_inputs", (COMPONENTS, PIXELS))).astype(float)}


@family(
    "vamp_prior", weights=PSEUDO_INPUTS, configuration={"components": COMPONENTS},
    twin=Twin("VAMP", "VAMPConfig", noise=posterior_noise,
              options={"reconstruction_loss": "bce", "number_components": COMPONENTS},
              transposed={"prior.pseudo_inputs": "pseudo_inputs.0.weight"},
              prepare=lambda model: prepare_vamp(model)),
    source="Tomczak and Welling 2018, own code; agrees with pythae 0.1.2 VAMP without the bias of its pseudo-inputs",
    note="loss = reconstruction + kl; kl = log q(z|x) - log 1/K sum_k q(z|u_k) of the sampled z, mean over images; "
         "u_k = clamp(row k of prior.pseudo_inputs, 0, 1); gradients go through the encoder of u_k, too")
def vamp_prior(p, batch):
    mean, log_variance = encode(p, batch.x)
    z = sample(mean, log_variance, batch.noise())
    reconstruction = bernoulli(decode(p, z), batch.x).mean()
    prior_mean, prior_log_variance = encode(p, F.hardtanh(p["prior.pseudo_inputs"], 0, 1))
    log_components = log_normal(z[:, None], prior_mean[None], prior_log_variance[None]).sum(2)
    log_prior = log_mean_exp(log_components, 1)
    kl = (log_normal(z, mean, log_variance).sum(1) - log_prior).mean()
    return outcome(reconstruction + kl, reconstruction=reconstruction, kl=kl)


def prepare_vamp(model):
    """pythae's pseudo-inputs are a linear layer on the identity: ours are its weight, transposed, without its bias."""
    model.pseudo_inputs[0].bias.data.zero_()
    model.pseudo_inputs[0].bias.requires_grad_(False)


# Planar flows: Rezende and Mohamed 2015

FLOW_LAYERS = 2
FLOW_WEIGHTS = {
    f"flow.layer{k}.{name}": initial(f"flow.layer{k}.{name}", shape)
    for k in range(1, FLOW_LAYERS + 1) for name, shape in (("u", (LATENT,)), ("w", (LATENT,)), ("b", (1,)))}


@family(
    "planar_flow", weights=FLOW_WEIGHTS, configuration={"layers": FLOW_LAYERS},
    source="Rezende and Mohamed 2015, equations 10, 12 and 15, appendix A.1, own code",
    note="loss = reconstruction + kl; z_k = z + u' tanh(w z + b), u' = u + (log(1 + e^s) - 1 - s) w / |w|^2, s = w u; the "
         "decoder gets the last z; kl = mean over images of log N(z_0; mean, variance) - sum log |det| - log N(z_K; 0, I), "
         "the determinants by autograd; parameters are the same for all images")
def planar_flow(p, batch):
    mean, log_variance = encode(p, batch.x)
    start = sample(mean, log_variance, batch.noise())

    def flow(z):
        for k in range(1, FLOW_LAYERS + 1):
            u, w, b = (p[f"flow.layer{k}.{name}"] for name in ("u", "w", "b"))
            s = w @ u
            bent = u + (F.softplus(s) - 1 - s) * w / (w @ w)
            z = z + bent * torch.tanh(z @ w + b[0])[..., None]
        return z
    z = flow(start)
    jacobians = torch.stack([
        torch.autograd.functional.jacobian(flow, row, create_graph=True) for row in start])
    determinants = torch.log(torch.abs(torch.linalg.det(jacobians)))
    log_q = log_normal(start, mean, log_variance).sum(1) - determinants
    kl = (log_q - log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1)).mean()
    reconstruction = bernoulli(decode(p, z), batch.x).mean()
    return outcome(reconstruction + kl, reconstruction=reconstruction, kl=kl)


# 11. RAE, VQ-VAE, conditional VAE

RAE = {"embedding_weight": 0.1, "decoder_weight": 0.01}


@family(
    "rae_l2", layers=AE_LAYERS, configuration=RAE, source="Ghosh et al. 2020 (RAE-L2), own code",
    note="loss = reconstruction + embedding_weight embedding + decoder_weight decoder_l2; reconstruction = squared "
         "error summed over pixels (no 1/2), identity output; embedding = mean of 1/2 |z|^2; decoder_l2 = sum of the "
         "squares of all decoder weights and biases; z = encoder.code")
def rae_l2(p, batch):
    z = encode_code(p, batch.x)
    reconstruction = squared_error(decode(p, z), batch.x).mean()
    embedding = 0.5 * (z**2).sum(1).mean()
    decoder = sum((value**2).sum() for path, value in p.items() if path.startswith("decoder"))
    loss = reconstruction + RAE["embedding_weight"] * embedding + RAE["decoder_weight"] * decoder
    return outcome(loss, reconstruction=reconstruction, embedding=embedding, decoder_l2=decoder)


FAMILIES.append(PythaeCase(
    "rae_l2_pythae",
    Twin("RAE_L2", "RAE_L2_Config", encoder="ae", decoder="identity", trainer="coupled",
         options={"embedding_weight": 0.1, "reg_weight": 0.02},
         optimizers=[("loss", ("encoder",), ADAM), ("decoder", ("decoder",), {**ADAM, "weight_decay": 0.02})]),
    layers=AE_LAYERS, configuration={"embedding_weight": 0.1, "decoder_weight_decay": 0.02},
    source="pythae 0.1.2 RAE_L2",
    note="the decoder's penalty is Adam's weight decay (0.02 theta added to the gradient, which is the gradient of "
         "0.01 theta^2) and neither in the loss nor in the gradients given here; the trainer adds the loss's gradient "
         "to encoder.* twice"))

CODES, DECAY, COMMITMENT = 5, 0.99, 0.25
CODEBOOK = np.float32(1.5 * initial("codebook.embeddings", (CODES, LATENT), "d")).astype(float)


def vq_vae(smoothing):
    def compute(p, batch):
        z = encode_code(p, batch.x)
        codebook = p["codebook.embeddings"]
        distances = ((z[:, None] - codebook[None]) ** 2).sum(2)
        indices = distances.argmin(1)
        quantized = codebook[indices]
        reconstruction = bernoulli(decode(p, z + (quantized - z).detach()), batch.x).mean()
        commitment = ((z - quantized) ** 2).sum(1).mean()
        chosen = F.one_hot(indices, CODES).to(z.dtype)
        sizes = DECAY * p["codebook.cluster_size"] + (1 - DECAY) * chosen.sum(0)
        sums = DECAY * p["codebook.sum"] + (1 - DECAY) * chosen.T @ z
        total = sizes.sum()
        divisors = (sizes + smoothing) / (total + CODES * smoothing) * total
        closest = distances.detach().sort(1).values
        margins.append((closest[:, 1] - closest[:, 0]).min().item())
        return {
            "terms": {"reconstruction": reconstruction, "commitment": commitment}, "indices": indices.tolist(),
            "losses": {"loss": reconstruction + COMMITMENT * commitment},
            "buffers": {"codebook.embeddings": sums / divisors[:, None], "codebook.cluster_size": sizes,
                        "codebook.sum": sums}}
    return compute


#: How much further than the nearest code the next one is, at least (so that float32 chooses the same).
margins = []
VQ_BUFFERS = {"codebook.embeddings": CODEBOOK, "codebook.cluster_size": np.ones(CODES), "codebook.sum": CODEBOOK}
VQ = {"codes": CODES, "decay": DECAY, "commitment_weight": COMMITMENT}
for name, smoothing, source in (
    ("vq_vae", 0, "van den Oord et al. 2017, appendix A.1, own code"),
    ("vq_vae_smoothed", 1e-5, "van den Oord et al. 2017, appendix A.1, with the smoothing of their program, own code")):
    family(
        name, layers=AE_LAYERS, buffers=VQ_BUFFERS, configuration={**VQ, "smoothing": smoothing}, source=source,
        note="loss = reconstruction + 0.25 commitment; commitment = mean over images of |z - e|^2 (sum over 3 "
             "dimensions); straight-through; buffers start with cluster size 1 and sum = embeddings, and change after "
             "the loss: "
             "N = 0.99 N + 0.01 n, m = 0.99 m + 0.01 sum z, e = m / N"
             + (", N smoothed as (N + s)/(sum N + 5 s) sum N in the quotient only" if smoothing else ""))(
        vq_vae(smoothing))


def prepare_vq(model):
    model.quantizer.embeddings.data.copy_(torch.tensor(CODEBOOK))
    model.quantizer.ema_embed.data.copy_(torch.tensor(CODEBOOK))
    model.quantizer.cluster_size.data.fill_(1)


FAMILIES.append(PythaeCase(
    "vq_vae_pythae",
    Twin("VQVAE", "VQVAEConfig", encoder="ae", decoder="identity", prepare=prepare_vq, options={
        "use_ema": True, "decay": DECAY, "commitment_loss_factor": COMMITMENT, "num_embeddings": CODES}),
    layers=AE_LAYERS, configuration={**VQ, "smoothing": 1e-5}, source="pythae 0.1.2 VQVAE, use_ema=True",
    note="weights as in vq_vae (buffers set by this script); reconstruction = squared error summed over pixels, "
         "identity output; vq_loss = 0.25 commitment; commitment is a mean over images and dimensions (1/3 "
         "of vq_vae's); smoothed sizes are stored back"))

LABELS = [0, 2, 1, 1, 0, 2]


@family(
    "conditional_vae", weights=layer("encoder.fc1", HIDDEN, PIXELS + 3, "conditional_vae")
    | layer("decoder.fc1", HIDDEN, LATENT + 3, "conditional_vae"), labels=LABELS,
    configuration={"classes": 3}, source="Sohn et al. 2015 with a standard normal prior, own code",
    note="loss = reconstruction + kl; encoder.fc1 takes [16 pixels, one-hot of 3], decoder.fc1 [3 of z, one-hot of 3]")
def conditional_vae(p, batch):
    classes = F.one_hot(torch.tensor(LABELS), 3).to(batch.x.dtype)
    mean, log_variance = encode(p, torch.cat([batch.x, classes], 1))
    z = sample(mean, log_variance, batch.noise())
    reconstruction = bernoulli(decode(p, torch.cat([z, classes], 1)), batch.x).mean()
    kl = kl_to_standard_normal(mean, log_variance).mean()
    return outcome(reconstruction + kl, reconstruction=reconstruction, kl=kl)


# M2: Kingma, Mohamed, Rezende and Welling 2014, equations 6 to 9

M2 = {"classes": 3, "labels": 6, "alpha": 0.1}
#: -1: without a label.
M2_LABELS = [0, -1, 1, -1, -1, 2]
M2_LAYERS = {
    **layer("encoder.fc1", HIDDEN, PIXELS + 3, "conditional_vae"), **layer("decoder.fc1", HIDDEN, LATENT + 3, "conditional_vae"),
    **layer("classifier.fc1", 8, PIXELS), **layer("classifier.logits", 3, 8)}


@family(
    "m2", weights=M2_LAYERS, labels=M2_LABELS, configuration=M2,
    source="Kingma et al. 2014 (M2), equations 6 to 9, own code",
    note="q(y|x) = softmax(classifier.logits tanh(classifier.fc1 x)); bound(y) = reconstruction + kl + log 3 with y one-hot in "
         "encoder.fc1 and decoder.fc1 as in conditional_vae and noise input 0 of count 9, 3 for each class; of a labelled image "
         "bound(y), of another sum_y q(y|x) (bound(y) + log q(y|x)); mean over images, plus alpha times the mean over labelled "
         "images of -log q(y|x), estimated as sum / 6 images * 60 of the data set / 6 labels of it; terms are these parts")
def m2(p, batch, share=None):
    count, classes = len(batch.images), M2["classes"]
    logits = linear(p, "classifier.logits", torch.tanh(linear(p, "classifier.fc1", batch.x)))
    log_q = torch.log_softmax(logits, 1)
    noise = batch.noise(0, classes * LATENT).reshape(count, classes, LATENT)
    parts = []
    for y in range(classes):
        one_hot = F.one_hot(torch.full((count,), y), classes).to(batch.x.dtype)
        mean, log_variance = encode(p, torch.cat([batch.x, one_hot], 1))
        z = sample(mean, log_variance, noise[:, y])
        parts.append((bernoulli(decode(p, torch.cat([z, one_hot], 1)), batch.x), kl_to_standard_normal(mean, log_variance)))
    labelled = sum(label >= 0 for label in M2_LABELS)
    # What an image counts in the bound, and how many one with a label stands for.
    counts = {True: 1, False: 1} if share is None else {
        True: share * count / labelled, False: (1 - share) * count / (count - labelled)}
    standing = DATASET_SIZE / M2["labels"] if share is None else count / labelled
    reconstruction = kl = class_kl = classification = errors = 0
    for n, label in enumerate(M2_LABELS):
        weight = counts[label >= 0]
        if label >= 0:
            reconstruction, kl = reconstruction + weight * parts[label][0][n], kl + weight * parts[label][1][n]
            class_kl = class_kl + weight * math.log(classes)
            classification = classification - log_q[n, label] * standing
            errors = errors + (logits[n].argmax() != label).to(batch.x.dtype) * standing
            continue
        for y in range(classes):
            q = weight * log_q[n, y].exp()
            reconstruction, kl = reconstruction + q * parts[y][0][n], kl + q * parts[y][1][n]
            class_kl = class_kl + q * (log_q[n, y] + math.log(classes))
    terms = {"reconstruction": reconstruction / count, "kl": kl / count, "class_kl": class_kl / count,
             "classification": classification / count, "classification_error": errors / count}
    loss = terms["reconstruction"] + terms["kl"] + terms["class_kl"] + M2["alpha"] * terms["classification"]
    return outcome(loss, **terms)


@family(
    "m2_labels_per_batch", weights=M2_LAYERS, labels=M2_LABELS, configuration=M2 | {"labels_per_batch": 3},
    source="Kingma et al. 2014 (M2), equations 6 to 9, own code",
    note="m2 with more images with a label in the batch, 3 of 6, than in the data set, 6 of 60: in the bound an image with a label counts "
         "0.1 * 6 / 3 and another 0.9 * 6 / 3; alpha times the mean of -log q(y|x) over those with a label")
def m2_labels_per_batch(p, batch):
    return m2(p, batch, share=M2["labels"] / DATASET_SIZE)


# 12. Ladder VAE of two levels: Sonderby et al. 2016

TOP, TOP_HIDDEN = 2, 8
LADDER_LAYERS = {
    **layer("encoder.fc2", TOP_HIDDEN, HIDDEN), **layer("encoder.mean2", TOP, TOP_HIDDEN),
    **layer("encoder.log_variance2", TOP, TOP_HIDDEN), **layer("prior.fc1", TOP_HIDDEN, TOP),
    **layer("prior.mean", LATENT, TOP_HIDDEN), **layer("prior.log_variance", LATENT, TOP_HIDDEN)}


@family(
    "ladder_vae", weights=LADDER_LAYERS, configuration={"top_dimensions": TOP},
    source="Sonderby et al. 2016, section 2.1, with log variances instead of softplus, own code",
    note="h1 = tanh(encoder.fc1 x); h2 = tanh(encoder.fc2 h1); z2 ~ q2 = (encoder.mean2 h2, encoder.log_variance2 h2), "
         "noise input 1 of count 2; p1 = (prior.mean g, prior.log_variance g), g = tanh(prior.fc1 z2); q1: precision = "
         "sum of those of p1 and of (encoder.mean h1, encoder.log_variance h1), mean weighted by precision; z1 ~ q1, "
         "noise input 0 of count 3, goes to the decoder; loss = reconstruction + kl2 + kl1; kl2 = KL(q2, N(0, 1)), "
         "kl1 = KL(q1, p1)")
def ladder_vae(p, batch):
    h1 = torch.tanh(linear(p, "encoder.fc1", batch.x))
    h2 = torch.tanh(linear(p, "encoder.fc2", h1))
    mean2, log_variance2 = linear(p, "encoder.mean2", h2), linear(p, "encoder.log_variance2", h2)
    g = torch.tanh(linear(p, "prior.fc1", sample(mean2, log_variance2, batch.noise(1, TOP))))
    prior_mean, prior_log_variance = linear(p, "prior.mean", g), linear(p, "prior.log_variance", g)
    of_data = torch.exp(-linear(p, "encoder.log_variance", h1))
    of_prior = torch.exp(-prior_log_variance)
    mean = (of_data * linear(p, "encoder.mean", h1) + of_prior * prior_mean) / (of_data + of_prior)
    log_variance = -torch.log(of_data + of_prior)
    reconstruction = bernoulli(decode(p, sample(mean, log_variance, batch.noise())), batch.x).mean()
    kl2 = kl_to_standard_normal(mean2, log_variance2).mean()
    kl1 = 0.5 * (prior_log_variance - log_variance - 1
                 + (torch.exp(log_variance) + (mean - prior_mean) ** 2) * of_prior).sum(1).mean()
    return outcome(reconstruction + kl1 + kl2, reconstruction=reconstruction, kl1=kl1, kl2=kl2)


# The file


def main():
    torch.set_default_dtype(torch.float64)
    batch = Batch(0)
    document = {
        "generator": f"tools/reference/families.py, PyTorch {torch.__version__}, float64",
        "images": [value for image in IMAGE_BYTES for value in image], "imageCount": IMAGES, "seed": SEED,
        "datasetSize": DATASET_SIZE,
        "random": {"noise0": numbers(batch.noise()), "noise1": numbers(batch.noise(1)),
                   "noise1Step9": numbers(Batch(9).noise(1)), "permutations": batch.orders()},
        "weights": {path: numbers(torch.tensor(values)) for path, values in WEIGHTS.items()},
        "families": {case.name: case.json() for case in FAMILIES},
    }
    print(f"the next code is further than the nearest by {min(margins):.2g} at least")
    with open(sys.argv[1], "w") as file:
        json.dump(document, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
