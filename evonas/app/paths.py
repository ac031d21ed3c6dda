"""A search's files by absolute paths, so that it can be resumed and reported from any folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evonas.app.config import SearchConfig
from evonas.core import plugins
from evonas.core.own_metrics import split_name
from evonas.core.specs import split_spec, split_target
from evonas.memory.places import located
from evonas.search.methods import Method, parse_method


def absolute(config: SearchConfig) -> SearchConfig:
    """The same options with every file and folder by its absolute path; what is no path stays as it is."""
    changes = {
        "data": _data(config.data),
        "evaluator": _spec(config.evaluator),
        "encoding": _spec(config.encoding),
        "method": str(_method(parse_method(config.method))),
        "surrogate": _spec(config.surrogate),
        "executor": _spec(config.executor),
        "metrics": [f"{name}={_spec(spec)}" for name, spec in map(split_name, config.metrics)],
        **{name: _spec(spec) for name in ("loss", "optimizer", "augment") if (spec := getattr(config, name))},
        "track": [_spec(spec) for spec in config.track],
        "groups": _file(config.groups),
        "out": _path(config.out),
        "root": _path(config.root),
        "archive": None if config.archive is None else located(config.archive),
    }
    return config.model_copy(update=changes)


def _method(method: Method) -> Method:
    return replace(method, searcher=_spec(method.searcher), ranker=_spec(method.ranker) if method.ranker else None)


def _path(path: str | None) -> str | None:
    return None if path is None else located(path)


def _file(text: str | None) -> str | None:
    """What is no file is a level of folders, or a word."""
    return _path(text) if text is not None and Path(located(text)).is_file() else text


def _spec(spec: str) -> str:
    """`mine.py:Mine(width=4)` and `meta(model='a.safetensors')` with absolute paths of files that are there."""
    target = split_target(spec)
    if target is not None and target[0].endswith(".py") and Path(located(target[0])).is_file():
        spec = f"{_path(target[0])}{spec.strip().removeprefix(target[0])}"
    name, options = split_spec(spec)
    files = {key: _path(value) for key, value in options.items() if isinstance(value, str) and _is_file(value)}
    if not files or all(options[key] == path for key, path in files.items()):
        return spec
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in (options | files).items())})"


def _is_file(text: str) -> bool:
    """A name with a suffix, so that an option's word is not taken for the file that happens to be called like it."""
    return bool(Path(text).suffix) and Path(located(text)).is_file()


def _data(spec: str) -> str:
    """`npz:data.npz` and `folder:photos?size=48` likewise; what torchvision's data sets are called is no path."""
    source, _, place = spec.partition(":")
    if source not in plugins.available("evonas.tasks") or source == "torchvision":
        return _spec(spec)
    place, mark, query = (place, "", "") if Path(located(place)).exists() else place.partition("?")
    return f"{source}:{_path(place)}{mark}{query}" if place and Path(located(place)).exists() else spec
