"""Trackers of experiments: a row a trial, the result at the end, by the real clients where they are installed."""

import importlib
import json
import re
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import evonas
from evonas.app.belongings import Belongings
from evonas.app.config import SearchConfig
from evonas.app.job import Interrupted, resume
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal
from evonas.core.optional import CallbackDefaults
from evonas.core.tracking import ARTIFACTS, Tracked
from evonas.domains.evaluator import OwnEvaluator
from evonas.encodings.by_run import DefineByRun
from evonas.encodings.categorical import CategoricalEncoding
from evonas.encodings.cell import CellEncoding
from evonas.memory.archive import Archive

MINE = """
import json
from evonas.core.tracking import Tracker

class Lines(Tracker):
    def __init__(self, tracked, file="lines.txt", breaks=""):
        super().__init__(tracked)
        self.file, self.breaks = tracked.folder.parent / file, breaks

    def say(self, what, *more):
        if what == self.breaks:
            raise OSError("no disk")
        with self.file.open("a") as file:
            file.write(json.dumps([what, *more]) + "\\n")

    def open(self):
        self.say("open", self.tracked.key, self.tracked.resumed, dict(self.tracked.parameters))

    def row(self, row):
        self.say("row", row.step, row.number, dict(row.parameters), dict(row.metrics), dict(row.best), row.error)

    def close(self, status, result):
        self.say("close", status, result.get("trials"), [path.name for path in self.tracked.artifacts])

class Odd:
    def __init__(self, tracked): ...
"""


def needs(module):
    return pytest.mark.skipif(not find_spec(module), reason=f"{module} is not installed")


class Sizes(CategoricalEncoding):
    genes = {"depth": (1, 2, 3), "width": (4, 8, 16)}  # noqa: RUF012


def score(candidate, task, seed):
    depth, width = candidate.genome
    if (depth, width) == (3, 16):
        raise ValueError("too large")
    return {"score": depth + width / 100, "odd": float("nan")}


def options(folder, **further):
    given = {"trials": 9, "method": "random", "surrogate": "none", "objectives": "score:max", "callbacks": ()}
    place = {"archive": str(folder / "a.db"), "out": str(folder / "out"), "name": "sizes"}
    return {"evaluator": score, "encoding": Sizes(), **given, **place, **further}


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    return f"{tmp_path}/mine.py:Lines"


def lines(folder, file="lines.txt"):
    return [json.loads(line) for line in (folder / file).read_text().splitlines()]


def test_a_tracker_of_ones_own(tmp_path, mine):
    evonas.search(track=mine, **options(tmp_path))
    (_, key, resumed, told), *rows, end = lines(tmp_path)
    assert not resumed
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyzT0123456789-_")
    assert {name: told[name] for name in ("trials", "method", "seed")} == {"trials": 9, "method": "random", "seed": 0}
    assert "archive" not in told  # whose URL may hold a password
    assert [row[1] for row in rows] == [*range(1, 10)]
    assert end == ["close", "done", 9, ["report.html", "result.json", "genome.json"]]
    failed = [row for row in rows if row[-1]]
    assert [(row[3], row[4].get("score")) for row in failed] == [({"depth": 3, "width": 16}, None)]
    assert "too large" in failed[0][-1]
    scores = [row[4]["score"] for row in rows if not row[-1]]
    assert [row[5]["score"] for row in rows if not row[-1]] == [max(scores[: i + 1]) for i in range(len(scores))]
    assert not any("odd" in row[4] for row in rows)


def test_a_run_that_is_resumed_goes_on_where_it_was(tmp_path, mine):
    class Stops(CallbackDefaults):
        def told(self, trial):
            if trial.number == 2:
                raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        evonas.search(track=mine, **options(tmp_path, callbacks=[Stops()]))
    there = lines(tmp_path)
    assert [line[0] for line in there] == ["open", "row", "row", "row", "close"]  # before anybody else can end it
    assert there[-1][1] == "interrupted"
    more = f"{mine}(file='more.txt')"
    given: Any = {"data": OwnEvaluator.of(score), "encoding": Sizes(), "archive": str(tmp_path / "a.db"), "trust": True}
    resume("sizes", trials=4, **given)
    opened, *rows, end = lines(tmp_path)[len(there) :]
    assert opened[1:3] == [there[0][1], True]
    assert [row[1] for row in rows] == [4]
    assert end[1:3] == ["done", 4]
    resume("sizes", trials=5, track=f"{more}", **given)
    assert [line[0] for line in lines(tmp_path, "more.txt")] == ["open", *["row"] * 5, "close"]


