"""A finished network as a program for others: torch.export's and ONNX, with the normalisation and the names of the
classes inside. Each is run beside the network before it takes its place."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from evonas.core.environment import versions
from evonas.core.errors import EvonasError
from evonas.core.files import whole
from evonas.domains.network import Network
from evonas.training.data import Preprocessing
from evonas.training.latency import onnx_runtime

PROGRAM, ONNX = "model.pt2", "model.onnx"
INSIDE = "evonas.json"
"""The name of the record in `model.pt2`; programs of earlier versions have none, and no normalisation."""
TOLERANCE = 1e-4  # of a probability
BATCHES = (1, 3)  # that a program is tried with


class Normalised(nn.Module):
    """A network that takes values as they were read, bytes of images say, and normalises them itself."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, shape: tuple[int, ...], dtype: torch.dtype):
        super().__init__()
        self.network, self.scale = network, preprocessing.scale
        each = (1, -1, *[1] * (len(shape) - 1))
        self.register_buffer("mean", torch.tensor(preprocessing.mean, dtype=dtype).view(each))
        self.register_buffer("deviation", torch.tensor(preprocessing.deviation, dtype=dtype).view(each))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, *input_shape) -> (n, classes) logits."""
        return self.network(((x / self.scale - self.mean) / self.deviation).float())


class WithProbabilities(nn.Module):
    """Probabilities first, then logits."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = self.network(x)
        return logits.softmax(1), logits


def write_program(network: Network, folder: Path) -> None:
    """`model.pt2`: (n, *input_shape) values as `Network.read` gives them -> logits, n as you like. Its extra file
    `evonas.json` says what `record` does.

    Raises EvonasError, one line, where torch.export cannot take the network, and what it raises where it is at fault.
    """
    batch, example = torch.export.Dim("batch", min=1), examples(network, 2)
    with warnings.catch_warnings(action="ignore"):
        program = torch.export.export(normalised(network), (example,), dynamic_shapes=({0: batch},))
    module = program.module()
    check(network, lambda x: module(x).softmax(1), PROGRAM)
    content = io.BytesIO()  # torch, writing to a disk that is full, would end the process
    with warnings.catch_warnings(action="ignore"):
        torch.export.save(program, content, extra_files={INSIDE: json.dumps(record(network))})
    with whole(folder / PROGRAM) as path:
        path.write_bytes(content.getbuffer())


def write_onnx(network: Network, folder: Path) -> None:
    """`model.onnx`: `input` (n, *input_shape) as above -> `probabilities` and `logits`, (n, classes); its metadata say
    what `record` does.

    Raises EvonasError where onnx or onnxruntime is missing, or ONNX Runtime does not give the network's probabilities.
    """
    runtime = onnx_runtime(f"--format {ONNX.partition('.')[2]}")
    import onnx

    axes = {name: {0: "batch"} for name in ("input", "probabilities", "logits")}
    with whole(folder / ONNX) as path:
        with warnings.catch_warnings(action="ignore"):  # the exporter that traces needs no further package
            torch.onnx.export(
                WithProbabilities(normalised(network)).eval(),
                (examples(network, 2),),
                path,
                input_names=["input"],
                output_names=["probabilities", "logits"],
                dynamic_axes=axes,
                dynamo=False,
            )
        model = onnx.load(path)
        model.producer_name, model.producer_version = "evonas", versions(("evonas",))["evonas"]
        onnx.helper.set_model_props(model, {key: _text(value) for key, value in record(network).items()})
        onnx.save(model, path)
        session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
        check(network, lambda x: torch.from_numpy(session.run(["probabilities"], {"input": x.numpy()})[0]), ONNX)


def record(network: Network) -> dict[str, Any]:
    """What goes with a program, as JSON values: class names, the shape of an input, what its values are."""
    return {
        "class_names": list(network.class_names),
        "input_shape": list(network.input_shape),
        "input": network.values,
        "normalised": True,
        "evonas": versions(("evonas",))["evonas"],
    }


def normalised(network: Network) -> nn.Module:
    return Normalised(network.model, network.preprocessing, network.input_shape, network.held).eval()


def examples(network: Network, n: int, sign: int = 1) -> torch.Tensor:
    """(n, *input_shape) values such as it was trained on, the same every time; with `sign` -1 on the other side of the
    mean."""
    preprocessing = network.preprocessing
    each = (1, -1, *[1] * (len(network.input_shape) - 1))
    mean, deviation = (torch.tensor(v).double().view(each) for v in (preprocessing.mean, preprocessing.deviation))
    drawn = sign * np.random.default_rng(0).standard_normal((n, *network.input_shape))
    return ((torch.from_numpy(drawn) * deviation + mean) * preprocessing.scale).to(network.held)


def check(network: Network, run: Callable[[torch.Tensor], torch.Tensor], name: str) -> None:
    """Raises EvonasError where `run` does not give the network's probabilities, for whatever number of examples."""
    for n, sign in product(BATCHES, (1, -1)):
        x = examples(network, n, sign)
        with torch.inference_mode():
            difference = float((run(x) - network.of_read(x).softmax(1)).abs().max())
        if not difference <= TOLERANCE:
            raise EvonasError(
                f"{name} was not written: it gives other probabilities than the network, by {difference:.2g}; the "
                "network does not do the same for each input, or not for each number of them"
            )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
