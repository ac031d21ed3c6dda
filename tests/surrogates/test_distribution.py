"""Meta-training: the tasks' runs go on where they stopped, and what they teach is judged on the task left out."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from evonas.app.cli import app
from evonas.core.errors import EvonasError
from evonas.core.trust import given
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.encodings.cell import CellEncoding
from evonas.memory.archive import Archive, RunRecord
from evonas_surrogates.distribution import _named, expected_best, leave_one_out, meta_train, work

CELL = CellEncoding()
EXAMPLES = Path(__file__).parents[2] / "examples"


def fill(archive, name, n=30, best="nor_conv_3x3", **config):
    """A run whose cells are the better the more there is of one operation; the third failed."""
    task = Task(name, (1, 8, 8), 10, {"size": float(len(best))}, "".join(f"{ord(letter):x}" for letter in name))
    archive.add_run(RunRecord(name, task, "cell", "random", config={"objectives": "val_accuracy", **config}))
    rng = np.random.default_rng([n, len(name)])
    for i in range(n):
        candidate = Candidate(CELL.canonical(CELL.sample(rng)))
        value = candidate.genome.count(best) / 10 + 0.001 * rng.random()
        found = Evaluation.failure(candidate, "no") if i == 2 else Evaluation(candidate, {"val_accuracy": value})
        archive.append(Trial(name, i, i, found))


def test_who_knows_the_other_task_chooses_better_than_chance(tmp_path):
    archive = Archive(tmp_path / "a.db")
    for name in ("one", "other"):
        fill(archive, name)
    fill(archive, "not of the distribution", best="none")
    judged = leave_one_out(["one", "other"], 3, str(tmp_path / "a.db"))
    assert [one.task for one in judged] == ["one", "other"]
    for one in judged:
        assert one.random < min(one.ranker, one.generator) <= one.best
    assert np.mean([one.best - one.generator for one in judged]) < 0.5 * np.mean(
        [one.best - one.random for one in judged]
    )


def test_what_cannot_be_judged_is_left_out(tmp_path):
    archive = Archive(tmp_path / "a.db")
    fill(archive, "one")
    fill(archive, "empty", n=1)
    (judged,) = leave_one_out(["one", "empty"], 3, str(tmp_path / "a.db"))
    assert judged.task == "one"


@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_best_of_some_at_random(k):
    values = np.array([0.3, 0.1, 0.7, 0.7, 0.2])
    mean = np.mean([max(some) for some in combinations(values, k)])
    assert expected_best(values, k) == pytest.approx(mean)


def test_runs_are_called_after_their_data():
    sources = ["digits", "torchvision:MNIST", "npz:some/where.npz", "folder:photos/?size=32", "hf:a/b/"]
    assert [_named(source) for source in sources] == ["digits", "MNIST", "where", "photos", "b"]


def test_wrong_wishes_are_one_line_before_anything_is_trained(tmp_path):
    where = str(tmp_path / "a.db")
    with pytest.raises(EvonasError, match="are not two or more that differ by name"):
        next(work(["digits"], archive=where))
    given(f"{EXAMPLES}/custom_encoding.py:Chain")
    with pytest.raises(EvonasError, match=r"'Chain' has no space\(\)"):
        next(work(["digits", "npz:a.npz"], encoding=f"{EXAMPLES}/custom_encoding.py:Chain", archive=where))
    fill(Archive(where), "meta-digits", data="digits", encoding="cell", method="random", surrogate="none", epochs=3)
    with pytest.raises(
        EvonasError, match="'meta-digits' was begun with epochs 3, not 2; give the same, or another --name"
    ):
        next(work(["digits", "npz:a.npz"], encoding="cell", epochs=2, archive=where))
    assert [run.name for run in Archive(where).runs()] == ["meta-digits"]


def test_a_root_is_for_those_tasks_that_have_one(tmp_path, monkeypatch):
    options = {"encoding": "cell(width=2)", "train_size": 80, "epochs": 1, "archive": str(tmp_path / "a.db")}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_file").touch()  # where nothing can be downloaded to
    found = work(["digits", "torchvision:MNIST"], root=str(tmp_path / "a_file"), **options)
    run, prepared, _ = next(found)
    assert (run, prepared.config.root) == ("meta-digits", None)
    with pytest.raises(EvonasError, match=r"MNIST .*a_file"):
        next(found)
    with pytest.raises(EvonasError, match="--root here is where torchvision's .* none of 'digits,npz:a.npz' is one"):
        next(work(["digits", "npz:a.npz"], root="here", **options))


@pytest.mark.thorough
def test_the_command_trains_what_is_missing_and_no_more(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savez("bright.npz", x_train=rng.integers(0, 255, (120, 6, 6), np.uint8), y_train=np.arange(120) % 2)
    words = [
        "meta-train",
        "--tasks",
        "digits,npz:bright.npz",
        "--encoding",
        "cell(width=2)",
        "--archive",
        "a.db",
        "--json",
    ]
    words += ["--epochs", "1", "--train-size", "80"]

    def said(trials):
        done = CliRunner().invoke(app, [*words, "--trials", str(trials)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout), {run.name: Archive("a.db").counts(run.name) for run in Archive("a.db").runs()}

    first, before = said(2)
    assert first["runs"] == list(before) == ["meta-digits", "meta-bright"]
    again, same = said(2)
    assert (again, same) == (first, before)
    more, _ = said(3)
    assert [one["trainings"] for one in more["judged"]] >= [one["trainings"] for one in first["judged"]]
    assert len(Archive("a.db").trials("meta-bright")) == 3
    judged = meta_train(
        ["digits", "npz:bright.npz"], encoding="cell(width=2)", archive="a.db", trials=3, epochs=1, train_size=80
    )
    assert len(judged) == len(more["judged"])
