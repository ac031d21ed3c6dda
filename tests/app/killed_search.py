"""A search to be killed: resumes what the archive holds, says that it is alive, and goes on to its end."""

import sys

from evonas.execution.processes import Serial
from evonas.memory.archive import Archive, RunRecord
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from tests.toys import TASK, Digits, Slow, on


def main(path: str, trials: int, seconds: float) -> None:
    archive = Archive(path)
    if not archive.runs():
        archive.add_run(RunRecord("run", TASK, "toy", "evolution", seed=5))
    told = archive.trials("run")
    print(len(told), flush=True)
    evaluator = Slow(seconds, fault="raise")
    run(Evolution(on(Digits())), Serial(evaluator), TASK, seed=5, budget=Budget(trials), store=archive, trials=told)
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
