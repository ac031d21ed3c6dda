"""What each choice of a gene of `net` changes: the fixed baseline with one choice changed, on the development sets.

    python benchmarks/studies/net_images/changes.py --images FOLDER --made FOLDER [--workers 2]
    python benchmarks/studies/net_images/changes.py --page

All are trained for the longest time of the table `net-images`, on the data sets that defaults are chosen on. Stop it
whenever you like; the same command goes on. At the end it writes benchmarks/results/net-changes.md; `--page` writes it
again from what is kept.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from evonas.core.types import Candidate
from evonas.encodings.net import NetEncoding
from evonas.execution.processes import Processes
from evonas_benchmarks.pages.text import markdown
from evonas_benchmarks.tables import net_images
from studies.net_images import make
from studies.trainings import Records, exit_code, train_all

OUT = Path(__file__).parents[2] / "results" / "net-images" / "changes"
PAGE = OUT.parents[1] / "net-changes.md"
DEVELOPED = tuple(name for name, data in net_images.DATA.items() if data.developed)
SEEDS = 5  # of the baseline itself, for what chance does
BASELINE = "baseline"


@dataclass(frozen=True)
class Training:
    """A gene's choice, by its place among the gene's choices, on a data set."""

    data: str
    gene: str
    choice: int
    seed: int = 0

    def candidate(self) -> Candidate:
        net = NetEncoding()
        changed = {} if self.gene == BASELINE else {self.gene: net.genes[self.gene][self.choice]}
        return Candidate(net.genome(**changed))


def changes() -> list[tuple[str, int]]:
    """(gene, place of the choice) of all that the baseline has not chosen."""
    net = NetEncoding()
    own = net.named(net.genome())
    return [
        (gene, place)
        for gene, choices in net.genes.items()
        for place, choice in enumerate(choices)
        if choice != own[gene]
    ]


def work(sets: Sequence[str] = DEVELOPED) -> list[Training]:
    """All trainings, those of the baseline first."""
    own = [Training(name, BASELINE, 0, seed) for seed in range(SEEDS) for name in sets]
    return own + [Training(name, gene, place) for gene, place in changes() for name in sets]


def recipe() -> dict[str, Any]:
    """What decides a training's figures, besides versions and hardware: the genomes are those of this study."""
    genomes = dict.fromkeys(tuple(training.candidate().genome) for training in work())
    return {**make.recipe(), "genomes": [list(genome) for genome in genomes]}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=Path, help="the folder of the npz files")
    parser.add_argument("--made", type=Path, help="where sets are that evonas makes")
    parser.add_argument("--out", type=Path, default=OUT, help="where trainings are kept while it runs")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--page", action="store_true", help="only write the page")
    chosen = parser.parse_args()
    if not chosen.page and not (chosen.images and chosen.made):
        parser.error("give --images FOLDER and --made FOLDER, or --page")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the workers
    return exit_code(lambda: made(chosen), chosen.out)


def made(chosen: argparse.Namespace) -> list[str]:
    """The page is written, or why it cannot be yet."""
    records = Records(chosen.out, Training, recipe()).open()
    failed = [] if chosen.page else trained(chosen, records)
    if not failed:
        PAGE.write_text(page(records.lines, records.about()), encoding="utf-8")
        print(PAGE)
    return failed


def trained(chosen: argparse.Namespace, records: Records[Training]) -> list[str]:
    splits = {name: net_images.small_split(name, chosen.images, chosen.made) for name in DEVELOPED}
    weights = make.seconds(chosen.out / make.LENGTHS, splits)
    trainers = {name: net_images.trainer(split, weights[name]) for name, split in splits.items()}
    tasks = {name: split.task for name, split in splits.items()}
    with Processes([OnEach(trainers)] * chosen.workers) as executor:
        return train_all(work(), records, executor, tasks, weights)


@dataclass
class OnEach:
    """An evaluator: each data set has its trainer."""

    trainers: Mapping[str, Callable[..., Any]]

    def __call__(self, candidate: Candidate, task: Any, seed: int) -> Any:
        return self.trainers[task.name](candidate, task, seed)


def page(lines: Mapping[Training, Mapping[str, Any]], about: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    made = {(training.data, training.gene, training.choice) for training in lines}
    sets = [name for name in DEVELOPED if (name, BASELINE, 0) in made]
    usual = {name: mean(_of(lines, name, BASELINE, 0, "val_accuracy")) for name in sets}
    chance = {name: _deviation(_of(lines, name, BASELINE, 0, "val_accuracy")) for name in sets}
    speed = {name: mean(_of(lines, name, BASELINE, 0, "images")) for name in sets}
    rows: list[list[str]] = [
        ["baseline", "", *(f"{100 * usual[name]:.1f} ± {100 * chance[name]:.1f}" for name in sets), "", "1.00"]
    ]
    net = NetEncoding()
    for gene, place in changes():
        found = {name: _of(lines, name, gene, place, "val_accuracy") for name in sets}
        images = {name: _of(lines, name, gene, place, "images") for name in sets}
        seen = [name for name in sets if images[name]]
        points = {name: 100 * (mean(found[name]) - usual[name]) for name in sets if found[name]}
        rows.append(
            [
                gene,
                str(net.genes[gene][place]),
                *(
                    f"{points[name]:+.1f}" if name in points else "diverged" if (name, gene, place) in made else ""
                    for name in sets
                ),
                f"{mean(points.values()):+.1f}" if points else "",
                f"{np.exp(np.mean([np.log(mean(images[name]) / speed[name]) for name in seen])):.2f}" if seen else "",
            ]
        )
    return f"""# What each choice of `net` changes

The fixed baseline with one choice changed, trained as long as the baseline takes for {net_images.IMAGES:,} images, at
most {net_images.MOST_SECONDS:g} s of one core, on the data sets that defaults are chosen on; nothing is reported on them. Points of validation
accuracy, one seed; of the baseline itself its accuracy and the deviation of {SEEDS} seeds. *images*: how many were
learned from in the same time, a share of the baseline's (geometric mean). Made by
`python benchmarks/studies/net_images/changes.py`, on {about["processor"]}; {versions}.

{markdown(("gene", "choice", *sets, "mean", "images"), rows)}"""  # noqa: E501


def _of(lines: Mapping[Training, Mapping[str, Any]], data: str, gene: str, choice: int, name: str) -> list[float]:
    """A figure of all seeds of a choice; of a training that diverged there is none."""
    mine = (own for one, own in lines.items() if (one.data, one.gene, one.choice) == (data, gene, choice))
    return [own[name] for own in mine if name in own]


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


if __name__ == "__main__":
    sys.exit(main())
