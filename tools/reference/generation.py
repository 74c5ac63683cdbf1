#!/usr/bin/env python3
"""Fréchet and kernel distance of two sets of features as torch-fidelity and clean-fid compute them, to six and more digits: the
numbers of Tests/MetricsTests/GenerationPeerTests.swift, which makes the same features.

    generation.py        prints a JSON object of numbers; needs torch-fidelity and clean-fid (pip install torch-fidelity clean-fid)
"""

import json

import numpy as np
from cleanfid import fid
from torch import from_numpy
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric


def features(state, rows, columns, scale, shift):
    """Numbers of a linear congruential generator (the constants of ANSI C), three added up, correlated with their left neighbour."""
    values = np.zeros((rows, columns))
    for row in range(rows):
        for column in range(columns):
            total = 0.0
            for _ in range(3):
                state = (state * 1103515245 + 12345) % 2**31
                total += state / 2**31
            values[row, column] = total * scale + shift * column + (0.5 * values[row, column - 1] if column else 0)
    return values


def main():
    real, generated = features(1, 300, 12, 1.0, 0.1), features(2, 300, 12, 0.8, 0.12)
    statistics = [(f.mean(axis=0), np.cov(f, rowvar=False)) for f in (real, generated)]
    fidelity = [fid_features_to_statistics(from_numpy(f)) for f in (real, generated)]
    # One subset of all images: nothing is drawn at random.
    kid = kid_features_to_metric(
        from_numpy(real), from_numpy(generated), kid_subsets=1, kid_subset_size=300, kid_kernel="poly", kid_kernel_poly_degree=3,
        kid_kernel_poly_gamma=None, kid_kernel_poly_coef0=1, verbose=False)
    print(json.dumps({
        "frechet_clean_fid": float(fid.frechet_distance(*statistics[0], *statistics[1])),
        "frechet_torch_fidelity": float(
            fid_statistics_to_metric(fidelity[0], fidelity[1], False)["frechet_inception_distance"]),
        "kernel_clean_fid": float(fid.kernel_distance(real, generated, num_subsets=1, max_subset_size=300)),
        "kernel_torch_fidelity": float(kid["kernel_inception_distance_mean"]),
    }))


if __name__ == "__main__":
    main()
