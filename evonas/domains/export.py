"""A network as files, and back: weights in safetensors, the program as torch.export writes it. No pickle."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from evonas.core.environment import versions
from evonas.core.errors import EvonasError, named_line
from evonas.core.files import all_whole
from evonas.core.genomes import freeze
from evonas.core.parsing import parse_json, read_json
from evonas.core.trust import admit
from evonas.core.types import Encoding, Task
from evonas.domains.domain import domain_named
from evonas.domains.network import Network
from evonas.domains.programs import INSIDE, PROGRAM, write_program
from evonas.domains.splitting import ArraySplit
from evonas.domains.weights import write_model
from evonas.training.building import build, seeded
from evonas.training.data import Preprocessing
from evonas.training.finishing import Finished, Member, assembled
from evonas.training.forms import Forms

WEIGHTS = "model.safetensors"
NONE: Mapping[str, Any] = {"mean": (0.0,), "deviation": (1.0,), "scale": 1.0}  # a preprocessing that does nothing
FORMAT = 3  # 2: of one network, without `members`; 1: of images, without `domain` and the preprocessing's `scale`
log = logging.getLogger(__name__)


def save(
    folder: Path, finished: Finished, genome: Any, encoding: str, data: ArraySplit, *, program: bool = True
) -> list[str]:
    """Write `genome.json`, `model.safetensors` and, unless `program` is False, `model.pt2`; returns a word on what
    could not be written.

    Each file is written whole and then takes the place of an earlier network's: a process that dies on the way leaves
    a network that can be loaded. A network that torch.export cannot take is saved without `model.pt2`: its weights and
    its genome are enough.
    """
    description = {
        "format": FORMAT,
        "evonas": versions(("evonas",))["evonas"],
        "encoding": encoding,
        "genome": genome,
        "members": [asdict(member) for member in finished.members],
        "domain": data.task.domain,
        "task": data.task.name,
        "input_shape": data.task.input_shape,
        "class_names": data.class_names,
        "preprocessing": asdict(finished.preprocessing),
    }
    with all_whole(folder, WEIGHTS, "genome.json") as written:
        write_model(finished.model, written / WEIGHTS, {"evonas": json.dumps(description)})
        description["weights"] = _checksum(written / WEIGHTS)
        text = json.dumps(description, indent=2, ensure_ascii=False)
        (written / "genome.json").write_text(text + "\n", encoding="utf-8")
        (folder / PROGRAM).unlink(missing_ok=True)  # an earlier network's
    if not program:
        return []
    kind = domain_named(data.task.domain)
    network = kind.network(finished.model, finished.preprocessing, data.class_names, data.task.input_shape)
    return _write_program(folder, network)


def add_program(folder: Path, encoding: Encoding[Any] | None = None) -> list[str]:
    """Write `model.pt2` beside the network in the folder; returns a word on why it could not be.

    Raises EvonasError where there is no network.
    """
    return _write_program(folder, load(folder, encoding=encoding))


def _write_program(folder: Path, network: Network) -> list[str]:
    try:
        write_program(network, folder)
    except EvonasError as error:
        return [str(error)]
    except OSError as error:
        return [f"{PROGRAM} was not written: {error.strerror or error}"]
    except Exception as error:  # whatever torch.export makes of a network
        return [f"{PROGRAM} was not written: torch.export says {named_line(error)}"]
    return []


def _checksum(path: Path) -> str | None:
    """Of the weights; None where they are not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def load(folder: str | Path, *, trust: bool = False, encoding: Encoding[Any] | None = None) -> Network:
    """The network of a finished search, in eval mode on the CPU, built from its encoding and genome.

    A folder may come from anybody, so its encoding has to be an installed one, or a file or module that was named in
    Python or on the command line before and is unchanged (`evonas.core.trust`).

    Args:
        folder: with `genome.json` and `model.safetensors`.
        trust: run what the folder names: a file or module with the encoding, or, where that is gone, the exported
            program `model.pt2`, whose reader unpickles. It is logged what is run.
        encoding: the object that was searched with, where no name leads to it: nothing that the folder names is run.

    Raises EvonasError where the folder holds no network, and where its code is not trusted.
    """
    if not isinstance(folder, str | os.PathLike):
        raise EvonasError(f"{folder!r} is no folder; give the path of a search's results")
    folder = Path(folder)
    description = _description(folder)
    if encoding is None:
        admit([description["encoding"]], source=str(folder / "genome.json"), trust=trust)
    program = folder / "model.pt2"
    try:
        model = _rebuilt(folder, description, encoding)
    except EvonasError as error:
        if not program.exists():
            raise
        if not trust:
            raise EvonasError(
                f"{error}; the exported program {str(program)!r} is no way round it unless you trust it, for reading "
                "it can run code: evonas.load(…, trust=True)"
            ) from error
        log.warning("%s; the exported program %s is trusted and run", error, program)
        model, inside = _program(program, error)
        if inside:
            description = {**description, "preprocessing": replace(description["preprocessing"], **NONE)}
    kind = domain_named(description["domain"])
    return kind.network(model, description["preprocessing"], description["class_names"], description["input_shape"])


