"""Wrong inputs of all commands and of Python: each is refused in a line with a way out, and nothing is left behind."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import evonas as package
from evonas import ImageClassifier, SeriesClassifier
from evonas.app import job
from evonas.app.config import SearchConfig
from evonas.app.exporting import export
from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation, Trial
from evonas.memory.archive import Archive
from tests.commands import evonas

LINES = [line for line in (Path(__file__).parent / "wrong_inputs.txt").read_text().splitlines() if line[:1] != "#"]
HELPS = ("runs", "data", "memory", "surrogate", "bench")  # without a further word: the help, and exit code 2
CELL = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|"
X = np.arange(40 * 64).reshape(40, 8, 8).astype(np.uint8)
Y = np.arange(40) % 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Good and bad files, and an archive with a run that is done."""
    made = tmp_path_factory.mktemp("wrong")
    (made / "a_file").write_text("this is a text, " * 100)
    (made / "a_folder").mkdir()
    (made / "empty.npz").write_bytes(b"")
    arrays = {
        "one_class": (X, Y * 0),
        "mismatch": (X, Y[:-1]),
        "nan": (np.where(X == 3, np.nan, X), Y),
        "words": (np.array(["a", "b"] * 20), Y),
        "flat": (X.reshape(40, -1), Y),
        "few": (X[:3], Y[:3]),
        "pickled": (np.array([{}] * 40, dtype=object), Y),
    }
    for name, (x, y) in arrays.items():
        np.savez(made / f"{name}.npz", x_train=x, y_train=y)
    texts = {
        "mine.py": "number = 3\ndef score(candidate, task, seed):\n    return {'f1': 0.5}\n"
        "def raises(argument='', root=None):\n    raise RuntimeError('no disk')\n",
        "broken.py": "def load(:\n",
        "unknown.toml": "trails = 3\n",
        "wrong.toml": "trials = 'x'\n",
        "nested.toml": "[search]\ntrials = 3\n",
        "digits.toml": "trials = 3\n",
        "labels.csv": "path,kind\nno/where.png,a\nno/there.png,b\n",
        "theirs/result.json": '{"run": "other"}',
    }
    for name, text in texts.items():
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_text(text)
    archive = Archive(made / "archive.db")
    common = {"data": "digits", "encoding": "cell(width=4)", "trials": 2, "surrogate": "none"}
    for run, objectives in (("done", "val_accuracy"), ("front", "val_accuracy,params")):
        config = {"name": run, "objectives": objectives, "out": str(made / "runs" / run)}
        options = SearchConfig.make({**common, **config, "archive": str(made / "archive.db")})
        archive.add_run(job.prepare(options).record)
        for number in range(2):
            metrics = {"val_accuracy": number / 4, "params": 1000.0 + number}
            archive.append(Trial(run, number, number, Evaluation(Candidate(CELL), metrics, 1.0), 1.0))
        archive.update_run(run, status="done")
    archive.close()
    return made


def files(folder):
    return {path for path in folder.rglob("*") if not re.match(r"archive\.db|__pycache__", path.name)}


def test_there_are_many():
    assert len(LINES) + len(CALLS) >= 660
    assert len(set(LINES)) == len(LINES)


@pytest.mark.parametrize(
    "line",
    [pytest.param(line, marks=[pytest.mark.thorough] if number % 16 else []) for number, line in enumerate(LINES)],
)
def test_a_wrong_line_is_refused_in_one_with_a_way_out(folder, line):
    there, words = files(folder), shlex.split(line)
    done = evonas(*words, cwd=folder, ok=False)
    assert files(folder) == there
    assert "Traceback" not in done.stderr
    if tuple(words) in [(name,) for name in HELPS]:
        assert (done.returncode, done.stderr) == (2, "")
        assert "Usage: evonas" in done.stdout
        return
    assert (done.returncode, done.stdout) == (2, "")  # refused before anything is said, or done
    assert re.fullmatch(r"evonas: [^\n]+\n", done.stderr)
    parts = re.findall(r"\w+", " ".join(words[1:] or words).lower())  # it names what it is about
    otherwise = "''|missing|no option|nothing to|x has shape"
    assert any(part in done.stderr.lower() for part in parts) or re.search(otherwise, done.stderr)
    assert not re.search(r"there are ,|\bNone\b|--out.*runs move", done.stderr)


