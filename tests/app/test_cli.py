"""The command line as a new user meets it: a real search on digits, and everything one can get wrong."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from evonas.app.cli import main
from tests.commands import evonas

RUN = ("--trials", "3", "--epochs", "2", "--surrogate", "none", "--train-size", "300")
FIRST = (*RUN, "--encoding", "cell(width=8)")
SMALL = ("--trials", "3", "--epochs", "1", "--surrogate", "none", "--train-size", "60", "--encoding", "cell(width=4)")


def process(*words, cwd):
    """The command as it is started from a shell."""
    env = {**os.environ, "EVONAS_ARCHIVE": str(cwd / "archive.db"), "COLUMNS": "200"}
    command = [sys.executable, "-m", "evonas.app.cli", *words]
    return subprocess.Popen(command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    started = process("search", *FIRST, "--name", "first", cwd=folder)
    _, errors = started.communicate()
    assert started.returncode == 0, errors
    return folder


def test_a_search_leaves_a_network_a_report_and_a_memory(finished):
    out = finished / "runs" / "first"
    files = {"result.json", "genome.json", "model.safetensors", "model.pt2", "report.html"}
    assert files <= {path.name for path in out.iterdir()}
    result = json.loads((out / "result.json").read_text())
    keys = [
        "run",
        "task",
        "encoding",
        "method",
        "seed",
        "trials",
        "failed",
        "seconds",
        "val_accuracy",
        "test_accuracy",
        "params",
        "flops",
        "genome",
    ]
    assert set(keys) <= set(result)
    assert (result["run"], result["trials"], result["failed"]) == ("first", 3, 0)
    assert 0.2 < result["test_accuracy"] <= 1
    shown = json.loads(evonas("runs", "show", "first", "--json", cwd=finished).stdout)
    assert [e["status"] for e in shown["evaluations"]] == ["ok"] * 3
    assert max(e["metrics"]["val_accuracy"] for e in shown["evaluations"]) == result["val_accuracy"]
    assert shown["task"]["features"]["classes"] == 10


def test_the_network_comes_back(finished):
    from sklearn.datasets import load_digits

    import evonas as package

    network = package.load(finished / "runs" / "first")
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8) * 255 / 16).round().astype(np.uint8)
    predicted = np.asarray(network.predict(images))
    accuracy = (predicted.astype(int) == labels).mean()
    assert accuracy > 0.2
    assert len(network.class_names) == 10


def test_the_same_seed_gives_the_same_figures(finished):
    evonas("search", *FIRST, "--name", "again", cwd=finished)
    one, other = (
        json.loads(evonas("runs", "show", name, "--json", cwd=finished).stdout)["evaluations"]
        for name in ("first", "again")
    )
    timing = {"seconds", "peak_memory_mb"}

    def figures(evaluations):
        return [(e["genome"], {k: v for k, v in e["metrics"].items() if k not in timing}) for e in evaluations]

    assert figures(one) == figures(other)


def test_reports_exports_and_lists(finished, tmp_path):
    evonas("report", "first", "--out", str(tmp_path / "r"), cwd=finished)
    assert (tmp_path / "r" / "report.html").stat().st_size > 100_000
    evonas("export", "first", "--out", str(tmp_path / "e"), cwd=finished)
    assert (tmp_path / "e" / "model.safetensors").exists()
    assert "first" in evonas("runs", "list", cwd=finished).stdout
    assert json.loads(evonas("runs", "list", "--json", cwd=finished).stdout)[0]["name"] == "first"
    assert "evonas.encodings.cell:CellEncoding" in evonas("plugins", cwd=finished).stdout


def test_resume_with_more_trials(finished):
    evonas("search", *SMALL, "--name", "short", cwd=finished)
    done = evonas("resume", "short", "--trials", "4", cwd=finished)
    assert "4 trials" in done.stdout
    assert len(json.loads(evonas("runs", "show", "short", "--json", cwd=finished).stdout)["evaluations"]) == 4


@pytest.mark.thorough
def test_two_workers(finished):
    evonas("search", *SMALL, "--name", "two", "--workers", "2", "--timeout", "120", cwd=finished)
    shown = json.loads(evonas("runs", "show", "two", "--json", cwd=finished).stdout)
    assert [e["status"] for e in shown["evaluations"]] == ["ok"] * 3


def test_deleting(finished):
    evonas("search", *SMALL, "--name", "gone", cwd=finished)
    assert "3 trials forgotten" in evonas("runs", "delete", "gone", "--yes", cwd=finished).stdout
    assert evonas("runs", "show", "gone", cwd=finished, ok=False).returncode == 2


def test_a_quiet_search_and_one_from_a_file(tmp_path):
    (tmp_path / "s.toml").write_text('trials = 1\nepochs = 1\nsurrogate = "none"\nname = "filed"\nout = "here"\n')
    assert evonas("search", "s.toml", "--quiet", cwd=tmp_path).stdout == ""
    assert json.loads((tmp_path / "here" / "result.json").read_text())["run"] == "filed"


def test_plain_lines_have_no_control_characters(tmp_path):
    done = evonas("search", *SMALL, cwd=tmp_path)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout
    assert done.stdout.count("\n") >= 4


@pytest.mark.thorough
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(tmp_path):
    started = process("search", *SMALL, "--trials", "500", "--name", "long", "--workers", "2", cwd=tmp_path)
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if (tmp_path / "archive.db").exists():
            shown = evonas("runs", "list", "--json", cwd=tmp_path)
            if shown.stdout.startswith("[\n") and json.loads(shown.stdout)[0]["trials"] >= 2:
                break
        time.sleep(0.3)
    locked = evonas("resume", "long", cwd=tmp_path, ok=False)
    assert locked.returncode == 2
    assert "running already" in locked.stderr
    started.send_signal(signal.SIGINT)
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "go on with: evonas resume long" in errors
    done = json.loads(evonas("runs", "show", "long", "--json", cwd=tmp_path).stdout)["evaluations"]
    assert len(done) >= 2
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--trials", "0"], "--trials 0"),
        (["--data", "didgits"], "'digits'"),
        (["--data", "torchvision:MNISTT"], "MNIST"),
        (["--data", "npz:nowhere.npz"], "nowhere.npz"),
        (["--data", "folder:empty"], "empty"),
        (["--data", "npz:broken.npz"], "broken.npz"),
        (["--data", "npz:one_class.npz"], "class"),
        (["--data", "npz:mismatch.npz"], "labels"),
        (["--data", "npz:nan.npz"], "NaN"),
        (["--encoding", "cel"], "'cell'"),
        (["--encoding", "cell(widht=3)"], "widht"),
        (["--method", "evolutoin"], "'evolution'"),
        (["--surrogate", "gdbt"], "'boosting'"),
        (["--device", "cuda:7"], "cuda:7"),
        (["--device", "tpu"], "tpu"),
        (["--archive", "foreign.db"], "foreign.db"),
        (["--archive", "empty"], "empty"),
        (["--train-size", "9999999"], "9999999"),
        (["--train-size", "3"], "3"),
        (["nowhere.toml"], "nowhere.toml"),
        (["--out", "foreign.db"], "foreign.db"),
    ],
)
def test_bad_input_is_one_line_with_the_way_out(tmp_path, monkeypatch, capfd, words, says):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVONAS_ARCHIVE", str(tmp_path / "archive.db"))
    monkeypatch.setattr(sys, "argv", ["evonas", "search", *words])
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.npz").write_text("this is no archive")
    (tmp_path / "foreign.db").write_text("this is a text, " * 100)
    x, y = np.zeros((40, 8, 8), np.uint8), np.arange(40) % 2
    x += np.arange(40, dtype=np.uint8)[:, None, None]
    np.savez(tmp_path / "one_class.npz", x_train=x, y_train=y * 0)
    np.savez(tmp_path / "mismatch.npz", x_train=x, y_train=y[:-1])
    np.savez(tmp_path / "nan.npz", x_train=np.where(x == 3, np.nan, x), y_train=y)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as ended:  # in this process: to start one for each case would take a minute
        main()
    assert ended.value.code == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert says in lines[0]
    left = {p.name for p in set(tmp_path.rglob("*")) - set(before)} - {"archive.db", "archive.db-wal", "archive.db-shm"}
    assert left == set()


def test_a_custom_encoding_that_breaks_the_contract_is_named_with_its_genome(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from evonas.encodings.cell import CellEncoding\nclass Mine(CellEncoding):\n"
        "    def mutate(self, genome, rng):\n        return [genome]\n"
    )
    done = evonas("search", "--encoding", "mine.py:Mine", *RUN, cwd=tmp_path, ok=False)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "mutate" in done.stderr
    assert "nor_conv" in done.stderr or "skip_connect" in done.stderr or "none" in done.stderr


def test_a_name_that_is_taken(finished):
    done = evonas("search", *RUN, "--name", "first", "--out", "elsewhere", cwd=finished, ok=False)
    assert done.returncode == 2
    assert "evonas resume first" in done.stderr
    assert not (finished / "elsewhere").exists()
