"""Whether it can be said before any training which earlier tasks will help: checked on the table `net-images`.

    python benchmarks/studies/net_images/related.py [--table FILE.parquet]

Each task in turn is the new one; nothing is known but the descriptors of its data. Earlier tasks are the others that
share no source of images with it. Writes benchmarks/results/related.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evonas.core.environment import processor, versions
from evonas_benchmarks.pages.text import markdown
from evonas_benchmarks.tables import net_images
from evonas_benchmarks.tables.lookup import Table
from evonas_surrogates.meta import MetaSurrogate
from evonas_surrogates.quality import rank_correlation
from evonas_surrogates.related import agreements, distances, expectations

PAGE = Path(__file__).parents[2] / "results" / "related.md"
FOLLOWED = 3  # the tasks that are expected to help most
HEADS = ("new task", "earlier tasks", "as said", "by agreement alone", "by data alone")
HELPED = (f"the {FOLLOWED} said first", f"the best {FOLLOWED}", "all")


@dataclass(frozen=True)
class Judged:
    """A new task: (t,) rank correlations of t earlier tasks' results with its own, and what was said of them before:
    `said` as `evonas memory related` does, `agreement` and `data` each half of that alone."""

    task: str
    helped: np.ndarray
    said: np.ndarray
    agreement: np.ndarray
    data: np.ndarray

    def row(self) -> list[object]:
        order = np.argsort(-self.said, kind="stable")[:FOLLOWED]
        best = np.sort(self.helped)[-FOLLOWED:]
        found = [rank_correlation(guess, self.helped) for guess in (self.said, self.agreement, self.data)]
        return [len(self.helped), *found, *map(np.mean, (self.helped[order], best, self.helped))]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--table", type=Path, default=net_images.FILE)
    chosen = parser.parse_args()
    table = net_images.table_of(net_images.read(chosen.table), net_images.about(chosen.table)["tasks"])
    PAGE.write_text(page([judged(table, name) for name in table.entries], len(table.genomes)), encoding="utf-8")
    print(PAGE)


def judged(table: Table, task: str) -> Judged:
    mine = set(net_images.DATA[task].sources)
    others = [name for name in table.entries if not mine & set(net_images.DATA[name].sources)]
    X, scores = np.tile(table.features, (len(others), 1)), [table.scores(name) for name in others]
    model = MetaSurrogate().fit(X, np.concatenate(scores), np.repeat(others, len(table.genomes)))
    agreement = agreements(model, net_images.NetEncoding())
    apart = distances([table.entry(name).task.features for name in others], table.entry(task).task.features)
    own = table.scores(task)
    helped = np.array([_correlation(one, own) for one in scores])
    return Judged(task, helped, expectations(agreement, apart), agreement.mean(0), -apart)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    known = np.isfinite(one) & np.isfinite(other)
    return rank_correlation(one[known], other[known])


def page(found: Sequence[Judged], genomes: int) -> str:
    rows = [[one.task + " *" * net_images.DATA[one.task].developed, *one.row()] for one in found]
    for title, developed in (("mean of *", True), ("mean of the others", False)):
        of = [one.row() for one in found if net_images.DATA[one.task].developed == developed]
        if of:
            rows.append([title, *np.mean(np.array(of, dtype=float), axis=0)])
    text = [[_text(cell) for cell in row] for row in rows]
    words = ", ".join(f"{name} {version}" for name, version in versions().items())
    return f"""# Which earlier tasks are related

What `evonas memory related` says of a data set before anything is trained there, beside what was found afterwards: the
table [net-images](net-images.md), one task the new one at a time, the {genomes} genomes of the table known of all
others that share no source of images with it. *Helped* is Spearman's rank correlation, over genomes, of an earlier
task's results with the new task's. Made by `python benchmarks/studies/net_images/related.py` on {processor()};
{words}.

The first three figures are Spearman's rank correlations over earlier tasks between what was said and *helped*: as the
command says it; by how far source models agree with one another alone, whatever the new data are; by the descriptors of
the data alone. The last three are means of *helped* over earlier tasks. How much likeness counts was chosen on tasks
marked *.

{markdown((*HEADS, *HELPED), text)}
"""


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    return f"{cell:.0f}" if float(cell) > 1 else f"{cell:.2f}"  # pyright: ignore[reportArgumentType]


if __name__ == "__main__":
    main()
