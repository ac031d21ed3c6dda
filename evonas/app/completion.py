"""What the Tab key offers: names of runs, plug-ins, metrics. `evonas --install-completion` sets it up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import typer

from evonas.app.plugin_help import GROUPS
from evonas.core import plugins
from evonas.core.goals import searchable_names


def of_plugins(group: str, *others: str) -> Callable[[str], list[str]]:
    """Names of a group of entry points. Behind a `:` nothing: there the shell offers files."""

    def complete(incomplete: str) -> list[str]:
        return beginning(incomplete, [*plugins.available(f"evonas.{group}"), *others])

    return complete


def of_any_plugin(incomplete: str) -> list[str]:
    return beginning(incomplete, {name for group in GROUPS for name in plugins.available(f"evonas.{group}")})


def methods(incomplete: str) -> list[str]:
    """The last of several, with commas between; behind a `+` the rankers."""
    before, comma, last = incomplete.rpartition(",")
    searcher, plus, _ = last.rpartition("+")
    there = (
        [f"{searcher}+{name}" for name in plugins.available("evonas.rankers")]
        if plus
        else plugins.available("evonas.searchers")
    )
    return [f"{before}{comma}{name}" for name in beginning(last, there)]


def metrics(incomplete: str) -> list[str]:
    """The last of several, with commas between."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in beginning(last, searchable_names())]


def devices(incomplete: str) -> list[str]:
    """Without those of this machine: torch would have to be imported."""
    return beginning(incomplete, ("auto", "cpu", "cuda", "mps"))


def formats(incomplete: str) -> list[str]:
    from evonas.app.formats import FORMATS

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in beginning(last, FORMATS)]


def runs(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Names of runs with what they searched; nothing where there is no archive, and none is made."""
    from evonas.memory import places
    from evonas.memory.archive import Archive

    try:
        where = ctx.params.get("archive") or places.default_archive()
        file = places.file_of(places.url_of(places.located(where)))
        if file is not None and not file.exists():
            return []
        records = Archive(where, read_only=True).runs()
    except Exception:  # a Tab is no place for a complaint
        return []
    return [
        (record.name, f"{record.task.name}, {record.status}")
        for record in reversed(records)
        if record.name.startswith(incomplete)
    ]


def tasks(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of data sets that runs were on."""
    return beginning(incomplete, {words.rpartition(", ")[0] for _, words in runs(ctx, "")})


def made_sets(incomplete: str) -> list[str]:
    from evonas.domains.images.made.registry import made_sets as there

    return beginning(incomplete, there())


def beginning(incomplete: str, names: Iterable[Any]) -> list[str]:
    return sorted(str(name) for name in names if str(name).startswith(incomplete))
