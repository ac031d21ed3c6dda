"""The report's section on the memory: told again from the archive, in words that are true."""

import re
from typing import Any

import numpy as np
import pytest

from evonas.core.context import SearchContext
from evonas.core.goals import VAL_ACCURACY, Goal
from evonas.core.types import Evaluation, Task
from evonas.encodings.cell import CellEncoding
from evonas.execution.processes import Serial
from evonas.memory.archive import Archive, RunRecord
from evonas.search.fidelity import at_full
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method
from evonas_surrogates import memory_report
from evonas_surrogates.quality import course

ENCODING = CellEncoding()
DIGITS, USPS = Task("digits", (1, 8, 8), 10, {}, "a1 b2 c3"), Task("usps", (1, 16, 16), 10, {}, "d4 e5 f6")


def evaluate(candidate, task, seed):
    """Convolutions on the paths help; few epochs give less, and cells without a path fail."""
    features = ENCODING.features(candidate.genome)
    if not features["paths"]:
        return Evaluation.failure(candidate, "no path")
    worth = 0.4 + 0.05 * features["live nor_conv_3x3"] + 0.03 * features["live nor_conv_1x1"]
    return Evaluation(candidate, {"val_accuracy": worth * candidate.fidelity**0.2})


def searched(archive, task, name, method="evolution", trials=14, surrogate="meta(trees=20)"):
    spec = method if surrogate == "none" else f"{method}+{surrogate}"
    record = archive.add_run(RunRecord(name, task, "cell", method, surrogate))
    searcher = make_method(
        spec, SearchContext(ENCODING, Goal(), task, archive.as_of(record.mark), encoding_name="cell")
    )
    run(searcher, Serial(evaluate), task, seed=0, budget=Budget(trials), store=archive, name=name)
    return record


def told(archive, record) -> Any:
    found = memory_report.memory(record, archive.trials(record.name), ENCODING, archive, Goal())
    return None if found is None else re.sub(r"<script.*?</script>", "", found[1], flags=re.DOTALL)


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "a.db")


@pytest.mark.thorough
def test_the_second_search_says_what_it_had_of_the_first(archive):
    first = searched(archive, DIGITS, "first")
    second = searched(archive, USPS, "second")
    assert "3 earlier tasks" in told(archive, first)
    assert "No search of your own was among them" in told(archive, first)
    words = told(archive, second)
    assert "4 earlier tasks" in words
    trained = len({t.evaluation.candidate.genome for t in archive.trials("first")})
    assert f"Of these, from searches in this archive: digits ({trained})." in words
    assert re.search(r"A network as good as the best was found after \d+ trainings?\.", words)
    assert words == told(archive, second)
    assert re.search(r"<td>digits</td><td class=.number.>-?\d\.\d\d</td>", words)  # what was to be expected of it


@pytest.mark.thorough
def test_the_count_is_that_of_the_first_that_is_as_good(archive):
    record = searched(archive, DIGITS, "first")
    values = [t.evaluation.metrics.get("val_accuracy", -1) for t in archive.trials("first")]
    assert f"found after {int(np.argmax(values)) + 1} training" in told(archive, record)


@pytest.mark.thorough
def test_short_trainings_cost_their_share_and_count_on_the_scale_of_whole_ones(archive):
    record = searched(archive, DIGITS, "first", "halving", trials=30)
    trials = archive.trials("first")
    assert {round(t.evaluation.candidate.fidelity, 2) for t in trials} == {0.11, 0.33, 1.0}
    whole = [i for i, t in enumerate(trials) if t.evaluation.candidate.fidelity == 1]
    values = [trials[i].evaluation.metrics["val_accuracy"] for i in whole]
    spent = sum(t.evaluation.candidate.fidelity for t in trials[: whole[int(np.argmax(values))] + 1])
    assert f"found after what {spent:.1f} full trainings cost" in told(archive, record)
    ranker = memory_report.recalled(record, ENCODING, archive, VAL_ACCURACY)
    rows = memory_report.row(ENCODING.features(trials[0].evaluation.candidate.genome))
    heard = []

    class Listening:
        def adapt(self, X, y):
            heard.append(len(y))
            return ranker.adapt(X, y)

        def predict(self, X):
            return ranker.predict(X)

    def as_searched(k):
        values = at_full([t.evaluation for t in trials[:k]], VAL_ACCURACY)
        return np.tile(rows, (len(values), 1)), np.array(list(values.values()))

    X, y = np.tile(rows, (30, 1)), np.zeros(30)
    course(Listening(), X, y, observed=as_searched)
    assert heard[-1] == len({t.evaluation.candidate.genome for t in trials}) < 30


@pytest.mark.parametrize("surrogate", ["none", "boosting"])
def test_a_run_without_a_memory_has_no_such_section(archive, surrogate):
    assert told(archive, searched(archive, DIGITS, "first", surrogate=surrogate)) is None


def test_a_run_before_its_first_result_and_one_without_a_success(archive):
    record = archive.add_run(RunRecord("empty", DIGITS, "cell", "evolution", "meta(trees=20)"))
    assert "It began with 3 earlier tasks" in told(archive, record)
    name = searched(archive, DIGITS, "one", trials=1)
    failed = list(archive.trials("one"))
    failed = [type(t)(t.run, t.number, t.after, Evaluation.failure(t.evaluation.candidate, "no"), 0) for t in failed]
    html = memory_report.memory(name, failed, ENCODING, archive, Goal())
    assert html is not None
    assert "No training has succeeded" in html[1]
