"""What a surrogate may see of a data set: a few numbers, cheap, of the training images only."""

from __future__ import annotations

import math
import zlib

import numpy as np

from evonas.domains.probes import probe_accuracies

SUBSAMPLE = 1000  # images for the probes, half to learn from and half to try on
COMPRESSED, PACKED = 200, 2**24  # images and bytes, at most
FINE = 2**14  # values of an image for the probes; of a larger one every second, third, … row and column is looked at


def describe(x: np.ndarray, y: np.ndarray, classes: int) -> dict[str, float]:
    """Named descriptors of (n, height, width, channels) uint8 images with (n,) labels; under a second for 60,000 small
    ones. The names are the same for every data set.

    Size, classes and their entropy (nats), mean and deviation of the pixels over the channels, accuracies of a linear
    and a 1-NN probe on a fixed subsample, and how far zlib compresses the images.
    """
    _, counts = np.unique(y, return_counts=True)
    shares = counts / counts.sum()
    sample = np.random.default_rng(0).permutation(len(y))[:SUBSAMPLE]  # the same images every time, in random order
    step = math.ceil(math.sqrt(math.prod(x.shape[1:]) / FINE))
    pixels = x[:, ::step, ::step][sample].reshape(len(sample), -1, x.shape[-1]).astype(np.float32) / 255
    means, deviations = pixels.mean((0, 1)), pixels.std((0, 1))
    packed = x[sample[: max(1, min(COMPRESSED, PACKED // max(1, math.prod(x.shape[1:]))))]].tobytes()
    linear, nearest = probe_accuracies(pixels.reshape(len(sample), -1), y[sample])
    return {
        "images": float(len(y)),
        "classes": float(classes),
        "channels": float(x.shape[3]),
        "height": float(x.shape[1]),
        "width": float(x.shape[2]),
        "class_entropy": float(-(shares * np.log(shares)).sum()),
        **{f"mean_{i}": float(means[min(i, len(means) - 1)]) for i in range(3)},
        **{f"deviation_{i}": float(deviations[min(i, len(deviations) - 1)]) for i in range(3)},
        "linear_accuracy": linear,
        "nearest_accuracy": nearest,
        "compressed": len(zlib.compress(packed, 6)) / len(packed),
    }
