"""What a classifier's answers tell, and how sure."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evonas.core.quality import MISTAKES, Answers, judged, wilson

NAMES = ("ant", "bee", "cat")


def answers(labels, said, confidence=None) -> Answers:
    n = len(labels)
    return Answers(np.array(labels), np.array(said), np.array([0.5] * n if confidence is None else confidence))


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_wilsons(counts):
    right, of = counts
    expected = stats.binomtest(right, of).proportion_ci(0.95, "wilson")
    assert wilson(right, of) == pytest.approx((expected.low, expected.high), abs=2e-5)  # 1.96 is rounded
    assert 0.0 <= wilson(right, of)[0] <= right / of <= wilson(right, of)[1] <= 1.0


def test_of_nothing_nothing_is_known():
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.floats(0.34, 1.0)), min_size=1, max_size=60))
def test_the_parts_agree(rows):
    labels, said, confidence = zip(*rows, strict=True)
    found = json.loads(json.dumps(judged(answers(labels, said, confidence), NAMES)))
    right = sum(a == b for a, b in zip(labels, said, strict=True))
    assert found["accuracy"] == pytest.approx(right / len(rows))
    assert sum(count for _, _, count in found["confusion"]) == found["examples"] == len(rows)
    assert (
        sum(one["examples"] for one in found["classes"]) == sum(one["answers"] for one in found["classes"]) == len(rows)
    )
    assert found["never"] == [name for code, name in enumerate(NAMES) if code not in said]
    for code, one in enumerate(found["classes"]):
        of_it = [a == b for a, b in zip(labels, said, strict=True) if a == code]
        assert one["recall"] == (pytest.approx(np.mean(of_it)) if of_it else None)
    mistakes = found["mistakes"]
    assert len(mistakes) == min(MISTAKES, len(rows) - right)
    sure = [one["confidence"] for one in mistakes]
    assert sure == sorted((c for a, b, c in rows if a != b), reverse=True)[:MISTAKES]
    for one in mistakes:
        place = one["position"]
        assert (NAMES[labels[place]], NAMES[said[place]]) == (one["class"], one["answer"])


def test_guessing_is_the_share_of_the_commonest_class():
    assert judged(answers([0, 0, 0, 1], [1, 1, 1, 1]), NAMES)["guessing"] == 0.75
