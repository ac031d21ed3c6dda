"""The winner against the fixed baseline: in trainings of the same length, and how sure it is."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evonas.app.baseline import against_baseline, as_tried, expected, words
from evonas.core.paired import margin
from evonas.core.types import Candidate, Evaluation, Trial
from tests.toys import Digits


def trials(*rows):
    """(genome, fidelity, accuracy, parents, origin)"""
    return [
        Trial("run", i, i, Evaluation(Candidate(genome, fidelity, parents, origin), {"val_accuracy": accuracy}))
        for i, (genome, fidelity, accuracy, parents, origin) in enumerate(rows)
    ]


def against(rows, genome, validated) -> Any:
    return against_baseline(trials(*rows), genome, validated)


ROWS = (
    ("a", 0.1, 0.6, (), "warm start"),
    ("b", 0.1, 0.7, (), "warm start"),
    ("c", 0.1, 0.5, ("a",), "mutated"),
    ("B", 0.3, 0.9, ("b",), "mutated"),
    ("A", 0.3, 0.8, ("a",), "mutated"),
)


def test_what_they_became_counts():
    found = against(ROWS, "B", 400)
    assert found["won"]
    assert found["val_accuracy"] == [0.9, 0.8]
    assert found["difference"] == pytest.approx(0.1)
    assert found["margin"] == pytest.approx(margin(0.9, 0.8, 400))
    assert found["fidelity"] == 0.3
    assert words(found).startswith("+10.0 points of validation accuracy against the fixed baseline")


def test_a_difference_within_chance_is_called_so():
    assert "within chance" in words(against(ROWS, "B", 40))
    assert "within chance" not in words(against(ROWS, "B", 400))


def test_what_was_validated_on_fewer_images_is_less_sure():
    few = [
        replace(one, evaluation=replace(one.evaluation, metrics={**one.evaluation.metrics, "validated": 100}))
        for one in trials(*ROWS)
    ]
    found: Any = against_baseline(few, "B", 400)
    assert found["margin"] == pytest.approx(margin(0.9, 0.8, 100))


def test_the_baseline_itself():
    assert not against(ROWS, "A", 400)["won"]
    assert "the fixed baseline stays" in words(against(ROWS, "A", 400))


def test_a_child_of_the_baseline_is_no_baseline():
    found = against(ROWS, "c", 400)
    assert found["won"]
    assert found["val_accuracy"] == [0.5, 0.6]


def test_the_baseline_is_the_first_that_was_asked_for():
    """With several workers another one may end first; and without a portfolio there is none."""
    first, *others = trials(*ROWS)
    assert against_baseline([*others, first], "B", 400) == against(ROWS, "B", 400)
    assert against((("a", 0.1, 0.6, (), "sampled"), *ROWS[1:]), "B", 400) is None


class Varying(Digits):
    """Genomes are letters; large ones have their images varied."""

    def augmented(self, genome: Any, kept) -> Any:
        return genome.upper() if kept else genome.lower()


def test_one_that_is_recommended_before_it_has_risen_is_the_one_that_was_tried():
    short = trials(*ROWS[:3])
    assert as_tried("B", short, Varying()) == "b"
    assert as_tried("b", short, Varying()) == "b"
    assert as_tried("B", trials(*ROWS), Varying()) == "B"
    assert as_tried("X", short, Varying()) == "X"
    assert as_tried("B", short, Digits()) == "B"


def test_nothing_in_common():
    assert against_baseline(trials(*ROWS[:1], ROWS[3]), "B", 400) is None
    assert against_baseline([], "B", 400) is None


def test_the_luck_of_the_choice_is_taken_off():
    rng, errors, naive = np.random.default_rng(0), [], []
    for _ in range(400):  # true accuracies differ by a point, validation on 400 images by one and a half
        true = rng.normal(0.9, 0.01, 12)
        seen = rng.binomial(400, true) / 400
        best = int(seen.argmax())
        found = expected(trials(*[(str(i), 0.1, a, (), "sampled") for i, a in enumerate(seen)]), seen[best], 0.1, 400)
        errors.append(found - true[best])
        naive.append(seen[best] - true[best])
    assert np.mean(naive) > 0.012
    assert abs(np.mean(errors)) < 0.004


def test_what_cannot_be_told_is_left_as_it_is():
    assert expected(trials(*ROWS[:2]), 0.7, 0.1, 100) == 0.7
    assert expected(trials(*ROWS), 0.9, 0.3, 0) == 0.9
