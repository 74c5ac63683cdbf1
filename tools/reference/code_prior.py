#!/usr/bin/env python3
"""Loss, gradients and ten training losses of a gated PixelCNN over the codes of a codebook, in float64.

    venv/bin/python tools/reference/code_prior.py OUTPUT.json      # torch and numpy, as for families.py

Written from van den Oord et al. 2016, "Conditional image generation with PixelCNN decoders", section 2 and figure 2, with
masked convolutions: kernels of 3 x 3 and 1 x 3 whose weights are multiplied by masks. The Swift program has shifted
convolutions without masks; weights here are those without what the masks make zero, [.., rows above and, but in the
first block, the row itself, ..] for the vertical stack and [.., columns to the left and, but in the first block, the
column itself] for the horizontal one.

5 images of 3 x 4 codes, 6 codes of 3 numbers, 4 filters, 3 blocks. Weights are formula(name) / 2 of models.py.
"""
import json
import sys

import torch
import torch.nn.functional as F

from models import formula

IMAGES, HEIGHT, WIDTH, CODES, SIZE, FILTERS, BLOCKS, STEPS = 5, 3, 4, 6, 3, 4, 3, 10
torch.set_default_dtype(torch.float64)


def initial(name, shape):
    count = 1
    for extent in shape:
        count *= extent
    return torch.tensor(formula("code_prior." + name, count)).reshape(shape) / 2


def shapes():
    result = {}
    for block in range(1, BLOCKS + 1):
        inputs, reach = (SIZE, 1) if block == 1 else (FILTERS, 2)
        result[f"block{block}.vertical"] = (2 * FILTERS, inputs, reach, 3)
        result[f"block{block}.horizontal"] = (2 * FILTERS, inputs, 1, reach)
        result[f"block{block}.vertical_to_horizontal"] = (2 * FILTERS, 2 * FILTERS, 1, 1)
        result[f"block{block}.output"] = (FILTERS, FILTERS, 1, 1)
    result["hidden"] = (FILTERS, FILTERS, 1, 1)
    result["logits"] = (CODES, FILTERS, 1, 1)
    return result


def parameters():
    p = {}
    for path, shape in shapes().items():
        p[path + ".weight"] = initial(path + ".weight", shape)
        if not path.endswith("vertical_to_horizontal"):
            p[path + ".bias"] = initial(path + ".bias", shape[:1])
    return p


def masked(p, path, x, height):
    """A convolution of height x 3 (height 3 or 1) with a mask, padded on all sides."""
    weight = p[path + ".weight"]
    full = torch.zeros(*weight.shape[:2], height, 3)
    mask = torch.zeros_like(full)
    rows, columns = weight.shape[2:]
    full = F.pad(weight, (0, 3 - columns, 0, height - rows))
    mask[:, :, :rows, :columns] = 1
    return F.conv2d(x, full * mask, p[path + ".bias"], padding=(height // 2, 1))


def gate(x):
    a, b = x.chunk(2, 1)
    return torch.tanh(a) * torch.sigmoid(b)


def one(p, path, x):
    return F.conv2d(x, p[path + ".weight"], p.get(path + ".bias"))


def logits(p, x):
    vertical = horizontal = x
    for block in range(1, BLOCKS + 1):
        name = f"block{block}"
        maps = masked(p, name + ".vertical", vertical, 3)
        gated = gate(masked(p, name + ".horizontal", horizontal, 1) + one(p, name + ".vertical_to_horizontal", maps))
        out = one(p, name + ".output", gated)
        horizontal = out if block == 1 else out + horizontal
        vertical = gate(maps)
    return one(p, "logits", torch.relu(one(p, "hidden", torch.relu(horizontal))))


def main():
    codebook = initial("codebook", (CODES, SIZE))
    indices = torch.tensor(
        [int((value + 1) / 2 * CODES) for value in formula("code_prior.indices", IMAGES * HEIGHT * WIDTH)]
    ).reshape(IMAGES, HEIGHT, WIDTH)
    x = codebook[indices].permute(0, 3, 1, 2)
    p = {path: value.requires_grad_() for path, value in parameters().items()}
    optimizer = torch.optim.Adam(p.values(), lr=0.01)
    losses, gradients, first = [], {}, None
    for step in range(STEPS):
        scores = logits(p, x)
        loss = F.cross_entropy(scores, indices, reduction="sum") / IMAGES
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            gradients = {path: value.grad.clone() for path, value in p.items()}
            first = scores.detach()
        losses.append(loss.item())
        optimizer.step()

    def numbers(tensor):
        return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]
    document = {
        "generator": f"tools/reference/code_prior.py, PyTorch {torch.__version__}, float64",
        "codebook": numbers(codebook), "indices": indices.flatten().tolist(),
        "weights": {path: numbers(value) for path, value in parameters().items()}, "logits": numbers(first),
        "gradients": {path: numbers(value) for path, value in gradients.items()},
        "losses": [float(f"{value:.9g}") for value in losses],
    }
    with open(sys.argv[1], "w") as file:
        json.dump(document, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
