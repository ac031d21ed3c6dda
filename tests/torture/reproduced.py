"""Searches whose genomes must not depend on the process: as a script it prints what each method asked for, as JSON."""

from __future__ import annotations

import json
from typing import Any

from evonas.core.context import SearchContext
from evonas.core.goals import Goal
from evonas.encodings.categorical import CategoricalEncoding
from evonas.execution.processes import Serial
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method
from tests.toys import TASK, Digits, total

ALONE = ("random", "local", "aging", "evolution", "nsga2", "nsga3", "halving")  # without a model
LEARNED = (
    *("evolution+boosting", "evolution+meta", "nsga2+meta", "bayes", "bayes+meta", "bayes(acquisition=thompson)"),
    *("policy", "policy+meta", "mixture+meta"),
)
TRIALS = 40
GENES = CategoricalEncoding({f"gene{i}": (0, 1, 2, 3) for i in range(6)})


def context(method: str, seed: int) -> SearchContext[Any]:
    objectives = "val_accuracy,params" if method.startswith("nsga") else "val_accuracy"
    encoding = GENES if method.startswith(("policy", "mixture")) else Digits()
    return SearchContext(encoding, Goal.parse(objectives), TASK, seed=seed)


def asked(method: str, seed: int) -> list[Any]:
    """Genome and fidelity of each trial, in their order."""
    searcher = make_method(method, context(method, seed))
    trials = run(searcher, Serial(total), TASK, seed=seed, budget=Budget(TRIALS)).trials
    return [[trial.evaluation.candidate.genome, trial.evaluation.candidate.fidelity] for trial in trials]


if __name__ == "__main__":
    print(json.dumps({method: asked(method, 1) for method in (*ALONE, *LEARNED)}))
