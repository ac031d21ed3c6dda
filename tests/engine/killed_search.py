"""A search to be killed: resumes what the archive holds, says that it is alive, and goes on to its end."""

import sys

from evonas.archive import Archive, RunRecord
from evonas.evolution import Evolution
from evonas.executors import Serial
from evonas.loop import Budget, run
from tests.engine.toys import TASK, Digits, Slow


def main(path: str, trials: int, seconds: float) -> None:
    archive = Archive(path)
    if not archive.runs():
        archive.add_run(RunRecord("run", TASK, "toy", "evolution", seed=5))
    told = archive.trials("run")
    print(len(told), flush=True)
    evaluator = Slow(seconds, fault="raise")
    run(Evolution(Digits()), Serial(evaluator), TASK, seed=5, budget=Budget(trials), store=archive, trials=told)
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
