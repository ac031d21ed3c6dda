"""Weights as safetensors files, like any other file of a search's: for all to read, and a full disk is an OSError."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file, save_model
from torch import nn


def write_model(model: nn.Module, path: Path, metadata: Mapping[str, str]) -> None:
    """A module's weights, those that several layers share once. Raises OSError."""
    _written(path, lambda: save_model(model, str(path), metadata=dict(metadata)))


def write_tensors(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Raises OSError."""
    _written(path, lambda: save_file(dict(tensors), path))


def _written(path: Path, write: Callable[[], Any]) -> None:
    path.touch()
    mode = path.stat().st_mode  # safetensors' own is for the owner alone
    try:
        write()
    except SafetensorError as error:
        said = re.search(r"I/O error: (.*) \(os error (\d+)\)", str(error))
        raise (OSError(int(said[2]), said[1]) if said else OSError(errno.EIO, str(error))) from error
    path.chmod(mode)
