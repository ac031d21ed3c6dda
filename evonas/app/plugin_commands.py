"""The commands that other packages register under `evonas.commands`, and `evonas plugins`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.metadata import EntryPoint
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from evonas.app import plugin_help
from evonas.app.completion import of_any_plugin
from evonas.app.console import print_line, print_table
from evonas.app.plugin_help import GROUPS
from evonas.core import plugins, trust
from evonas.core.errors import EvonasError, choices, named_line

TRUST = "--trust"


class WithPlugins(TyperGroup):
    """Adds the commands of other packages; they load when they are called. A broken one takes no other with it."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *sorted(plugins.available("evonas.commands"))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entries = plugins.available("evonas.commands")
        if cmd_name not in entries:
            return super().get_command(ctx, cmd_name)
        try:
            command = typer.main.get_command(entries[cmd_name].load())
        except Exception as error:
            command = _broken(entries[cmd_name], error)
        command.name = cmd_name
        return command

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What stands on the command line is trusted; `--trust`, also behind a command, extends that to files."""
        if not ctx.resilient_parsing:  # while words are completed nobody has asked for anything yet
            trust.trust_everything(TRUST in args)
            trust.given(*args, *(arg.partition("=")[2] for arg in args if arg.startswith("--")))
        return super().parse_args(ctx, [arg for arg in args if arg != TRUST])

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # outside of a search, which says itself what is kept
            print("evonas: interrupted; nothing was kept of this command", file=sys.stderr)
            raise typer.Exit(130) from None


def list_plugins(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Say what these are, and what they take in brackets.", autocompletion=of_any_plugin),
    ] = None,
) -> None:
    """What is installed, where it comes from, and whether it can be loaded; or what a part takes in brackets.

    \b
    Examples:
      evonas plugins
      evonas plugins cell meta    # what cell(…) and meta(…) take
    """
    for name, found in [(name, _named(name)) for name in names or ()]:  # all are looked for before one is described
        _describe(name, found)
    if names:
        return
    rows = []
    for group in GROUPS:
        for name, entry in sorted(plugins.available(f"evonas.{group}").items()):
            rows.append((group, name, entry.value, _package(entry), _state(entry)))
    print_table(("group", "name", "from", "package", "state"), rows)


def _named(name: str) -> list[tuple[str, EntryPoint]]:
    """All plug-ins of a name, with their groups: `series` is an encoding, a domain and a source of data. Raises
    EvonasError where there is none."""
    there = {group: plugins.available(f"evonas.{group}") for group in GROUPS}
    found = [(group, entries[name]) for group, entries in there.items() if name in entries]
    if not found:
        known = {one for entries in there.values() for one in entries}
        near = get_close_matches(name, known, 1)
        raise EvonasError(
            f"no plug-in named {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"there are {choices(known)}")
        )
    return found


def _describe(name: str, found: Sequence[tuple[str, EntryPoint]]) -> None:
    for group, entry in found:
        try:
            lines = list(plugin_help.said(group, entry))
        except Exception as error:  # of another package, whatever it raises
            lines = [f"{plugins.kind(group)} {name}: {entry.value}", f"  broken: {named_line(error)}"]
        for line in lines:
            print_line(line)


def _state(entry: EntryPoint) -> str:
    """`ok`, or why it cannot be loaded: most often a package that is not installed."""
    try:
        entry.load()
    except Exception as error:
        return f"broken: {named_line(error)}"
    return "ok"


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else ""


def _broken(entry: EntryPoint, error: Exception) -> Any:
    """A command that says what is wrong with the one that should be here."""
    whose = _package(entry) or entry.value
    why = f"the command {entry.name!r} of {whose} is broken: {named_line(error)}"
    stand_in = typer.Typer(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})

    @stand_in.command(help=f"Broken: {whose} cannot be loaded ({named_line(error)}).")
    def broken() -> None:
        raise EvonasError(f"{why}; update or uninstall that package")

    return typer.main.get_command(stand_in)
