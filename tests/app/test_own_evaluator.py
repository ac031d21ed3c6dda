"""A search by a function of one's own: recorded, resumed and reported as any other."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import evonas
from evonas.app.config import SearchConfig
from evonas.app.job import carry_out, prepare, resume
from evonas.core import plugins, trust
from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation
from evonas.domains.evaluator import OwnEvaluator, Scored
from evonas.encodings.categorical import CategoricalEncoding
from evonas.memory.archive import Archive
from tests.commands import Done
from tests.commands import evonas as evonas_command

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_evaluator.py"
CODE = """
import time
from evonas.encodings.categorical import CategoricalEncoding

class Space(CategoricalEncoding):
    def __init__(self):
        super().__init__({"a": tuple(range(8)), "b": tuple(range(8))})

def score(candidate, task, seed):
    a, b = candidate.genome
    if a == 7:
        raise ValueError("seven is no number of anything")
    if b == 7:
        time.sleep(60)
    return {"f1": 1 - abs(a - 3) / 10 - abs(b - 3) / 10, "cost": a, "fidelity": candidate.fidelity, "seed": seed}
"""


class Space(CategoricalEncoding):
    def __init__(self):
        super().__init__({"a": tuple(range(8)), "b": tuple(range(8))})


def score(candidate, task, seed):
    a, b = candidate.genome
    return {"f1": np.float32(1 - abs(a - 3) / 10 - abs(b - 3) / 10), "cost": np.int64(a)}


def options(folder: Path, **further):
    places = {"archive": str(folder / "a.db"), "out": str(folder / "out"), "name": "run"}
    return {**places, "objectives": "f1:max", "trials": 12, **further}


def command(folder: Path, *words: str) -> subprocess.CompletedProcess:
    env = {**os.environ, "EVONAS_ARCHIVE": str(folder / "a.db")}
    line = [sys.executable, "-m", "evonas.app.cli", *words]
    return subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, timeout=200)


def in_here(folder: Path, *words: str, ok: bool = True) -> Done:
    """The command in this process, as if it were a new one: what it imports of the user's is forgotten."""
    before = {module.__name__ for module in plugins.loaded_modules()}
    try:
        return evonas_command(*words, cwd=folder, ok=ok, EVONAS_ARCHIVE=str(folder / "a.db"))
    finally:
        trust.trust_everything(False)
        for module in plugins.loaded_modules():
            if module.__name__ not in before:
                del sys.modules[module.__name__]


def test_from_python(tmp_path):
    found = evonas.search(evaluator=score, encoding=Space(), **options(tmp_path))
    trials = Archive(tmp_path / "a.db").trials("run")
    best = max(trials, key=lambda trial: trial.evaluation.metrics["f1"])
    assert tuple(found["genome"]) == best.evaluation.candidate.genome
    assert found["trials"] == len(trials) == 12
    task = Archive(tmp_path / "a.db").run("run").task
    assert (task.name, task.domain, task.input_shape, task.n_classes) == ("score", "evaluator", (), 0)
    assert json.loads((tmp_path / "out" / "genome.json").read_text())["genome"] == list(found["genome"])
    assert not (tmp_path / "out" / "model.safetensors").exists()
    with pytest.raises(EvonasError, match="names a genome, and no network"):
        evonas.load(tmp_path / "out")


def test_the_memory_learns_from_another_evaluator(tmp_path):
    def other(candidate, task, seed):
        return {"f1": -score(candidate, task, seed)["f1"]}

    evonas.search(evaluator=score, encoding=Space(), **options(tmp_path, name="one", out=str(tmp_path / "one")))
    second = options(tmp_path, name="two", out=str(tmp_path / "two"), trials=2)
    memory = evonas.search(evaluator=other, encoding=Space(), **second)["memory"]
    assert "no earlier tasks" not in " ".join(memory)


@pytest.mark.thorough
def test_several_workers_failures_and_timeouts(tmp_path):
    (tmp_path / "my.py").write_text(CODE)
    config = options(tmp_path, workers=2, timeout=5.0, trials=40, surrogate="none", method="random", seed=1)
    config |= {"evaluator": f"{tmp_path / 'my.py'}:score", "encoding": f"{tmp_path / 'my.py'}:Space"}
    from evonas.core import trust

    trust.given(config["evaluator"], config["encoding"])
    found = carry_out(prepare(SearchConfig.make(config)))
    by_genome = {t.evaluation.candidate.genome: t.evaluation for t in Archive(tmp_path / "a.db").trials("run")}
    assert len(by_genome) == 40
    sevens = [e for (a, _), e in by_genome.items() if a == 7]
    slow = [e for (a, b), e in by_genome.items() if b == 7 and a != 7]
    assert sevens
    assert all("ValueError: seven is no number of anything" in (e.error or "") for e in sevens)
    assert slow
    assert all("timeout" in (e.error or "") for e in slow)
    assert found["failed"] == len(sevens) + len(slow)
    assert all(e.metrics["seed"] == 1 for e in by_genome.values() if e.ok)