def test_one_that_fails_is_said_once_and_the_search_goes_on(tmp_path, mine, caplog):
    for what, count in (("open", 0), ("row", 1), ("close", 10)):
        file = f"{what}.txt"
        place = {"name": what, "out": str(tmp_path / what)}
        spec = f"{mine}(file='{file}', breaks='{what}'),{mine}(file='good-{file}')"
        found = evonas.search(track=spec, **options(tmp_path, **place))
        assert found["trials"] == 9
        assert len(lines(tmp_path, file) if (tmp_path / file).exists() else []) == count
        assert len(lines(tmp_path, f"good-{file}")) == 11
    said = [record.getMessage() for record in caplog.records if "without the callback Lines" in record.getMessage()]
    assert len(said) == 3
    assert all("raised OSError: no disk (mine.py" in line for line in said)


def test_what_is_no_tracker_is_said_before_anything_is_searched(tmp_path, mine):
    odd = mine.replace("Lines", "Odd")
    for track, says in {
        "nothing": "no tracker named 'nothing'; there .*'tensorboard'.*give 'module:attribute'",
        "": "--track .* is not valid: it names no tracker",
        f"{mine}(colour=1)": "has no option 'colour'; there are 'breaks', 'file'",
        odd: r"tracker '.*:Odd' has no started\(\); inherit evonas.core.tracking.Tracker",
    }.items():
        with pytest.raises(EvonasError, match=says) as error:
            evonas.search(track=track, **options(tmp_path))
        assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_several_in_one_text():
    track = SearchConfig.make({"track": "tensorboard, mlflow(experiment='a,b'),wandb"}).track
    assert track == ["tensorboard", "mlflow(experiment='a,b')", "wandb"]
    assert SearchConfig.make({"track": ["trackio", "a,b"]}).track == ["trackio", "a", "b"]


def test_genomes_by_their_names(tmp_path):
    def values(encoding, genome):
        return dict(Tracked("run", "run-1", tmp_path, Goal(), encoding).values(genome))

    assert values(Sizes(), (2, 8)) == {"depth": 2, "width": 8}
    assert values(DefineByRun(lambda trial: None), (("depth", 2), ("drop", None))) == {"depth": 2}
    cell = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    assert "skip_connect" in values(CellEncoding(), cell).values()


@pytest.mark.thorough
def test_nothing_is_imported_unless_it_is_asked_for(tmp_path):
    code = f"""
import sys, evonas
from evonas.encodings.categorical import CategoricalEncoding
evonas.search(evaluator=lambda candidate, task, seed: {{"score": 1.0}}, encoding=CategoricalEncoding({{"a": (1, 2)}}),
    objectives="score:max", trials=1, surrogate="none", archive={str(tmp_path / "a.db")!r}, out={str(tmp_path / "o")!r})
print([name for name in ("mlflow", "wandb", "trackio", "tensorboard") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.thorough
@needs("mlflow")
def test_mlflow_nests_trials_below_the_search(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database takes seconds to make
    uri = f"file:{tmp_path}/mlruns"
    evonas.search(track=f"mlflow(experiment='trees', uri='{uri}')", **options(tmp_path, trials=6))
    given: Any = {"data": OwnEvaluator.of(score), "encoding": Sizes(), "archive": str(tmp_path / "a.db"), "trust": True}
    resume("sizes", trials=9, **given)
    import mlflow

    client = mlflow.MlflowClient(uri)
    (experiment,) = [one for one in client.search_experiments() if one.name == "trees"]
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if run is not parent]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert len(children) == 9
    assert parent.info.status == "FINISHED"
    assert parent.info.run_name == "sizes"
    assert parent.data.params["method"] == "random"
    assert parent.data.metrics["trials"] == 9
    assert len(client.get_metric_history(parent.info.run_id, "best_score")) <= 9
    (failed,) = [run for run in children if run.info.status == "FAILED"]
    assert failed.data.params == {"depth": "3", "width": "16"}
    assert "too large" in failed.data.tags["error"]
    best = max(children, key=lambda run: run.data.metrics.get("score", 0))
    assert best.data.metrics["score"] == parent.data.metrics["best_score"] == 3.08
    assert {file.path for file in client.list_artifacts(parent.info.run_id)} == {*ARTIFACTS}


@pytest.mark.thorough
@needs("mlflow")
def test_a_server_that_is_not_there_is_not_waited_for(tmp_path, caplog):
    """MLflow's client would try for four minutes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.monotonic()
    found = evonas.search(track=f"mlflow(uri='http://127.0.0.1:{port}')", **options(tmp_path))
    assert found["trials"] == 9
    assert time.monotonic() - began < 30
    assert "without the callback MLflow: started() raised ConnectionRefusedError" in caplog.text


