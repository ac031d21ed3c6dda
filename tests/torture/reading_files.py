"""Valid files that evonas, its surrogates and its benchmarks write, and how they are read."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save, save_model

from evonas.app.config import SearchConfig
from evonas.app.exporting import export
from evonas.app.folders import owner_of
from evonas.app.live.pages import Pages
from evonas.app.results import report_again
from evonas.app.runs import runs_list, runs_show
from evonas.app.start import starting
from evonas.app.underway import underway
from evonas.core import trust
from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.domains.domain import domain_named
from evonas.domains.export import load
from evonas.encodings.cell import CellEncoding
from evonas.encodings.net import NetEncoding
from evonas.memory import archive_io, locks
from evonas.memory.archive import Archive, RunRecord
from evonas.training.checkpoints import Checkpoints, State
from evonas.training.latency_table import LatencyTable
from evonas_benchmarks.analysis import reading
from evonas_benchmarks.run import folder as benchmark_folder
from evonas_benchmarks.run.plan import BenchmarkRun
from evonas_benchmarks.suites import load_suite
from evonas_surrogates import modelfile
from evonas_surrogates.transfer import TransferModel
from tests.torture.reading_data import frames

TASK = Task("t", (1, 8, 8), 2, {"images": 100.0}, "a1 b2")
CELL = CellEncoding(cells=1, width=2)
SPEC = "cell(cells=1, width=2)"
GENOMES = [CELL.sample(np.random.default_rng(i)) for i in range(12)]

CLASS = {"name": "a", "examples": 5, "precision": 0.5, "recall": 0.5, "answers": 5}
QUALITY = {
    "accuracy": 0.5,
    "interval": [0.1, 0.9],
    "examples": 10,
    "guessing": 0.5,
    "linear": {"accuracy": 0.4},
    "metrics": {"f1_macro": 0.5},
    "never": ["b"],
    "classes": [CLASS, {**CLASS, "name": "b"}],
    "confusion": [[0, 0, 5], [1, 0, 5]],
    "mistakes": [],
}
PROSPECTS = {
    "objective": "val_accuracy",
    "expected": 0.01,
    "at_most": 0.1,
    "trainings": 24,
    "probability": 0.95,
    "seconds": 9.0,
}
RESULT = {
    "test_accuracy": 0.5,
    "metrics": {"val_accuracy": 0.5},
    "objectives": [{"name": "val_accuracy", "maximize": True}],
    "quality": QUALITY,
    "prospects": PROSPECTS,
    "examples": {"shape": [8, 8, 1], "of": 2, "smaller": False, "frame": "pad", "classes": {"a": [], "b": []}},
    "trainings": [
        {"curve": [[1, 0.5, 0.5], [2, 0.75, 0.5]], "recipe": {"lr": 0.1}, "epochs": 1, "steps": 2, "images": 3}
    ],
}


def _json(*values: Any) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


def configurations(folder: Path) -> Sequence[bytes]:
    return [
        b'data = "digits"\ntrials = 3\nlimits = ["params<=200000"]\nseconds = 1.5\n',
        b'deadline = "5m"\nname = "run-1"\nobjectives = "val_accuracy,params"\ntrack = ["mlflow"]\nstart = [[1, 2]]\n',
        b'method = "evolution(population=4)"\nsurrogate = "none"\nseed = 3\nworkers = 2\ninherit = true\ngroups = 1\n',
    ]


def read_configuration(path: Path) -> None:
    SearchConfig.from_toml(path, {}).method_spec  # noqa: B018


def suites(folder: Path) -> Sequence[bytes]:
    (folder / "t.csv").write_bytes(frames(folder)[0])
    return [
        b'name = "mine"\ntable = "t.csv"\ngenes = ["kind", "width"]\nobjective = "val_accuracy"\ntrials = 3\n'
        b'tasks = [{name = "a"}, {name = "b", objective = "params", maximize = false, seconds = "seconds"}]\n',
        b'name = "mine"\ntable = "t.csv"\ngenes = ["kind", "width"]\nobjectives = "val_accuracy,params:min"\n'
        b'limits = ["params<=50%"]\ntasks = [{name = "a"}]\nnoise = false\nearlier_tasks = ["a"]\n',
        b'name = "real"\nencoding = "cell"\nepochs = 1\nmethods = ["random", "evolution+meta"]\n'
        b'wrappers = ["noisy(sd=0.01)"]\ntasks = [{name = "d", data = "digits"}, {name = "e", data = "npz:x.npz"}]\n',
    ]


def read_suite(path: Path) -> None:
    suite = load_suite(path)
    if suite.tabular:
        suite.load_table()
    for task in suite.tasks:
        suite.data_of(task)


def starts(folder: Path) -> Sequence[bytes]:
    return _json(
        {"format": 3, "encoding": "net", "genome": NetEncoding().genome()},
        NetEncoding().genome(),
        {"genome": NetEncoding().genome(depth=2)},
    )


def read_start(path: Path) -> None:
    starting([str(path)], NetEncoding(), "net", TASK, domain_named("evaluator"), None)


@cache
def _network() -> Any:
    torch.manual_seed(0)
    return CELL.build(GENOMES[0], TASK)


def _description() -> dict[str, Any]:
    return {
        "format": 3,
        "evonas": "0.1.0",
        "encoding": SPEC,
        "genome": GENOMES[0],
        "members": [{"genome": GENOMES[0], "forms": {"mirror_x": False, "shift_x": 0}}],
        "domain": "images",
        "task": "t",
        "input_shape": [1, 8, 8],
        "class_names": ["a", "b"],
        "preprocessing": {"mean": [0.5], "deviation": [0.25], "scale": 255.0},
    }


def networks(folder: Path) -> Sequence[bytes]:
    save_model(_network(), str(folder / "model.safetensors"))
    (folder / "genome.json").write_bytes(_json(_description())[0])
    short = {**_description(), "format": 1, "encoding": SPEC}
    return _json(_description(), {key: short[key] for key in short if key not in ("members", "domain")})


def weights(folder: Path) -> Sequence[bytes]:
    networks(folder)
    tensors = {name: one.contiguous() for name, one in _network().state_dict().items()}
    return [save(tensors), save(tensors, {"evonas": json.dumps(_description())})]


def read_network(path: Path) -> None:
    load(path.parent).predict(np.zeros((2, 8, 8), np.uint8))


def results(folder: Path) -> Sequence[bytes]:
    networks(folder)
    quality = {"interval": [0.5, 0.9], "mistakes": [], "classes": []}
    figures = {
        "test_accuracy": 0.75,
        "val_accuracy": 0.5,
        "params": 100,
        "flops": 2e4,
        "seconds": 3.5,
        "trials": 3,
        "failed": 1,
    }
    made = {"run": "r", "task": "t", "genome": GENOMES[0], "trial": 2, "device": "cpu", "method": "random", "seed": 1}
    return _json(
        {**made, **figures, "quality": quality, "notes": ["it learned from x"], "examples": {"a": 1}}, {"run": "r"}
    )


def read_result(path: Path) -> None:
    owner_of(path.parent)
    out = path.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    export(str(path.parent), out, formats=["safetensors"], archive=str(path.parent / "none.db"))


@cache
def _model() -> bytes:
    rng, place = np.random.default_rng(0), Path(os.environ["XDG_CACHE_HOME"]) / "fuzz.safetensors"
    X, groups = rng.normal(size=(40, 3)), np.array(["one", "two"])[np.arange(40) % 2]
    model = TransferModel(trees=2).fit(X, X @ [1.0, 2.0, 3.0], groups, ["f", "g", "h"])
    tasks = {"one": {"fingerprint": "a1"}, "two": {"sources": ["x"]}}
    found = {"one": dict.fromkeys(GENOMES, 0.5)}
    modelfile.save(
        model, place, encoding="cell", objective="val_accuracy", tasks=tasks, card={"data": "x"}, results=found
    )
    return place.read_bytes()


def models(folder: Path) -> Sequence[bytes]:
    return [_model()]


def read_model(path: Path) -> None:
    model, said = modelfile.without_target(path, "cell", TASK)
    assert isinstance(said["tasks"], dict)
    if model.names_:
        model.predict(np.zeros((2, len(model.feature_names_ or []))))


def checkpoints(folder: Path) -> Sequence[bytes]:
    Checkpoints(folder).save("good", State({"w": torch.zeros(3, 2), "n": torch.ones(())}, {"epoch": 1}))
    return [(folder / "good.safetensors").read_bytes()]


def read_checkpoint(path: Path) -> None:
    Checkpoints(path.parent).load("key")


def filled(place: Path) -> Archive:
    place.unlink(missing_ok=True)
    archive = Archive(place)
    for name, method in (("done", "evolution"), ("other", "random")):
        config = {
            "data": "digits",
            "encoding": SPEC,
            "trials": 3,
            "objectives": "val_accuracy,params",
            "limits": ["params<=5"],
        }
        config["out"] = str(place.parent / "out")
        archive.add_run(
            RunRecord(name, TASK, SPEC, method, config=config, versions={"evonas": "0.1"}, command="evonas search")
        )
        for i, genome in enumerate(GENOMES[:3]):
            good = Evaluation(
                Candidate(genome, parents=(GENOMES[0],)), {"val_accuracy": i / 4, "params": 10.0 * i}, 1.0
            )
            bad = Evaluation.failure(Candidate(genome, 0.5), "ValueError: no", 2.0)
            archive.append(Trial(name, i, i, bad if i == 1 else good, i + 1.0))
        archive.update_run(name, status="done", result={"run": name, **RESULT})
    return archive


def archives(folder: Path) -> Sequence[bytes]:
    filled(folder / "seed.db").close()
    import sqlite3

    with sqlite3.connect(folder / "seed.db") as db:
        db.execute("PRAGMA journal_mode=DELETE")
    return [(folder / "seed.db").read_bytes()]


@contextmanager
def _opened(path: Path) -> Iterator[Archive]:
    for beside in (
        *path.parent.glob(f"{path.name}-*"),
        *path.parent.glob(f"{path.name}.v*"),
        *path.parent.glob(f"{path.name}@*"),
    ):
        beside.unlink()
    archive = Archive(path)
    try:
        yield archive
    finally:
        archive.close()


def look(archive: Archive) -> None:
    """At all that it holds."""
    archive.runs(), archive.trials(), archive.counts(), archive.summary()
    for row in archive_io.rows(archive):
        assert isinstance(row["run"], str)  # which may be empty: somebody else wrote it
    archive.trials(encoding="cell"), archive.run("done")


def read_archive(path: Path) -> None:
    with _opened(path) as archive:
        look(archive)


def show_archive(path: Path) -> None:
    """Whatever a person looks at it with; each has a go, and the last error counts."""
    shutil.rmtree(path.parent / "out", ignore_errors=True)
    with _opened(path) as archive, redirect_stdout(io.StringIO()):
        pages = Pages(archive)
        pages.runs(), pages.compared(["done", "other"]), pages.state("done"), pages.report("other")
        for as_json in (False, True):
            runs_list(str(path), as_json)
            runs_show("done", str(path), as_json)
        report_again(archive, "done", str(path.parent / "out"))


def memories(folder: Path) -> Sequence[bytes]:
    archive = filled(folder / "seed.db")
    archive_io.write_parquet(archive, folder / "seed.parquet")
    archive.close()
    return [(folder / "seed.parquet").read_bytes()]


def read_memory(path: Path) -> None:
    """What was taken in can be read."""
    with _opened(path.with_name("taken.db")) as archive:
        for run in archive.runs():
            archive.delete_run(run.name)
        archive_io.absorb(archive, archive_io.read_parquet(path))
        archive.runs(), archive.trials(), archive.summary()


def _benchmark_folder(folder: Path) -> None:
    files = folder / "benchmark_runs"
    files.mkdir(parents=True, exist_ok=True)
    (folder / "suite.json").write_text(json.dumps({"name": "s", "table": "nasbench201", "tasks": [{"name": "t"}]}))
    (files / "good.json").write_bytes(benchmark_run())


def benchmark_run() -> bytes:
    rows = [{"trial": i, "best": 0.5, "regret": 0.1, "test": 0.5, "seconds": 1.0, "overhead": 0.01} for i in range(3)]
    made = {"task": "t", "method": "random", "seed": 0, "trials": 3, "maximize": True, "objective": "val_accuracy"}
    return _json({**made, "own": 0.01, "rows": rows, "reason": "no"})[0]


def benchmark_runs(folder: Path) -> Sequence[bytes]:
    _benchmark_folder(folder)
    return [benchmark_run()]


def read_benchmark_run(path: Path) -> None:
    folder = path.parent.parent
    path.with_name("t.failed").write_bytes(path.read_bytes())
    benchmark_folder.load(folder, BenchmarkRun("t", "random", 0), 3)
    reading.read_curves(folder)
    reading.read_failed(folder)


def identities(folder: Path) -> Sequence[bytes]:
    _benchmark_folder(folder)
    return [(folder / "suite.json").read_bytes()]


def read_identity(path: Path) -> None:
    reading.read_suite(path.parent)
    reading.read_curves(path.parent)
    with suppress(EvonasError):  # it is another's, or the same
        benchmark_folder.claim(path.parent, {"name": "s"})


def commands(folder: Path) -> Sequence[bytes]:
    _benchmark_folder(folder)
    return _json({"command": "evonas bench run s", "versions": {"evonas": "0.1"}, "hardware": "x", "description": ""})


def read_commands(path: Path) -> None:
    reading.read_runs(path.parent)


def trusted(folder: Path) -> Sequence[bytes]:
    return _json({"X a1b2": {"name": "x.py:X", "since": "2025-01-01"}})


def read_trusted(path: Path) -> None:
    before = os.environ["XDG_CONFIG_HOME"]
    target = path.parent / "evonas"
    target.mkdir(exist_ok=True)
    shutil.copy(path, target / "trusted.json")
    os.environ["XDG_CONFIG_HOME"] = str(path.parent)
    try:
        trust.admit(["nowhere.py:X", "cell(width=3)"], source="a test")
    finally:
        os.environ["XDG_CONFIG_HOME"] = before


def latencies(folder: Path) -> Sequence[bytes]:
    return _json({"device": "cpu", "torch": "2", "threads": 1, "milliseconds": {"conv 3": 0.5, "relu": 0.25}})


def read_latencies(path: Path) -> None:
    table = LatencyTable(folder=path.parent)
    assert table.path
    shutil.copy(path, table.path)
    assert all(isinstance(value, float) for value in table._read().values())


def saids(folder: Path) -> Sequence[bytes]:
    return _json(
        {"running": [{"genome": "[1]", "fidelity": 0.5, "began": 1.0}], "note": "x"}, {"running": [], "note": ""}
    )


def read_said(path: Path) -> None:
    archive = Archive(path.parent / "said.db")
    try:
        shutil.copy(path, locks._path(archive, "r"))
        underway(archive, "r")
    finally:
        archive.close()