def _program(path: Path, reason: EvonasError) -> tuple[nn.Module, bool]:
    """The exported program, unpickled, and whether the normalisation is inside; `reason` is why the network could not
    be built from its genome."""
    inside = {INSIDE: ""}
    try:
        return torch.export.load(path, extra_files=inside).module(), bool(inside[INSIDE])
    except Exception as error:
        raise EvonasError(f"{reason}; and {str(path)!r} cannot be read: {named_line(error)}") from error


def _rebuilt(folder: Path, description: Mapping[str, Any], encoding: Encoding[Any] | None) -> nn.Module:
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    from evonas.encodings.make import make_encoding

    encoding = encoding or make_encoding(description["encoding"])
    classes = len(description["class_names"])
    task = Task(description["task"], description["input_shape"], classes, domain=description["domain"])
    members = description["members"]
    try:
        with seeded(0):
            model = assembled(members, [build(encoding, member.genome, task) for member in members])
    except Exception as error:
        raise EvonasError(f"{description['encoding']!r} cannot build the network: {named_line(error)}") from error
    try:
        load_model(model, folder / "model.safetensors")
    except (SafetensorError, RuntimeError, OSError) as error:
        raise EvonasError(
            f"the weights in {str(folder)!r} do not fit its genome or are damaged: {named_line(error)}"
        ) from error
    return model.eval()


def _description(folder: Path) -> Mapping[str, Any]:
    path = folder / "genome.json"
    try:
        description = _of_the_weights(read_json(path), folder / WEIGHTS)
        if description["format"] > FORMAT:
            raise EvonasError(f"{str(path)!r} was written by evonas {description['evonas']}; upgrade evonas to load it")
        kind = str(description.get("domain", "images"))
        if "preprocessing" not in description and kind == "evaluator":
            raise EvonasError(f"{str(path)!r} is of an evaluator of a user's own: it names a genome, and no network")
        return {
            "domain": kind,
            "encoding": str(description["encoding"]),
            "members": [_member(one) for one in description.get("members") or [{"genome": description["genome"]}]],
            "task": str(description["task"]),
            "input_shape": tuple(map(int, description["input_shape"])),
            "class_names": tuple(map(str, description["class_names"])),
            "preprocessing": _preprocessing(description["preprocessing"], tuple(map(int, description["input_shape"]))),
        }
    except EvonasError:
        raise
    except OSError as error:
        raise EvonasError(f"{str(folder)!r} holds no network: cannot read genome.json ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise EvonasError(f"{str(path)!r} describes no network: {named_line(error)}") from error


def _preprocessing(values: Mapping[str, Any], shape: tuple[int, ...]) -> Preprocessing:
    """Raises ValueError, TypeError or their like where the values are none."""
    found = Preprocessing(**{name: freeze(value) for name, value in values.items()})
    for name, numbers in (("mean", found.mean), ("deviation", found.deviation), ("scale", (found.scale,))):
        if not all(isinstance(one, int | float) and math.isfinite(one) and (one or name == "mean") for one in numbers):
            raise ValueError(f"its {name} is {numbers!r}")
    if not {len(found.mean), len(found.deviation)} <= {1, *shape[:1]} or not isinstance(found.reading, Mapping):
        raise ValueError(f"its inputs have the shape {shape}, and are read by {found}")
    mean, deviation = (tuple(map(float, numbers)) for numbers in (found.mean, found.deviation))
    return replace(found, mean=mean, deviation=deviation, scale=float(found.scale))  # JSON's integers have no end


def _member(values: Mapping[str, Any]) -> Member:
    """As `genome.json` has it; whatever else stands there is no network."""
    forms = values.get("forms") or {}
    mirrors = (bool(forms.get(name)) for name in ("mirror_x", "mirror_y"))
    shifts = (int(forms.get(name, 0)) for name in ("shift_x", "shift_y"))
    return Member(freeze(values["genome"]), Forms(*mirrors, *shifts))


def _of_the_weights(description: dict[str, Any], weights: Path) -> dict[str, Any]:
    """The description, or the one that the weights carry where theirs was about to be replaced when it was written."""
    if description.get("weights") in (None, _checksum(weights)):
        return description
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="pt") as file:
            carried = parse_json((file.metadata() or {})["evonas"])
        log.warning("%s was written later than genome.json, and goes by the description in it", str(weights))
        return carried
    except (OSError, SafetensorError, KeyError, ValueError):  # damaged: who loads them says so
        return description
