"""The page of whole systems on real images, from the rows that are there: benchmarks/results/real_images.md.

python benchmarks/studies/real_images/page.py [--rows FILE]
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from studies.real_images.record import ROWS, rows

OURS = "evonas"
BOOTSTRAPS = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, default=ROWS)
    options = parser.parse_args()
    found = rows(options.rows)
    if not found:
        sys.exit(f"{options.rows} holds no rows; make some with record.py")
    path = options.rows.with_suffix(".md")
    path.write_text(page(found), encoding="utf-8")
    print(path)


def page(found: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: a table of test accuracies for each budget, and our errors against each system's."""
    parts = [HEAD]
    for budget in sorted({row["budget"] for row in found}):
        some = [row for row in found if row["budget"] == budget]
        parts += [f"## {budget:g} seconds of one core\n", table(some), comparison(some)]
    parts.append(made(found))
    return "\n".join(parts)


HEAD = """# Whole systems on real images

Each system gets a data set, at most 10,000 images to learn from, and so many seconds of one core; what it hands over is
tested once, on all test images. A fixed network gets the whole budget for each of two recipes (with and without shifts
and mirrors) and once more for a training of the better one, by validation, on training and validation images: three
times the seconds, to its advantage. Sets: `evonas data make` for those that are made; the others are
well-known.
"""


def accuracies(found: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], dict[int, float]]:
    """(set, system) -> seed -> test accuracy."""
    by: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for row in found:
        by[row["set"], row["system"]][row["seed"]] = row["test_accuracy"]
    return by


def table(found: Sequence[Mapping[str, Any]]) -> str:
    by = accuracies(found)
    systems = sorted({system for _, system in by}, key=lambda one: (not one.startswith(OURS), one))
    lines = [f"| set | {' | '.join(systems)} |", "|---" * (len(systems) + 1) + "|"]
    for name in sorted({name for name, _ in by}):
        cells = [_cell(by.get((name, system), {})) for system in systems]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(["Test accuracy, percent; in brackets how many seeds.\n", *lines, ""])


def _cell(by_seed: Mapping[int, float]) -> str:
    return f"{100 * mean(by_seed.values()):.2f} ({len(by_seed)})" if by_seed else "–"


def comparison(found: Sequence[Mapping[str, Any]]) -> str:
    """Geometric means of the ratios of errors, ours to another's, over the sets that both have; paired by seed where
    both have it, with 95 % bootstrap intervals over sets and seeds."""
    by = accuracies(found)
    lines = []
    for other in sorted({system for _, system in by} - {OURS}):
        ratios = []
        for name in sorted({name for name, _ in by}):
            a, b = by.get((name, OURS), {}), by.get((name, other), {})
            both = sorted(a.keys() & b.keys())
            if both:
                ratios.append([math.log(max(1 - a[s], 1e-4) / max(1 - b[s], 1e-4)) for s in both])
        if ratios:
            value, low, high = _with_interval(ratios)
            lines.append(
                f"| {other} | {value:.2f} ({low:.2f} to {high:.2f}) | {len(ratios)} | {sum(map(len, ratios))} |"
            )
    if not lines:
        return ""
    head = ["Errors of evonas by those of another, geometric mean; below 1 evonas makes fewer.\n"]
    return "\n".join([*head, "| other | ratio of errors | sets | pairs |", "|---|---|---|---|", *lines, ""])


def _with_interval(ratios: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    rng = np.random.default_rng(0)
    value = math.exp(mean(mean(one) for one in ratios))
    drawn = []
    for _ in range(BOOTSTRAPS):
        sets = rng.integers(len(ratios), size=len(ratios))
        drawn.append(mean(float(np.mean(rng.choice(ratios[i], len(ratios[i])))) for i in sets))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return value, math.exp(low), math.exp(high)


def made(found: Sequence[Mapping[str, Any]]) -> str:
    commits = sorted({row["commit"] for row in found})
    processors = sorted({row["processor"] for row in found})
    versions = found[-1]["versions"]
    words = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        "## How it was made\n\nRows by `python benchmarks/studies/real_images/record.py`, this page by "
        f"`python benchmarks/studies/real_images/page.py`; nobody types here. Commits {', '.join(commits)}; "
        f"{', '.join(processors)}; {words}.\n"
    )


if __name__ == "__main__":
    main()
