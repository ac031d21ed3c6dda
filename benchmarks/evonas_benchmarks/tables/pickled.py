"""Pickled tables that packages on PyPI carry, read without running any code of theirs."""

from __future__ import annotations

import importlib
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError


def read(package: str, file: str, distribution: str) -> Any:
    """What a file of an installed package holds: containers and numbers.

    Raises EvonasError where the package `distribution` or the file is missing.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EvonasError(
            f"this table is in the package {distribution}, which is not installed; pip install evonas[bench]"
        )
    path = Path(spec.submodule_search_locations[0]) / file
    try:
        with path.open("rb") as stream:
            return Numbers(stream).load()
    except OSError as error:
        raise EvonasError(f"package {distribution} has no file {file!r}: {error.strerror}; reinstall it") from error


class Numbers(pickle.Unpickler):
    """Reads dictionaries, lists and numbers; any other class is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "scalar":
            package = "numpy._core" if hasattr(np, "_core") else "numpy.core"
            return importlib.import_module(f"{package}.multiarray").scalar
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a table")
