"""A network as files, and back: weights in safetensors, the program as torch.export writes it. No pickle."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from evonas.core.environment import versions
from evonas.core.errors import EvonasError
from evonas.core.genomes import freeze
from evonas.core.types import Encoding, Task
from evonas.domains.images import Split
from evonas.training.data import Preprocessing
from evonas.training.trainer import Finished

FORMAT = 1


@dataclass(frozen=True)
class Network:
    """A trained network in eval mode, with its preprocessing and the names of its classes."""

    model: nn.Module
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]

    def logits(self, images: Any) -> torch.Tensor:
        """(n, classes) of uint8 images (0 to 255) or floats (0 to 1): (n, height, width[, channels]), or one image.

        Raises EvonasError where their size is not `input_shape` (channels, height, width), or their values will not do.
        """
        batch = self._batch(images)
        with torch.inference_mode():
            return torch.cat([self.model(self.preprocessing(part)) for part in batch.split(1024)])

    def predict_proba(self, images: Any) -> np.ndarray:
        """(n, classes) probabilities."""
        return self.logits(images).softmax(1).numpy()

    def predict(self, images: Any) -> np.ndarray:
        """(n,) classes, as positions in `class_names`."""
        return self.logits(images).argmax(1).numpy()

    def _batch(self, images: Any) -> torch.Tensor:
        """(n, channels, height, width) from 0 to 255."""
        array = np.asarray(images.detach().cpu() if hasattr(images, "detach") else images)
        channels, height, width = self.input_shape
        whole = array.shape[-3:] == (height, width, channels) or array.shape[-3:] == (channels, height, width)
        if channels == 1 and not (array.ndim >= 3 and whole):
            array = array[..., None]
        if array.ndim == 3:
            array = array[None]
        if array.ndim == 4 and array.shape[1:] == (height, width, channels):
            array = np.moveaxis(array, -1, 1)
        if array.ndim != 4 or array.shape[1:] != self.input_shape:
            raise EvonasError(
                f"cannot predict for images of shape {np.shape(images)}; this network wants (n, {height}, {width}"
                f"{'' if channels == 1 else f', {channels}'})"
            )
        return torch.from_numpy(np.ascontiguousarray(_pixels(array)))


def _pixels(array: np.ndarray) -> np.ndarray:
    """From 0 to 255. Raises EvonasError where values are neither that, nor floats from 0 to 1."""
    if array.dtype == np.uint8 or array.size == 0:
        return array
    if array.dtype.kind not in "fiu":
        raise EvonasError(f"the image holds {array.dtype} values; give uint8, or floats from 0 to 1")
    low, high, most = float(array.min()), float(array.max()), 1 if array.dtype.kind == "f" else 255
    if not (low >= 0 and high <= most):
        what = "NaN" if np.isnan(low) else f"values to {high:g}" if high > most else f"values from {low:g}"
        raise EvonasError(f"the image holds {what}; give uint8, or floats from 0 to 1")
    return array.astype(np.float32) * (255 // most)


def save(
    folder: Path, finished: Finished, genome: Any, encoding: Encoding[Any], encoding_spec: str, data: Split
) -> list[str]:
    """Write `genome.json`, `model.safetensors` and `model.pt2`; returns a word on what could not be written.

    A network that torch.export cannot take is saved without `model.pt2`: its weights and its genome are enough.
    """
    from safetensors.torch import save_model

    folder.mkdir(parents=True, exist_ok=True)
    description = {
        "format": FORMAT,
        "evonas": versions(("evonas",))["evonas"],
        "encoding": encoding_spec,
        "genome": genome,
        "task": data.task.name,
        "input_shape": data.task.input_shape,
        "class_names": data.class_names,
        "preprocessing": asdict(finished.preprocessing),
    }
    text = json.dumps(description, indent=2, ensure_ascii=False)
    (folder / "genome.json").write_text(text + "\n", encoding="utf-8")
    save_model(finished.model, str(folder / "model.safetensors"))
    program = folder / "model.pt2"
    program.unlink(missing_ok=True)  # of an earlier search
    try:
        _export(finished.model, data.task, program)
    except Exception as error:
        program.unlink(missing_ok=True)
        return [f"model.pt2 was not written: torch.export says {_first_line(error)}"]
    return []


def _export(model: nn.Module, task: Task, path: Path) -> None:
    example = torch.zeros(2, *task.input_shape)
    batch = torch.export.Dim("batch", min=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(model.eval(), (example,), dynamic_shapes=({0: batch},))
        torch.export.save(program, path)


def load(folder: str | Path) -> Network:
    """The network of a finished search, in eval mode on the CPU.

    Built from its encoding and genome; where the encoding cannot be found any more (a user's file that is gone), from
    the exported program. Raises EvonasError where the folder holds no network.
    """
    folder = Path(folder)
    description = _description(folder)
    try:
        model = _rebuilt(folder, description)
    except EvonasError as error:
        if not (folder / "model.pt2").exists():
            raise
        model = _program(folder / "model.pt2", error)
    return Network(model, description["preprocessing"], description["class_names"], description["input_shape"])


def _program(path: Path, reason: EvonasError) -> nn.Module:
    """The exported program; `reason` is why the network could not be built from its genome."""
    try:
        return torch.export.load(path).module()
    except Exception as error:
        raise EvonasError(f"{reason}; and {str(path)!r} cannot be read: {_first_line(error)}") from error


def _rebuilt(folder: Path, description: Mapping[str, Any]) -> nn.Module:
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    from evonas.encodings.make import make_encoding

    encoding = make_encoding(description["encoding"])
    task = Task(description["task"], description["input_shape"], len(description["class_names"]))
    try:
        model = encoding.build(description["genome"], task)
    except Exception as error:
        raise EvonasError(f"{description['encoding']!r} cannot build the network: {_first_line(error)}") from error
    try:
        load_model(model, folder / "model.safetensors")
    except (SafetensorError, RuntimeError, OSError) as error:
        raise EvonasError(
            f"the weights in {str(folder)!r} do not fit its genome or are damaged: {_first_line(error)}"
        ) from error
    return model.eval()


def _description(folder: Path) -> Mapping[str, Any]:
    path = folder / "genome.json"
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        if description["format"] > FORMAT:
            raise EvonasError(f"{str(path)!r} was written by evonas {description['evonas']}; upgrade evonas to load it")
        channels, height, width = map(int, description["input_shape"])
        return {
            "encoding": str(description["encoding"]),
            "genome": freeze(description["genome"]),
            "task": str(description["task"]),
            "input_shape": (channels, height, width),
            "class_names": tuple(map(str, description["class_names"])),
            "preprocessing": Preprocessing(**{k: tuple(v) for k, v in description["preprocessing"].items()}),
        }
    except EvonasError:
        raise
    except OSError as error:
        raise EvonasError(f"{str(folder)!r} holds no network: cannot read genome.json ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvonasError(f"{str(path)!r} describes no network: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
