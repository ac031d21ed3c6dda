"""Whether what was learned with one encoding helps a search with another: `cell` and `net`, on their own tables.

    python benchmarks/studies/between_encodings/record.py [--seeds 2] [--features FILE.json]

`--features` keeps what was counted in the networks. Writes benchmarks/results/between-encodings.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.environment import processor, versions
from evonas.core.types import Task
from evonas.training.building import build, seeded
from evonas_benchmarks.pages.text import markdown
from evonas_surrogates.posterior import KEPT, WITH_VIEWS, Posterior, Shares
from evonas_surrogates.quality import rank_correlation
from evonas_surrogates.transfer import TransferModel
from studies.between_encodings.graph import graph_features
from studies.between_encodings.views import DRAWN, Counted, Side, sides, views

PAGE = Path(__file__).parents[2] / "results" / "between-encodings.md"
SEEDS = range(301, 303)  # of development: no figure of another page has them
TRIALS, GOAL = 40, 50  # trainings of a search; of the random search whose best is to be reached
LOOKS = (5, 10, 20, 40)
CHOSEN_AT = (3, 4, 5, 7, 9, 11, 14, 19, 24, 31)  # results, when evidence chooses anew
MEMORIES = {"from scratch": None, "another encoding's": False, "nonsense": True}  # whether its views are shuffled
DOUBTED = tuple(  # what evidence chooses among: views that count as ever, and views that do not
    Shares(linear, leaves, features, noise, length)
    for (linear, leaves), features, noise, length in product(
        ((0.0, 0.0), (WITH_VIEWS.linear, WITH_VIEWS.leaves)), (0.05, 0.25, 0.8, 2.0), (0.1, 0.3, 0.6), (0.35, 0.8)
    )
)


class Doubting(TransferModel):
    """The marginal likelihood of the results decides whether views count, and how far features do."""

    chosen: list[tuple[float, Shares]]

    def adapt(self, X: np.ndarray, y: np.ndarray) -> Doubting:
        super().adapt(X, y)
        rows, scores, plain = self._observed_rows, self._observed_scores, self.posterior_
        if rows is None or scores is None or plain is None:
            return self
        if len(y) in CHOSEN_AT or not hasattr(self, "chosen"):
            evidence = np.array([plain._factor(shares)[2] for shares in DOUBTED])
            best = np.argsort(-evidence)[:KEPT]
            weights = np.exp(evidence[best] - evidence[best[0]])
            self.chosen = [(float(one), DOUBTED[i]) for one, i in zip(weights / weights.sum(), best, strict=True)]
        self.posterior_ = Posterior(rows, scores, self.weight_, self.chosen, before=plain)
        return self


def taught(X: np.ndarray, said: np.ndarray, shuffled: bool = False) -> Doubting:
    """A ranker that has learned views as it learns earlier tasks, and trusts none before there are results."""
    if shuffled:
        said = np.random.default_rng(0).permuted(said, axis=1)
    model = Doubting()
    model.fit(np.tile(X, (len(said), 1)), said.ravel(), np.repeat(np.arange(len(said)), len(X)))
    model.weight_ = 0.0
    return model


def made(X: np.ndarray, said: np.ndarray, shuffled: bool | None) -> TransferModel:
    return TransferModel() if shuffled is None else taught(X, said, shuffled)


def search(side: Side, task: str, model: TransferModel, seed: int) -> np.ndarray:
    """(TRIALS,) regret so far: the ranker chooses from the whole table, at random while all is alike to it."""
    X, y = np.asarray(side.table.features, dtype=float), side.scores(task)
    rng, had = np.random.default_rng(seed), []
    model.adapt(X[:0], y[:0])
    for _ in range(min(TRIALS, len(y))):
        left = np.setdiff1d(np.arange(len(y)), had)
        worth = model.acquire(X[left]) if had or model.names_ else np.zeros(len(left))
        had.append(int(left[worth.argmax()] if np.ptp(worth) else rng.choice(left)))
        model.adapt(X[had], y[had])
    return regret(y, y[had])


def regret(y: np.ndarray, found: np.ndarray) -> np.ndarray:
    """0 is the table's best, 1 its median."""
    return (y.max() - np.maximum.accumulate(found)) / (y.max() - np.median(y))


def goal(y: np.ndarray) -> float:
    """The mean regret of random search after `GOAL` trainings."""
    rng = np.random.default_rng(0)
    return float(np.mean([regret(y, rng.permutation(y)[:GOAL])[-1] for _ in range(1000)]))


def trainings(curve: np.ndarray, wanted: float) -> int:
    """Until the regret is as low; one more than there were where it never is."""
    there = np.flatnonzero(curve <= wanted + 1e-12)
    return int(there[0]) + 1 if len(there) else len(curve) + 1


