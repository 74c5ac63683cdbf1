"""How many samples of a conditional VAE on MNIST are of the class that was asked for.

    zoo train conditional-vae-mnist --run-dir RUN
    python tools/reference/conditional_samples.py RUN/checkpoints/best.h5 MNIST-FOLDER

A linear classifier (softmax regression) is trained on the 60,000 real images; the decoder is computed anew from the checkpoint's
weights. Needs numpy, h5py and PyTorch.
"""

import gzip
import os
import sys

import h5py
import numpy
import torch


def idx(name):
    for path in (name, name + ".gz"):
        if os.path.exists(path):
            with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
                data = file.read()
            rank = data[3]
            shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank)]
            return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * rank).reshape(shape)
    raise SystemExit(f"no {name}")


checkpoint, folder = sys.argv[1:]
images = torch.tensor(idx(f"{folder}/train-images-idx3-ubyte").reshape(-1, 784) / 255.0, dtype=torch.float32)
labels = torch.tensor(idx(f"{folder}/train-labels-idx1-ubyte").astype("int64"))
test = torch.tensor(idx(f"{folder}/t10k-images-idx3-ubyte").reshape(-1, 784) / 255.0, dtype=torch.float32)
test_labels = torch.tensor(idx(f"{folder}/t10k-labels-idx1-ubyte").astype("int64"))

torch.manual_seed(0)
classifier = torch.nn.Linear(784, 10)
optimizer = torch.optim.Adam(classifier.parameters(), lr=1e-3)
for epoch in range(20):
    order = torch.randperm(len(images))
    for batch in order.split(128):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(classifier(images[batch]), labels[batch]).backward()
        optimizer.step()

weights = {}
with h5py.File(checkpoint) as file:
    file.visititems(lambda name, item: weights.__setitem__(name, item[()]) if isinstance(item, h5py.Dataset) else None)


def weight(layer, name):
    found = [value for path, value in weights.items() if path.endswith(f"decoder/{layer}/{name}") and "optimizer" not in path]
    return torch.tensor(found[0])


asked = torch.arange(10_000) % 10
z = torch.randn(10_000, weight("fc1", "weight").shape[1] - 10)
x = torch.cat([z, torch.nn.functional.one_hot(asked, 10).float()], dim=1)
hidden = torch.relu(x @ weight("fc1", "weight").T + weight("fc1", "bias"))
samples = torch.sigmoid(hidden @ weight("fc2", "weight").T + weight("fc2", "bias"))
with torch.no_grad():
    real = (classifier(test).argmax(1) == test_labels).float().mean()
    right = (classifier(samples).argmax(1) == asked).float().mean()
print(f"the classifier is right on {100 * real:.2f} % of the test images and takes {100 * right:.2f} % of the samples for their class")
