"""A search without trainings, to be killed: it resumes what the archive holds, and says each trial that is kept."""

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


def main(path: str, trials: str, seconds: str, length: str = "6") -> None:
    archive = Archive(path)
    with sole_owner(archive, NAME):
        if not archive.runs():
            archive.add_run(RECORD)
        told = archive.trials(NAME)
        search(int(trials), float(seconds), int(length), store=archive, trials=told, callbacks=[Says()])
        archive.update_run(NAME, status="done")


def search(number: int, seconds: float = 0.0, length: int = 6, **options):
    return through(Serial(Slow(seconds, fault="raise")), number, length, **options)


def through(executor, number: int, length: int = 6, **options):
    """So many trials evaluated by an executor; the same ones by each that evaluates one after the other."""
    budget = Budget(number)
    return run(Evolution(on(Digits(length))), executor, TASK, seed=SEED, budget=budget, name=NAME, **options).trials


def kept(path: Path) -> list[Trial]:
    return Archive(path, read_only=True).trials(NAME)


def what(trials) -> list:
    """All of the trials but their times, and the lines of tracebacks."""
    return [(t.number, t.after, replace(t.evaluation, seconds=0.0, traceback=None)) for t in trials]
