"""The site's reference, made when the site is: commands from the command line itself, names from the code."""

from __future__ import annotations

import html
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from mkdocs.structure.files import File, Files

ROOMS = ("core", "search", "execution", "memory", "training", "encodings", "domains", "report", "app")
PACKAGES = (*(f"evonas.{room}" for room in ROOMS), "evonas.testing", "evonas_surrogates", "evonas_benchmarks")
HEAD = "# Names of `{}`\n\nMade from the docstrings.{}\n\n"
WHOLE = "::: {}\n    options:\n      heading_level: 2\n"
WITH_INHERITED = WHOLE.format("evonas") + "      inherited_members: true\n"


def on_files(files: Files, *, config: Any) -> Files:
    pages = {"commands": commands(), "python/evonas": HEAD.format("evonas", "") + WITH_INHERITED}
    pages |= {f"python/{package}": names(package) for package in PACKAGES}
    for uri, text in pages.items():
        files.append(File.generated(config, f"reference/{uri}.md", content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """The overview names the pages that are made."""
    if page.file.src_uri != "reference/README.md":
        return markdown
    made = [f"[`{package}`](python/{package}.md)" for package in ("evonas", *PACKAGES)]
    return f"{markdown}\n* [Commands](commands.md)\n" + "".join(f"* {one}\n" for one in made)


def names(package: str) -> str:
    """A page of a package's public modules."""
    said = (import_module(package).__doc__ or "").partition("\n\n")[0]
    modules = [package, *modules_of(package)] if package == "evonas.testing" else modules_of(package)
    return HEAD.format(package, "" if said.startswith("See ") else f" {said}") + "\n".join(map(WHOLE.format, modules))


def modules_of(package: str) -> list[str]:
    """A package's modules that are for others, in all its folders; not old names of what has moved."""
    found = pkgutil.walk_packages(import_module(package).__path__, f"{package}.", onerror=lambda name: None)
    public = (one.name for one in found if not one.ispkg and not re.search(r"\._|\.peers\.", one.name))
    return [name for name in public if " moved(" not in source(name)]


def source(module: str) -> str:
    top, _, rest = module.partition(".")
    return (Path(str(import_module(top).__file__)).parent / f"{rest.replace('.', '/')}.py").read_text(encoding="utf-8")


def commands() -> str:
    """Every command with its arguments and options, as `--help` has them."""
    from evonas.app.cli import app

    text = "# Commands\n\nMade from the command line; `--help` behind any of them says the same.\n\n"
    return text + "\n".join(described(typer.main.get_command(app), None, "evonas"))


def described(command: Any, above: Any, name: str) -> Iterator[str]:
    context = command.context_class(command, info_name=name, parent=above)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"{'##' if above is None or hasattr(command, 'list_commands') else '###'} `{context.command_path}`\n"
    yield f"```text\n{usage}\n```\n"
    yield from paragraphs(command.help or "")
    rows = [row(one) for one in command.get_params(context) if not getattr(one, "hidden", False)]
    if rows:
        yield "| word | what it is |\n| --- | --- |\n" + "\n".join(rows) + "\n"
    if hasattr(command, "list_commands"):
        for below in command.list_commands(context):
            yield from described(command.get_command(context, below), context, below)


def paragraphs(text: str) -> Iterator[str]:
    """A command's words; what stands behind `\\b` has its own lines."""
    for part in re.split(r"\n\s*\n", text):
        lines = [line.strip() for line in part.strip().splitlines()]
        if lines[:1] != ["\b"]:
            yield plain(" ".join(lines)) + "\n"
        elif len(lines) > 1 and lines[1].endswith(":"):
            yield f"{lines[1]}\n\n```text\n" + "\n".join(lines[2:]) + "\n```\n"
        else:
            yield "```text\n" + "\n".join(lines[1:]) + "\n```\n"


def row(param: Any) -> str:
    """An argument or option of a command, as a line of a table."""
    argument = param.param_type_name == "argument"
    words = [param.metavar or param.name] if argument else [*param.opts, *param.secondary_opts]
    called = ", ".join(f"`{word}`" for word in words)
    return f"| {called} | {plain(getattr(param, 'help', None) or '')} |"


def plain(text: str) -> str:
    """Words that Markdown takes as they are."""
    return re.sub(r"([*_|\\`\[\]])", r"\\\1", html.escape(" ".join(text.split()), quote=False))
