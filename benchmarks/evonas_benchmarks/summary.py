"""Moved to `evonas_benchmarks.analysis.summary`; what it read is in `.reading`, curves as arrays in `.grids`."""

from evonas.core.moved import moved

_READ = ("read_curves", "read_failed", "read_runs", "read_suite")
_GRIDS = (
    "SHARES", "all_seeds", "at_seconds", "common_trials", "first", "grid", "mean_regret", "of_methods",
    "seconds_levels", "signed",
)  # fmt: skip

__getattr__ = moved(
    __name__,
    "evonas_benchmarks.analysis.summary",
    None,
    **{name: f"evonas_benchmarks.analysis.reading:{name}" for name in _READ},
    **{name: f"evonas_benchmarks.analysis.grids:{name}" for name in _GRIDS},
)
