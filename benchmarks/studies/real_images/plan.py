"""Who is recorded on what, and in which order: stopped anywhere, it leaves the most that can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from studies.real_images.ratios import control
from studies.real_images.rows import Row, key
from studies.real_images.sets import ABLATED

OURS = "evonas"
FIXED = ("resnet8", "resnet20", "resnet18", "mobilenet_v3_small")
OTHERS = ("random", "optuna-tpe", "evonas without memory")
ABLATIONS = (
    "evonas without evolution",
    "evonas without rungs",
    "evonas without probe",
    "random after the portfolio",
)
BEST = "the best fixed network"  # not known before all of them are recorded with seed 0
SEEDS: Mapping[str, int] = {OURS: 5, "random": 5, "optuna-tpe": 3, "evonas without memory": 3}
ABLATION_SEEDS = SHORTER_SEEDS = 3
ALL_SEEDS = range(5)

LEARNED, BUDGET, SHORTER = 10_000, 240.0, "72,144"  # images; seconds; seconds that may do with a memory
FULL_BUDGET, FULL_THREADS = 1800.0, 2
TRAININGS = {True: 3.2, False: 1.0}  # budgets that a fixed network takes with its tests, and a search


@dataclass(frozen=True)
class Work:
    """A row that is wanted."""

    set: str
    seed: int
    budget: float
    system: str
    full: bool = False

    @property
    def row(self) -> dict[str, object]:
        """What the row begins with."""
        return vars(self)

    def __str__(self) -> str:
        return f"{self.set}, seed {self.seed}, {self.budget:g} s{', all images' if self.full else ''}: {self.system}"


def planned(
    rows: Sequence[Row], sets: Sequence[str], seeds: Sequence[int], budget: float, shorter: Sequence[float]
) -> list[Work]:
    """The whole comparison: by seed, then by set, all systems of a block together; shorter budgets after each seed."""
    done = {key(row) for row in rows}
    first = [Work(name, 0, budget, network) for name in sets for network in FIXED]
    usual = [row for row in rows if row["set"] in sets and row["budget"] == budget and not row["full"]]
    known = control(usual) if all(key(work.row) in done for work in first) else None
    found = []
    for seed in seeds:
        for name in sets:
            for system in _systems(name, seed, known.name if known else BEST):
                found.append(Work(name, seed, budget, system))
        for less in shorter if seed < SHORTER_SEEDS else ():
            found += [Work(name, seed, less, OURS) for name in sets]
    return found


def _systems(name: str, seed: int, best: str) -> list[str]:
    fixed = FIXED if seed == 0 else (best,)
    found = [OURS, *fixed, *(system for system in OTHERS if seed < SEEDS[system])]
    return [*found, *ABLATIONS] if name in ABLATED and seed < ABLATION_SEEDS else found


def missing(works: Sequence[Work], rows: Sequence[Row]) -> list[Work]:
    done = {key(row) for row in rows}
    return [work for work in works if key(work.row) not in done]


def seconds(work: Work, rows: Sequence[Row]) -> float:
    """An estimate: as long as this system took before, by its budget; before there is any, by what it trains."""
    shares = [row["wall_seconds"] / row["budget"] for row in rows if row["system"] == work.system]
    return work.budget * (mean(shares) if shares else TRAININGS[work.system in (*FIXED, BEST)])


def words(works: Sequence[Work], rows: Sequence[Row]) -> str:
    """What is missing, a line a block, and the hours that it takes."""
    by: dict[str, list[Work]] = {}
    for work in works:
        by.setdefault(str(work).partition(": ")[0], []).append(work)
    lines = [f"{one}: {', '.join(work.system for work in some)}" for one, some in by.items()]
    hours = sum(seconds(work, rows) for work in works) / 3600
    return "\n".join([*lines, f"{len(works)} rows are missing, about {hours:.1f} hours"])
