"""A package of plug-ins from before the engine's files had rooms is installed, and each of its parts does its work."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

GROUPS = {
    "evonas.encodings": "widths = written_before:Widths",
    "evonas.tasks": "few-digits = written_before:few_digits",
    "evonas.searchers": "in-order = written_before:InOrder",
    "evonas.rankers": "first = written_before:First",
    "evonas.executors": "here = written_before:Here",
    "evonas.commands": "greet = written_before:app",
    "evonas.sections": "before = written_before:section",
    "evonas.suites": "old-suite = written_before:SUITE",
}
SUITE = """
name = "old"
encoding = "widths"
[[tasks]]
name = "a"
data = "few-digits"
"""
SESSION = """
import sys
import evonas
from evonas.app.cli import main
from evonas_benchmarks.suites import load_suite

def command(words):
    sys.argv = ["evonas", *words.split()]
    try:
        main()
    except SystemExit as ended:
        print(sys.argv[1], "ends with", ended.code or 0)

command("search --data few-digits --encoding widths --method in-order(start=1) --surrogate first --executor here "
        "--trials 3 --epochs 1 --name before --out out")
command("greet")
print("classes", *evonas.load("out").class_names)
print("tasks", *load_suite("old-suite").task_names())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder on the path that holds the package and its entry points, as pip would install it."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(Path(__file__).with_name("written_before.py"), folder)
    (folder / "old-suite.toml").write_text(SUITE)
    about = folder / "written_before-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: written-before\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("".join(f"[{group}]\n{line}\n" for group, line in GROUPS.items()))
    return folder


@pytest.fixture(scope="module")
def said(folder):
    """What one process prints that uses every part."""
    env = {**os.environ, "PYTHONPATH": str(folder), "EVONAS_ARCHIVE": str(folder / "archive.db"), "COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-c", SESSION], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_data_encoding_searcher_ranker_and_executor_search_together(said):
    assert "search ends with 0" in said
    assert "classes 0 1" in said


def test_a_section_is_in_the_report(said, folder):
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "A section of before" in page
    assert "3 trials of before, the goal is val_accuracy" in page


def test_a_command_trains_by_hand(said):
    by_hand = next(line for line in said.splitlines() if line.startswith("by hand"))
    assert "'val_accuracy'" in by_hand
    assert by_hand.endswith("ok")
    assert "greet ends with 0" in said


def test_a_suite_is_found(said):
    assert "tasks a" in said
