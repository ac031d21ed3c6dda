"""Valid words of the command line, and how they are read; nothing here opens a file."""

from __future__ import annotations

import io
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from evonas.app import cli
from evonas.app.config import SearchConfig, check_name
from evonas.app.config import specs as specs_of
from evonas.app.timetable import seconds
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.goals import Constraint, Goal
from evonas.core.own_metrics import split_name
from evonas.core.specs import home_name, mentioned, plain_name, split_spec, split_specs, split_target
from evonas.core.types import Task
from evonas.domains.images.source_options import SourceOptions
from evonas.encodings.cell import CellEncoding
from evonas.encodings.make import make_encoding
from evonas.memory.places import is_url, located, shown, url_of
from evonas.search.methods import make_method, spelled
from tests.torture.reading_files import filled

CONTEXT = SearchContext(CellEncoding(), task=Task("t", (1, 8, 8), 2))
NO_DATA = "npz:/nowhere/x.npz"  # so that no search begins
REFUSES, LEAVES = 2, (0, 1, 2, 130)  # exit codes


def _of(*texts: str) -> Callable[[Path], Sequence[bytes]]:
    return lambda folder: [text.encode() for text in texts]


specs = _of(
    "cell",
    "cell(width=32)",
    "macro",
    "net(depth=2)",
    "mine.py:Mine",
    "a (1)/b.py:X(of='c.py:Y')",
    "package.module:Class.Inner",
)
methods = _of(
    "evolution(population=30)+meta(pool=32, refine=0)", "random", "aging", "nsga2",
    "halving(searcher='aging')+boosting",    "local+meta(trees=20)", "evolution(population=4)+meta(explore=0.5)",
)  # fmt: skip
goals = _of(
    "val_accuracy|params<=200000",
    "val_accuracy,params,-flops",
    "f1:max|val_accuracy>=0.9|latency_ms<=2e-1",
    "regret:min|a.b>=1_0",
)
durations = _of("90s", "10m", "1h30m", "2.5h", "45", ".5m")
names = _of("digits-net-1", "a.b_c-9", "run")
sources = _of("photos?size=48&fit=crop", "labels.csv?image=path&label=kind", "train-{000..002}.tar?label=json.kind")
places = _of("a.db", "sqlite:///a.db", "postgresql://me:secret@host:5432/db?sslmode=on", "~/a.db", "file:x?mode=ro")
metrics = _of("energy=my.py:joules", "my.py:energy", "tensorboard,mlflow(experiment='a,b')", "package.module:f(x=1)")
lines = _of(
    "runs list --json", "runs show done", "runs show done --json", "runs delete none --yes", "report done --out o",
    "plugins", "plugins cell", "predict done 1.png --fit pad", "export done --format onnx --out o",
    "memory export m.parquet", "memory import m.parquet", "memory", "memory forget t --yes", "memory merge b.db",
    "surrogate show m.safetensors", "compare done other", "bench report folder", "data list",
    "search --trials 3 --name x",
    "search --deadline 5m --method evolution+meta --encoding cell(width=4)", "search c.toml --limit params<=3",
    "search --objectives val_accuracy,params --workers 2 --device cpu --seed 5 --track mlflow",
    "runs gc", "runs move done o",
)  # fmt: skip


def read_spec(text: str) -> None:
    split_spec(text)
    plain_name(text), home_name(text), split_target(text), list(mentioned(text))
    make_encoding(text)


def read_method(text: str) -> None:
    spelled(text)
    make_method(text, CONTEXT)


def read_goal(text: str) -> None:
    objectives, *limits = text.split("|")
    assert Goal.parse(objectives, limits).metrics
    for one in limits:
        again = Constraint.parse(str(Constraint.parse(one)))
        assert again == Constraint.parse(one)
    SearchConfig.make({"objectives": objectives, "limits": limits})


def read_duration(text: str) -> None:
    SearchConfig.make({"deadline": text, "data": "digits"})
    assert text == "auto" or seconds(text) > 0


def read_name(text: str) -> None:
    for recorded in (False, True):
        name = check_name(text, recorded=recorded)
        assert Path("runs", name).parent == Path("runs")
        assert name not in (".", "..")
    SearchConfig.make({"name": text})


def read_source(text: str) -> None:
    found = SourceOptions.of("csv", text, ("image", "label"))
    assert found.size is None or 4 <= found.size <= 1024


def read_place(text: str) -> None:
    assert "://me:secret@" not in shown(text)
    if not is_url(located(text)):
        Path(located(text))
    url_of(located(text))


def read_metric(text: str) -> None:
    split_name(text), split_specs(text)
    config = SearchConfig.make({"metrics": [text], "track": text})
    specs_of(config.model_dump())


def read_line(text: str) -> None:
    """The whole command, in this process; refused where its exit code says so. It never begins a search."""
    try:
        given = [word.replace("\0", "") for word in shlex.split(text)]
    except ValueError:
        given = text.replace("\0", "").split()
    if {"watch", "ui", "resume", "doctor", "run", "make", "fit", "evaluate", "compare", "--live"} & set(
        given
    ) or "/" in text.replace("--", ""):
        return  # what serves, computes for minutes, or writes to another folder
    if "search" in given:
        given += ["--data", NO_DATA]
    code: object = None
    before, folder, archive = sys.argv, Path.cwd(), Path(os.environ["EVONAS_ARCHIVE"])
    if not archive.exists():
        filled(archive).close()
    said, printed = io.StringIO(), io.StringIO()
    sys.argv = ["evonas", *given]
    try:
        with redirect_stderr(said), redirect_stdout(printed):
            cli.main()
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.argv = before
        os.chdir(folder)
    assert code in LEAVES, code
    words = said.getvalue().strip()
    assert "Traceback" not in words, words
    if code == REFUSES:
        raise EvonasError(words.splitlines()[-1] if words else "the help")
