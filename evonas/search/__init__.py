"""Who proposes what to train: searchers, screening by a ranker, and the loop that asks and observes.

The package bears the name of the function `evonas.search(x, y)`, and once it is imported it stands in that one's place:
so it is called like it.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """`evonas.app.job.search`."""
        return import_module("evonas.app.job").search(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
