"""The final training of a search for a deadline: whose genome, for how long, and the same again by `export`."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import evonas
from evonas.app.config import SearchConfig
from evonas.app.exporting import export
from evonas.app.final import recorded
from evonas.app.job import Interrupted, carry_out
from evonas.app.objects import spec_of
from evonas.app.preparation import prepare
from evonas.core import trust
from evonas.core.optional import CallbackDefaults
from evonas.core.recipe import Recipe
from evonas.domains.images import images_from_arrays
from evonas.memory.archive import Archive
from tests.training.nets import Line, arrays

# what a deadline of a minute would never be divided like: it is quick
TIMETABLE = {"deadline": 60.0, "before": 0.0, "search": 30.0, "final": 0.4, "writing": 1.0, "speed": 1e4}
RUNGS = {"fidelities": [0.25], "portfolio": 2}
SEARCH = {"trials": 3, "deadline": 60, "timetable": {**TIMETABLE, **RUNGS}, "surrogate": "none", "device": "cpu"}
SEARCH |= {"data": "memory", "name": "run"}
X, Y = arrays()
MORE = 1 / 128


class Varied(Line):
    """What is recommended of it is another genome than any that was tried: a little more."""

    def sample(self, rng: np.random.Generator) -> float:
        return 1 + int(rng.integers(64)) / 64

    def augmented(self, genome: float, kept: Any) -> float:
        return genome + MORE

    def recipe(self, genome: float) -> Recipe:
        return Recipe(batch_size=32)


def search(folder, x=X, y=Y, callbacks=(), encoding=None, **options):
    """Of three trials. Only a search itself writes a timetable, so the run passes for a recorded one."""
    given = {name: options.pop(name) for name in ("x_val", "y_val") if name in options}
    encoding = encoding or Varied()
    trust.given(spec_of(encoding))
    places = {"archive": str(folder / "archive.db"), "out": str(folder / "out"), "encoding": spec_of(encoding)}
    config = SearchConfig.make({**SEARCH, **places, **options}, recorded=True)
    data = images_from_arrays(x, y, name="memory", **given)
    return carry_out(prepare(config, data=data, encoding=encoding), callbacks)


def exported(folder, **options):
    data = images_from_arrays(X, Y, name="memory")
    given = {"archive": str(folder / "archive.db"), "data": data, "encoding": Varied()}
    return export("run", folder / "exported", again=True, **given, **options)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("final")
    return folder, search(folder)


def genomes(folder):
    return [trial.evaluation.candidate.genome for trial in Archive(folder / "archive.db").trials("run")]


def test_the_recommended_genome_is_trained(found):
    folder, result = found
    assert len(genomes(folder)) == 3
    assert result["genome"] not in genomes(folder)
    assert result["genome"] - MORE in genomes(folder)
    assert result["final"]["genome"] == result["genome"]
    assert result["final"]["seconds"] == pytest.approx(0.5)  # a quarter more than planned was left


def test_an_export_trains_the_genome_that_the_run_trained_and_for_as_long(found):
    folder, result = found
    lines: list[str] = []
    again = exported(folder, say=lines.append)
    assert again["final"] == result["final"]
    assert again["genome"] == result["genome"]
    assert lines[:1] == [f"training for 0.50 s the genome {result['genome']!r}, as in the run's own final training"]
    assert evonas.load(again.folder).predict(X).shape == (len(X),)


def test_what_an_earlier_version_recorded_is_enough(found):
    record = Archive(found[0] / "archive.db").run("run")
    old = {key: value for key, value in (record.result or {}).items() if key != "final"}
    final = recorded(replace(record, result=old))
    assert final is not None
    assert (final.genome, final.seconds) == (found[1]["genome"], None)
    assert recorded(replace(record, status="interrupted")) is None


class Stopping(CallbackDefaults):
    """Ctrl-C after so many trials."""

    def __init__(self, trials: int):
        self.left = trials

    def told(self, trial):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_an_export_of_an_interrupted_run_trains_what_its_search_would_recommend(tmp_path):
    with pytest.raises(Interrupted):
        search(tmp_path, callbacks=[Stopping(2)])
    lines: list[str] = []
    again = exported(tmp_path, say=lines.append)
    assert again["genome"] - MORE in genomes(tmp_path)
    assert again["final"]["seconds"] == TIMETABLE["final"]
    assert lines[:1] == [f"training for 0.40 s the genome {again['genome']!r}, which the search would recommend now"]


def test_given_validation_images_join_the_final_training_and_are_said(tmp_path):
    given = {"x_val": X[:50], "y_val": Y[:50]}
    result = search(tmp_path, trials=1, refit_all=True, **given)
    assert result["notes"][0] == (
        "the final network learned from 120 training images and the 50 validation images that were given"
    )
    assert Archive(tmp_path / "archive.db").run("run").config["refit_all"]
