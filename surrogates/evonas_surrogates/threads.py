"""How many threads a small model is worth: one."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

FEW = 50_000  # rows below which threads bring nothing, and cost seconds where the cores are busy with trainings


def as_many_as_worth(rows: int) -> AbstractContextManager[Any]:
    """Within it scikit-learn works on few rows with one thread; on many with all that it would take.

    Its threads wait for each other by spinning: with trainings on the same cores 1,000 rows took a hundred times as
    long with two threads as with one.
    """
    return _controller().limit(limits=1, user_api="openmp") if rows < FEW else nullcontext()


@cache
def _controller() -> ThreadpoolController:
    """Looking for the libraries is what takes long; they are loaded with scikit-learn."""
    import sklearn.ensemble  # noqa: F401

    return ThreadpoolController()
