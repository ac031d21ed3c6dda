"""Does a search see what counts? Its last candidates, as it saw them, against long trainings of them.

    python benchmarks/studies/real_images/rank_correlation.py --set addnist --images FOLDER --root FOLDER --seed 0

Searches, then trains each of the last 8 candidates for as long as the final training is, prints Spearman's rank
correlation, and appends a row a candidate to benchmarks/results/real_images_candidates.jsonl, all of them at the end.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Trial
from evonas_benchmarks.pages.text import markdown
from studies.real_images import plan, sets
from studies.real_images.measured import by_own_time, origin, threads, warm
from studies.real_images.rows import CANDIDATES, Row, append

LAST = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", required=True, help=f"one of {', '.join(sets.SETS)}; or NAME=SOURCE")
    parser.add_argument("--seconds", type=float, default=plan.BUDGET, help="of the search")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--last", type=int, default=LAST, help="candidates")
    parser.add_argument("--images", type=Path, help="folder of .npz files")
    parser.add_argument("--root", type=Path, help="folder of the sets that evonas makes")
    parser.add_argument("--learned", type=int, default=plan.LEARNED, help="at most so many images to learn from")
    parser.add_argument("--own-time", action="store_true", help="count processor time: others may run beside it")
    parser.add_argument("--rows", type=Path, default=CANDIDATES)
    options = parser.parse_args()
    if options.own_time:
        by_own_time(sys.argv)
    try:
        ((name, source),) = sets.sources(options.set, options.images, options.root).items()
        by = origin()
        with threads(1):
            warm()
            data = sets.load(name, source, options.images, options.root, options.learned)
            found = [{**row, **by} for row in trained(data, options.seconds, options.seed, options.last)]
    except EvonasError as error:
        sys.exit(f"rank_correlation: {error}")
    except KeyboardInterrupt:
        sys.exit("rank_correlation: stopped; nothing was written")
    append(options.rows, found)
    print(section(found))


def trained(data: Any, seconds: float, seed: int, last: int = LAST) -> list[dict[str, Any]]:
    """A row for each of the last candidates of a search. Raises EvonasError where there are fewer than three."""
    from studies.real_images.searched import Searched

    found = Searched().search(data, seconds, seed)
    some = candidates(found.trials, last)
    if len(some) < 3:
        raise EvonasError(
            f"the search of {data.name} in {seconds:g} s tried {len(some)} candidates; give it more --seconds"
        )
    trainer = replace(found.job.trainer, kept=None, probe=False, held_out=True)
    rows = []
    for trial in some:
        seen = trial.evaluation.candidate
        long = trainer(Candidate(seen.genome), found.job.data.task, seed).metrics
        rows.append(
            {"set": data.name, "seed": seed, "budget": seconds, "genome": seen.genome, "fidelity": seen.fidelity}
            | {"seen": trial.evaluation.metrics["val_accuracy"], "val_accuracy": long.get("val_accuracy", 0.0)}
            | {"test_accuracy": long.get("test_accuracy", 0.0), "seconds": trainer.seconds}
        )
        print(f"{rows[-1]['seen']:.4f} seen, {rows[-1]['test_accuracy']:.4f} after a long training", flush=True)
    return rows


def candidates(trials: Sequence[Trial], last: int) -> list[Trial]:
    """The last trainings of so many different genomes, each the longest that it had; failed ones are none."""
    found: dict[Any, Trial] = {}
    for trial in reversed(trials):
        candidate = trial.evaluation.candidate
        if trial.evaluation.ok and candidate.genome not in found:  # what rises is trained again later, and longer
            found[candidate.genome] = trial
    return list(found.values())[:last]


def correlation(rows: Sequence[Row]) -> float:
    """Spearman's, of the order in which the search would take candidates (longer trainings first, then by validation
    accuracy) with test accuracies after long trainings. NaN where either has no order."""
    from scipy.stats import spearmanr

    seen = sorted({(row["fidelity"], row["seen"]) for row in rows})
    long = [row["test_accuracy"] for row in rows]
    if len(seen) < 2 or len(set(long)) < 2:
        return math.nan
    places = [seen.index((row["fidelity"], row["seen"])) for row in rows]
    return float(spearmanr(places, long)[0])  # pyright: ignore[reportArgumentType]


def correlations(rows: Sequence[Row]) -> Mapping[tuple[str, int, float], float]:
    """(set, seed, seconds) -> the correlation, of each search."""
    by: dict[tuple[str, int, float], list[Row]] = {}
    for row in rows:
        by.setdefault((row["set"], row["seed"], row["budget"]), []).append(row)
    return {one: correlation(some) for one, some in by.items()}


def section(rows: Sequence[Row]) -> str:
    """For the page; empty where there is nothing."""
    if not rows:
        return ""
    found = correlations(rows)
    lines = [
        [
            name,
            str(seed),
            f"{budget:g}",
            str(sum((r["set"], r["seed"], r["budget"]) == (name, seed, budget) for r in rows)),
            f"{value:.2f}",
        ]
        for (name, seed, budget), value in found.items()
    ]
    lines.append(["mean", "", "", "", f"**{mean(found.values()):.2f}**"])
    return (
        "## What short trainings say of long ones\n\nSpearman's rank correlation of the order in which a search sees "
        "its last candidates with their test accuracies after trainings as long as the final one.\n\n"
        + markdown(["set", "seed", "seconds", "candidates", "correlation"], lines)
        + "\n"
    )


if __name__ == "__main__":
    main()
