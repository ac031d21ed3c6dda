"""evonas searches neural architectures by evolution and remembers.

`evonas.search(x, y)` runs a whole search on arrays; `evonas.load(folder)` brings a finished network back;
`ImageClassifier` and `SeriesClassifier` are searches as scikit-learn's estimators. All are imported on first use:
`import evonas` alone loads neither torch nor scikit-learn.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evonas.app.estimators import ImageClassifier, SeriesClassifier
    from evonas.app.job import search
    from evonas.domains.export import load

__version__ = "0.1.0"
__all__ = ["ImageClassifier", "SeriesClassifier", "__version__", "load", "search"]

_LAZY = {"search": "evonas.app.job", "load": "evonas.domains.export"}
_LAZY |= dict.fromkeys(("ImageClassifier", "SeriesClassifier"), "evonas.app.estimators")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'evonas' has no attribute {name!r}")
