"""A finished network as one Python file that needs torch and Pillow alone, with its weights beside it.

torch.export's graph is straight-line code; it is written out, so that whoever gets the file can read what it does, and
nothing is unpickled. How pictures are read stands in the same file.
"""

from __future__ import annotations

import warnings
from importlib import resources
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from pprint import pformat
from typing import Any

import torch
from torch.export.graph_signature import InputKind, OutputKind

from evonas.core.environment import versions
from evonas.core.errors import EvonasError, named_line
from evonas.core.files import all_whole
from evonas.core.optional import Standalone
from evonas.domains.network import Network
from evonas.domains.programs import check, examples
from evonas.domains.weights import write_tensors

FILES = ("model.py", "weights.safetensors")
MARK = "# written by evonas export"
LINE = "# --- of model.py\n"
HELD = (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR)

_FILE = '''\
{mark} {version}
"""A network of {classes} classes, as a program of its own: needs torch and Pillow, and weights.safetensors beside it.

    from model import predict, predict_proba, CLASSES

{usage}

Its architecture stands in `network`, an operation a line; what it reads in `read`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache
from math import inf, nan
from pathlib import Path
from typing import Any

import torch
from torch import device

WEIGHTS = Path(__file__).with_name("weights.safetensors")
{constants}


{frame}


{network}


{reader}'''


def write_standalone(network: Network, folder: Path) -> None:
    """`model.py` and `weights.safetensors`.

    Raises EvonasError where the kind of data cannot be read without evonas, torch.export cannot take the network, or
    the file does not give its probabilities.
    """
    if not isinstance(network, Standalone):
        raise EvonasError(f"--format standalone: there is no reader for the inputs of {type(network).__name__}")
    reader, constants = network.standalone_reader()
    code, weights = _written_out(network)
    text = _FILE.format(
        mark=MARK,
        version=versions(("evonas",))["evonas"],
        classes=len(network.class_names),
        usage=_usage(network),
        constants=_constants(network, constants),
        frame=below_the_line("standalone_frame.py").strip(),
        network=code.strip(),
        reader=reader.strip() + "\n",
    )
    with all_whole(folder, *FILES) as written:
        (written / FILES[0]).write_text(text, encoding="utf-8")
        write_tensors(weights, written / FILES[1])
        module = _loaded(written / FILES[0])
        check(network, module.of_read, FILES[0])


def below_the_line(file: str) -> str:
    """The part of a file of this room that goes into `model.py`."""
    return resources.files("evonas.domains").joinpath(file).read_text(encoding="utf-8").partition(LINE)[2]


def _written_out(network: Network) -> tuple[str, dict[str, torch.Tensor]]:
    """`def network(w, x)`, an operation a line, and the weights that it asks `w` for."""
    example, batch = examples(network, 2).float(), torch.export.Dim("batch", min=1)
    try:
        with warnings.catch_warnings(action="ignore"):
            program = torch.export.export(network.model.eval(), (example,), dynamic_shapes=({0: batch},))
    except Exception as error:  # whatever torch.export makes of a network
        raise EvonasError(f"{FILES[0]} was not written: torch.export says {named_line(error)}") from error
    signature = program.graph_signature
    inputs, weights, lines = {one.arg.name: one for one in signature.input_specs}, {}, []
    for name, one in inputs.items():
        if one.kind in HELD:
            assert one.target is not None
            held = program.state_dict.get(one.target, program.constants.get(one.target))
            weights[one.target] = held.detach().clone().contiguous()
            lines.append(f"    {name} = w[{one.target!r}]")
        else:
            lines.append(f"    {name} = x" if name != "x" else "")
    code = program.graph_module.graph.python_code("self")
    plain = {one.kind for one in signature.output_specs} == {OutputKind.USER_OUTPUT} and "self." not in code.src
    if not plain or len(signature.output_specs) != 1:
        raise EvonasError(f"{FILES[0]} was not written: the network keeps something from one input for the next")
    body = code.src.partition(":\n")[2].rstrip()
    body, _, result = body.rpartition("    return ")
    head = "def network(w: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:\n"
    head += '    """(n, *SHAPE) normalised values -> (n, classes) logits."""\n'
    return head + "\n".join(filter(None, lines)) + f"\n{body}    return {result.strip('(,)')}\n", weights


def _constants(network: Network, constants: Any) -> str:
    preprocessing = network.preprocessing
    found = {"CLASSES": network.class_names, "SHAPE": network.input_shape, "MEAN": preprocessing.mean}
    found |= {"DEVIATION": preprocessing.deviation, "SCALE": preprocessing.scale, **constants}
    return "\n".join(f"{name} = {pformat(value, width=110)}" for name, value in found.items())


def _usage(network: Network) -> str:
    if "def main(" in network.standalone_reader()[0]:  # type: ignore[attr-defined]
        return '    predict(["a.jpg", "b.jpg"])  # or: python model.py a.jpg folder/'
    return f"    predict(x)  # {network.values}"


def _loaded(path: Path) -> Any:
    spec = spec_from_file_location("evonas_standalone", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
