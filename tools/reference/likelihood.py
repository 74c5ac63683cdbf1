#!/usr/bin/env python3
"""The importance-weighted bound of a fully connected VAE of the zoo on MNIST, computed by PyTorch from exported weights.

    zoo convert export runs/mlp-vae-mnist --to safetensors --output model.safetensors
    likelihood.py model.safetensors t10k-images-idx3-ubyte[.gz] [SAMPLES [IMAGES]]

Prints mean and standard error of the bound (Burda and others 2016, equation 8) over the first IMAGES test images, in nats.
Bernoulli likelihood of grey values, prior N(0, I). Layers: encoder.fc1, encoder.mean, encoder.log_variance, decoder.fc1, decoder.fc2.
"""

import gzip
import math
import sys

import numpy as np
import torch
from safetensors.torch import load_file


def images(path, count):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rb") as file:
        data = np.frombuffer(file.read(), np.uint8, offset=16)
    return torch.tensor(data.reshape(-1, 784)[:count].astype(np.float32) / 255)


def main():
    weights = {name: value.float() for name, value in load_file(sys.argv[1]).items()}
    samples = int(sys.argv[3]) if len(sys.argv) > 3 else 500
    x = images(sys.argv[2], int(sys.argv[4]) if len(sys.argv) > 4 else 1000)

    def linear(x, name):
        return x @ weights[name + ".weight"].T + weights[name + ".bias"]

    torch.manual_seed(0)
    hidden = torch.relu(linear(x, "encoder.fc1"))
    mean, log_variance = linear(hidden, "encoder.mean"), linear(hidden, "encoder.log_variance")
    log_weights = []
    for _ in range(samples):
        noise = torch.randn_like(mean)
        z = mean + torch.exp(log_variance / 2) * noise
        logits = linear(torch.relu(linear(z, "decoder.fc1")), "decoder.fc2")
        log_likelihood = (x * logits - torch.nn.functional.softplus(logits)).sum(1)
        log_prior = -(z**2).sum(1) / 2
        log_posterior = -(log_variance + noise**2).sum(1) / 2
        log_weights.append(log_likelihood + log_prior - log_posterior)
    bound = torch.logsumexp(torch.stack(log_weights), 0) - math.log(samples)
    print(f"{bound.mean():.4f} ± {bound.std() / math.sqrt(len(bound)):.4f}")


if __name__ == "__main__":
    main()
