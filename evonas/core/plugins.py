"""Finding parts by name: built-ins and installed plug-ins (entry points), or a user's own file.

A spec is `name`, `package.module:attribute` or `path/to/file.py:attribute`, and may carry options:
`cell(width=32)`, `evolution(population=50)` (`specs.py`). The groups are `evonas.encodings`, `evonas.tasks`,
`evonas.searchers`, `evonas.rankers`, `evonas.executors` and `evonas.suites`. Code that is not installed as a plug-in
is imported only where a person wants it (`trust.py`).
"""

from __future__ import annotations

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

from evonas.core import trust
from evonas.core.errors import EvonasError, choices, named_line
from evonas.core.specs import plain_name, split_spec, split_target

__all__ = [
    "available",
    "kind",
    "load_files",
    "loaded_files",
    "loaded_modules",
    "make",
    "plain_name",
    "resolve",
    "split_spec",
]

_USER_FILE = "evonas_user_"


def kind(group: str) -> str:
    """What one member of `group` is called in a sentence: `evonas.searchers` -> `searcher`."""
    name = group.rpartition(".")[2]
    return "data source" if name == "tasks" else name.removesuffix("s")


@cache
def available(group: str) -> Mapping[str, EntryPoint]:
    """Name -> entry point of everything installed in `group`; nothing is imported."""
    return {entry.name: entry for entry in entry_points(group=group)}


def resolve(group: str, spec: str) -> Any:
    """The object that `spec` names, options left aside.

    Code that is no installed plug-in is imported only if a person named or allowed it (`trust.py`).

    Raises EvonasError, with the choices, where there is none, and where its code is not trusted.
    """
    name = plain_name(spec)
    entries = available(group)
    entry = entries.get(name) or next((one for one in entries.values() if one.value == name), None)
    if entry is not None:
        try:
            return entry.load()
        except ImportError as error:
            raise EvonasError(f"{kind(group)} {name!r} needs a package that is not installed: {error}") from error
    parts = split_target(name)
    if parts is None:
        raise EvonasError(
            f"no {kind(group)} named {name!r}; {_there(entries)}give 'module:attribute' or 'path/to/file.py:attribute'"
        )
    target, attribute = parts
    code = trust.locate(name)
    if code is None:
        if target.endswith(".py"):
            raise EvonasError(f"no file {target!r}; give path/to/file.py:attribute")
        raise EvonasError(f"cannot import {target!r} for {spec!r}: there is no such module; is it installed?")
    trust.admit_code(code, source=f"{kind(group)} {spec!r}")
    if target.partition(".")[0] in sys.stdlib_module_names:
        raise EvonasError(f"{target!r} is a module of Python itself and has no {kind(group)}; give a file.py:attribute")
    module = _load_file(Path(target)) if target.endswith(".py") else _load_module(target, spec)
    try:
        found: Any = module
        for part in attribute.split("."):
            found = getattr(found, part)
        return found
    except AttributeError:
        public = [n for n in vars(module) if not n.startswith("_")]
        raise EvonasError(f"{target!r} has no {attribute!r}; it has {choices(public)}") from None


def _there(entries: Mapping[str, EntryPoint]) -> str:
    """Those that can be had, and those that something is missing for, which only their import tells."""
    broken = []
    for name, entry in entries.items():
        try:
            entry.load()
        except Exception:  # of another package, whatever it raises
            broken.append(name)
    usable = choices(set(entries) - set(broken))
    missing = f" ({choices(broken)} cannot be loaded here: evonas plugins says what is missing)" if broken else ""
    return f"there are {usable}{missing}, or " if usable else f"there is none{missing}; " if missing else ""


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
    _check_switches(f"{kind(group)} {name!r}", found, options)
    try:
        return found(*args, **kwargs, **options)
    except EvonasError:
        raise
    except Exception as error:
        unknown = [option for option in options if repr(option) in str(error)]
        if unknown and isinstance(error, TypeError):
            there = choices(_options(found, len(args), kwargs, error)) or "none"
            raise EvonasError(f"{kind(group)} {name!r} has no option {unknown[0]!r}; there are {there}") from error
        raise EvonasError(f"{kind(group)} {spec!r} cannot be made: {named_line(error)}") from error


