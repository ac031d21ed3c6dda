"""A search to be killed: resumes what the archive holds, says that it is alive, and goes on to its end."""

from multiprocessing.connection import Connection

from evonas.execution.processes import Serial
from evonas.memory.archive import Archive, RunRecord
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from tests.toys import TASK, Digits, Slow, on


def search(path: str, trials: int, seconds: float, says: Connection) -> None:
    archive = Archive(path)
    if not archive.runs():
        archive.add_run(RunRecord("run", TASK, "toy", "evolution", seed=5))
    told = archive.trials("run")
    says.send(len(told))
    evaluator = Slow(seconds, fault="raise")
    run(Evolution(on(Digits())), Serial(evaluator), TASK, seed=5, budget=Budget(trials), store=archive, trials=told)
    says.send("done")
