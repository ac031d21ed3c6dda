"""A search's files by absolute paths, so that it can be resumed and reported from any folder."""

from __future__ import annotations

from pathlib import Path

from evonas.app.config import SearchConfig
from evonas.core import plugins
from evonas.core.specs import split_target
from evonas.memory.places import located


def absolute(config: SearchConfig) -> SearchConfig:
    """The same options with every file and folder by its absolute path; what is no path stays as it is."""
    parts = config.method.partition("+")
    changes = {
        "data": _data(config.data),
        "encoding": _spec(config.encoding),
        "method": "".join(_spec(part) for part in parts),
        "surrogate": _spec(config.surrogate),
        "executor": _spec(config.executor),
        "out": _path(config.out),
        "root": _path(config.root),
        "archive": None if config.archive is None else located(config.archive),
    }
    return config.model_copy(update=changes)


def _path(path: str | None) -> str | None:
    return None if path is None else str(Path(path).expanduser().absolute())


def _spec(spec: str) -> str:
    """`mine.py:Mine(width=4)` with the file's absolute path, where there is that file."""
    target = split_target(spec)
    if target is None or not target[0].endswith(".py") or not Path(target[0]).expanduser().is_file():
        return spec
    return f"{_path(target[0])}{spec.strip().removeprefix(target[0])}"


def _data(spec: str) -> str:
    """`npz:data.npz` likewise; what torchvision's data sets are called is no path."""
    source, _, place = spec.partition(":")
    if source not in plugins.available("evonas.tasks") or source == "torchvision":
        return _spec(spec)
    return f"{source}:{_path(place)}" if place and Path(place).expanduser().exists() else spec
