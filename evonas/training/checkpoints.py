"""Where a training stood, on disk, so that a longer one goes on from there. A cache, never a need."""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from evonas.core.parsing import parse_json

log = logging.getLogger(__name__)


@dataclass
class State:
    """`tensors`: weights, momentum, generators, on the CPU. `notes`: JSON values that go with them."""

    tensors: dict[str, torch.Tensor]
    notes: dict[str, Any] = field(default_factory=dict)


class Checkpoints:
    """States in a folder, a safetensors file each; the notes and a checksum are in its header.

    What cannot be written is not kept, and what cannot be read whole is not there: the log says so.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def save(self, key: str, state: State) -> None:
        """Replaces what the key had, at once: a process that dies on the way leaves the old file."""
        notes = json.dumps(state.notes)
        header = {"notes": notes, "checksum": _checksum(state.tensors, notes)}
        unfinished = self.folder / f"{uuid4().hex}.unfinished"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            save_file({name: tensor.contiguous() for name, tensor in state.tensors.items()}, unfinished, header)
            os.replace(unfinished, self._path(key))
        except (OSError, SafetensorError) as error:
            log.warning("a checkpoint could not be written: %s", error)
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def load(self, key: str) -> State | None:
        """None where there is none, or it is damaged."""
        path = self._path(key)
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if _checksum(tensors, header["notes"]) != header["checksum"]:
                raise ValueError("the checksum differs")
            return State(tensors, parse_json(header["notes"]))
        except Exception as error:  # safetensors has an exception of its own for each way a file is broken
            log.warning("checkpoint %s is damaged (%s); training from the start", path.name, error)
            return None

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"


def digest(*parts: Any) -> str:
    """A short name for arrays (by type, shape and content) and anything else (by its representation)."""
    sponge = blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            sponge.update(repr((part.dtype.str, part.shape)).encode())
            sponge.update(np.ascontiguousarray(part).data)
        else:
            sponge.update(repr(part).encode())
        sponge.update(b"\n")
    return sponge.hexdigest()


def _checksum(tensors: dict[str, torch.Tensor], notes: str) -> str:
    content = [(name, str(tensors[name].dtype), tuple(tensors[name].shape)) for name in sorted(tensors)]
    flat = [tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy() for name in sorted(tensors)]
    return digest(notes, content, *flat)
