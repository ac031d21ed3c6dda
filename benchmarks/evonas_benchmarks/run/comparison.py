"""What a comparison found: the rows of each method with each seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from evonas.core.goals import Objective
from evonas_benchmarks.run.search import Row


@dataclass
class Comparison:
    """Rows by method and seed; `values` and what is made of them are signed so that higher is better.

    `networks` are those that a method suggested, by a key that is the same for all methods of a seed.
    """

    objective: Objective
    trials: int
    rows: dict[tuple[str, int], list[Row]] = field(default_factory=dict)
    networks: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """What a notebook shows: the median of each method's best, and its extremes over the seeds."""
        rows = []
        for method, best in self.best(self.trials).items():
            known = best[~np.isnan(best)]
            figures = [np.median(known), known.min(), known.max()] if len(known) else []
            cells = "".join(f"<td>{figure:.4g}</td>" for figure in figures) or "<td colspan='3'>none succeeded</td>"
            rows.append(f"<tr><th>{escape(method)}</th>{cells}</tr>")
        head = f"{escape(self.objective.name)} after {self.trials} trials, {len(self.seeds)} seeds"
        columns = "<tr><th>method</th><th>median</th><th>least</th><th>most</th></tr>"
        return f"<b>{head}</b><table>{columns}{''.join(rows)}</table>"

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(method for method, _ in self.rows))

    @property
    def seeds(self) -> list[int]:
        return list(dict.fromkeys(seed for _, seed in self.rows))

    @property
    def failed(self) -> dict[str, int]:
        """Method -> how many of its trainings gave no value."""
        return {m: sum(int(np.isnan(row.value)) for s in self.seeds for row in self.rows[m, s]) for m in self.methods}

    @property
    def trained(self) -> int:
        """How many networks were trained, each once for all methods of a seed."""
        return len({(seed, network) for (_, seed), networks in self.networks.items() for network in networks})

    @property
    def shared(self) -> int:
        """How many results a method had from another one's training."""
        return sum(map(len, self.networks.values())) - self.trained

    def best(self, trial: int) -> dict[str, np.ndarray]:
        """Method -> (seeds,) the best found up to a trial, in the objective's own unit; NaN where all failed."""
        return {
            method: np.array([_upto(self.rows[method, seed], trial) for seed in self.seeds]) for method in self.methods
        }

    def values(self) -> dict[str, np.ndarray]:
        """Method -> (seeds,) the best of the whole search, higher is better."""
        return {method: self.objective.signed(best) for method, best in self.best(self.trials).items()}

    def trainings_to(self, method: str, level: Mapping[int, float]) -> np.ndarray:
        """(seeds,) the first trial whose best is as good as each seed's level; infinite where none is."""
        signed, found = self.objective.signed, []
        for seed in self.seeds:
            reached = [row.trial for row in self.rows[method, seed] if signed(row.best) >= signed(level[seed])]
            found.append(reached[0] if reached else np.inf)
        return np.array(found)


def _upto(rows: Sequence[Row], trial: int) -> float:
    return rows[min(trial, len(rows)) - 1].best if rows else float("nan")
