"""The formats of `evonas export`: which files each has, and who writes them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from evonas.core.errors import EvonasError
from evonas.core.files import all_whole

if TYPE_CHECKING:
    from evonas.domains.network import Network

Format = Literal["safetensors", "torch.export", "onnx", "standalone"]
FORMATS: tuple[Format, ...] = get_args(Format)
FILES: Mapping[Format, Sequence[str]] = {
    "safetensors": ("genome.json", "model.safetensors"),
    "torch.export": ("model.pt2",),
    "onnx": ("model.onnx",),
    "standalone": ("model.py", "weights.safetensors"),
}
DEFAULT: tuple[Format, ...] = ("safetensors", "torch.export")  # what a search leaves


def parse_formats(text: str | None) -> tuple[Format, ...]:
    """`onnx,standalone`. Raises EvonasError, with the choices."""
    found: list[Format] = []
    for word in filter(None, (part.strip() for part in (text or "").split(","))):
        if word not in FORMATS:
            raise EvonasError(
                f"--format {word!r} is none; give one or more of {', '.join(FORMATS)}, with commas between"
            )
        found.append(FORMATS[FORMATS.index(word)])
    if text is not None and not found:
        raise EvonasError(f"--format {text!r} names none; give one or more of {', '.join(FORMATS)}")
    return tuple(dict.fromkeys(found))


def checked(formats: str | Sequence[str]) -> tuple[Format, ...]:
    """Those that were given in Python: none, several, or a text as on the command line. Raises EvonasError."""
    text = formats if isinstance(formats, str) else ",".join(map(str, formats))
    return parse_formats(text) if formats else ()


def check_files(folder: Path, formats: Sequence[Format]) -> None:
    """Raises EvonasError where a program of somebody's own would be written over."""
    from evonas.domains.standalone import MARK

    program = folder / "model.py"
    own = program.exists() and not program.read_text(encoding="utf-8", errors="replace").startswith(MARK)
    if "standalone" in formats and own:
        raise EvonasError(f"{str(program)!r} is a program of your own; give another --out FOLDER")


def write_formats(source: Path, target: Path, formats: Sequence[Format]) -> list[str]:
    """Of the network in `source`; returns the files' names. Raises EvonasError where a format cannot take it."""
    if "safetensors" in formats and source.resolve() != target.resolve():
        files = FILES["safetensors"][::-1]  # the weights first, for they carry the description too
        with all_whole(target, *files) as unfinished:
            for file in files:
                shutil.copyfile(source / file, unfinished / file)
    programs: list[Format] = [one for one in formats if one != "safetensors"]
    if programs:
        from evonas.domains.export import load

        network = load(source)
        for one in programs:
            _writer(one)(network, target)
    return [file for one in formats for file in FILES[one]]


def _writer(name: Format) -> Callable[[Network, Path], Any]:
    if name == "standalone":
        from evonas.domains.standalone import write_standalone

        return write_standalone
    from evonas.domains.programs import write_onnx, write_program

    return write_onnx if name == "onnx" else write_program
