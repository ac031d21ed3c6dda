"""What a child saves that starts from its parent's weights, and what that biases: digits, cells and macro networks.

    python benchmarks/studies/speed/inheritance.py [--record]        # minutes on two CPU cores

Random parents are trained in full. One mutant of each is trained for a quarter, a half and all of the epochs, once
from scratch and once from its parent's weights, each with a whole schedule. Saved is what an heir needs less to reach
the mean validation loss of full trainings from scratch. The bias is looked at in three ways: do short trainings order
the mutants as full ones from scratch do (Kendall's τ, by loss), do heirs of good parents profit more than others, and
does the advantage grow with every generation of a lineage, as if old families were better.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from evonas.core.types import Candidate, Encoding
from evonas.domains.images import Split, load_images, split
from evonas.encodings.cell import CellEncoding
from evonas.encodings.macro import MacroEncoding
from evonas.training.checkpoints import digest
from evonas.training.trainer import TorchTrainer
from studies.speed.results import record, table

PARTS = (0.25, 0.5, 1.0)
GENERATIONS = 3


class Family:
    """Trainings of one encoding on one task, all for the same full epochs."""

    def __init__(self, encoding: Encoding[Any], data: Split, epochs: int, folder: str):
        self.encoding, self.data, self.epochs, self.folder = encoding, data, epochs, folder

    def loss(self, genome: Any, part: float, parent: Any = None, *, line: str = "full") -> float:
        """Validation loss after so much of the epochs; heirs find their parents' weights by `line`."""
        epochs = max(1, round(self.epochs * part))
        options: dict[str, Any] = {"epochs": epochs, "device": "cpu"}
        if parent is None and line == "none":
            trainer = TorchTrainer(self.encoding, self.data, **options)
        else:
            trainer = Related(self.encoding, self.data, **options, checkpoints=f"{self.folder}/{line}", inherit=True)
        parents = () if parent is None else (parent,)
        evaluation = trainer(Candidate(genome, 1.0, parents), self.data.task, 0)
        return evaluation.metrics["val_loss"] if evaluation.ok else float("nan")


class Related(TorchTrainer):
    """Finds weights by the genome alone: here trainings of several lengths inherit from one another."""

    def _key(self, genome: Any, seed: int) -> str:
        return digest(genome)


def measure(family: Family, networks: int) -> tuple[list[dict[str, Any]], str]:
    """A row for each length of training, and what there is to say of the bias."""
    rng = np.random.default_rng(0)
    parents = [family.encoding.sample(rng) for _ in range(networks)]
    children = [family.encoding.mutate(parent, rng) for parent in parents]
    above = np.array([family.loss(parent, 1.0) for parent in parents])
    scratch = {part: np.array([family.loss(child, part, line="none") for child in children]) for part in PARTS}
    heirs = {}
    for part in PARTS:
        pairs = zip(children, parents, strict=True)
        heirs[part] = np.array([family.loss(child, part, parent) for child, parent in pairs])
    rows = [
        {
            "part": part,
            "scratch": np.nanmean(scratch[part]),
            "heir": np.nanmean(heirs[part]),
            "tau_scratch": _tau(scratch[part], scratch[1.0]),
            "tau_heir": _tau(heirs[part], scratch[1.0]),
            "profit": _tau(scratch[part] - heirs[part], -above),
        }
        for part in PARTS
    ]
    enough = next((part for part in PARTS if np.nanmean(heirs[part]) <= np.nanmean(scratch[1.0])), None)
    saves = f"An heir needs {enough:.0%} of the epochs" if enough else "No length of training is enough for an heir"
    ages = ", ".join(f"{advantage:+.3f}" for advantage in lineage(family, parents[: networks // 2], rng))
    words = (
        f"{saves} to reach the mean loss of a full training from scratch. Advantage over scratch, in nats, after "
        f"{PARTS[0]:.0%} of the epochs, by generation of a lineage in which each has only that: {ages}."
    )
    return rows, words


def lineage(family: Family, founders: Sequence[Any], rng: np.random.Generator) -> list[float]:
    """Mean advantage in loss of generations 1, 2, …, each trained for the shortest time from its parent's weights."""
    advantages = [[] for _ in range(GENERATIONS)]
    for genome in founders:
        family.loss(genome, PARTS[0], line="short")
        for generation in advantages:
            child = family.encoding.mutate(genome, rng)
            heir = family.loss(child, PARTS[0], genome, line="short")
            generation.append(family.loss(child, PARTS[0], line="none") - heir)
            genome = child
    return [float(np.nanmean(generation)) for generation in advantages]


def _tau(a: np.ndarray, b: np.ndarray) -> float:
    return float(kendalltau(a, b, nan_policy="omit")[0])  # type: ignore[index]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--record", action="store_true", help="write the section of results/speed.md")
    args = parser.parse_args()
    data = split(load_images("digits"), seed=0)
    parts = []
    for name, encoding in (("cell(width=8)", CellEncoding(width=8)), ("macro", MacroEncoding())):
        with tempfile.TemporaryDirectory() as folder:
            rows, words = measure(Family(encoding, data, args.epochs, folder), args.networks)
        text = table(
            rows,
            {
                "epochs": "{part:.0%}",
                "loss from scratch": "{scratch:.3f}",
                "loss of heirs": "{heir:.3f}",
                "τ to full, from scratch": "{tau_scratch:.2f}",
                "τ to full, heirs": "{tau_heir:.2f}",
                "τ of profit and parent's quality": "{profit:.2f}",
            },
        )
        parts.append(f"`{name}`. {words}\n\n{text}")
        print(parts[-1], flush=True)
    if args.record:
        head = f"Digits, {args.networks} mutants of random parents, {args.epochs} epochs in full, seed 0.\n\n"
        record("Weight inheritance", "cpu", head + "\n\n".join(parts))


if __name__ == "__main__":
    main()
