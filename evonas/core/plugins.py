"""Finding parts by name: built-ins and installed plug-ins (entry points), or a user's own file.

A spec is `name`, `package.module:attribute` or `path/to/file.py:attribute`, and may carry options:
`cell(width=32)`, `evolution(population=50)`. The groups are `evonas.encodings`, `evonas.domains.images`,
`evonas.searchers`, `evonas.rankers` and `evonas.suites`.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from evonas.core.errors import EvonasError, choices

_USER_FILE = "evonas_user_"


def kind(group: str) -> str:
    """What one member of `group` is called in a sentence: `evonas.searchers` -> `searcher`."""
    return group.rpartition(".")[2].removesuffix("s")


@cache
def available(group: str) -> Mapping[str, EntryPoint]:
    """Name -> entry point of everything installed in `group`; nothing is imported."""
    return {entry.name: entry for entry in entry_points(group=group)}


def split_spec(spec: str) -> tuple[str, dict[str, Any]]:
    """`'cell(width=32)'` -> `('cell', {'width': 32})`. Options are Python literals.

    Raises EvonasError where the options cannot be read.
    """
    name, bracket, rest = spec.strip().partition("(")
    if not bracket:
        return name, {}
    try:
        call = ast.parse(f"f({rest}", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or any(k.arg is None for k in call.keywords):
            raise ValueError
        return name.strip(), {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, ValueError):
        raise EvonasError(f"cannot read the options in {spec!r}; write them as {name}(key=value, other=1)") from None


def plain_name(spec: str) -> str:
    """The spec without its options: what two runs with differently sized networks have in common."""
    return spec.partition("(")[0].strip()


def resolve(group: str, spec: str) -> Any:
    """The object that `spec` names, options left aside.

    Raises EvonasError, with the choices, where there is none.
    """
    name = plain_name(spec)
    entries = available(group)
    if name in entries:
        try:
            return entries[name].load()
        except ImportError as error:
            raise EvonasError(f"{kind(group)} {name!r} needs a package that is not installed: {error}") from error
    target, colon, attribute = name.rpartition(":")
    if not colon:
        raise EvonasError(
            f"no {kind(group)} named {name!r}; there are {choices(entries)}, or give 'module:attribute' "
            "or 'path/to/file.py:attribute'"
        )
    module = _load_file(Path(target)) if target.endswith(".py") else _load_module(target, spec)
    try:
        found: Any = module
        for part in attribute.split("."):
            found = getattr(found, part)
        return found
    except AttributeError:
        public = [n for n in vars(module) if not n.startswith("_")]
        raise EvonasError(f"{target!r} has no {attribute!r}; it has {choices(public)}") from None


def make(group: str, spec: str, *args: Any, **kwargs: Any) -> Any:
    """`resolve`, then call what was found with the arguments and the spec's options.

    Something that is no class and no function (a ready-made encoding object, say) is returned as it is.
    Raises EvonasError where an option does not exist, or the call fails.
    """
    found = resolve(group, spec)
    name, options = split_spec(spec)
    if not isinstance(found, type) and not inspect.isroutine(found):
        if options:
            raise EvonasError(f"{kind(group)} {name!r} is a ready-made object and takes no options, got {options}")
        return found
    try:
        return found(*args, **kwargs, **options)
    except EvonasError:
        raise
    except Exception as error:
        unknown = [option for option in options if repr(option) in str(error)] if isinstance(error, TypeError) else []
        if unknown:
            there = choices(_options(found, len(args), kwargs)) or "none"
            raise EvonasError(f"{kind(group)} {name!r} has no option {unknown[0]!r}; there are {there}") from error
        words = (str(error).splitlines() or [""])[0]
        raise EvonasError(f"{kind(group)} {spec!r} cannot be made: {type(error).__name__}: {words}") from error


def _options(found: Any, positional: int, named: Mapping[str, Any]) -> list[str]:
    """The parameters that are left for a spec to set."""
    return [name for name in list(inspect.signature(found).parameters)[positional:] if name not in named]


def loaded_modules() -> list[ModuleType]:
    """The users' files imported so far."""
    return [module for name, module in list(sys.modules.items()) if name.startswith(_USER_FILE)]


def loaded_files() -> list[str]:
    """Their paths: a spawned worker loads them before it unpickles what they define."""
    return [str(module.__file__) for module in loaded_modules()]


def load_files(paths: Sequence[str]) -> None:
    for path in paths:
        _load_file(Path(path))


def _load_module(target: str, spec: str) -> Any:
    try:
        return importlib.import_module(target)
    except ModuleNotFoundError as error:
        raise EvonasError(f"cannot import {target!r} for {spec!r}: {error}; is it installed, or a file.py?") from error


def _load_file(path: Path) -> Any:
    """Import a user's file, once, under a name made from its path."""
    if not path.is_file():
        raise EvonasError(f"no file {str(path)!r}; give path/to/file.py:attribute")
    path = path.resolve()
    name = f"{_USER_FILE}{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise EvonasError(f"{str(path)!r} cannot be run: {type(error).__name__}: {error}") from error
    return module
