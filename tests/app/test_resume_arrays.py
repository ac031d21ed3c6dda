"""A run over arrays in memory goes on when it is given the same arrays again, and with no others."""

import re

import numpy as np
import pytest

import evonas
from evonas.app.job import Interrupted, resume
from evonas.core.errors import EvonasError
from evonas.domains.images import images_from_arrays
from evonas.memory.archive import Archive

TRIALS = 4


def pictures():
    """60 grey images of 8×8 in two classes, dark and bright ones, and 12 for the test."""
    rng = np.random.default_rng(0)
    y, y_test = np.arange(60) % 2, np.arange(12) % 2
    return rng.random((60, 8, 8)) / 2 + y[:, None, None] / 2, y, rng.random((12, 8, 8)), y_test


class Stopping:
    """Ctrl-C after so many results."""

    def __init__(self, after):
        self.left = after

    def started(self, task, told): ...
    def asked(self, number, candidate): ...
    def ended(self, reason): ...

    def told(self, trial):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def search(folder, after):
    x, y, x_test, y_test = pictures()
    options = {"encoding": "cell(width=2, cells=1)", "method": "random", "surrogate": "none", "train_size": 24}
    return evonas.search(
        x,
        y,
        x_test,
        y_test,
        data="pets",
        name="run",
        archive=str(folder / "a.db"),
        out=str(folder / "out"),
        trials=TRIALS,
        epochs=1,
        callbacks=[Stopping(after)],
        **options,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    with pytest.raises(Interrupted):  # after the last one: what is made of the result is of no interest here
        search(folder, TRIALS)
    return results(folder)


def results(folder):
    trials = Archive(folder / "a.db").trials("run")
    return [(trial.evaluation.candidate.genome, trial.evaluation.metrics["val_loss"]) for trial in trials]


@pytest.fixture
def begun(tmp_path):
    with pytest.raises(Interrupted):
        search(tmp_path, 2)
    assert len(results(tmp_path)) == 2
    return tmp_path


def test_it_goes_on_as_if_it_had_not_stopped(begun, whole):
    x, y, x_test, y_test = pictures()
    result = resume("run", archive=str(begun / "a.db"), data=images_from_arrays(x, y, x_test, y_test))
    assert results(begun) == whole
    assert len(whole) == TRIALS
    assert result["task"] == "pets"
    assert (begun / "out" / "model.safetensors").is_file()
    network = result.load()
    assert network.predict(x_test).shape == (12,)


def test_it_says_what_is_missing(begun):
    with pytest.raises(EvonasError, match=re.escape("searched arrays in memory ('pets'), which are gone")):
        resume("run", archive=str(begun / "a.db"))
    assert len(results(begun)) == 2


def test_other_arrays_are_refused(begun):
    x, y, x_test, y_test = pictures()
    others = images_from_arrays(x[:, ::-1], y, x_test, y_test)
    with pytest.raises(EvonasError, match="the data 'pets' of run 'run' have changed since; search them as a new run"):
        resume("run", archive=str(begun / "a.db"), data=others)
    assert len(results(begun)) == 2
