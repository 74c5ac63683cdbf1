#!/usr/bin/env python3
"""What 100 labels of MNIST teach a classifier by themselves, for comparison with M2 (docs/families.md).

    pip install torch numpy
    ZOO_DATA=FOLDER tools/reference/labels_alone.py

The classifier of the definition m2-mnist, and one without dropout, each trained on ten labelled images of each digit by Adam at 1e-3,
2,000 steps of 10 images. Printed is the test error in percent for five draws of the labelled images, and its mean.
"""
import gzip
import os
import pathlib

import numpy
import torch
from torch import nn

FOLDER = pathlib.Path(os.environ["ZOO_DATA"]) / "mnist"


def read(name, header):
    return torch.from_numpy(numpy.frombuffer(gzip.open(FOLDER / f"{name}.gz").read(), numpy.uint8, offset=header).copy())


images, labels = read("train-images-idx3-ubyte", 16).view(-1, 784) / 255, read("train-labels-idx1-ubyte", 8).long()
test_images, test_labels = read("t10k-images-idx3-ubyte", 16).view(-1, 784) / 255, read("t10k-labels-idx1-ubyte", 8).long()
classifiers = {
    "softplus": lambda: nn.Sequential(nn.Linear(784, 500), nn.Softplus(), nn.Linear(500, 10)),
    "ReLU and dropout": lambda: nn.Sequential(
        nn.Dropout(0.4), nn.Linear(784, 500), nn.ReLU(), nn.Dropout(0.5), nn.Linear(500, 10)),
}
torch.set_num_threads(1)
for name, make in classifiers.items():
    errors = []
    for seed in range(5):
        torch.manual_seed(seed)
        order = torch.randperm(len(images))
        chosen = torch.cat([order[labels[order] == digit][:10] for digit in range(10)])
        classifier = make()
        optimizer = torch.optim.Adam(classifier.parameters(), 1e-3)
        for _ in range(2000):
            batch = chosen[torch.randint(len(chosen), (10,))]
            optimizer.zero_grad()
            nn.functional.cross_entropy(classifier(images[batch]), labels[batch]).backward()
            optimizer.step()
        classifier.eval()
        with torch.no_grad():
            errors.append(100 * (classifier(test_images).argmax(1) != test_labels).double().mean().item())
    print(f"{name}: {', '.join(f'{error:.1f}' for error in errors)}; mean {sum(errors) / len(errors):.1f} %")
