"""Options that change how a search trains: several fidelities, inheritance, early stopping, sharing of a device."""

import numpy as np
import pytest

from evonas.app.config import SearchConfig
from evonas.app.job import Interrupted, carry_out, make_executor, prepare, resume
from evonas.core.errors import EvonasError
from evonas.core.types import Candidate
from evonas.execution.early_stopping import EarlyStopping
from evonas.execution.processes import Processes, Serial


def config(folder, **options):
    values = {"train_size": 100, "epochs": 4, "surrogate": "none", "encoding": "cell(width=4)", "trials": 10}
    places = {"archive": str(folder / "archive.db"), "out": str(folder / "out"), "name": "run"}
    return SearchConfig.make({**values, **places, **options})


class Watching:
    """Counts the files in the folder of trainings after each trial; interrupts after so many."""

    def __init__(self, folder, stop=None):
        self.folder, self.stop, self.files, self.trials = folder / "out" / "trainings", stop, [], []

    def started(self, task, told): ...

    def asked(self, number, candidate): ...

    def told(self, trial):
        self.files.append(len(list(self.folder.glob("*.safetensors"))))
        self.trials.append(trial.evaluation)
        if len(self.trials) == self.stop:
            raise KeyboardInterrupt

    def ended(self, reason): ...


def figures(evaluations):
    return [(e.candidate, e.metrics["val_loss"], e.metrics["train_accuracy"]) for e in evaluations]


def test_halving_goes_on_from_checkpoints_also_after_an_interruption(tmp_path):
    halving = {"method": "halving(eta=2)"}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    watching = Watching(whole)
    result = carry_out(prepare(config(whole, **halving)), [watching])
    fidelities = [e.candidate.fidelity for e in watching.trials]
    assert {0.25, 0.5, 1.0} == set(fidelities)
    assert watching.files[-1] == fidelities.count(0.25)  # one for each network; it is the same file that goes on
    assert not watching.folder.exists()
    assert (result.folder / "model.safetensors").exists()

    first = Watching(parts, stop=5)
    with pytest.raises(Interrupted):
        carry_out(prepare(config(parts, **halving)), [first])
    assert first.folder.exists()  # or the trainings that are to be gone on with would begin anew
    second = Watching(parts)
    resume("run", archive=str(parts / "archive.db"), callbacks=[second])
    assert figures([*first.trials, *second.trials]) == figures(watching.trials)
    assert not second.folder.exists()


def test_a_search_of_one_fidelity_leaves_no_trainings(tmp_path):
    assert prepare(config(tmp_path)).trainer.checkpoints is None
    assert prepare(config(tmp_path, inherit=True)).trainer.inherit


def test_children_inherit(tmp_path):
    watching = Watching(tmp_path)
    carry_out(prepare(config(tmp_path, inherit=True, trials=4, method="evolution(population=2)")), [watching])
    plain = Watching(tmp_path / "plain")
    carry_out(prepare(config(tmp_path / "plain", trials=4, method="evolution(population=2)")), [plain])
    assert watching.files == [1, 2, 3, 4]
    assert not watching.folder.exists()
    assert figures(watching.trials)[:2] == figures(plain.trials)[:2]
    assert figures(watching.trials)[2] != figures(plain.trials)[2]


def test_early_stopping_wraps_whatever_trains(tmp_path):
    job = prepare(config(tmp_path, stop_early=0.25))
    assert job.trainer.checkpoints is not None
    with make_executor(job) as executor:
        assert isinstance(executor, EarlyStopping)
        assert isinstance(executor.executor, Serial)
        candidate = Candidate(job.encoding.sample(np.random.default_rng(0)))
        metrics = executor.submit(candidate, job.data.task, 0).result().metrics
    whole = job.trainer(candidate, job.data.task, 0).metrics
    assert metrics["val_loss"] == whole["val_loss"]
    assert {"val_accuracy@0.33", "val_accuracy@0.67"} <= set(metrics)


def test_so_many_on_a_device(tmp_path):
    with make_executor(prepare(config(tmp_path, per_device=2))) as executor:
        assert isinstance(executor, Processes)
        assert executor.slots == 2
    assert SearchConfig.make({"per_device": "3"}).per_device == 3
    assert SearchConfig.make({"per_device": "auto"}).per_device == "auto"


@pytest.mark.parametrize("other", [{"workers": 2}, {"executor": "dask"}])
def test_two_answers_to_how_many(tmp_path, other):
    with pytest.raises(EvonasError, match="--per-device 2 and --.* exclude one another"):
        make_executor(prepare(config(tmp_path, per_device=2, **other)))


@pytest.mark.parametrize("wrong", [{"per_device": 0}, {"per_device": "many"}, {"stop_early": 1.0}, {"stop_early": 0}])
def test_values_that_will_not_do(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(EvonasError, match=f"^--{name.replace('_', '-')} {value!r} will not do"):
        SearchConfig.make(wrong)
