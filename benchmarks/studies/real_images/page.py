"""The page of whole systems on real images, from the rows that are there: benchmarks/results/real_images.md.

    python benchmarks/studies/real_images/page.py [--rows FILE] [--candidates FILE]

Refused where rows of one set, seed and budget come from several processors.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evonas.core.errors import EvonasError
from studies.real_images import bars, less_time, rank_correlation, sections
from studies.real_images.ratios import control
from studies.real_images.rows import CANDIDATES, ROWS, Row, main_budget, read, refuse_mixed

HEAD = """# Whole systems on real images

Each system gets a data set in memory, at most 10,000 of its images to learn from, and so many seconds of one core, from
then to its last file; what it hands over is tested once, on all test images.

- `evonas`: `evonas search --deadline`, everything else by default.
- A fixed network gets all the seconds for each of two recipes, with and without shifts and mirrors, and once more for a
  training of the better one, by validation, on training and validation images; the time of looking at validation and
  test images comes on top. That is more than three times the budget of a search, to the control's advantage.
- `random` and `optuna-tpe` search the same space (`net`, architecture and recipe) with the same halving, the same
  probing of how images may be varied, and the same final training. Nothing is known to them beforehand, the fixed
  baseline neither. `random after the portfolio` knows that: it is evonas with neither evolution nor ranker.
- `evonas without memory`: the same ranker, which learns from the search's own results only. `without evolution`: random
  samples, screened by the ranker, nothing is ever mutated. `without rungs`: all trainings of the search are of the
  lowest rung. `without probe`: what rises is not varied by what trained networks say of mirrored and shifted images.

Sets: `evonas data make` for addnist, multnist, cifartile and sudoku, of the size that the challenge's have; the others
are well-known. Intervals are 95 % percentile bootstrap intervals, over seeds for one set, over sets and seeds for
several.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, default=ROWS)
    parser.add_argument("--candidates", type=Path, default=CANDIDATES, help="what rank_correlation.py wrote")
    options = parser.parse_args()
    try:
        found = read(options.rows)
        if not found:
            raise EvonasError(f"{str(options.rows)!r} holds no rows; make some with record.py")
        text = page(found, read(options.candidates))
    except EvonasError as error:
        sys.exit(f"page: {error}")
    path = options.rows.with_suffix(".md")
    path.write_text(text, encoding="utf-8")
    print(path)


def page(found: Sequence[Row], candidates: Sequence[Row] = ()) -> str:
    """Markdown. Raises EvonasError where a block is of several processors."""
    refuse_mixed(found)
    usual = [row for row in found if not row["full"]]
    parts = [HEAD, bars.table(found, candidates)]
    for budget in sorted({row["budget"] for row in usual}, key=lambda one: (one != main_budget(found), one)):
        some = [row for row in usual if row["budget"] == budget]
        parts += [f"## {budget:g} seconds of one core\n", sections.accuracies(some)]
        if known := control(some):
            parts.append(sections.against_control(some, known))
        parts += [sections.against_others(some), sections.ablations(some), sections.scores(some)]
    parts += [
        less_time.section(found),
        sections.full(found),
        rank_correlation.section(candidates),
        sections.times(found),
        sections.made([*found, *candidates]),
    ]
    return "\n".join(part for part in parts if part)


if __name__ == "__main__":
    main()
