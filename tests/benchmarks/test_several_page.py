"""The recorded page of several objectives and of limits: what stands beside the bars."""

import numpy as np
import pandas as pd
import pytest
from studies.protocol import several

SEEDS = 8


def curves(trials, regret, kept=None):
    """Of two tasks and SEEDS seeds; `regret` and `kept` give (seed, trial) arrays by method, `trials` their number."""
    frames = []
    for method, given in trials.items():
        seed, trial = np.repeat(np.arange(SEEDS), given), np.tile(np.arange(given) + 1, SEEDS)
        for task in ("one", "two"):
            named = {"task": task, "method": method, "seed": seed, "trial": trial, "budget": given}
            frame = pd.DataFrame(
                {**named, "regret": regret[method](seed, trial), "kept": kept[method] if kept else 1.0}
            )
            frames.append(frame)
    found = pd.concat(frames, ignore_index=True)
    return found.assign(task=found.task.astype("category"), method=found.method.astype("category"))


def row(text, *begins):
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return next(cells for cells in found if cells[: len(begins)] == list(begins))


def front(peer):
    """Random search gets to .1 after its 500 trials; ours after 30, of the last seed after 50."""
    regret = {
        "random": lambda seed, trial: 0.6 - trial / 1000,
        "nsga2+meta": lambda seed, trial: np.where(trial < np.where(seed == SEEDS - 1, 50, 30), 0.5, 0.1 - seed / 100),
        "optuna-nsga2": peer,
    }
    return several._front(
        curves({"random": 500, "nsga2+meta": 100, "optuna-nsga2": 100}, regret), "nsga2+meta", ["optuna-nsga2"]
    )


def test_trainings_until_random_search_is_reached():
    text = front(lambda seed, trial: 0.4 + 0 * trial)
    assert row(text, "one")[1:4] == ["0.900", "30", "50"]
    assert row(text, "all, by the mean over tasks")[4].startswith("50 (30 to 50")
    assert "better beyond chance than each of the 1 peers" in text


@pytest.mark.parametrize("behind", [0.0, -0.01])
def test_a_peer_that_is_as_good_is_named(behind):
    text = front(lambda seed, trial: np.where(trial < 100, 0.4, 0.1 - seed / 100 + behind))
    assert "**nsga2+meta is not better beyond chance than optuna-nsga2.**" in text


def test_who_does_not_get_there_has_no_number():
    never = {"random": lambda seed, trial: 0.0 * trial, "nsga2+meta": lambda seed, trial: 0.5 + 0.0 * trial}
    text = several._front(curves({"random": 500, "nsga2+meta": 100}, never), "nsga2+meta", [])
    assert row(text, "two")[2:5] == ["> 100", "> 100", "> 100 (> 100 to > 100)"]
    assert "No peer has been run." in text


def test_under_a_limit_regret_is_held_beside_the_best_peers():
    regret = {
        "evolution+meta": lambda seed, trial: 0.1 + 0.0 * trial,
        "optuna-tpe": lambda seed, trial: 0.4 + 0.0 * trial,
        "pymoo-nsga2": lambda seed, trial: 0.5 + 0.0 * trial,
    }
    kept = {"evolution+meta": 1.0, "optuna-tpe": 0.25, "pymoo-nsga2": 0.5}
    text = several._limited(
        curves(dict.fromkeys(regret, 100), regret, kept), "evolution+meta", ["optuna-tpe", "pymoo-nsga2"]
    )
    assert "is 0.25 (0.25 to 0.25, 8 seeds) of that of optuna-tpe, the best peer" in text
    assert row(text, "evolution+meta")[6] == "100.0%"
    assert row(text, "optuna-tpe")[6:] == ["25.0%", "better: +0.300 (+0.300 to +0.300, 8 seeds)"]
