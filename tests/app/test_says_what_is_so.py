"""What the command line says of a search is so, and its words are one line that names the way out."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import evonas
from evonas.app import job
from evonas.app.cli import main
from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.goals import searchable_names
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.memory.archive import Archive, RunRecord

SMALL = ("--train-size", "100", "--epochs", "1", "--surrogate", "none")


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Runs a command in this process: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVONAS_ARCHIVE", str(tmp_path / "archive.db"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def command(*words):
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["evonas", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capfd.readouterr()

    return command


def recorded(tmp_path, name="old", trials=3, **columns):
    """A run of an own evaluator's, as an archive holds it: there are no data behind it."""
    archive = Archive(tmp_path / "archive.db")
    config = {"data": "mine.py:f", "encoding": "cell", "objectives": "f1:max,params", "name": name}
    archive.add_run(RunRecord(name, Task("mine", (), 0), "cell", "evolution", config=config, **columns))
    for i in range(trials):
        genome = "|none~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"
        evaluation = Evaluation(Candidate((genome, i)), {"f1": 0.5 + i / 100, "params": 10.0 * i}, 1.0)
        archive.append(Trial(name, i, i, evaluation, float(i + 1)))
    return archive


FAILING = """
from torch import nn
from evonas.encodings.cell import CellEncoding

class Shy(nn.Flatten):
    def forward(self, x):
        if self.training and len(x) > 20:
            raise RuntimeError("too many at once")
        return super().forward(x)[:, :10] * self.weight

    def __init__(self):
        super().__init__()
        import torch
        self.weight = nn.Parameter(torch.ones(10))

class Mine(CellEncoding):
    def build(self, genome, task):
        return Shy()
"""


def test_all_trials_failed_and_the_last_line_names_what_is_there(run, tmp_path):
    (tmp_path / "mine.py").write_text(FAILING)
    code, out, err = run("search", *SMALL, "--encoding", "mine.py:Mine", "--trials", 2, "--out", "o")
    assert code == 1
    assert "no trial succeeded" in err
    last = out.strip().splitlines()[-1]
    named = last.partition(": ")[2].split(", ")
    assert sorted(named) == sorted(path.name for path in (tmp_path / "o").iterdir()) == ["report.html", "result.json"]


@pytest.mark.thorough
def test_a_validation_figure_of_a_short_training_says_so(run, tmp_path):
    code, out, _ = run(
        "search",
        "--train-size",
        100,
        "--epochs",
        9,
        "--surrogate",
        "none",
        "--method",
        "halving",
        "--trials",
        2,
        "--out",
        "o",
    )
    assert code == 0
    result = json.loads((tmp_path / "o" / "result.json").read_text())
    assert result["fidelity"] == pytest.approx(1 / 9)
    assert "(after 11 % of a training)" in out
    assert "after 11 % of a training" in (tmp_path / "o" / "report.html").read_text()


def test_every_objective_is_in_the_result(run, tmp_path):
    code, out, _ = run("search", *SMALL, "--method", "nsga2", "--trials", 3, "--out", "o")
    assert code == 0
    result = json.loads((tmp_path / "o" / "result.json").read_text())
    assert [one["name"] for one in result["objectives"]] == ["val_accuracy", "params"]
    assert result["metrics"]["val_accuracy"] == result["val_accuracy"]
    assert result["metrics"]["params"] == result["params"]
    assert result["best_trial"] in {one["trial"] for one in result["front"]}
    assert "validation accuracy" in out


@pytest.mark.thorough
def test_resume_with_less_than_there_is_and_a_name_used_again(run, tmp_path):
    assert run("search", *SMALL, "--trials", 3, "--name", "one")[0] == 0
    for words, says in (
        (("--trials", 2), "--trials 2 is less than the 3 trials that run 'one' has had already; give more than 3"),
        (("--seconds", 0.01), "--seconds 0.01 is less than"),
    ):
        code, _, err = run("resume", "one", *words)
        assert code == 2
        assert says in err
        assert err.count("\n") == 1
    before = (tmp_path / "runs" / "one" / "result.json").read_text()
    assert run("runs", "delete", "one", "--yes")[0] == 0
    code, _, err = run("search", *SMALL, "--trials", 1, "--name", "one")
    assert code == 2
    assert "holds the results of an earlier run 'one'" in err
    assert (tmp_path / "runs" / "one" / "result.json").read_text() == before


def test_a_report_needs_the_archive_alone_and_asks_before_it_writes(run, tmp_path):
    recorded(tmp_path)
    code, out, _ = run("report", "old", "--out", "a b (1)?%")
    assert code == 0
    assert out.strip() == "a b (1)?%/report.html"
    text = (tmp_path / "a b (1)?%" / "report.html").read_text()
    assert "Pareto front" in text
    assert "interrupted" in text  # no process works on it
    assert run("report", "old", "--out", "a b (1)?%")[0] == 0  # its own
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "report.html").write_text("mine")
    for out, says in (("o", "is of no run"), ("archive.db", "is a file"), ("archive.db/x", "cannot be written")):
        code, _, err = run("report", "old", "--out", out)
        assert code == 2
        assert says in err
        assert err.count("\n") == 1
    assert (tmp_path / "o" / "report.html").read_text() == "mine"


