"""A run as the archive would hold it, made up in all its figures."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from evonas.core.types import Candidate, Evaluation, Trial

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
RUN = {
    "name": "brisk-otter",
    "task": {"name": "digits", "input_shape": [1, 8, 8], "n_classes": 10, "features": {"images": 1437.0}},
    "encoding": "cell",
    "method": "evolution",
    "surrogate": "meta",
    "seed": 7,
    "config": {"epochs": 12, "out": None},
    "versions": {"evonas": "0.1.0", "torch": "2.15.0"},
    "device": "cpu",
    "command": "evonas search --data digits --name 'a & b'",
    "created": "2025-11-23T21:14:05+00:00",
}


class Drawn:
    """The cell's notation as a graph: all that a report asks of an encoding."""

    def graph(self, genome: str) -> list[tuple[int, int, str]]:
        nodes = [node.strip("|").split("|") for node in genome.split("+")]
        return [(int(e.split("~")[1]), i + 1, e.split("~")[0]) for i, node in enumerate(nodes) for e in node]


def make_trials(n: int, *, failed: float = 0.1, fidelities: Sequence[float] = (1.0,), seed: int = 0) -> list[Trial]:
    rng = np.random.default_rng(seed)
    made, clock = [], 0.0
    for number in range(n):
        a, b, c, d, e, f = (OPS[i] for i in rng.integers(len(OPS), size=6))
        candidate = Candidate(f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|", float(rng.choice(fidelities)))
        seconds = float(rng.gamma(4.0))
        clock += seconds
        if rng.uniform() < failed:
            evaluation = Evaluation.failure(candidate, "OutOfMemoryError: <b>no</b> room", seconds)
        else:
            params = 20_000 + 73_000 * candidate.genome.count("3x3")
            accuracy = float(rng.uniform(0.8, 0.99))
            metrics = {"val_accuracy": accuracy, "val_loss": 1 - accuracy, "params": params, "flops": 64.0 * params}
            evaluation = Evaluation(candidate, {**metrics, "seconds": seconds, "peak_memory_mb": 312.0}, seconds)
        made.append(Trial("brisk-otter", number, number, evaluation, clock))
    return made


@pytest.fixture(name="make_trials")
def _make_trials() -> Callable[..., list[Trial]]:
    return make_trials


@pytest.fixture
def run() -> dict[str, Any]:
    return dict(RUN)


@pytest.fixture
def encoding() -> Any:
    return Drawn()
