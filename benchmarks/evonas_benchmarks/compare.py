"""Moved to `evonas_benchmarks.run.compare`; what comes of it is in `evonas_benchmarks.run.comparison`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__,
    "evonas_benchmarks.run.compare",
    Comparison="evonas_benchmarks.run.comparison:Comparison",
    budget_rows="evonas_benchmarks.pages.comparison:budget_rows",
    verdict="evonas_benchmarks.pages.comparison:verdict",
)
