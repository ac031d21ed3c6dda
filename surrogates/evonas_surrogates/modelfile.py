"""A fitted meta-surrogate as a file: names and plain arrays, no code and no pickle."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.environment import versions
from evonas.core.errors import EvonasError, named_line
from evonas.core.specs import home_name
from evonas.core.types import Task
from evonas_surrogates import plainfile
from evonas_surrogates.forest import Forest
from evonas_surrogates.quality import Quality
from evonas_surrogates.remembered import from_text, to_text
from evonas_surrogates.transfer import TransferModel

KIND, FORMAT = "meta-surrogate", 2
SUFFIX = ".safetensors"
LARGEST = 50_000_000  # bytes of a file that is read; one of a few dozen tasks has less than one
KEYS = {"encoding": str, "objective": str, "feature_names": list, "names": list, "sizes": list, "tasks": dict}


def save(
    model: TransferModel,
    path: Path,
    *,
    encoding: str,
    objective: str,
    tasks: Mapping[str, Any],
    card: Mapping[str, Any] | None = None,
    results: Mapping[str, Mapping[Any, float]] | None = None,
) -> None:
    """Write the source models; `tasks` says of each one's task what identifies it, its `fingerprint` or its data's
    source; what its images are made of, its `sources`, where they are other images; and its descriptors, `features`.
    The genomes of `results`, task -> genome -> result (higher is better), are remembered, to be tried first where an
    encoding has a portfolio.

    `card` is what a reader wants to know of it, as JSON values: its data, their licence, its quality, its limits.
    Raises EvonasError where the file cannot be written.
    """
    results = dict(results or {})
    genomes = list(dict.fromkeys(genome for found in results.values() for genome in found))
    content = {
        "format": FORMAT,
        "encoding": encoding,
        "objective": objective,
        "feature_names": list(model.feature_names_ or []),
        "names": list(model.names_),
        "tasks": dict(tasks),
        "card": dict(card or {}),
        "sizes": [int(size) for size in model.sizes_],
        "weight": float(model.weight_),
        "center": model.center_,
        "scale": np.where(np.isinf(model.scale_), 0.0, model.scale_),
        "view_scale": model.source_scale_,
        "forest": _small(model.forest_),
        "genomes": to_text(genomes),
        "results": {name: np.array([found.get(one, np.nan) for one in genomes]) for name, found in results.items()},
    }
    plainfile.save(path, KIND, content)


def card(data: str, licence: str, quality: Mapping[str, Quality], limits: str = "") -> dict[str, Any]:
    """What a reader wants to know of a model: `quality` is of each source model on unseen results of its task."""
    figures = {name: asdict(one) for name, one in quality.items()}
    for one in figures.values():
        del one["calibration"]  # of a source model alone nothing is observed yet
    return {
        "data": data,
        "licence": licence,
        "limits": limits or "A prior for other data: the first results of a search decide what of it is trusted.",
        "made_by": shlex.join(["evonas", *sys.argv[1:]]),
        "made": datetime.now(UTC).date().isoformat(),
        "versions": versions(),
        "quality": figures,
    }


def load(path: Path, *, encoding: str | None = None) -> tuple[TransferModel, dict[str, Any]]:
    """The model, and what the file says about it.

    Raises EvonasError where the file is none of ours, holds types that would have to be trusted, or is of another
    encoding.
    """
    content = _content(Path(path))
    if encoding is not None and home_name(content["encoding"]) != home_name(encoding):
        raise EvonasError(f"{str(path)!r} is of encoding {content['encoding']!r}, not {encoding!r}; make one for it")
    try:
        model = _model(content)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise EvonasError(f"{str(path)!r} is damaged: {named_line(error)}; make it again") from error
    return model, content


def without_target(path: Path, encoding: str, task: Task) -> tuple[TransferModel, dict[str, Any]]:
    """`load`, without the source models of the task's own data: they would know the answers."""
    model, said = load(path, encoding=encoding)
    return model.without([name for name in model.names_ if is_of(name, said, task)]), said


def is_of(name: str, said: Mapping[str, Any], task: Task) -> bool:
    """Whether a source model is of the task's own data: by content where both have one, else by name.

    `CIFAR-10 (NAS-Bench-201)` is `cifar10_jpeg`, and not `cifar100`.
    """
    from evonas.domains.fingerprint import same_data

    known = said["tasks"].get(name)
    fingerprint = str(known.get("fingerprint", "")) if isinstance(known, dict) else ""
    if fingerprint and task.fingerprint:
        return same_data(fingerprint, task.fingerprint)
    plain, other = ("".join(c for c in text.lower() if c.isalnum()) for text in (name.split("(")[0], task.name))
    return bool(plain) and other.startswith(plain) and not other[len(plain) : len(plain) + 1].isdigit()


