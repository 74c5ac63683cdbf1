#!/usr/bin/env python3
"""Metrics of trained models as their papers and Locatello and others 2019 define them, in NumPy, SciPy, scikit-learn, scikit-image
and prdc: what Tests/MetricsTests compares the zoo's with.

    metrics.py INPUT.json        prints a JSON object of numbers

INPUT.json lists `tasks`, functions below, and the arrays that they read. Nothing here shares code with the zoo.
"""

import json
import sys

import numpy as np


def discretize(codes, bins):
    """Each column cut into bins of one width, numbered from 1."""
    return np.stack(
        [np.digitize(column, np.histogram(column, bins)[1][:-1]) for column in codes.T], axis=1
    )


def mutual_information(codes, factors, bins=20):
    """Nats: a row for each dimension, a column for each factor."""
    from sklearn.metrics import mutual_info_score

    binned = discretize(codes, bins)
    return np.array(
        [[mutual_info_score(factor, dimension) for factor in factors.T] for dimension in binned.T]
    )


def mig(data):
    codes, factors = np.array(data["codes"]), np.array(data["factors"])
    information = mutual_information(codes, factors)
    entropies = [-np.sum(p * np.log(p)) for p in (np.unique(f, return_counts=True)[1] / len(f) for f in factors.T)]
    best = np.sort(information, axis=0)[::-1]
    return {"mig": float(np.mean((best[0] - best[1]) / entropies))}


def modularity(data):
    squares = mutual_information(np.array(data["codes"]), np.array(data["factors"])) ** 2
    largest = squares.max(axis=1)
    rest = squares.sum(axis=1) - largest
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = 1 - rest / (largest * (squares.shape[1] - 1))
    scores[largest == 0] = 0
    return {"modularity": float(scores.mean())}


def explicitness(data):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import label_binarize

    train, test = np.array(data["codes"]), np.array(data["test_codes"])
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    train, test = (train - mean) / deviation, (test - mean) / deviation
    areas = []
    for own, other in zip(np.array(data["factors"]).T, np.array(data["test_factors"]).T):
        model = LogisticRegression(solver="liblinear").fit(train, own)
        probabilities = model.predict_proba(test)
        truth = label_binarize(other, classes=model.classes_)
        areas.append(roc_auc_score(truth, probabilities))
    return {"explicitness": float(np.mean(areas))}


def sap(data):
    from sklearn.svm import LinearSVC

    train, test = np.array(data["codes"]), np.array(data["test_codes"])
    factors, test_factors = np.array(data["factors"]), np.array(data["test_factors"])
    scores = np.zeros((train.shape[1], factors.shape[1]))
    for i in range(train.shape[1]):
        for j in range(factors.shape[1]):
            model = LinearSVC(C=0.01, class_weight="balanced", dual=False).fit(train[:, [i]], factors[:, j])
            scores[i, j] = np.mean(model.predict(test[:, [i]]) == test_factors[:, j])
    best = np.sort(scores, axis=0)[::-1]
    return {"sap": float(np.mean(best[0] - best[1]))}


def dci(data):
    from scipy.stats import entropy
    from sklearn.ensemble import GradientBoostingClassifier

    train, test = np.array(data["codes"]), np.array(data["test_codes"])
    factors, test_factors = np.array(data["factors"]), np.array(data["test_factors"])
    importance = np.zeros((train.shape[1], factors.shape[1]))
    accuracies = []
    for j in range(factors.shape[1]):
        model = GradientBoostingClassifier(random_state=0).fit(train, factors[:, j])
        importance[:, j] = model.feature_importances_
        accuracies.append(np.mean(model.predict(test) == test_factors[:, j]))
    of_codes = 1 - entropy(importance.T + 1e-11, base=importance.shape[1])
    of_factors = 1 - entropy(importance + 1e-11, base=importance.shape[0])
    return {
        "disentanglement": float(np.sum(of_codes * importance.sum(axis=1) / importance.sum())),
        "completeness": float(np.sum(of_factors * importance.sum(axis=0) / importance.sum())),
        "informativeness": float(np.mean(accuracies)),
    }


def irs(data):
    codes, factors = np.array(data["codes"]), np.array(data["factors"])
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    moved = np.zeros((codes.shape[1], factors.shape[1]))
    for j, factor in enumerate(factors.T):
        positions = np.unique(factor)
        for position in positions:
            group = codes[factor == position]
            moved[:, j] += np.percentile(np.abs(group - group.mean(axis=0)), 99, axis=0) / len(positions)
    scores = (1 - moved / largest[:, None]).max(axis=1)
    return {"irs": float(np.average(scores, weights=largest))}


