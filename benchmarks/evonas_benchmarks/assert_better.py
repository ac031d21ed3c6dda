"""A claim as a test: `assert_better("evolution+meta", "random", "nasbench201", seeds=20)`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from evonas_benchmarks.analysis import grids, reading
from evonas_benchmarks.analysis.statistics import ALPHA, Paired, fewest_seeds, paired
from evonas_benchmarks.run import runner
from evonas_benchmarks.run.plan import plan
from evonas_benchmarks.suites.suite import Suite, load_suite


def assert_better(
    candidate: str,
    baseline: str,
    suite: str | Suite,
    seeds: int = 20,
    alpha: float = ALPHA,
    *,
    trials: int | None = None,
    tasks: Sequence[str] | None = None,
    jobs: int = 1,
) -> Paired:
    """AssertionError unless the candidate's final regret, the mean over tasks, is smaller beyond chance.

    Of a suite that trains, which has no regret, the final best counts, in the objective's own unit.
    Returns the comparison, with the interval of level 1 - alpha. Raises ValueError where so few seeds could never
    show anything.
    """
    if seeds < fewest_seeds(1, alpha):
        raise ValueError(f"{seeds} seeds cannot show anything at alpha={alpha}; give {fewest_seeds(1, alpha)} or more")
    chosen = suite if isinstance(suite, Suite) else load_suite(suite)
    with TemporaryDirectory() as folder:
        the_plan = plan(chosen, Path(folder), methods=[candidate, baseline], tasks=tasks, trials=trials, seeds=seeds)
        ran = runner.run(the_plan, jobs)
        if ran.failed:
            raise AssertionError(f"benchmark runs failed: {ran.failed}")
        curves = reading.read_curves(the_plan.out)
    worth = _worth(curves, the_plan.trials)
    found = paired(worth[candidate], worth[baseline], 1 - alpha)
    if not (found.p < alpha and found.low > 0):
        raise AssertionError(
            f"{candidate} is not better than {baseline} on {chosen.name}: ahead by {found.mean:.4f} "
            f"({found.low:.4f} to {found.high:.4f}), p = {found.p:.3f}, {seeds} seeds"
        )
    return found


def _worth(curves: pd.DataFrame, trials: int) -> dict[str, np.ndarray]:
    """Method -> (seeds,) how good its searches ended, the mean over tasks, higher is better."""
    regret = grids.mean_regret(curves, trials)
    if regret:
        return {method: -values[:, -1] for method, values in regret.items()}
    found = [grids.signed(curves, str(task), "best", trials) for task in curves.task.unique()]
    return {method: np.mean([one[method][:, -1] for one in found], axis=0) for method in found[0]}
