"""What a plug-in takes in its brackets: `cell(width=32)`, with defaults and words, from its signature and docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

from evonas.core import plugins

GROUPS = (
    "encodings",
    "domains",
    "tasks",
    "searchers",
    "rankers",
    "executors",
    "trackers",
    "metrics",
    "sections",
    "suites",
    "commands",
)
BRACKETS = ("encodings", "searchers", "rankers", "executors", "trackers")  # groups whose specs may have options
GIVEN = {"executors": ("evaluator", "workers", "timeout", "together")}  # what evonas gives itself …
FIRST = {"searchers": 1, "trackers": 1}  # … and how many parameters from the first on
_SECTION = re.compile(r"^Args:\n((?:[ ]+.*\n?|\n)*)", re.MULTILINE)
_ARGUMENT = re.compile(r"^ {4}([\w, ]+): ((?:.*\n?)(?: {5,}.*\n?)*)", re.MULTILINE)  # a name, and lines further in


def said(group: str, entry: EntryPoint) -> Iterator[str]:
    """Lines on a plug-in: what it is, then its options. Raises what its import raises."""
    found = entry.load()
    yield f"{plugins.kind(group)} {entry.name}: {entry.value}"
    for paragraph in _paragraphs(inspect.getdoc(found) or ""):
        yield f"  {paragraph}"
    if group not in BRACKETS:
        return
    there = [*options(group, found)]
    example = f"{entry.name}({there[0][0]}=…)" if there else ""
    yield f"  options in brackets, as in {example}:" if there else "  no options"
    for name, default, words in there:
        yield f"    {name}{default}  {words}".rstrip()


def options(group: str, found: Any) -> Iterator[tuple[str, str, str]]:
    """Name, ` = default` (empty where one has to be given) and words of each option of a part.

    A ranker's brackets also hold those of the screening.
    """
    if not callable(found):  # a ready-made object
        return
    words = _arguments(found)
    parameters = list(inspect.signature(found).parameters.values())[FIRST.get(group, 0) :]
    for one in parameters:
        if one.name not in GIVEN.get(group, ()) and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL):
            yield one.name, _default(one), words.get(one.name, "")
    if group == "rankers":
        from evonas.search.methods import SCREENING
        from evonas.search.screening import Screened

        words, there = _arguments(Screened), inspect.signature(Screened).parameters
        for name in SCREENING:
            yield name, _default(there[name]), words.get(name, "")


def _default(parameter: inspect.Parameter) -> str:
    return "" if parameter.default is parameter.empty else f" = {parameter.default!r}"


def _paragraphs(text: str) -> Iterator[str]:
    """A docstring's, each on a line, as far as its sections."""
    for paragraph in text.split("\n\n"):
        if re.match(r"(Args|Attributes|Returns|Raises)\b", paragraph):
            return
        yield " ".join(paragraph.split())


def _arguments(found: Any) -> dict[str, str]:
    """Parameter -> its words in the docstring's section `Args`, of a class or of what it inherits from."""
    said: dict[str, str] = {}
    for one in reversed(inspect.getmro(found) if isinstance(found, type) else (found,)):
        section = _SECTION.search(inspect.cleandoc(one.__doc__ or ""))
        for names, words in _ARGUMENT.findall(section[1] if section else ""):
            said |= dict.fromkeys(names.split(", "), " ".join(words.split()))
    return said
