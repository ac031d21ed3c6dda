"""What a surrogate may see of a data set of series: a few numbers, cheap, of the training series only."""

from __future__ import annotations

import numpy as np

from evonas.domains.probes import probe_accuracies

SUBSAMPLE = 1000  # series for the probes, half to learn from and half to try on
LAGS = (1, 4, 16)


def describe(x: np.ndarray, y: np.ndarray, classes: int) -> dict[str, float]:
    """Named descriptors of (n, length, channels) series with (n,) labels, the same names for every data set.

    Size, classes and their entropy (nats), autocorrelations at some lags (0 where a series is shorter), the share of
    the power in the lowest eighth of the frequencies, and accuracies of a linear and a 1-NN probe on a fixed subsample.
    """
    _, counts = np.unique(y, return_counts=True)
    shares = counts / counts.sum()
    sample = np.random.default_rng(0).permutation(len(y))[:SUBSAMPLE]
    values = x[sample].astype(np.float64)
    values = values - values.mean((0, 1))
    values /= np.maximum(values.std((0, 1)), 1e-12)
    centred = values - values.mean(1, keepdims=True)
    linear, nearest = probe_accuracies(values.reshape(len(sample), -1).astype(np.float32), y[sample])
    return {
        "series": float(len(y)),
        "classes": float(classes),
        "channels": float(x.shape[2]),
        "length": float(x.shape[1]),
        "class_entropy": float(-(shares * np.log(shares)).sum()),
        **{f"autocorrelation_{lag}": _autocorrelation(centred, lag) for lag in LAGS},
        "low_frequencies": _low_frequencies(centred),
        "linear_accuracy": linear,
        "nearest_accuracy": nearest,
    }


def _autocorrelation(centred: np.ndarray, lag: int) -> float:
    """Of (n, length, channels) series around zero: -1 to 1, their mean weighted by variance."""
    power = float((centred**2).sum())
    return float((centred[:, lag:] * centred[:, :-lag]).sum()) / power if power > 0 and lag < centred.shape[1] else 0.0


def _low_frequencies(centred: np.ndarray) -> float:
    """Share of the power, 0 to 1; 0 where nothing varies."""
    power = (np.abs(np.fft.rfft(centred, axis=1)) ** 2).sum((0, 2))[1:]
    return float(power[: -(-len(power) // 8)].sum() / power.sum()) if power.sum() > 0 else 0.0