def search(*arrays, **options):
    given = {"callbacks": (), **({} if "deadline" in options else {"trials": 1, "epochs": 1}), **options}
    return lambda: package.search(*arrays, **given)


class Odd:
    """No encoding, no callback, nothing."""


def score(candidate, task, seed):
    return {"f1": 0.5}


CALLS = {
    "no arrays": search(),
    "no labels": search(X),
    "labels alone": search(None, Y),
    "one label less": search(X, Y[:-1]),
    "one class": search(X, Y * 0),
    "rows": search(X.reshape(40, -1), Y),
    "a number": search(np.float32(3), Y),
    "a list of numbers": search(np.arange(40), Y),
    "six axes": search(X.reshape(40, 2, 2, 4, 4, 1), Y),
    "no images": search(X[:0], Y[:0]),
    "paths": search(["a.png"] * 40, Y),
    "objects": search(np.array([None] * 40, dtype=object), Y),
    "NaN": search(np.where(X == 3, np.nan, X), Y),
    "infinite": search(np.where(X == 3, np.inf, X), Y),
    "labels of NaN": search(X, np.where(Y == 0, np.nan, 1.0)),
    "half labels": search(X, Y + 0.5),
    "one-hot labels": search(X, np.stack([Y, Y], 1)),
    "labels of None": search(X, [None] * 40),
    "complex": search(X.astype(complex), Y),
    "three images": search(X[:3], Y[:3]),
    "a dict": search({"a": 1}, Y),
    "x_test alone": search(X, Y, X),
    "y_test alone": search(X, Y, None, Y),
    "another size to test": search(X, Y, X[:, :4], Y),
    "other classes to test": search(X, Y, X, Y + 7),
    "x_val alone": search(X, Y, x_val=X),
    "another size to validate": search(X, Y, x_val=X[:, :4], y_val=Y),
    "one class name": search(X, Y, class_names=["a"]),
    "a class name twice": search(X, Y, class_names=["a", "a"]),
    "channels": search(X, Y, channels="middle"),
    "flip": search(X, Y, flip="yes"),
    "domain": search(X, Y, domain="sounds"),
    "no domain": search(X, Y, domain=None),
    "a misspelt option": search(X, Y, trails=3),
    "no trials": search(X, Y, trials=0),
    "trials of bool": search(X, Y, trials=True),
    "trials in words": search(X, Y, trials="x"),
    "half trials": search(X, Y, trials=1.5),
    "trials in a list": search(X, Y, trials=[3]),
    "epochs": search(X, Y, epochs=-1),
    "seconds of NaN": search(X, Y, seconds=float("nan")),
    "deadline 0": search(X, Y, deadline=0),
    "deadline in words": search(X, Y, deadline="soon"),
    "seed": search(X, Y, seed=-1),
    "no seed": search(X, Y, seed=None),
    "a path for a name": search(X, Y, name="a/b"),
    "a number for a name": search(X, Y, name=3),
    "out is a file": search(X, Y, out="a_file"),
    "out is nothing": search(X, Y, out=""),
    "out is a number": search(X, Y, out=3),
    "archive is a folder": search(X, Y, archive="a_folder"),
    "archive is a file": search(X, Y, archive="a_file"),
    "archive is a number": search(X, Y, archive=3),
    "encoding": search(X, Y, encoding="cel"),
    "encoding of a class": search(X, Y, encoding=Odd),
    "encoding of an object": search(X, Y, encoding=Odd()),
    "encoding with an option": search(X, Y, encoding="cell(x=1)"),
    "method": search(X, Y, method="evo"),
    "method of a number": search(X, Y, method=3),
    "surrogate": search(X, Y, surrogate="x"),
    "no surrogate": search(X, Y, surrogate=None),
    "objectives": search(X, Y, objectives="acc"),
    "objectives in a list": search(X, Y, objectives=["val_accuracy"]),
    "limits": search(X, Y, limits="params"),
    "limits in a dict": search(X, Y, limits={"params": 3}),
    "percent for a fraction": search(X, Y, limits="val_accuracy>=90"),
    "a metric's name": search(X, Y, metrics={"a b": score}),
    "a metric without a name": search(X, Y, metrics=score),
    "a metric of a number": search(X, Y, metrics={"energy": 3}),
    "callbacks of a number": search(X, Y, callbacks=[3]),
    "one callback": search(X, Y, callbacks=Odd()),
    "callbacks in words": search(X, Y, callbacks="no"),
    "evaluator and arrays": search(X, Y, evaluator=score),
    "evaluator without an encoding": lambda: package.search(evaluator=score),
    "evaluator of a number": search(evaluator=3, encoding="cell"),
    "evaluator in words": search(evaluator="nowhere.py:f", encoding="cell"),
    "workers": search(X, Y, workers=0),
    "device": search(X, Y, device="tpu"),
    "executor": search(X, Y, executor="x"),
    "tta": search(X, Y, tta=True),
    "ensemble": search(X, Y, ensemble=2),
    "timeout": search(X, Y, timeout=-1),
    "strict": search(X, Y, strict="maybe"),
    "load nowhere": lambda: package.load("nowhere"),
    "load a file": lambda: package.load("a_file"),
    "load a folder": lambda: package.load("a_folder"),
    "load None": lambda: package.load(None),  # type: ignore[arg-type]
    "resume nothing": lambda: job.resume("nosuch"),
    "resume None": lambda: job.resume(None),  # type: ignore[arg-type]
    "rows without a shape": lambda: ImageClassifier(trials=1).fit(X.reshape(40, -1), Y),
    "another shape": lambda: ImageClassifier(trials=1, image_shape=(3, 3)).fit(X.reshape(40, -1), Y),
    "a shape in words": lambda: ImageClassifier(trials=1, image_shape="8x8").fit(X.reshape(40, -1), Y),  # type: ignore[arg-type]
    "a name that is taken": search(X, Y, name="done"),
    "an option of an executor": search(X, Y, executor="processes(x=1)"),
    "an executor of a number": search(X, Y, executor="mine.py:number"),
    "two answers to how many": search(X, Y, workers=2, per_device=2),
    "together on a cluster": search(X, Y, together=2, executor="dask"),
    "a tracker twice": search(X, Y, track="tensorboard,tensorboard"),
    "an unknown format": lambda: export("front", "o", formats=("zip",)),  # type: ignore[arg-type]
    "a format in letters": lambda: export("front", "o", formats="onx"),  # type: ignore[arg-type]
    "a pick of no front": lambda: export("done", "o", pick="knee"),
    "a pick that is none": lambda: export("front", "o", pick="knees"),
    "a pick beyond the front": lambda: export("front", "o", pick=3),
    "an export to a file": lambda: export("front", "a_file", pick=1),
    "an export into another run's": lambda: export("front", "theirs", pick=1),
    "an export of nothing": lambda: export("front"),
    "no trials of a classifier": lambda: ImageClassifier(trials=0).fit(X, Y),
    "one class of a classifier": lambda: ImageClassifier(trials=1).fit(X, Y * 0),
    "NaN of a classifier": lambda: ImageClassifier(trials=1).fit(np.where(X == 3, np.nan, X), Y),
    "encoding of a classifier": lambda: ImageClassifier(trials=1, encoding="cel").fit(X, Y),
    "groups of another length": lambda: ImageClassifier(trials=1).fit(X, Y, groups=Y[:-1]),
    "one group of a classifier": lambda: ImageClassifier(trials=1).fit(X, Y, groups=Y * 0),
    "start of a classifier": lambda: ImageClassifier(trials=1, start=["nothing"]).fit(X, Y),
    "balance of a classifier": lambda: ImageClassifier(trials=1, balance="maybe").fit(X, Y),  # type: ignore[arg-type]
    "predict before fit": lambda: ImageClassifier(trials=1).predict(X),
    "encoding of series": lambda: SeriesClassifier(trials=1, encoding="cel").fit(X, Y),
    "one label less of series": lambda: SeriesClassifier(trials=1).fit(X.reshape(40, -1), Y[:-1]),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_wrong_call_is_refused_with_a_way_out(folder, what, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("EVONAS_ARCHIVE", str(folder / "archive.db"))
    there = files(folder)
    estimator = re.search("classifier|series|shape|predict", what)  # scikit-learn wants ValueErrors, and has its own
    with pytest.raises(ValueError if estimator else EvonasError, match="[.,;:]") as refused:
        CALLS[what]()
    assert estimator or "\n" not in str(refused.value)
    assert files(folder) == there
