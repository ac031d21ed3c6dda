"""The Tab key: names of runs, methods, encodings, data; no archive is made, no code is trusted, nothing is imported."""

import json
import subprocess
import sys

import pytest

from evonas.core.types import Task
from evonas.memory.archive import Archive, RunRecord
from tests.commands import evonas


def offered(*words, cwd):
    """What bash is offered for the last of the words."""
    line = " ".join(["evonas", *words])
    done = evonas(cwd=cwd, _EVONAS_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words)))
    return done.stdout.split()


@pytest.fixture
def with_runs(tmp_path):
    archive = Archive(tmp_path / "archive.db")
    for name, task in (("first", "digits"), ("faces-1", "faces"), ("other", "faces")):
        archive.add_run(RunRecord(name, Task(task, (1, 8, 8), 10), "cell", "random"))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("ru",), ["runs"]),
        (("do",), ["doctor"]),
        (("search", "--encoding", "ce"), ["cell"]),
        (("search", "--data", "torch"), ["torchvision"]),
        (("search", "--data", "folder:pho"), []),  # the shell offers files
        (("search", "--method", "nsga"), ["nsga2", "nsga3"]),
        (("search", "--method", "aging+b"), ["aging+boosting"]),
        (("search", "--surrogate", "no"), ["none"]),
        (("search", "--objectives", "val_accuracy,par"), ["val_accuracy,params"]),
        (("search", "--device", "cu"), ["cuda"]),
        (("search", "--executor", "da"), ["dask"]),
        (("export", "r", "--format", "onnx,st"), ["onnx,standalone"]),
        (("plugins", "cel"), ["cell"]),
        (("data", "make", "addn"), ["addnist"]),
        (("compare", "--methods", "random,agi"), ["random,aging"]),
        (("bench", "run", "fc"), ["fcnet"]),
    ],
)
def test_names_are_offered(tmp_path, words, names):
    assert offered(*words, cwd=tmp_path) == names
    assert not (tmp_path / "archive.db").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("resume",),
        ("report",),
        ("watch",),
        ("predict",),
        ("export",),
        ("runs", "show"),
        ("runs", "delete"),
        ("runs", "move"),
    ],
)
def test_runs_are_offered_the_newest_first(with_runs, words):
    assert offered(*words, "f", cwd=with_runs) == ["faces-1", "first"]


def test_data_sets_that_are_remembered_are_offered(with_runs):
    assert offered("memory", "forget", "", cwd=with_runs) == ["digits", "faces"]


def test_without_an_archive_or_with_a_broken_one_nothing_is_offered(tmp_path):
    assert offered("resume", "", cwd=tmp_path) == []
    assert not (tmp_path / "archive.db").exists()
    (tmp_path / "archive.db").write_text("this is a text, " * 100)
    assert offered("resume", "", cwd=tmp_path) == []


def test_what_is_only_being_typed_is_not_trusted(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("Mine = 1\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    offered("search", "--encoding", "mine.py:Mine", "--method", "a", cwd=tmp_path)
    assert not (tmp_path / "config").exists()


def test_completion_imports_neither_torch_nor_scikit_learn(tmp_path):
    code = (
        "import sys, json\nfrom evonas.app import completion\nfound = completion.methods('ag')\n"
        "print(json.dumps([found, sorted({'torch', 'sklearn', 'sqlalchemy'} & set(sys.modules))]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout) == [["aging"], []]
