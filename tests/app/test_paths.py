"""What a run recorded is found from any folder."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from evonas.app import job
from evonas.app.cli import app
from evonas.app.config import SearchConfig
from evonas.app.paths import absolute
from evonas.memory.archive import Archive

OWN = """
from torch import nn
from evonas.encodings.categorical import CategoricalEncoding
class Own(CategoricalEncoding):
    genes = {"width": (4, 8), "act": ("relu", "tanh")}
    def build(self, genome, task):
        width, act, *_ = genome
        return nn.Sequential(nn.Conv2d(task.input_shape[0], width, 3), nn.ReLU() if act == "relu" else nn.Tanh(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, task.n_classes))
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "MNIST").mkdir()
    for name in ("own.py", "data.npz", "my.safetensors"):
        (tmp_path / name).touch()
    return tmp_path


def test_files_become_absolute_and_names_stay(here):
    given = SearchConfig.make(
        {
            "data": "npz:data.npz",
            "encoding": "own.py:Own(width=4)",
            "method": "own.py:Search+own.py:Rank",
            "surrogate": "meta(trees=9, model='my.safetensors')",
            "executor": "ray(address='auto')",
            "out": "o",
            "archive": "sub/a.db",
        }
    )
    found = absolute(given)
    assert found.data == f"npz:{here}/data.npz"
    assert found.encoding == f"{here}/own.py:Own(width=4)"
    assert found.method == f"{here}/own.py:Search+{here}/own.py:Rank"
    assert (found.out, found.archive) == (f"{here}/o", f"{here}/sub/a.db")
    assert found.surrogate == f"meta(trees=9, model='{here}/my.safetensors')"
    assert found.executor == given.executor
    assert absolute(found) == found
    assert absolute(SearchConfig.make({"data": "torchvision:MNIST", "root": "~/sets"})).root == f"{here}/sets"


@pytest.mark.parametrize("data", ["digits", "torchvision:MNIST", "npz:nowhere.npz", "some.module:MNIST", "nofile.py:x"])
def test_what_is_no_file_stays_as_it_is(here, data):
    assert absolute(SearchConfig.make({"data": data})).data == data
    url = "postgresql://me@host/db"
    assert absolute(SearchConfig.make({"archive": url})).archive == url


def test_a_run_is_resumed_and_reported_from_another_folder(tmp_path, monkeypatch):
    there, elsewhere = tmp_path / "what? 100% (1)", tmp_path / "else where"
    there.mkdir()
    elsewhere.mkdir()
    (there / "own.py").write_text(OWN)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (80, 8, 8), dtype=np.uint8), np.arange(80) % 2
    np.savez(there / "my data.npz", x_train=x[:60], y_train=y[:60], x_test=x[60:], y_test=y[60:])
    options = ("--data", "npz:my data.npz", "--encoding", "own.py:Own", "--surrogate", "none", "--epochs", "1")
    monkeypatch.chdir(there)
    done = CliRunner().invoke(app, ["search", *options, "--trials", "1", "--archive", "sub/a.db"])
    assert done.exception is None, done.exception
    archive = Archive(there / "sub" / "a.db")
    (record,) = archive.runs()
    results = there / "runs" / record.name
    assert record.config["out"] == str(results)
    monkeypatch.chdir(elsewhere)
    assert job.resume(record.name, trials=2, archive=archive.where)["trials"] == 2
    assert json.loads((results / "result.json").read_text())["trials"] == 2
    (results / "report.html").unlink()
    done = CliRunner().invoke(app, ["report", record.name, "--archive", archive.where])
    assert done.exception is None, done.exception
    assert (results / "report.html").is_file()
    assert list(elsewhere.iterdir()) == []
    assert [t.run for t in archive.trials(encoding="own.py:Own")] == [record.name] * 2
