"""A package of plug-ins as it was written for evonas before its files had rooms: one part in each entry-point group.

Not to be modernized: `test_old_plugins.py` installs and runs it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import typer
from sklearn.datasets import load_digits
from torch import nn

from evonas.encodings.categorical import CategoricalEncoding
from evonas.errors import EvonasError
from evonas.tasks import Images, images_from_arrays, load_images, split
from evonas.training.trainer import TorchTrainer
from evonas.types import VAL_ACCURACY, Candidate, Evaluation, Objective, Task, Trial


class Widths(CategoricalEncoding):
    genes = {"first": (2, 3, 4), "second": (2, 3, 4)}  # noqa: RUF012

    def build(self, genome, task: Task) -> nn.Module:
        channels, _, _ = task.input_shape
        first, second = genome
        return nn.Sequential(
            nn.Conv2d(channels, first, 3),
            nn.ReLU(),
            nn.Conv2d(first, second, 3),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(second, task.n_classes),
        )


def few_digits(argument: str, *, root: Path | None = None) -> Images:
    if argument:
        raise EvonasError(f"few digits take no argument, got {argument!r}")
    x, y = load_digits(n_class=2, return_X_y=True)
    return images_from_arrays(x[:120].reshape(-1, 8, 8) / 16, y[:120], name="few-digits")


class InOrder:
    """Every genome, one after the other."""

    def __init__(self, encoding, objectives=(VAL_ACCURACY,), start: int = 0):
        assert all(isinstance(objective, Objective) for objective in objectives)
        self.genomes = [(a, b) for a in (2, 3, 4) for b in (2, 3, 4)][start:]
        self.waiting: list[Candidate] = []

    def propose(self, n, rng):
        return [Candidate(genome, 1.0, ()) for genome in self.genomes[:n]]

    def expect(self, candidates):
        self.genomes = [genome for genome in self.genomes if genome not in [c.genome for c in candidates]]

    def ask(self, n, rng):
        found = self.propose(n, rng)
        self.expect(found)
        return found

    def tell(self, evaluations):
        self.expect([evaluation.candidate for evaluation in evaluations])


class First:
    """Likes genomes for their first feature; recalls how many trainings the archive holds."""

    remembered = 0

    @classmethod
    def recall(cls, store, encoding: str, task: Task, objective: Objective):
        ranker = cls()
        ranker.remembered = len(store.trials(encoding=encoding))
        return ranker

    def fit(self, X, y, groups):
        return self

    def adapt(self, X, y):
        return self

    def predict(self, X):
        return np.asarray(X)[:, 0]


class Here:
    """An executor: in this process."""

    slots = 1

    def __init__(self, evaluator, workers: int = 1, timeout: float | None = None):
        self.evaluator = evaluator

    def submit(self, candidate, task, seed):
        from concurrent.futures import Future

        future: Future[Evaluation] = Future()
        future.set_result(self.evaluator(candidate, task, seed))
        return future

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


app = typer.Typer(invoke_without_command=True)


@app.callback()
def greet() -> None:
    """Trains one network by hand, as a script would."""
    data = split(load_images("few-digits"), seed=0)
    trainer = TorchTrainer(Widths(), data, epochs=1, device="cpu", threads=1)
    evaluation = trainer(Candidate((2, 3)), data.task, 0)
    print("by hand", sorted(evaluation.metrics), evaluation.status)


def section(record, trials: list[Trial], encoding, store, objective: Objective):
    return "A section of before", f"<p>{len(trials)} trials of {record.name}, the goal is {objective.name}</p>"


SUITE = Path(__file__).with_name("old-suite.toml")
