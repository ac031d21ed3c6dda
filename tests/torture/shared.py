"""A search without trainings in an archive that others write too: `main URL NAME SEED TRIALS SECONDS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evonas.core.errors import EvonasError
from evonas.core.optional import CallbackDefaults
from evonas.core.types import Trial
from evonas.execution.processes import Serial
from evonas.memory.archive import Archive, RunRecord
from evonas.memory.locks import sole_owner
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from tests.torture import toy
from tests.toys import TASK, Digits, Slow, on


class Told(CallbackDefaults):
    def __init__(self, say: Callable[[int], Any]):
        self.say = say

    def told(self, trial: Trial) -> None:
        self.say(trial.number)


def begin_or_resume(where: str, name: str, seed: int, number: int, seconds: float, say: Callable[[int], Any]) -> None:
    archive = Archive(where)
    with sole_owner(archive, name):
        if name not in [record.name for record in archive.runs()]:
            archive.add_run(RunRecord(name, TASK, "toy", "evolution", seed=seed))
        told = archive.trials(name)
        searched(name, seed, number, seconds, store=archive, trials=told, callbacks=[Told(say)])
        archive.update_run(name, status="done")


def searched(name: str, seed: int, number: int, seconds: float = 0.0, **options: Any) -> list:
    evaluator = Serial(Slow(seconds, fault="raise"))
    found = run(Evolution(on(Digits())), evaluator, TASK, seed=seed, budget=Budget(number), name=name, **options)
    return toy.what(found.trials)


def main(where: str, name: str, seed: str, trials: str, seconds: str) -> None:
    try:
        begin_or_resume(where, name, int(seed), int(trials), float(seconds), lambda number: print(number, flush=True))
    except EvonasError as error:
        raise SystemExit(print(error) or 2) from None
