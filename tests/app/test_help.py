"""`--help` teaches: every command has examples, and every example is one that the command takes."""

import re
import shlex

import pytest
import typer

from evonas.app import plugin_help
from evonas.app.cli import app
from evonas.core import plugins
from tests.commands import evonas

WIDTH = 78  # columns that a line has in a terminal of 80


def commands(command=None, path=()):
    """Every command with the words that lead to it."""
    command = command or typer.main.get_command(app)
    if not hasattr(command, "list_commands"):
        yield path, command
        return
    for name in command.list_commands(None):  # type: ignore[attr-defined]
        yield from commands(command.get_command(None, name), (*path, name))  # type: ignore[attr-defined]


COMMANDS = dict(commands())


def examples(command):
    """The lines under `Examples:`, comments left out."""
    section = re.search(r"\x08\n *Examples?:\n((?: +evonas .*\n?)+)", command.help or "")
    return [line.strip() for line in section[1].splitlines()] if section else []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_examples_that_it_takes(path):
    command = COMMANDS[path]
    found = examples(command)
    assert found, f"no examples in evonas {' '.join(path)} --help"
    for line in found:
        assert len(line) + 2 <= WIDTH, line
        words = shlex.split(line, comments=True)
        assert tuple(words[1 : 1 + len(path)]) == path
        command.make_context(path[-1], words[1 + len(path) :])  # raises where an option or an argument is none


def test_the_first_page_names_all_exit_codes(tmp_path):
    said = evonas("--help", cwd=tmp_path).stdout
    assert [int(code) for code in re.findall(r"^ +(\d+)  +\w", said, re.MULTILINE)] == [0, 1, 2, 130]


def test_a_question_answered_with_no_is_1(tmp_path, monkeypatch):
    import io

    from evonas.core.types import Task
    from evonas.memory.archive import Archive, RunRecord

    Archive(tmp_path / "archive.db").add_run(RunRecord("first", Task("digits", (1, 8, 8), 10), "cell", "random"))
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert evonas("runs", "delete", "first", cwd=tmp_path, ok=False).returncode == 1


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("cell", ["    width = 16  channels of the first stage;", "    pruned = True  "]),
        ("meta", ["    trees = 100  of a source model.", "    pool = 16  offspring for each candidate."]),
        ("aging", ["    tournament = 5"]),
        ("nsga2", ["    population = 12"]),  # a function with the options of a class
        ("net", ["  no options"]),
        ("ray", ["    gpus = 0"]),
        ("folder", ["  `PATH/CLASS/**`"]),
    ],
)
def test_what_goes_into_brackets(tmp_path, name, lines):
    said = evonas("plugins", name, cwd=tmp_path).stdout.splitlines()
    for start in lines:
        assert any(line.startswith(start) for line in said), start


@pytest.mark.parametrize("group", ["encodings", "rankers"])
def test_every_option_that_is_listed_is_taken(group):
    for name, entry in plugins.available(f"evonas.{group}").items():
        for option, default, _ in plugin_help.options(group, entry.load()):
            if option in ("pool", "explore", "refine"):  # the screening's, see tests/search/test_methods.py
                continue
            plugins.make(f"evonas.{group}", f"{name}({option}{default.replace(' ', '')})")


def test_a_name_that_is_none_has_the_way_out(tmp_path):
    done = evonas("plugins", "cel", cwd=tmp_path, ok=False)
    assert done.returncode == 2
    assert "did you mean 'cell'?" in done.stderr


def test_a_broken_plug_in_says_so(tmp_path):
    assert "broken: " in evonas("plugins", "smac", cwd=tmp_path).stdout or pytest.importorskip("smac")