@pytest.mark.thorough
@needs("tensorboard")
def test_tensorboard_has_scalars_and_hyperparameters(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    evonas.search(track="tensorboard", **options(tmp_path))
    board = tmp_path / "out" / "tensorboard"
    events = EventAccumulator(str(board)).Reload()
    assert len(events.Scalars("trial/score")) == 8
    assert events.Scalars("best/score")[-1].value == pytest.approx(3.08)
    assert [event.step for event in events.Scalars("trial/seconds")] == [*range(1, 10)]
    folders = sorted(path.name for path in board.iterdir() if path.is_dir())
    assert folders == [f"trial-{number:04}" for number in range(9)]
    child = EventAccumulator(str(board / folders[0])).Reload()
    assert "_hparams_/session_start_info" in child.PluginTagToContent("hparams")
    record = Archive(tmp_path / "a.db").run("sizes")
    assert Belongings.of(record).remove() == []
    assert not (tmp_path / "out").exists()


@pytest.mark.thorough
@needs("wandb")
def test_wandb_offline(tmp_path, monkeypatch, capfd):
    for name in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("WANDB_MODE", "offline")
    evonas.search(track="wandb(project='trees')", **options(tmp_path))
    assert capfd.readouterr().out == ""
    (file,) = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
    records, until = [], time.monotonic() + 30
    while not any(record.HasField("exit") for record in records):  # its service may write later than it says
        assert time.monotonic() < until, (file.parent / "logs" / "debug-internal.log").read_text()
        time.sleep(0.2)
        records = list(records_of_wandb(file))
    run = next(record.run for record in records if record.HasField("run"))
    assert (run.project, run.display_name, run.run_id[:6], run.job_type) == ("trees", "sizes", "sizes-", "search")
    rows = [record.history for record in records if record.HasField("history")]
    assert [row.step.num for row in rows] == [*range(1, 10)]
    keys = {"/".join(item.nested_key) or item.key for row in rows for item in row.item}
    assert {"score", "best/score", "genome/depth", "trial", "error"} <= keys
    (artifact,) = [record.artifact for record in records if record.HasField("artifact")]
    assert {entry.path for entry in artifact.manifest.contents} == {*ARTIFACTS}


def records_of_wandb(file):
    """What `wandb sync` would send: a log as LevelDB has them, in blocks of 32 KiB with 7 bytes before each part."""
    Record: Any = importlib.import_module("wandb.proto.wandb_internal_pb2").Record

    data, place, held = file.read_bytes(), 7, b""
    while place + 7 < len(data):
        if (left := 32768 - place % 32768) < 7:
            place += left
            continue
        size, part = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        held += data[place + 7 : place + 7 + size]
        place += 7 + size
        if part in (1, 4):  # whole, or the last
            yield Record.FromString(held)
            held = b""


@needs("trackio")
def test_trackio_in_its_local_database(tmp_path, monkeypatch, capsys):
    storage: Any = importlib.import_module("trackio.sqlite_storage")  # type checkers run without it
    utils: Any = importlib.import_module("trackio.utils")

    for module in (storage, utils):
        if hasattr(module, "TRACKIO_DIR"):
            monkeypatch.setattr(module, "TRACKIO_DIR", tmp_path / "trackio")
    evonas.search(track="trackio(project='trees')", **options(tmp_path))
    assert capsys.readouterr().out == ""
    rows = storage.SQLiteStorage.get_logs("trees", "sizes")
    assert [row["step"] for row in rows] == [*range(1, 11)]
    assert rows[-2]["best/score"] == rows[-1]["result/score"] == 3.08
    assert {row["genome/depth"] for row in rows[:-1]} == {1, 2, 3}
    assert (storage.SQLiteStorage.get_run_config("trees", "sizes") or {})["method"] == "random"


def test_the_tracker_of_the_page_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[2] / "docs" / "trackers.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "page.py").write_text(block)
    evonas.search(track=str(tmp_path / "page.py:Lines"), **options(tmp_path))
    rows = (tmp_path / "sizes.txt").read_text().splitlines()
    assert len(rows) == 10
    assert rows[-1].startswith("done None [")
