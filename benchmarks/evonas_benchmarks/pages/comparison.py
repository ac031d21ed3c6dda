"""What `evonas compare` says: a table for people, a dictionary for programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from evonas_benchmarks.analysis import statistics
from evonas_benchmarks.analysis.statistics import mean
from evonas_benchmarks.run.comparison import Comparison


def print_comparison(found: Comparison) -> None:
    from rich.console import Console
    from rich.table import Table

    reference = "random" if "random" in found.methods else found.methods[0]
    values = found.values()
    pairs = statistics.against(values, reference)
    looks = budget_rows(found.trials)
    curves = {look: found.best(look) for look in looks}
    at_random = dict(zip(found.seeds, found.best(found.trials)[reference], strict=True))
    table = Table(
        "method",
        *(f"after {look}" for look in looks),
        "±",
        f"better than {reference} by",
        "95 % interval",
        "p",
        "seeds\n+ / −",
        f"trainings to\n{reference}'s best",
        "failed",
        title=f"best {found.objective.metric.label} found, mean over {len(found.seeds)} seeds",
        box=None,
    )
    for column in table.columns:
        column.no_wrap = True
    for method in sorted(found.methods, key=lambda name: -np.nan_to_num(mean(values[name]), nan=-np.inf)):
        pair = pairs.get(method)
        table.add_row(
            method,
            *(f"{mean(curves[look][method]):.4f}" for look in looks),
            f"{np.std(values[method], ddof=1):.4f}" if len(found.seeds) > 1 else "",
            f"{pair.mean:+.4f}" if pair else "",
            f"{pair.low:+.4f} to {pair.high:+.4f}" if pair else "",
            f"{pair.p:.3f}" if pair else "",
            f"{pair.ahead} / {pair.behind}" if pair else "",
            _median(found.trainings_to(method, at_random)),
            str(found.failed.get(method, 0)),
        )
    console = Console(markup=False)
    console.width = max(console.width, Console(width=400).measure(table).maximum)
    console.print(table)
    print(verdict(found))
    print(
        f"{found.trained} networks trained, {found.shared} results shared between methods of one seed; "
        "p: Wilcoxon's signed-rank test, Holm-corrected"
    )


def as_dict(found: Comparison) -> dict[str, Any]:
    values = found.values()
    reference = "random" if "random" in values else next(iter(values))
    return {
        "objective": str(found.objective),
        "trials": found.trials,
        "seeds": found.seeds,
        "best": {method: [_plain(v) for v in best] for method, best in found.best(found.trials).items()},
        "curves": {m: [[_plain(r.best) for r in found.rows[m, s]] for s in found.seeds] for m in found.methods},
        "reference": reference,
        "against_reference": {
            method: {name: _plain(value) for name, value in vars(pair).items()}
            for method, pair in statistics.against(values, reference).items()
        },
        "winner": statistics.winner(values),
        "verdict": verdict(found),
        "failed": found.failed,
        "trained": found.trained,
        "shared": found.shared,
    }


def _median(trainings: np.ndarray) -> str:
    median = np.median(trainings)
    return f"{median:g}" if np.isfinite(median) else "never"


def _plain(value: float) -> float | None:
    """As JSON has it: no NaN, no numpy."""
    return None if np.isnan(value) else value if isinstance(value, int) else float(value)


def verdict(comparison: Comparison) -> str:
    """One sentence on who won; nobody, where the interval or the test leaves it open."""
    values = comparison.values()
    won = statistics.winner(values)
    n = len(comparison.seeds)
    if won is not None:
        return f"{won} won: ahead of every other method beyond the 95 % interval over {n} seeds"
    needed = statistics.fewest_seeds(len(values) - 1)
    first = " and ".join(statistics.leaders(values))
    if not first:
        return "no winner: no training succeeded"
    leads = f"{first} {'lead' if ' and ' in first else 'leads'}"
    if n < needed:
        why = f"{n} seeds cannot show one among {len(values)} methods; give --seeds {needed} or more"
        return f"no winner: {leads}, but {why}"
    return f"no winner: {leads}, but not beyond chance over {n} seeds"


def budget_rows(trials: int) -> list[int]:
    """At which trials the table looks: half and all of the budget."""
    return sorted({max(1, trials // 2), trials})


def cannot_show(methods: int, seeds: int) -> str:
    """A line beforehand, where so few seeds cannot show a win, however large it is; empty where they can."""
    needed = statistics.fewest_seeds(methods - 1)
    if seeds >= needed:
        return ""
    return f"{seeds} seeds cannot show a win among {methods} methods, however large it is: that takes {needed}"
