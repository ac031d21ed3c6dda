"""A search without trainings, to be killed: it resumes what the archive holds, and says each trial that is kept."""

import tempfile
from dataclasses import replace
from pathlib import Path

from evonas.core.optional import CallbackDefaults
from evonas.core.types import Trial
from evonas.execution.processes import Serial
from evonas.memory.archive import Archive, RunRecord
from evonas.memory.locks import sole_owner
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from tests.toys import TASK, Digits, Slow, on

NAME, SEED = "run", 5
RECORD = RunRecord(NAME, TASK, "toy", "evolution", seed=SEED)


class Says(CallbackDefaults):
    def told(self, trial: Trial) -> None:
        print(trial.number, flush=True)


def warm() -> None:
    """What is imported late."""
    with tempfile.TemporaryDirectory() as folder:
        Archive(Path(folder) / "warm.db").make()
    search(2)


def main(path: str, trials: str, seconds: str, length: str = "6", name: str = NAME) -> None:
    if trials == "0":
        print(len(kept(Path(path), name)))
        return
    archive = Archive(path)
    with sole_owner(archive, name):
        if not archive.runs(name):
            archive.add_run(replace(RECORD, name=name))
        told = archive.trials(name)
        search(int(trials), float(seconds), int(length), name, store=archive, trials=told, callbacks=[Says()])
        archive.update_run(name, status="done")
    archive.close()


def search(number: int, seconds: float = 0.0, length: int = 6, name: str = NAME, **options):
    return through(Serial(Slow(seconds, fault="raise")), number, length, name, **options)


def through(executor, number: int, length: int = 6, name: str = NAME, **options):
    """So many trials evaluated by an executor; the same ones by each that evaluates one after the other."""
    budget = Budget(number)
    return run(Evolution(on(Digits(length))), executor, TASK, seed=SEED, budget=budget, name=name, **options).trials


def kept(path: Path, name: str = NAME) -> list[Trial]:
    return Archive(path, read_only=True).trials(name)


def what(trials) -> list:
    """All of the trials but their times, and the lines of tracebacks."""
    return [(t.number, t.after, replace(t.evaluation, seconds=0.0, traceback=None)) for t in trials]