def measured(
    new: Side, earlier: Side, seeds: Sequence[int], counted: Counted
) -> tuple[dict[str, np.ndarray], list[Any]]:
    """Memory -> (tasks, seeds, TRIALS) regrets; a row for the page of each task."""
    curves: dict[str, list[np.ndarray]] = {name: [] for name in MEMORIES}
    rows = []
    for task in new.table.entries:
        X, said = views(new, earlier, task, counted)
        y = new.scores(task)
        right = [rank_correlation(one, y[: len(X)]) for one in said]
        row = [task, f"{rank_correlation(said.mean(0), y[: len(X)]):.2f}", f"{min(right):.2f} to {max(right):.2f}"]
        for name, memory in MEMORIES.items():
            found = np.array([search(new, task, made(X, said, memory), seed) for seed in seeds])
            curves[name].append(found)
            row.append(f"{np.median([trainings(one, goal(y)) for one in found]):.0f}")
        rows.append(row)
        print(new.name, *row, flush=True)
    counted.keep()
    return {name: np.array(found) for name, found in curves.items()}, rows


def milliseconds(side: Side, n: int = 30) -> float:
    """Of a core's time, to build a genome's network for images of 3×32×32 and to count in it."""
    genomes, task = side.genomes(n), Task("", (3, 32, 32), 10)
    with seeded(0):
        graph_features(build(side.encoding, genomes[0], task), task.input_shape)
        start = time.process_time()
        for genome in genomes:
            graph_features(build(side.encoding, genome, task), task.input_shape)
    return 1000 * (time.process_time() - start) / len(genomes)


def summary(curves: Mapping[str, np.ndarray], goals: Sequence[float]) -> list[list[str]]:
    """A row for each memory: regrets, trainings to what random search reaches, and these against from scratch."""
    rows, logs = [], {}
    for name, found in curves.items():
        counts = [[trainings(one, wanted) for one in of] for of, wanted in zip(found, goals, strict=True)]
        logs[name] = np.log(counts).mean(1)
        ratio = logs[name] - logs["from scratch"]
        drawn = np.random.default_rng(0).choice(ratio, (2000, len(ratio))).mean(1)
        low, high = np.exp(np.percentile(drawn, [2.5, 97.5]))
        against = "" if name == "from scratch" else f"{np.exp(ratio.mean()):.2f} × ({low:.2f} to {high:.2f})"
        looks = [f"{found[:, :, look - 1].mean():.3f}" for look in LOOKS]
        rows.append([name, *looks, f"{np.exp(logs[name].mean()):.1f}", against])
    return rows


def section(new: Side, earlier: Side, counted: Counted, seeds: Sequence[int]) -> str:
    curves, rows = measured(new, earlier, seeds, counted)
    goals = [goal(new.scores(task)) for task in new.table.entries]
    heads = ("memory", *(f"after {look}" for look in LOOKS), "trainings", "against from scratch")
    tasks = ("new task", "Spearman, mean view", "single views", *MEMORIES)
    return f"""## A search with `{new.name}`, earlier tasks of `{earlier.name}`

{markdown(heads, summary(curves, goals))}

Each task: how views of the earlier tasks order its networks, and the median trainings over seeds.

{markdown(tasks, rows)}

"""


def page(sections: Sequence[str], costs: Mapping[str, float], seeds: Sequence[int]) -> str:
    words = ", ".join(f"{name} {version}" for name, version in versions().items())
    took = ", ".join(f"{cost:.0f} ms a genome of `{name}`" for name, cost in costs.items())
    return f"""# Between encodings

Does what was learned with one encoding help a search with another? From each network that was trained the
operations are counted as one input goes through it (`studies/between_encodings/graph.py`: kinds, depths, ways,
widths, receptive field, parameters, FLOPs, and what lies at which size), and a model is fitted on these for each
earlier task. What it says of {DRAWN} genomes of the new encoding (of the whole table where that has fewer) becomes
a view like any other; so no offspring has to be built. A view has no weight before there are results, and these
decide its sign too. The tables are of real trainings: [small-images](small-images.md) (`cell`, a fixed number of
epochs) and [net-images](net-images.md) (`net`, seconds); what shares a source of images is left out. A search is
the meta-surrogate choosing from the whole table, {len(seeds)} seeds ({min(seeds)} to {max(seeds)}), {TRIALS}
trainings.

*Trainings* are those to the mean of what random search has after {GOAL}, {TRIALS + 1} where it is never reached,
the geometric mean over tasks and seeds; the interval is a 95 % bootstrap over tasks. The marginal likelihood of
the results decides whether views count at all, and how far the features do. *Nonsense*: the same views, each
shuffled over genomes: what a useless memory costs.

Made by `python benchmarks/studies/between_encodings/record.py` on {processor()};
{words}. Building and counting took {took}.

{"".join(sections).rstrip()}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    parser.add_argument("--features", type=Path, help="JSON file of what was counted in the networks")
    chosen = parser.parse_args()
    (cells, nets), counted, seeds = sides(), Counted(chosen.features), SEEDS[: chosen.seeds]
    sections = [section(nets, cells, counted, seeds), section(cells, nets, counted, seeds)]
    costs = {side.name: milliseconds(side) for side in (cells, nets)}
    PAGE.write_text(page(sections, costs, seeds), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
