"""A variable-length encoding, whole: one to five widths, one a convolution. `evonas search --encoding FILE:Chain`."""

import tempfile
from itertools import pairwise

from sklearn.datasets import load_digits
from torch import nn

from evonas import search


class Chain:
    widths = (8, 12, 16, 24)

    def sample(self, rng):
        return tuple(int(rng.choice(self.widths)) for _ in range(rng.integers(1, 6)))

    def mutate(self, genome, rng):
        at, width = int(rng.integers(len(genome))), int(rng.choice(self.widths))
        left, right = genome[:at], genome[at + 1 :]  # grow, shrink, or change
        return ((*left, width, *genome[at:])[:5], left + right or (width,), (*left, width, *right))[rng.integers(3)]

    def crossover(self, a, b, rng):
        return (a[: rng.integers(1, len(a) + 1)] + b[rng.integers(len(b)) :])[:5]

    def features(self, genome):
        return {"depth": len(genome), "widest": max(genome), "sum": sum(genome), "last": genome[-1]}

    def build(self, genome, task):
        layers = []
        for inputs, width in pairwise((task.input_shape[0], *genome)):
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(genome[-1], task.n_classes))


if __name__ == "__main__":
    x, y = load_digits(return_X_y=True)
    with tempfile.TemporaryDirectory() as out:
        options = {"trials": 4, "epochs": 3, "out": f"{out}/run", "archive": f"{out}/a.db"}
        print(search(x.reshape(-1, 8, 8) / 16, y, encoding=Chain(), **options)["test_accuracy"])
