"""What the table `net-images` says: which short signal ranks like the long training, and what earlier tasks are worth.

    python benchmarks/studies/net_images/page.py [--table FILE.parquet]

Every earlier-task figure leaves out the task and all that share a source of images with it. Writes
benchmarks/results/net-images.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from evonas.core.paired import margin
from evonas.encodings.net import NetEncoding
from evonas_benchmarks.pages.text import markdown
from evonas_benchmarks.tables import net_images
from evonas_benchmarks.tables.lookup import Table
from evonas_surrogates.remembered import best_for_all, relative

PAGE = Path(__file__).parents[2] / "results" / "net-images.md"
LOOKS = (1, 2, 3, 5, 8, 12)  # trainings
DRAWS = 1000  # of a random order
TRIED, VALIDATED = 8, (60, 300, 1500)  # networks of which one is chosen, the baseline among them; validation images
SIGNALS = ("1/9 val_accuracy", "1/9 val_loss", "1/3 val_accuracy", "1/3 val_loss", "1/3 train_accuracy")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--table", type=Path, default=net_images.FILE)
    chosen = parser.parse_args()
    about = net_images.about(chosen.table)
    table = net_images.table_of(net_images.read(chosen.table), about["tasks"])
    PAGE.write_text(page(table, about), encoding="utf-8")
    print(PAGE)


def page(table: Table, about: Mapping[str, object]) -> str:
    versions = about.get("versions") or {}
    words = ", ".join(f"{name} {version}" for name, version in versions.items()) if isinstance(versions, dict) else ""
    made = len(table.genomes)
    so_far = f" (of {net_images.GENOMES}: not finished yet)" if made < net_images.GENOMES else ""
    return f"""# net-images

{made} genomes{so_far} of `net`, architecture and recipe, trained on {len(table.entries)} image sets for three
lengths of time: the longest is what the fixed baseline takes for {net_images.IMAGES:,} images, at most
{net_images.MOST_SECONDS:g} s of one core. Made by `python benchmarks/studies/net_images/make.py`, on
{about.get("processor")}; {words}. This page: `python benchmarks/studies/net_images/page.py`.

## Which short training ranks like the long one

Spearman's rank correlation of what a shorter training showed with the validation accuracy of the longest, over genomes;
losses with their sign turned.

{signals(table)}

## What earlier tasks are worth

Regret: how far the best of the first so many trainings is below the best of all {len(table.genomes)}, in points of
validation accuracy. *memory*: remembered genomes in the order `meta` suggests them, the task itself and all that
share a source of images left out; *portfolio*: the encoding's own, in its order; *random*: the mean of {DRAWS:,}
orders. Tasks marked * are those that defaults were chosen on.

{regrets(table)}

## When the fixed baseline stays

Regret: how far the network that is chosen after trainings of a third of the length is below the best of the {TRIED}
that were tried, after the whole length, in points; the baseline and {TRIED - 1} others drawn {DRAWS:,} times, their
accuracies as so many validation images would show them. *best*: the highest accuracy; *stays*: the baseline, unless
that one is beyond the 95 % interval of their difference (`evonas.core.paired.margin`), as a search chooses.

{staying(table)}
"""


def signals(table: Table) -> str:
    rows = []
    for name in table.entries:
        full = table.values(name)
        found = [_correlation((-1 if "loss" in one else 1) * table.values(name, one), full) for one in SIGNALS]
        rows.append([_titled(name), *found])
    rows.append(["mean", *np.mean([row[1:] for row in rows], axis=0)])
    return _table(("set", *SIGNALS), rows)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    known = np.isfinite(one) & np.isfinite(other)
    found: Any = spearmanr(one[known], other[known])
    return float(found.statistic)


def regrets(table: Table) -> str:
    orders: Mapping[str, Callable[[Table, str], Sequence[int]]] = {"memory": suggested, "portfolio": of_portfolio}
    rows = []
    for name in table.entries:
        values = np.nan_to_num(table.values(name), nan=0.0)
        row: list[object] = [_titled(name)]
        for order in orders.values():
            row += _regret(values, order(table, name))
        row += list(_random(values))
        rows.append(row)
    heads = [f"{who} {look}" for who in (*orders, "random") for look in LOOKS]
    means = np.mean([row[1:] for row in rows], axis=0)
    return _table(("set", *heads), [*rows, ["mean", *means]])


def suggested(table: Table, task: str) -> list[int]:
    """Positions of the genomes in the order in which a memory of the other tasks suggests them."""
    mine = set(net_images.DATA[task].sources)
    others = [name for name in table.entries if not mine & set(net_images.DATA[name].sources)]
    results = np.stack([np.nan_to_num(table.values(name)) for name in others], axis=1)
    return best_for_all(relative(results), max(LOOKS))


def of_portfolio(table: Table, task: str) -> list[int]:
    """Those of the portfolio, in the order in which a search for images of the task's shape tries them."""
    net = NetEncoding()
    known = [net.canonical(genome) for genome in net.portfolio(table.entry(task).task)]
    return [table.rows[genome] for genome in known if genome in table.rows]  # the one for boards came later


def _regret(values: np.ndarray, order: Sequence[int]) -> list[float]:
    return [100 * float(values.max() - values[list(order)[:look]].max()) for look in LOOKS]


def _random(values: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.mean([_regret(values, rng.permutation(len(values)).tolist()) for _ in range(DRAWS)], axis=0)


def staying(table: Table) -> str:
    rng = np.random.default_rng(0)
    rows: list[list[object]] = []
    for name in table.entries:
        short, full = np.clip(table.values(name, "1/3 val_accuracy"), 0, 1), table.values(name)
        known = np.flatnonzero(np.isfinite(short) & np.isfinite(full))
        others = known[known != 0]  # the first genome is the baseline
        found = []
        for images in VALIDATED:
            regret = np.zeros(2)
            for _ in range(DRAWS):
                tried = np.array([0, *rng.choice(others, TRIED - 1, replace=False)])
                seen = rng.binomial(images, short[tried]) / images
                best = int(seen.argmax())
                stays = 0 if seen[best] - seen[0] <= margin(seen[best], seen[0], images) else best
                regret += full[tried].max() - full[tried[[best, stays]]]
            found += list(100 * regret / DRAWS)
        rows.append([_titled(name), *found])
    for title, developed in (("mean of *", True), ("mean of the others", False)):
        mine = [row[1:] for row in rows if str(row[0]).endswith("*") == developed]
        if mine:
            rows.append([title, *np.mean(np.array(mine, dtype=float), axis=0)])
    heads = [f"{images} {who}" for images in VALIDATED for who in ("best", "stays")]
    return _table(("set", *heads), rows)


def _titled(name: str) -> str:
    return name + (" *" if net_images.DATA[name].developed else "")


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return markdown(heads, [[f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows])


if __name__ == "__main__":
    main()
