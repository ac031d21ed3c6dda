"""At any time of a search for a deadline there is a network, and it only gets better."""

import json
import math
from dataclasses import replace

import pytest
import torch

import evonas
from evonas.app.best_so_far import BestSoFar
from evonas.app.exporting import export
from evonas.app.job import Interrupted, resume
from evonas.app.preparation import prepare_resume
from evonas.core.errors import Diverged, EvonasError
from evonas.core.optional import CallbackDefaults
from evonas.core.types import Candidate, Trial
from evonas.domains.images import images_from_arrays
from evonas.memory.archive import Archive
from evonas.training.trainer import TorchTrainer
from tests.app.test_final import Stopping, Varied, X, Y, search
from tests.training.nets import Line, blobs


def there(folder):
    """The genome of the network in the folder of results, which can be loaded."""
    assert evonas.load(folder / "out").predict(X).shape == (len(X),)
    return json.loads((folder / "out" / "genome.json").read_text())["genome"]


def going_on(folder, encoding):
    data = images_from_arrays(X, Y, name="memory")
    return {"archive": str(folder / "archive.db"), "data": data, "encoding": encoding}


def job_of(folder, encoding):
    return prepare_resume("run", **going_on(folder, encoding))


class Looking(CallbackDefaults):
    """What is in the folder when each trial but the first begins."""

    def __init__(self, folder):
        self.folder, self.found, self.trials = folder, [], []

    def asked(self, number, candidate):
        if self.trials:
            self.found.append((there(self.folder), self.best()))

    def told(self, trial):
        self.trials.append(trial.evaluation)

    def best(self):
        return max(self.trials, key=lambda evaluation: evaluation.metrics["val_accuracy"]).candidate.genome


class Dying(Varied):
    """Its process dies when the network of the final training is built."""

    def build(self, genome, task):
        if genome in self.recommended:
            raise KeyboardInterrupt
        return super().build(genome, task)

    recommended: tuple[float, ...] = ()

    def recipe(self, genome):
        """The first that is sampled learns nothing, the third does."""
        return replace(super().recipe(genome), lr=0.2 if genome > 1.9 else 1e-9)

    def augmented(self, genome, kept):
        varied = super().augmented(genome, kept)
        self.recommended = (varied,) if kept else self.recommended
        return varied


def test_the_best_so_far_is_there_all_the_time_and_when_the_final_training_is_killed(tmp_path):
    looking = Looking(tmp_path)
    with pytest.raises(Interrupted):
        search(tmp_path, encoding=Dying(), trials=6, callbacks=[looking])
    assert len(looking.found) == 5
    assert len({best for _, best in looking.found}) > 1
    for found, best in looking.found:
        assert found == best
    assert there(tmp_path) == looking.best()
    assert json.loads((tmp_path / "out" / "result.json").read_text())["run"] == "run"


class Diverging(Varied):
    """What is recommended of it has logits that are no numbers."""

    def augmented(self, genome, kept):
        return 1e38


@pytest.fixture
def diverged(tmp_path):
    return tmp_path, search(tmp_path, encoding=Diverging())


def test_a_final_training_that_diverges_leaves_the_best_so_far_and_says_so(diverged):
    folder, result = diverged
    trials = Archive(folder / "archive.db").trials("run")
    best = max(trials, key=lambda trial: trial.evaluation.metrics["val_accuracy"]).evaluation
    assert there(folder) == result["genome"] == best.candidate.genome
    assert result["notes"][0].startswith("the final training diverged: the loss is no number in epoch 1; the network")
    assert "stays the best of the search, trained for 0." in result["notes"][0]
    data = job_of(folder, Diverging()).data
    assert result["test_accuracy"] == pytest.approx((result.load().predict(data.x_test) == data.y_test).mean())
    assert result["params"] == best.metrics["params"]
    assert result.files[-1] == "model.pt2"


def test_an_export_afterwards_trains_the_genome_of_the_network_that_stayed(diverged):
    folder, result = diverged
    again = export("run", folder / "exported", again=True, **going_on(folder, Diverging()))
    assert again["genome"] == again["final"]["genome"] == result["genome"]


def test_an_export_that_diverges_is_one_line(tmp_path):
    with pytest.raises(Interrupted):
        search(tmp_path, encoding=Diverging(), callbacks=[Stopping(2)])
    for path in (tmp_path / "out").glob("trainings-*/*.safetensors"):
        path.unlink()
    with pytest.raises(EvonasError, match="the final training diverged: .*; search with another --seed") as raised:
        export("run", tmp_path / "exported", again=True, **going_on(tmp_path, Diverging()))
    assert "\n" not in str(raised.value)


def better(job, number=9):
    """A trial that is better than any before, and has left its network."""
    evaluation = job.evaluator(Candidate(1.5, 0.25), job.data.task, 0)
    return Trial("run", number, 3, replace(evaluation, metrics={**evaluation.metrics, "val_accuracy": 2.0}))


@pytest.mark.thorough
def test_a_trial_does_not_replace_the_network_of_an_earlier_final_training(tmp_path):
    result = search(tmp_path, trials=2)
    job = job_of(tmp_path, Varied())
    watching = BestSoFar(job)
    watching.started(job.data.task, job.archive.trials("run"))
    watching.told(better(job))
    assert there(tmp_path) == result["genome"]
    assert json.loads((tmp_path / "out" / "result.json").read_text())["test_accuracy"] == result["test_accuracy"]
    more = resume("run", **going_on(tmp_path, Varied()), trials=3, deadline=70)
    assert there(tmp_path) == more["genome"]
    assert more["trials"] == 3


def test_a_network_that_a_dying_process_did_not_write_is_written_when_the_run_goes_on(tmp_path):
    with pytest.raises(Interrupted):
        search(tmp_path, callbacks=[Stopping(2)])  # after the second trial was recorded
    job = job_of(tmp_path, Varied())
    trials = [*job.archive.trials("run"), last := better(job)]
    BestSoFar(job).started(job.data.task, trials)
    assert there(tmp_path) == last.evaluation.candidate.genome
    watching = BestSoFar(job)
    watching.started(job.data.task, trials)
    watching.told(replace(last, evaluation=job.evaluator(Candidate(1.75, 0.25), job.data.task, 0)))
    assert there(tmp_path) == last.evaluation.candidate.genome


def test_weights_that_are_no_numbers_are_a_training_that_diverged():
    """Averaged ones, say, of a training that was over before its loss was looked at."""

    class Broken(Line):
        def build(self, genome, task):
            network = super().build(genome, task)
            network.register_buffer("unused", torch.tensor(math.nan))
            return network

    with pytest.raises(Diverged, match="a weight is no number"):
        TorchTrainer(Broken(), blobs(), epochs=1, device="cpu").finish(1.0, 0)
