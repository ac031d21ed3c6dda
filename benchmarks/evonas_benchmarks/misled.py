"""Moved to `evonas_benchmarks.baselines.corrupted_transfer`, where the class is called `CorruptedTransfer`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__,
    "evonas_benchmarks.baselines.corrupted_transfer",
    Misled="evonas_benchmarks.baselines.corrupted_transfer:CorruptedTransfer",
)
