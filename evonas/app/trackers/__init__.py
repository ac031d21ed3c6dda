"""Trackers of experiments, a module for each client, which is imported with it."""

import importlib
from typing import Any

from evonas.core.errors import EvonasError


def required(module: str, package: str) -> Any:
    """A client's module. Raises EvonasError where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise EvonasError(
            f"--track needs {package}, which cannot be imported ({error}); pip install {package}"
        ) from error