def test_resumed_as_if_it_had_never_stopped(tmp_path):
    class Stopping:
        told_trials = 0

        def started(self, task, told): ...
        def asked(self, number, candidate): ...
        def ended(self, reason): ...

        def told(self, trial):
            self.told_trials += 1
            if self.told_trials == 5:
                raise KeyboardInterrupt

    evonas.search(evaluator=score, encoding=Space(), **options(tmp_path / "whole"))
    from evonas.app.job import Interrupted

    with pytest.raises(Interrupted):
        evonas.search(evaluator=score, encoding=Space(), **options(tmp_path / "parts"), callbacks=[Stopping()])
    given = {"data": OwnEvaluator.of(score), "encoding": Space()}
    resume("run", archive=str(tmp_path / "parts" / "a.db"), **given)
    genomes = [
        [trial.evaluation.candidate.genome for trial in Archive(tmp_path / part / "a.db").trials("run")]
        for part in ("whole", "parts")
    ]
    assert genomes[0] == genomes[1]

    def other(candidate, task, seed):
        return {}

    with pytest.raises(EvonasError, match="the evaluator .* of run 'run' has changed since"):
        resume(
            "run", archive=str(tmp_path / "parts" / "a.db"), data=OwnEvaluator.of(other), encoding=Space(), trials=20
        )


def test_halving_hands_the_fidelity_on(tmp_path):
    seen = []

    def fast(candidate, task, seed):
        seen.append(candidate.fidelity)
        return score(candidate, task, seed)

    evonas.search(evaluator=fast, encoding=Space(), **options(tmp_path, method="halving(eta=2)", surrogate="none"))
    assert {0.25, 0.5} <= set(seen)
    assert list((tmp_path / "out").glob("trainings*")) == []


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ([1, 2], "TypeError.*'scored' returned a list, not a mapping"),
        ({"f1": "high"}, "TypeError: the metric 'f1' is a str, not a number"),
        ({"f1": None}, "the metric 'f1' is a NoneType"),
        (
            {"accuracy": 1.0},
            "ValueError: the evaluator 'scored' gave no 'f1', which is searched for; it gave 'accuracy'",
        ),
        ({}, "it gave nothing"),
    ],
)
def test_a_result_that_is_not_valid_is_a_failed_trial(tmp_path, returned, words):
    def scored(candidate, task, seed):
        return returned

    found = evonas.search(evaluator=scored, encoding=Space(), **options(tmp_path, trials=2, surrogate="none"))
    assert found["genome"] is None
    errors = [trial.evaluation.error for trial in Archive(tmp_path / "a.db").trials("run")]
    assert len(errors) == 2
    for error in errors:
        assert error is not None
        assert re.search(words, error)


def test_metrics_of_every_type_of_number():
    import torch

    metrics = {"a": np.float32(0.5), "b": torch.tensor(2), "c": True, "d": np.int8(3), "e": 10**400, "f": 1}
    scored = Scored(OwnEvaluator.of(lambda candidate, task, seed: metrics))
    found = scored(Candidate((1,)), scored.data.task, 0).metrics
    assert found == {"a": 0.5, "b": 2.0, "c": 1.0, "d": 3.0, "e": float("inf"), "f": 1.0}
    assert {type(value) for value in found.values()} == {float}


def test_an_evaluation_is_taken_as_it_is():
    def whole(candidate, task, seed):
        return Evaluation(candidate, {"f1": 0.5}, 99.0)

    scored = Scored(OwnEvaluator.of(whole), ["f1"])
    assert scored(Candidate((1,)), scored.data.task, 0).seconds == 99.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 3}, "--epochs 3 means nothing to an evaluator of your own"),
        ({"device": "cpu"}, "--device cpu means nothing"),
        ({"stop_early": 0.5}, "--stop-early 0.5 means nothing"),
        ({"data": "digits"}, "--evaluator .* and --data 'digits' exclude one another"),
        ({"encoding": None}, "needs an encoding; give --encoding"),
        ({"evaluator": lambda candidate: {}}, "cannot be called with .candidate, task, seed."),
        ({"x": np.zeros(3)}, "give either arrays or an evaluator"),
        ({"evaluator": None}, "a search needs arrays x and y, or evaluator="),
    ],
)
def test_options_that_are_not_valid(tmp_path, change, words):
    given = {"evaluator": score, "encoding": Space(), **options(tmp_path), **change}
    with pytest.raises(EvonasError, match=words) as raised:
        evonas.search(**given)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.thorough
def test_from_the_command_line(tmp_path):
    """Searched, reported after its file is gone, refused after it has changed, resumed when it is back.

    Resuming is a process of its own, which knows only what is remembered; the others are this one, for speed.
    """
    (tmp_path / "my.py").write_text(CODE.replace("time.sleep(60)", "pass"))
    words = ["search", "--evaluator", "my.py:score", "--encoding", "my.py:Space", "--objectives", "f1:max,cost:min"]
    done = in_here(tmp_path, *words, "--trials", "6", "--name", "mine", "--method", "nsga2", "--surrogate", "none")
    assert "f1" in done.stdout
    folder = tmp_path / "runs" / "mine"
    assert {path.name for path in folder.iterdir()} == {"report.html", "result.json", "genome.json"}
    page = (folder / "report.html").read_text()
    assert "is not finished" not in page
    (tmp_path / "my.py").rename(tmp_path / "away.py")
    (folder / "report.html").unlink()
    again = in_here(tmp_path, "report", "mine")
    assert "changed" not in again.stderr
    assert (folder / "report.html").stat().st_size > 100_000
    (tmp_path / "my.py").write_text(CODE + "\n# another one\n")
    other = in_here(tmp_path, "--trust", "resume", "mine", "--trials", "8", ok=False)
    assert other.returncode == 2
    assert "my.py:score' of run 'mine' has changed since; bring it back" in other.stderr
    (tmp_path / "away.py").replace(tmp_path / "my.py")
    resumed = command(tmp_path, "resume", "mine", "--trials", "8")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads((folder / "result.json").read_text())["trials"] == 8
    exported = in_here(tmp_path, "export", "mine", "--out", "elsewhere", ok=False)
    assert exported.returncode == 2
    assert "has no network of its own to export; its best genome is" in exported.stderr
    assert not (tmp_path / "elsewhere").exists()
