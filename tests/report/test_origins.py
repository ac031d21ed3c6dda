"""Where the networks of a search came from, and where the good ones did."""

import re
from typing import Any

import pytest

from evonas.core.goals import Goal
from evonas.core.plugins import available
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.memory.archive import RunRecord
from evonas.report.origins import LEAST, counted, origins


def trial(number, origin, value, fidelity=1.0, genome=None):
    candidate = Candidate(genome or f"g{number}", fidelity, origin=origin)
    bad = Evaluation.failure(candidate, "no") if value is None else Evaluation(candidate, {"val_accuracy": value})
    return Trial("r", number, number, bad)


def section(trials, method="evolution+meta", surrogate="none") -> Any:
    record = RunRecord("r", Task("t", (), 2), "cell", method, surrogate)
    return origins(record, trials, None, None, Goal())  # type: ignore[arg-type]


def cells(html):
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>.*?</tr>", html)]


def mixed():
    """Thirty networks, the policy's the best."""
    of = ["sampled", "mutated", "policy", "crossed", "maximized"]
    return [trial(i, of[i % 5], None if i == 3 else (0.9 if i % 5 == 2 else 0.1) + i / 1e3) for i in range(30)]


def test_each_source_with_how_many_of_its_networks_are_among_the_best():
    title, html = section(mixed())
    assert title == "Where the good ones came from"
    head, *rows = cells(html)
    assert head == ["source", "networks", "among the best 3"]
    assert rows == [["evolution", "12", "0"], ["maximizer", "6", "0"], ["policy", "6", "3"], ["random", "6", "0"]]


def test_of_a_mixture_also_the_shares():
    head, *rows = cells(section(mixed(), "mixture+meta")[1])
    assert head[-1] == "share of the turns now"
    shares = {row[0]: int(row[-1].removesuffix(" %")) for row in rows}
    assert sum(shares.values()) == pytest.approx(100, abs=2)
    assert max(shares, key=lambda name: shares[name]) == "policy"
    assert cells(section(mixed(), "mixture(sources='policy,random')", "meta")[1])[1][-1] == "–"


def test_a_network_that_was_trained_twice_counts_once_for_what_made_it():
    trials = [trial(i, "policy" if i % 2 else "warm start", i / 100, 1 / 3) for i in range(LEAST)]
    again = [trial(99, "promoted", 0.15, 1.0, "g3"), Trial("r", 100, 100, Evaluation(Candidate("no"), {}, 0, "absent"))]
    found, good = counted([*trials, *again], Goal())
    assert found == {"policy": 10, "tried first": 10}
    assert good == {"policy": 2}  # g3, which alone has had a whole training, and g19


def test_nothing_is_said_of_few_or_of_one_source():
    assert section(mixed()[: LEAST - 1]) is None
    assert section([trial(i, "sampled", 0.5) for i in range(40)]) is None
    assert section([]) is None


def test_it_is_a_section_of_every_report():
    assert available("evonas.sections")["origins"].load() is origins