def check_options(group: str, spec: str, positional: int, given: Sequence[str] = ()) -> None:
    """Raises EvonasError where the spec names nothing that can be called with so many arguments and those `given` by
    name, or an option that it does not have: before it is made. What takes any option is asked when it is."""
    found = resolve(group, spec)
    name, options = split_spec(spec)
    if not callable(found):
        raise EvonasError(
            f"{kind(group)} {name!r} is {found!r:.60}, which cannot be called; give a class or a function"
        )
    names = options_of(found)
    if names is None:
        return
    there = [one for one in names[positional:] if one not in given]
    unknown = [option for option in options if option not in there]
    if unknown:
        raise EvonasError(f"{kind(group)} {name!r} has no option {unknown[0]!r}; there are {choices(there) or 'none'}")


def _check_switches(part: str, found: Any, options: Mapping[str, Any]) -> None:
    """Raises EvonasError where a text is given for what is on or off: `no` would count as on."""
    try:
        parameters = inspect.signature(found).parameters
    except (TypeError, ValueError):  # written in C
        return
    for option, value in options.items():
        if isinstance(value, str) and option in parameters and isinstance(parameters[option].default, bool):
            raise EvonasError(f"{part}: {option}={value!r} is neither True nor False; give one of them")


def _options(found: Any, positional: int, named: Mapping[str, Any], error: TypeError) -> list[str]:
    """The parameters that are left for a spec to set; those of a factory with `**options` are whom it hands them to."""
    parameters = list(inspect.signature(found).parameters.values())[positional:]
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        parameters += _called_in_vain(error)
    return [one.name for one in parameters if one.name not in named and one.kind not in _ANY_NUMBER]


_ANY_NUMBER = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def _called_in_vain(error: TypeError) -> list[inspect.Parameter]:
    """The optional parameters of what did not take an option, where it is named in the place that called it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = str(error).partition("(")[0].partition(".")[0]  # "Evolution.__init__() got an unexpected keyword …"
    called = {**trace.tb_frame.f_globals, **trace.tb_frame.f_locals}.get(name) if trace is not None else None
    parameters = inspect.signature(called).parameters.values() if callable(called) else ()
    return [one for one in parameters if one.default is not one.empty]


def options_of(factory: Any) -> list[str] | None:
    """The names of a factory's parameters; None where it takes any."""
    if not callable(factory):
        return []
    parameters = inspect.signature(factory).parameters.values()
    return None if any(one.kind in _ANY_NUMBER for one in parameters) else [one.name for one in parameters]


def loaded_modules() -> list[ModuleType]:
    """The users' files imported so far."""
    return [module for name, module in sys.modules.copy().items() if name.startswith(_USER_FILE)]


def loaded_files() -> list[str]:
    """Their paths: a spawned worker loads them before it unpickles what they define."""
    return [str(module.__file__) for module in loaded_modules()]


def load_files(paths: Sequence[str]) -> None:
    for path in paths:
        _load_file(Path(path))


def _load_module(target: str, spec: str) -> Any:
    try:
        return importlib.import_module(target)
    except ImportError as error:
        raise EvonasError(f"cannot import {target!r} for {spec!r}: {error}; is it installed, or a file.py?") from error
    except Exception as error:
        raise EvonasError(f"cannot import {target!r} for {spec!r}: {type(error).__name__}: {error}") from error


def _load_file(path: Path) -> Any:
    """Import a user's file, once, under a name made from its path."""
    path = path.resolve()
    name = f"{_USER_FILE}{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:  # not by its loader: that takes a compiled file beside it, which nobody has seen, for the source
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
    except Exception as error:
        del sys.modules[name]
        raise EvonasError(f"{str(path)!r} cannot be run: {type(error).__name__}: {error}") from error
    return module