def sampled(data):
    """The scores over batches of images that agree in a factor, with draws of its own: mean and deviation over repetitions."""
    from sklearn.linear_model import LogisticRegression

    codes, factors = np.array(data["codes"]), np.array(data["factors"])
    beta, factor_vae = [], []
    for repetition in range(data["repetitions"]):
        random = np.random.RandomState(repetition)
        members = [{v: np.flatnonzero(f == v) for v in np.unique(f)} for f in factors.T]

        def batch(count, factor):
            return random.choice(members[factor][factors[random.randint(len(codes)), factor]], count)

        def pairs(count):
            labels = random.randint(factors.shape[1], size=count)
            rows = [
                np.mean([np.abs(np.subtract(*codes[batch(2, label)])) for _ in range(64)], axis=0) for label in labels
            ]
            return np.array(rows), labels

        rows, labels = pairs(data["training"])
        model = LogisticRegression(solver="liblinear").fit(rows, labels)
        rows, labels = pairs(data["test"])
        beta.append(np.mean(model.predict(rows) == labels))

        variances = codes.var(axis=0, ddof=1)

        def votes(count):
            table = np.zeros((codes.shape[1], factors.shape[1]), dtype=int)
            for label in random.randint(factors.shape[1], size=count):
                table[np.argmin(codes[batch(64, label)].var(axis=0, ddof=1) / variances), label] += 1
            return table

        majority = votes(data["training"]).argmax(axis=1)
        table = votes(data["test"])
        factor_vae.append(table[np.arange(len(majority)), majority].sum() / table.sum())
    return {
        "beta_vae_score": float(np.mean(beta)), "beta_vae_deviation": float(np.std(beta, ddof=1)),
        "factor_vae_score": float(np.mean(factor_vae)), "factor_vae_deviation": float(np.std(factor_vae, ddof=1)),
    }


def generation(data):
    from prdc import compute_prdc
    from scipy.linalg import sqrtm

    real, generated = np.array(data["real"]), np.array(data["generated"])
    a, b = np.cov(real, rowvar=False), np.cov(generated, rowvar=False)
    shift = real.mean(axis=0) - generated.mean(axis=0)
    frechet = shift @ shift + np.trace(a + b - 2 * sqrtm(a @ b).real)

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def without_diagonal(k):
        return (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))

    mmd = (
        without_diagonal(kernel(real, real)) + without_diagonal(kernel(generated, generated))
        - 2 * kernel(real, generated).mean()
    )
    manifold, density = compute_prdc(real, generated, 3), compute_prdc(real, generated, 5)
    return {
        "frechet": float(frechet), "kernel": float(mmd), "precision": float(manifold["precision"]),
        "recall": float(manifold["recall"]), "density": float(density["density"]), "coverage": float(density["coverage"]),
    }


def images(data):
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    a, b = np.array(data["a"]), np.array(data["b"])
    return {
        "ssim": float(
            structural_similarity(
                a, b, data_range=1, channel_axis=0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
            )
        ),
        "psnr": float(peak_signal_noise_ratio(a, b, data_range=1)),
    }


def probes(data):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    train, test = np.array(data["codes"]), np.array(data["test_codes"])
    labels, test_labels = np.array(data["labels"]), np.array(data["test_labels"])
    scaler = StandardScaler().fit(train)
    linear = LogisticRegression(solver="liblinear").fit(scaler.transform(train), labels)
    neighbours = KNeighborsClassifier(5).fit(train, labels)
    return {
        "linear": float(linear.score(scaler.transform(test), test_labels)),
        "neighbours": float(neighbours.score(test, test_labels)),
        "area": float(roc_auc_score(test_labels == 0, test[:, 0])),
    }


def neighbourhoods(data):
    """Σ p log(p/q) of a layout in the plane (van der Maaten and Hinton 2008), p of the nearest three times as many points as the
    perplexity (van der Maaten 2014), and how much of the neighbourhoods is kept, beside scikit-learn's own layout."""
    from scipy.spatial.distance import cdist
    from sklearn.manifold import TSNE, trustworthiness

    codes, positions = np.array(data["codes"]), np.array(data["positions"])
    distances = cdist(codes, codes, "sqeuclidean")
    conditional = np.zeros_like(distances)
    for i, row in enumerate(distances):
        row = np.where(np.arange(len(row)) == i, np.inf, row)
        row = np.where(row <= np.sort(row)[90], row, np.inf)
        low, high = 0.0, np.inf
        precision = 1.0
        for _ in range(200):
            weights = np.exp(-(row - row.min()) * precision)
            weights /= weights.sum()
            entropy = -np.sum(weights[weights > 0] * np.log(weights[weights > 0]))
            low, high = (precision, high) if entropy > np.log(30) else (low, precision)
            precision = (low + high) / 2 if np.isfinite(high) else precision * 2
        conditional[i] = weights
    p = (conditional + conditional.T) / (2 * len(codes))
    q = 1 / (1 + cdist(positions, positions, "sqeuclidean"))
    np.fill_diagonal(q, 0)
    q /= q.sum()
    pairs = p > 0
    peer = TSNE(perplexity=30, init="pca", random_state=0)
    layout = peer.fit_transform(codes)
    return {
        "divergence": float(np.sum(p[pairs] * np.log(p[pairs] / q[pairs]))),
        "peer_divergence": float(peer.kl_divergence_),
        "trustworthiness": float(trustworthiness(codes, positions)),
        "peer_trustworthiness": float(trustworthiness(codes, layout)),
    }


def main():
    with open(sys.argv[1]) as file:
        data = json.load(file)
    tasks = {
        task.__name__: task
        for task in (mig, modularity, explicitness, sap, dci, irs, sampled, generation, images, probes, neighbourhoods)
    }
    result = {}
    for task in data["tasks"]:
        result.update(tasks[task](data))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