def _content(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise EvonasError(f"no model file {str(path)!r}; evonas surrogate fit makes one")
    content = plainfile.load(path, KIND, LARGEST)
    if not isinstance(content.get("format"), int) or content["format"] > FORMAT:
        raise EvonasError(
            f"{str(path)!r} has format {content.get('format')}, this evonas knows {FORMAT}; upgrade evonas"
        )
    for key, kind in KEYS.items():
        if not isinstance(content.get(key), kind):
            raise EvonasError(f"{str(path)!r} is damaged: its {key!r} is no {kind.__name__}; make it again")
    content.setdefault("card", {})
    content["genomes"] = from_text(content.get("genomes", ()))
    content["results"] = _results(content.get("results", {}), content["genomes"], path)
    return content


def _results(found: Any, genomes: Sequence[Any], path: Path) -> dict[str, dict[Any, float]]:
    """Task -> genome -> result, of those that there are; a file of before has none. Raises EvonasError."""
    try:
        columns = {str(name): np.asarray(values, dtype=float) for name, values in dict(found).items()}
        if any(values.shape != (len(genomes),) for values in columns.values()):
            raise ValueError("as many results as genomes are wanted")
    except (TypeError, ValueError) as error:
        raise EvonasError(f"{str(path)!r} is damaged: its 'results': {error}; make it again") from error
    return {
        name: {one: float(value) for one, value in zip(genomes, values, strict=True) if np.isfinite(value)}
        for name, values in columns.items()
    }


def _model(content: Mapping[str, Any]) -> TransferModel:
    """Raises ValueError and its like where the parts do not fit together."""
    model = TransferModel()
    model.feature_names_ = [str(name) for name in content["feature_names"]]
    model.names_ = [str(name) for name in content["names"]]
    model.sizes_ = [int(size) for size in content["sizes"]]
    model.described_ = {name: _described(content["tasks"].get(name)) for name in model.names_}
    model.weight_ = float(content["weight"])
    model.center_ = _numbers(content["center"], len(model.feature_names_))
    scale = _numbers(content["scale"], len(model.feature_names_))
    model.scale_ = np.where(scale == 0.0, np.inf, scale)
    model.source_scale_ = _numbers(content["view_scale"], len(model.names_))
    model.forest_ = Forest(**content["forest"])
    _check(model.forest_, len(model.names_), len(model.feature_names_))
    if len(model.sizes_) != len(model.names_):
        raise ValueError(f"{len(model.sizes_)} sizes of {len(model.names_)} source models")
    return model._forget()


def _described(task: Any) -> dict[str, float]:
    """A task's descriptors; files of before have none."""
    found = task.get("features", {}) if isinstance(task, dict) else {}
    return {str(name): float(value) for name, value in found.items()}


def _numbers(values: Any, n: int) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.shape != (n,) or not np.isfinite(array).all():
        raise ValueError(f"{n} numbers are wanted, {array.shape} are there, or not all are finite")
    return array


def _check(forest: Forest, models: int, features: int) -> None:
    """A tree that points out of itself, or asks for a feature that is not there, is found now and not in a search."""
    trees, nodes = forest.feature.shape
    shapes = {name: getattr(forest, name).shape for name in ("threshold", "left", "right", "value", "missing_left")}
    odd = [name for name, shape in shapes.items() if shape != (trees, nodes)]
    if odd or forest.model.shape != (trees,) or forest.offset.shape != (models,):
        raise ValueError(f"the trees' {odd[0] if odd else 'models'} have another shape than their features")
    for name, limit in (("feature", features), ("left", nodes), ("right", nodes), ("model", models)):
        values = getattr(forest, name)
        if values.size and (values.min() < 0 or values.max() >= limit):
            raise ValueError(f"the trees' {name!r} goes up to {values.max()}, and there are {limit}")
    own = np.arange(nodes)[None]
    inner = forest.left != own
    if not ((forest.left > own) & (forest.right > own))[inner].all() or (forest.right != own)[~inner].any():
        raise ValueError("a tree's node comes before its parent, or has one child only")
    if not (np.isfinite(forest.value).all() and np.isfinite(forest.offset).all() and 0 <= forest.depth < nodes + 1):
        raise ValueError("a tree's value is no number, or its depth none that it can have")


def _small(forest: Forest) -> dict[str, Any]:
    """The forest's arrays in few bytes: positions as 16 bits; thresholds and values keep their precision."""
    arrays = forest.arrays()
    for name in ("feature", "left", "right"):
        arrays[name] = arrays[name].astype(np.int16)
    return {name: value if isinstance(value, int) else np.asarray(value) for name, value in arrays.items()}
