"""Whose code may run: what is installed as a plug-in, and what a person has named.

A spec (`specs.py`) that a person writes, on the command line or in Python, is that person's wish: `given`. One that
stands in a file (genome.json, an archive's run, a suite, a configuration) may have been written by anybody, so it may
name installed entry points only. Any other code is admitted when it is the same as a person named or allowed before:
the same attribute of a file of the same content, or of a module of the same name and content. On a terminal it is
asked about, once; elsewhere it is refused, unless `trust=True` or `--trust` is given.

`plugins.resolve` admits whatever it imports, so a reader of files that forgets to ask is safe: it is refused.
What was given or allowed is remembered in the user's configuration folder, and by this process.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from evonas.core.errors import EvonasError
from evonas.core.files import write_text
from evonas.core.parsing import read_json
from evonas.core.specs import mentioned, split_target

log = logging.getLogger(__name__)

_admitted: set[str] = set()  # as sys.modules is, of the process: what was imported once stays imported
_everything = False


@dataclass(frozen=True)
class Code:
    """An attribute of a module, or of a user's file; `file` is None for a module without one."""

    target: str
    attribute: str
    file: Path | None

    @property
    def key(self) -> str:
        """What is trusted: the attribute and the content; of a module its name too, a file may lie anywhere."""
        content = sha256(self.file.read_bytes()).hexdigest() if self.file else "no file"
        return f"{'' if self.target.endswith('.py') else self.target}:{self.attribute} {content}"

    @property
    def name(self) -> str:
        """Where it is, for whoever asks whether it has changed."""
        return f"{self.file.absolute() if self.target.endswith('.py') and self.file else self.target}:{self.attribute}"

    def __str__(self) -> str:
        if self.target.endswith(".py"):
            return f"{self.attribute!r} of the file {str(self.file and self.file.absolute())!r}"
        return f"{self.attribute!r} of the module {self.target!r} ({self.file or 'built in'})"


def locate(spec: str) -> Code | None:
    """What a spec would import, found without importing anything; None where there is no such module or file."""
    parts = split_target(spec)
    if parts is None:
        return None
    target, attribute = parts
    if target.endswith(".py"):
        return Code(target, attribute, Path(target)) if os.path.isfile(target) else None
    found, origin = _find_module(target)
    return Code(target, attribute, Path(origin) if origin and os.path.isfile(origin) else None) if found else None


def given(*texts: str) -> None:
    """A person named these specs, alone or within a text: what they import is trusted, here and on later days."""
    for text in texts:
        for code in _codes(text):
            _remember(code)


def admit(specs: Iterable[str], *, source: str, trust: bool = False) -> None:
    """Ask for the code that specs from a file name, before any of it is imported.

    Args:
        specs: from the file; whatever in them is no code but an installed name is passed over.
        source: what holds them, for people: `the run 'a'`.
        trust: allow all of it, and log what it is.

    Raises EvonasError where code is neither known nor allowed.
    """
    for code in [code for spec in specs for code in _codes(spec)]:
        admit_code(code, source=source, trust=trust)


def admit_code(code: Code, *, source: str, trust: bool = False) -> None:
    """`admit` for one piece of code."""
    remembered = _remembered()
    if code.key in _admitted or code.key in remembered:
        return
    changed = any(entry.get("name") == code.name for entry in remembered.values())
    what = f"{code}{', which has changed since it was trusted' if changed else ''}"
    if trust or _everything:
        log.warning("%s names code, which is trusted and run: %s", source, what)
    elif not _agreed(f"{source} wants to run {what}.\nIt can do whatever you can. Run it? [y/N] "):
        raise EvonasError(
            f"{source} names code that is no installed plug-in and would be run: {what}; "
            "if you trust it, give --trust (in Python trust=True)"
        )
    _remember(code)


def trust_everything(wanted: bool) -> None:
    """What `--trust` says: admit all code for the rest of this process."""
    global _everything
    _everything = wanted


def admitted() -> frozenset[str]:
    """What this process has admitted, for the workers that it starts: `take_over` there."""
    return frozenset(_admitted)


def take_over(keys: Iterable[str]) -> None:
    _admitted.update(keys)


def _codes(text: str) -> Iterator[Code]:
    """The code that stands in a text, leaving out what is installed under that name: `torchvision:MNIST`, `cell`."""
    if ":" not in text:
        return
    names, values = _installed()
    for spec in mentioned(text):
        parts = split_target(spec)
        if parts is None or parts[0] in names or ":".join(parts) in values:
            continue
        code = locate(spec)
        if code is not None:
            yield code


@cache
def _installed() -> tuple[frozenset[str], frozenset[str]]:
    """The names of all plug-ins, and what they stand for."""
    found = entry_points()
    entries = [entry for group in found.groups if group.startswith("evonas.") for entry in found.select(group=group)]
    return frozenset(entry.name for entry in entries), frozenset(entry.value for entry in entries)


def _find_module(name: str) -> tuple[bool, str | None]:
    """Whether there is such a module, and its file. Unlike importlib's find_spec it does not import the parents."""
    if name in sys.modules:
        return True, getattr(sys.modules[name], "__file__", None)
    path: Sequence[str] | None = None
    spec: Any = None
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        finders = (getattr(finder, "find_spec", None) for finder in sys.meta_path)
        found = (find(".".join(parts[:depth]), path) for find in finders if find is not None)
        spec = next((one for one in found if one is not None), None)
        if spec is None:
            return False, None
        path = spec.submodule_search_locations
    return True, spec.origin


def _agreed(question: str) -> bool:
    """A person's answer at the terminal; no where nobody can be asked."""
    if multiprocessing.parent_process() is not None or not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _path() -> Path:
    from platformdirs import user_config_path

    return user_config_path("evonas", appauthor=False) / "trusted.json"


def _remembered() -> dict[str, dict[str, str]]:
    """Key -> what it is; empty where nothing is remembered or the file cannot be read."""
    try:
        content = read_json(_path())
        return {str(key): dict(entry) for key, entry in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _remember(code: Code) -> None:
    _admitted.add(code.key)
    known = _remembered()
    if code.file is None or known.get(code.key, {}).get("name") == code.name:
        return
    known[code.key] = {"name": code.name, "since": datetime.now(UTC).isoformat(timespec="seconds")}
    path = _path()
    try:
        write_text(path, json.dumps(known, indent=2) + "\n")
    except OSError:  # a home that cannot be written: it is asked again another day
        log.debug("%s cannot be written", path)
