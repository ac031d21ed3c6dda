"""Options that change how a search trains: several fidelities, inheritance, early stopping, sharing of a device."""

from pathlib import Path

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
        self.out, self.stop, self.files, self.trials = folder / "out", stop, [], []

    @property
    def folders(self):
        return list(self.out.glob("trainings*"))

    def started(self, task, told): ...

    def asked(self, number, candidate): ...

    def told(self, trial):
        self.files.append(len(list(self.out.glob("trainings-*/*.safetensors"))))
        self.trials.append(trial.evaluation)
        if len(self.trials) == self.stop:
            raise KeyboardInterrupt

    def ended(self, reason): ...


def figures(evaluations):
    return [(e.candidate, e.metrics["val_loss"], e.metrics["train_accuracy"]) for e in evaluations]


@pytest.mark.thorough
def test_halving_goes_on_from_checkpoints_also_after_an_interruption(tmp_path):
    halving = {"method": "halving(eta=2)"}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    watching = Watching(whole)
    result = carry_out(prepare(config(whole, **halving)), [watching])
    fidelities = [e.candidate.fidelity for e in watching.trials]
    assert {0.25, 0.5, 1.0} == set(fidelities)
    assert watching.files[-1] == fidelities.count(0.25)  # one for each network; it is the same file that goes on
    assert watching.folders == []
    assert (result.folder / "model.safetensors").exists()

    first = Watching(parts, stop=5)
    with pytest.raises(Interrupted):
        carry_out(prepare(config(parts, **halving)), [first])
    assert len(first.folders) == 1  # or the trainings that are to be gone on with would begin anew
    second = Watching(parts)
    resume("run", archive=str(parts / "archive.db"), callbacks=[second])
    assert figures([*first.trials, *second.trials]) == figures(watching.trials)
    assert second.folders == []


def test_only_what_the_run_wrote_is_removed(tmp_path):
    """A folder of trainings of somebody else's, and a file that somebody put into the run's own, stay."""
    mine = tmp_path / "out" / "trainings"
    mine.mkdir(parents=True)
    (mine / "notes.txt").write_text("mine")

    class Putting(Watching):
        def told(self, trial):
            super().told(trial)
            (self.out / "trainings-x").mkdir(exist_ok=True)
            for folder in self.out.glob("trainings-*"):
                (folder / "kept.txt").write_text("mine too")

    watching = Putting(tmp_path)
    carry_out(prepare(config(tmp_path, method="halving(eta=2)", trials=3)), [watching])
    assert watching.files[-1] > 0
    assert (mine / "notes.txt").read_text() == "mine"
    left = sorted(path for path in (tmp_path / "out").glob("trainings-*"))
    assert len(left) == 2
    assert all([file.name for file in folder.iterdir()] == ["kept.txt"] for folder in left)


@pytest.mark.thorough
def test_two_unnamed_searches_that_are_prepared_together_do_not_share_checkpoints(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"method": "halving(eta=2)", "trials": 4, "name": None, "out": None}
    one, other = (prepare(config(tmp_path, **options)) for _ in range(2))
    assert one.name == other.name
    assert one.checkpoints != other.checkpoints
    seen = []

    class Between(Watching):
        """The first search ends while the second one is under way."""

        def told(self, trial):
            if not self.trials:
                seen.append(carry_out(one))
            self.files.append(len(list(Path("runs").glob("*/trainings-*/*.safetensors"))))
            self.trials.append(trial.evaluation)

    found = carry_out(other, [watching := Between(tmp_path)])
    assert seen[0].folder != found.folder
    assert watching.files[0] > 0
    assert list(Path("runs").glob("*/trainings*")) == []


def test_a_search_of_one_fidelity_leaves_no_trainings(tmp_path):
    assert prepare(config(tmp_path)).trainer.checkpoints is None
    assert prepare(config(tmp_path, inherit=True)).trainer.inherit


@pytest.mark.thorough
def test_children_inherit(tmp_path):
    watching = Watching(tmp_path)
    carry_out(prepare(config(tmp_path, inherit=True, trials=5, method="evolution(population=2)")), [watching])
    plain = Watching(tmp_path / "plain")
    carry_out(prepare(config(tmp_path / "plain", trials=5, method="evolution(population=2)")), [plain])
    assert watching.files == [1, 2, 3, 4, 5]
    assert watching.folders == []
    assert figures(watching.trials)[:4] == figures(plain.trials)[:4]  # the portfolio
    assert figures(watching.trials)[4] != figures(plain.trials)[4]


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


def test_so_many_together_in_each_process(tmp_path):
    with make_executor(prepare(config(tmp_path, together=3, workers=2))) as executor:
        assert isinstance(executor, Processes)
        assert executor.slots == 6
    assert SearchConfig.make({"together": "3"}).together == 3
    assert SearchConfig.make({"together": "auto"}).together == "auto"
    with make_executor(prepare(config(tmp_path, together=1))) as executor:
        assert isinstance(executor, Serial)


@pytest.mark.thorough
def test_a_search_of_trainings_together_has_the_figures_of_one_after_the_other(tmp_path):
    options = {"encoding": "cell(width=4)", "method": "random", "trials": 4, "epochs": 1}
    each = [Watching(tmp_path / str(number)) for number in (1, 2)]
    for number, watching in enumerate(each, 1):
        carry_out(prepare(config(tmp_path / str(number), together=number, **options)), [watching])
    alone, together = (sorted(figures(watching.trials), key=repr) for watching in each)
    assert together == alone


@pytest.mark.parametrize(
    ("options", "other"),
    [
        ({"together": 2, "executor": "dask"}, "--executor 'dask'"),
        ({"together": 2, "per_device": "auto"}, "--per-device auto"),
        ({"together": "auto", "per_device": 2}, "--per-device 2"),
    ],
)
def test_what_trainings_together_exclude(tmp_path, options, other):
    with pytest.raises(EvonasError, match=f"--together {options['together']} and {other} exclude one another"):
        make_executor(prepare(config(tmp_path, **options)))


def test_trainings_together_follow_no_clock(tmp_path):
    with pytest.raises(EvonasError, match="^--deadline 60 and --together 2 exclude one another: .* give --trials"):
        SearchConfig.make({"together": 2, "deadline": 60})
    assert SearchConfig.make({"together": 1, "deadline": 60}).deadline == 60
    own = {"trials": None, "epochs": None, "train_size": 100}
    assert prepare(config(tmp_path, together=2, **own)).timetable is None


@pytest.mark.parametrize(
    "wrong", [{"per_device": 0}, {"together": 0}, {"per_device": "many"}, {"stop_early": 1.0}, {"stop_early": 0}]
)
def test_values_that_are_not_valid(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(EvonasError, match=f"^--{name.replace('_', '-')} {value!r} is not valid"):
        SearchConfig.make(wrong)