def test_runs_count_from_one_and_know_what_was_killed(run, tmp_path):
    recorded(tmp_path)
    lines = run("runs", "show", "old")[1].splitlines()
    assert "interrupted, 3 trials" in lines[1]
    assert lines[3].split() == ["trial", "f1", "params", "seconds", "genome"]
    assert [line.split()[:3] for line in lines[4:]] == [
        ["1", "0.5000", "0"],
        ["2", "0.5100", "10"],
        ["3", "0.5200", "20"],
    ]
    assert "interrupted" in run("runs", "list")[1]
    shown = json.loads(run("runs", "show", "old", "--json")[1])
    assert [one["number"] for one in shown["evaluations"]] == [0, 1, 2]
    assert shown["status"] == "interrupted"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--objectives", "-val_accuracy"), "would search for the worst validation accuracy; write val_accuracy"),
        (("--objectives", "f2"), "say whether more of yours is better: f2:max or f2:min"),
        (("--data", "mnist"), "no data source named 'mnist'; did you mean 'torchvision:MNIST'?"),
        (("--data", "fashion-mnist"), "did you mean 'torchvision:FashionMNIST'?"),
        (("--data", "cifar-10"), "did you mean 'torchvision:CIFAR10'?"),
        (("--data", "digts"), "there are 'csv', 'digits', 'folder', 'hf'"),
        (("--seed", str(2**63)), "--seed 9223372036854775808 is not valid"),
        (("--name", ".."), "'..' is no name for a run"),
        (("--seconds", "inf"), "--seconds inf is not valid"),
    ],
)
def test_what_is_refused_in_a_line(run, tmp_path, words, says):
    code, _, err = run("search", *words)
    assert code == 2
    assert says in err
    assert err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_the_help_names_all_that_is_installed(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    code, out, _ = run("search", "--help")
    assert code == 0
    for group in ("tasks", "encodings", "searchers", "rankers", "executors"):
        assert set(plugins.available(f"evonas.{group}")) <= set(
            out.replace(",", " ").replace(".", " ").replace(";", " ").split()
        )
    assert all(name in out for name in searchable_names())
    assert "default: digits" in out


def images():
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    return x, np.arange(60) % 3


@pytest.mark.parametrize(
    "options",
    [
        {"callbacks": [print]},
        {"callbacks": print},
        {"encoding": print},
        {"encoding": 3},
        {"encoding": np.ndarray},
        {"out": 3},
        {"data": 3},
        {"data": np.zeros(3)},
        {"name": ".."},
        {"trials": "many"},
        {"seed": 2**63},
        {"trails": 3},
    ],
    ids=str,
)
def test_python_says_the_same_in_a_line(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVONAS_ARCHIVE", str(tmp_path / "archive.db"))
    with pytest.raises(EvonasError) as error:
        evonas.search(*images(), **{"trials": 1, **options})
    assert "\n" not in str(error.value)
    assert "ArithmeticError" not in str(error.value)  # a list of Python's builtins
    assert not (tmp_path / "runs").exists()


def test_python_takes_paths_and_numbers_of_numpy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    archive = tmp_path / "archive.db"
    options = {"trials": np.int64(1), "epochs": np.int32(1), "seed": np.uint8(3), "surrogate": "none"}
    result = evonas.search(*images(), out=Path("o"), archive=archive, name="one", **options)
    assert (tmp_path / "o" / "model.safetensors").exists()
    assert result["seed"] == 3
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with pytest.raises(EvonasError, match="arrays in memory"):
        job.resume("one", archive=str(archive))


def test_a_broken_plugin_takes_nothing_with_it(run, tmp_path, monkeypatch):
    info = tmp_path / "site" / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[evonas.commands]\nshiny = nowhere_to_be_found:app\n[evonas.metrics]\nf9 = nowhere_to_be_found:f9\n"
        "[evonas.encodings]\nodd = nowhere_to_be_found:Odd\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    plugins.available.cache_clear()
    try:
        monkeypatch.setenv("COLUMNS", "200")
        code, out, _ = run("--help")
        assert code == 0
        assert "shiny" in out
        assert "Broken: broken 1.0 cannot be loaded" in out
        assert "memory" in out
        code, _, err = run("shiny", "--anything", "3")
        assert code == 2
        assert "the command 'shiny' of broken 1.0 is broken: ModuleNotFoundError" in err
        assert err.count("\n") == 1
        code, out, _ = run("plugins")
        assert code == 0
        rows = {tuple(line.split()[:2]): line for line in out.splitlines()}
        for part in (("commands", "shiny"), ("metrics", "f9"), ("encodings", "odd")):
            assert "broken: ModuleNotFoundError" in rows[part]
        assert rows["encodings", "cell"].rstrip().endswith("ok")
    finally:
        plugins.available.cache_clear()
