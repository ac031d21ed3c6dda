"""How a part is named: `name`, `package.module:attribute` or `path/to/file.py:attribute`, with options in brackets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from evonas.core.errors import EvonasError

# a file's path may hold brackets itself: the options begin behind its attribute; `name(key='file.py:Attribute')` names
# a file within its options only
_OF_A_FILE = re.compile(r"(?!\w+\(\s*\w+\s*=\s*['\"])(?P<name>.+?\.py:[\w.]+)\s*(?P<options>\(.*\))?", re.DOTALL)


def split_spec(spec: str) -> tuple[str, dict[str, Any]]:
    """`'cell(width=32)'` -> `('cell', {'width': 32})`. Options are Python literals; a single word needs no quotes.

    Raises EvonasError where the options cannot be read.
    """
    name, options = _halves(spec)
    if not options:
        return name, {}
    try:
        call = ast.parse(f"f{options}", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
            raise ValueError
        keys = [key.arg for key in call.keywords]
        if None in keys or len(set(keys)) < len(keys):
            raise ValueError
        return name, {str(k.arg): _value(k.value) for k in call.keywords}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise EvonasError(f"cannot read the options in {spec!r}; write them as {name}(key=value, other=1)") from None


def _value(node: ast.expr) -> Any:
    """Raises ValueError where it is neither a literal nor a word; `true` is none: it would be taken for a text."""
    if isinstance(node, ast.Name) and node.id.lower() not in ("true", "false", "none"):
        return node.id
    return ast.literal_eval(node)


def split_specs(text: str) -> list[str]:
    """`tensorboard, mlflow(experiment='a,b')` -> both: at the commas outside of brackets."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text)]


def joined_spec(name: str, options: Mapping[str, Any]) -> str:
    """The inverse of `split_spec`: `('cell', {'width': 32})` -> `'cell(width=32)'`."""
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in options.items())})" if options else name


def plain_name(spec: str) -> str:
    """The spec without its options: what two runs with differently sized networks have in common."""
    return _halves(spec)[0]


def home_name(spec: str) -> str:
    """The plain name, of a user's file without its folder: the same wherever the file lies.

    `cell(width=8)` -> `cell`, `/home/me/mine.py:Mine` -> `mine.py:Mine`.
    """
    name = plain_name(spec)
    file, colon, attribute = name.rpartition(":")
    return f"{PurePath(file).name}:{attribute}" if colon and file.endswith(".py") else name


def split_target(spec: str) -> tuple[str, str] | None:
    """`('package.module', 'Class.Inner')`, or a file's path and an attribute; None where the spec is a name only."""
    target, _, attribute = plain_name(spec).rpartition(":")
    named = target and all(part.isidentifier() for part in attribute.split("."))
    return (target, attribute) if named else None


def mentioned(text: str) -> Iterator[str]:
    """Whatever in a text could be a spec of its own: the whole, parts of `a+b` and `a,b`, texts among the options."""
    yield text
    yield from (part.strip() for part in re.split(r"[+,]", text))
    for quoted in re.finditer(r"'([^']*)'|\"([^\"]*)\"", text):
        yield from mentioned(quoted[1] or quoted[2] or "") if quoted[0] != text else ()


def _halves(spec: str) -> tuple[str, str]:
    spec = spec.strip()
    file = _OF_A_FILE.fullmatch(spec)
    if file:
        return file["name"], file["options"] or ""
    name, bracket, rest = spec.partition("(")
    return name.strip(), bracket + rest
