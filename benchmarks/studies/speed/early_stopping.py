"""How often early stopping is wrong, and what it saves: the rule against learning curves that are known to the end.

    python benchmarks/studies/speed/early_stopping.py [--record]                  # digits, minutes on two CPU cores
    python benchmarks/studies/speed/early_stopping.py --nb201 nb201.npz           # also a table: 12 epochs against 200

Every network is trained to the end, so it is known what a stopped one would have become. Then the curves arrive in many
random orders, as in a random search. Wrong is a stop of what would have come among the top share of all.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from evonas.core.types import Candidate
from evonas.domains.images import load_images, split
from evonas.encodings.cell import CellEncoding
from evonas.execution.early_stopping import LEAST, REVIEWS, LearningCurveRule
from evonas.training.trainer import TorchTrainer
from studies.speed.results import record, table

Curves = Sequence[Mapping[float, float]]


class Median:
    """The control, Vizier's rule (Golovin et al. 2017, KDD): stop what is below the median of the others there."""

    def __init__(self, share: float):
        self.past: list[Mapping[float, float]] = []

    def learn(self, curve: Mapping[float, float]) -> None:
        self.past.append(dict(curve))

    def __call__(self, curve: Mapping[float, float]) -> bool:
        at = max(curve)
        there = [past[at] for past in self.past if at in past]
        return len(there) >= LEAST and bool(curve[at] < np.median(there))


def digits_curves(networks: int, epochs: int, seed: int) -> Curves:
    """Validation accuracy at the reviews and at the end of random cells on digits."""
    rng = np.random.default_rng(seed)
    encoding = CellEncoding(width=4)
    genomes: dict[str, None] = {}
    while len(genomes) < networks:
        genomes[encoding.canonical(encoding.sample(rng))] = None
    with tempfile.TemporaryDirectory() as folder:
        trainer = TorchTrainer(encoding, split(load_images("digits"), seed=0), epochs, checkpoints=folder, device="cpu")

        def value(genome: str, fidelity: float) -> float:
            return trainer(Candidate(genome, fidelity), trainer.data.task, 0).metrics["val_accuracy"]

        return [{at: value(genome, at) for at in (*REVIEWS, 1.0)} for genome in genomes]


def table_curves(path: Path, networks: int, seed: int) -> Curves:
    """CIFAR-10 of NAS-Bench-201: the separate 12-epoch training as a look into that of 200."""
    with np.load(path, allow_pickle=False) as file:
        rows = np.random.default_rng(seed).choice(np.unique(file["rep_idx"]), networks, replace=False)
        values = zip(file["val12"][rows, 0].tolist(), file["val200"][rows, 0].tolist(), strict=True)
    return [{12 / 200: low, 1.0: high} for low, high in values]


def replay(
    rule: Callable[[float], LearningCurveRule | Median], share: float, curves: Curves, orders: int
) -> dict[str, float]:
    """Mean over random orders: how many are stopped, how many of those and of the top wrongly, which epochs are
    saved, and how much worse the best one is that came through."""
    final = np.array([curve[1.0] for curve in curves])
    worst_of_top = np.sort(final)[::-1][int(np.ceil(share * len(final))) - 1]
    rows = []
    for order in range(orders):
        judge = rule(share)
        stopped, spent = [], 0.0
        for i in np.random.default_rng(order).permutation(len(curves)):
            reached = _trained(judge, curves[i])
            spent += reached
            stopped += [i] if reached < 1 else []
        wrong = (final[stopped] >= worst_of_top).sum()
        through = np.delete(final, stopped)
        rows.append(
            (
                len(stopped) / len(curves),
                wrong / max(len(stopped), 1),
                wrong / (final >= worst_of_top).sum(),
                1 - spent / len(curves),
                final.max() - through.max(),
            )
        )
    names = ("stopped", "wrong", "lost", "saved", "regret")
    return dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))


def _trained(judge: LearningCurveRule | Median, curve: Mapping[float, float]) -> float:
    """How far, by the judge, who learns of it."""
    seen: dict[float, float] = {}
    for at in sorted(curve):
        seen[at] = curve[at]
        if at < 1 and judge(seen):
            break
    judge.learn(seen)
    return max(seen)


def rows_for(name: str, curves: Curves, orders: int) -> list[dict[str, object]]:
    return [
        {"curves": name, "rule": title, "share": share, **replay(rule, share, curves, orders)}
        for share in (0.1, 0.25)
        for title, rule in (("the rule", LearningCurveRule), ("median", Median))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the networks; the rule was settled on those of seed 0")
    parser.add_argument("--nb201", type=Path, help="the table of NAS-Bench-201, as .npz")
    parser.add_argument("--record", action="store_true", help="write the section of results/speed.md")
    args = parser.parse_args()
    n = args.networks
    rows = rows_for(f"digits, {args.epochs} epochs", digits_curves(n, args.epochs, args.seed), args.orders)
    if args.nb201:
        rows += rows_for("NAS-Bench-201, 12 of 200", table_curves(args.nb201, n, args.seed), args.orders)
    text = table(
        rows,
        {
            "curves": "{curves}",
            "top share": "{share:.0%}",
            "rule": "{rule}",
            "trainings stopped": "{stopped:.0%}",
            "of the stopped, wrongly": "{wrong:.1%}",
            "of the top, lost": "{lost:.1%}",
            "epochs saved": "{saved:.0%}",
            "best one lost, points": "{regret:.3f}",
        },
    )
    print(text)
    if args.record:
        body = (
            f"{n} random cells of seed {args.seed}, {args.orders} random orders of arrival; `--stop-early` is *the "
            f"rule*, *median* a control that knows no top share. Accuracy of digits is a fraction, of NAS-Bench-201 "
            f"percent.\n\n{text}"
        )
        record("Early stopping", "cpu", body)


if __name__ == "__main__":
    main()
