"""An archive that holds more than a ranker can read gives a sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.goals import VAL_ACCURACY, Objective
from evonas.core.types import Candidate, Evaluation, Trial
from evonas.memory.archive import Archive, RunRecord
from evonas_surrogates import source_data
from tests.toys import TASK


def filled(sizes, encoding="cell"):
    archive = Archive("sqlite://")
    for r, size in enumerate(sizes):
        archive.add_run(RunRecord(f"run-{r}", TASK, encoding, "random"))
        for n in range(size):
            value = (n * 37 + r) % 101 / 101
            candidate = Candidate((r, n))
            good = Evaluation(candidate, {"val_accuracy": value, "val_loss": 1 - value})
            archive.append(Trial(f"run-{r}", n, n, Evaluation.failure(candidate, "no") if n % 7 == 3 else good))
    return archive


def test_all_where_they_are_few():
    archive = filled([4, 9])
    assert archive.some_trials(13, VAL_ACCURACY, "cell") == archive.trials(encoding="cell")
    assert archive.some_trials(100, VAL_ACCURACY, "macro") == []


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.integers(6, 90))
@settings(max_examples=15)
def test_about_as_many_as_wanted_and_the_best(sizes, most):
    archive = filled(sizes)
    found, every = archive.some_trials(most, VAL_ACCURACY, "cell"), archive.trials(encoding="cell")
    assert 0.8 * min(most, len(every)) - 2 * len(sizes) <= len(found) <= most + len(sizes)
    assert [trial for trial in every if trial in found] == found  # in the order of the archive, each once
    for r in range(len(sizes)):
        own = [t for t in every if t.run == f"run-{r}" and t.evaluation.ok]
        if own:
            assert max(own, key=lambda t: t.evaluation.metrics["val_accuracy"]) in found


def test_the_best_by_what_is_to_be_small():
    archive = filled([101])
    found = archive.some_trials(10, Objective.parse("val_loss"), "cell")
    losses = [t.evaluation.metrics["val_loss"] for t in archive.trials() if t.evaluation.ok]
    assert sorted(losses)[:2] == sorted(t.evaluation.metrics["val_loss"] for t in found if t.evaluation.ok)[:2]


def test_a_small_run_is_whole_and_a_large_one_is_spread_over_its_length():
    found = filled([5, 100]).some_trials(45, VAL_ACCURACY, "cell")
    assert [t.number for t in found if t.run == "run-0"] == list(range(5))
    numbers = [t.number for t in found if t.run == "run-1"]
    assert np.diff([0, *numbers, 100]).max() <= 8


def test_what_came_later_is_not_in_it():
    archive = filled([50, 50])
    before = archive.as_of(60)
    assert {t.run for t in before.some_trials(20, VAL_ACCURACY, "cell")} == {"run-0", "run-1"}
    assert max(t.number for t in before.some_trials(20, VAL_ACCURACY, "cell") if t.run == "run-1") < 10


@pytest.mark.parametrize("most", [None, 40])
def test_a_ranker_learns_from_as_many_as_are_read(most):
    from evonas.encodings.cell import CellEncoding

    encoding, rng = CellEncoding(), np.random.default_rng(0)
    archive = Archive("sqlite://")
    archive.add_run(RunRecord("run", TASK, "cell", "random"))
    for n in range(120):
        evaluation = Evaluation(Candidate(encoding.canonical(encoding.sample(rng))), {"val_accuracy": n / 120})
        archive.append(Trial("run", n, n, evaluation))
    rows = source_data.read(archive, "cell", most=most)
    assert len(rows.y) > 100 if most is None else 30 < len(rows.y) <= 42
    assert rows.y.max() == 119 / 120
