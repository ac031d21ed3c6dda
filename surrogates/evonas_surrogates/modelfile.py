"""A fitted meta-surrogate as a skops file: names and plain arrays, no code and no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from evonas.errors import EvonasError
from evonas_surrogates.forest import Forest
from evonas_surrogates.meta import MetaSurrogate

FORMAT = 1


def save(model: MetaSurrogate, path: Path, *, encoding: str, objective: str, tasks: dict[str, Any]) -> None:
    """Write the views; `tasks` says of each view's task what identifies it (its fingerprint, its data's source)."""
    from skops import io

    content = {
        "evonas": "meta-surrogate",
        "format": FORMAT,
        "encoding": encoding,
        "objective": objective,
        "feature_names": list(model.feature_names_ or []),
        "names": list(model.names_),
        "tasks": tasks,
        "sizes": list(model.sizes_),
        "weight": float(model.weight_),
        "center": model.center_,
        "scale": np.where(np.isinf(model.scale_), 0.0, model.scale_),
        "view_scale": model.view_scale_,
        "forest": _small(model.forest_),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(io.dumps(content, compression=8, compresslevel=9))


def load(path: Path, *, encoding: str | None = None) -> tuple[MetaSurrogate, dict[str, Any]]:
    """The model, and what the file says about it.

    Raises EvonasError where the file is none of ours, holds types that would have to be trusted, or is of another
    encoding.
    """
    from skops import io

    try:
        untrusted = io.get_untrusted_types(file=path)
        if untrusted:
            raise EvonasError(f"{str(path)!r} holds types that are not trusted ({untrusted[0]}, say); it is not loaded")
        content = io.load(path)
    except EvonasError:
        raise
    except Exception as error:
        words = (str(error).splitlines() or [""])[0]
        raise EvonasError(
            f"{str(path)!r} is no skops file that can be read: {type(error).__name__}: {words}"
        ) from error
    if not isinstance(content, dict) or content.get("evonas") != "meta-surrogate":
        raise EvonasError(f"{str(path)!r} is a skops file but no meta-surrogate; `evonas surrogate fit` makes one")
    if content["format"] > FORMAT:
        raise EvonasError(f"{str(path)!r} has format {content['format']}, this evonas knows {FORMAT}; upgrade evonas")
    if encoding is not None and content["encoding"] != encoding:
        raise EvonasError(f"{str(path)!r} is of encoding {content['encoding']!r}, not {encoding!r}; make one for it")
    model = MetaSurrogate()
    model.feature_names_ = list(content["feature_names"])
    model.names_ = list(content["names"])
    model.sizes_ = list(content["sizes"])
    model.weight_ = content["weight"]
    model.center_ = np.asarray(content["center"])
    model.scale_ = np.where(content["scale"] == 0.0, np.inf, content["scale"])
    model.view_scale_ = np.asarray(content["view_scale"])
    model.forest_ = Forest(**content["forest"])
    return model._forget(), content


def _small(forest: Forest) -> dict[str, Any]:
    """The forest's arrays in few bytes: positions as 16 bits; thresholds and values keep their precision."""
    arrays = forest.arrays()
    for name in ("feature", "left", "right"):
        arrays[name] = arrays[name].astype(np.int16)
    return {name: value if isinstance(value, int) else np.asarray(value) for name, value in arrays.items()}
