"""Which remembered tasks are related: said before any training, in words and figures that are true."""

import json
import math
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from evonas.app.cli import app
from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.encodings.cell import CellEncoding
from evonas.memory.archive import Archive, RunRecord
from evonas_surrogates import related_report
from evonas_surrogates.boosting import BoostingSurrogate
from evonas_surrogates.related import distances, expectations, related
from evonas_surrogates.transfer import TransferModel
from tests.toys import Digits

NAMES = [f"gene{i}" for i in range(6)]
LIKE_A, LIKE_C = {"classes": 10.0, "linear_accuracy": 0.9}, {"classes": 100.0, "linear_accuracy": 0.1}


@pytest.fixture(scope="module")
def model():
    """Tasks a and b want large first genes, c wants small ones; a and b have like data, of d nothing is known."""
    encoding, rng = Digits(), np.random.default_rng(0)
    X = np.array([list(encoding.features(encoding.sample(rng)).values()) for _ in range(60)])
    signs = {"a": 1, "b": 1, "c": -1, "d": -1}
    y = np.concatenate([sign * X[:, 0] + 0.1 * rng.random(60) for sign in signs.values()])
    made = TransferModel(trees=20).fit(np.tile(X, (4, 1)), y, np.repeat(list(signs), 60), NAMES)
    made.described_ = {"a": LIKE_A, "b": {**LIKE_A, "linear_accuracy": 0.8}, "c": LIKE_C}
    return made


def test_what_looks_like_the_data_and_what_agrees_with_it_come_first(model):
    said = related(model, LIKE_A, Digits())
    assert {one.task for one in said[:2]} == {"a", "b"}
    by_name = {one.task: one for one in said}
    assert by_name["a"].expected > 0.5 > -0.5 > by_name["c"].expected
    assert by_name["a"].likeness == 1
    assert by_name["d"].likeness is None
    assert by_name["d"].expected == pytest.approx(by_name["c"].expected, abs=0.3)  # it orders networks as c does
    assert {one.task for one in related(model, LIKE_C, Digits())[:2]} == {"c", "d"}


def test_the_sentence_says_why(model):
    by_name = {one.task: one.because for one in related(model, LIKE_A, Digits())}
    assert re.fullmatch(
        r"its data are much like these, and it orders networks as the nearest others do: b \(0\.\d\d\) and "
        r"c \(-0\.\d\d\)\.",
        by_name["a"],
    )
    assert by_name["c"].endswith("; most unlike in classes, 100 to 10.")
    assert by_name["d"].startswith("nothing is known of its data, and it orders networks as the nearest do: a (")


def test_distances_are_in_deviations_and_counts_by_their_ratio():
    known = [{"images": 10.0, "mean": 0.0}, {"images": 1000.0, "mean": 1.0}, {"images": math.nan}, {}]
    apart = distances(known, {"images": 100.0, "mean": 0.0})
    np.testing.assert_allclose(apart, [0.5, (1 + 4) / 2, np.nan, np.nan])
    assert np.isnan(distances(known, {"length": 3.0})).all()
    far = distances([{"mean": 0.0}, {"mean": 0.01}], {"mean": 5.0})
    assert far.tolist() == [9, 9]


def test_expectations_are_the_agreement_with_what_looks_alike():
    agreement = np.array([[1.0, 0.2], [0.2, 1.0]])
    near = expectations(agreement, np.array([0.0, 9.0]))
    assert near[0] > 0.98
    assert near[1] == pytest.approx(0.2, abs=0.02)
    np.testing.assert_allclose(expectations(agreement, np.array([np.nan, np.nan])), [0.6, 0.6])
    np.testing.assert_allclose(expectations(agreement, np.array([0.0, np.nan])), [1.0, 0.2])


def test_a_model_without_earlier_tasks_has_none_related():
    assert related(TransferModel().fit(np.zeros((0, 6)), np.zeros(0), np.zeros(0)), LIKE_A, Digits()) == []


def test_the_report_has_a_row_of_each_earlier_task_the_most_promising_first(model):
    found = related_report.expected(model, Task("<new>", (1, 8, 8), 10, LIKE_A), Digits())
    assert found is not None
    assert re.findall(r"<tr><td>(.)</td>", found[1]) == [one.task for one in related(model, LIKE_A, Digits())]
    assert len(re.findall(r'<td class="number">\d+%</td>', found[1])) == 4
    assert related_report.expected(BoostingSurrogate(), Task("new", (), 0), Digits()) is None


# --- the command


def evonas(*words):
    return CliRunner().invoke(app, ["memory", "related", *map(str, words)])


def test_digits_is_related_to_other_digits_and_not_to_boards(tmp_path):
    done = evonas("digits", "--archive", tmp_path / "none.db", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    order = [one["task"] for one in said["related"]]
    assert said["encoding"] == "net"
    assert {"usps", "mnist", "kmnist"} == set(order[:3])
    assert {"chess", "sudoku"} == set(order[-2:])
    assert "digits" not in order  # what was learned on the same data is no earlier task
    assert not (tmp_path / "none.db").exists()


def test_an_archive_s_own_searches_are_among_them(tmp_path):
    archive, encoding = Archive(tmp_path / "a.db"), CellEncoding()
    archive.add_run(RunRecord("mine", Task("mine", (1, 8, 8), 10, {"classes": 10.0}, "a1 b2"), "cell", "random"))
    for i in range(12):
        genome = encoding.canonical(encoding.sample(np.random.default_rng(i)))
        archive.append(Trial("mine", i, i, Evaluation(Candidate(genome), {"val_accuracy": i / 12}), float(i)))
    done = evonas("digits", "--encoding", "cell", "--archive", tmp_path / "a.db")
    assert re.search(r"mine \(\d+ trainings\): its data are much like these", done.stdout), done.output
    assert len(done.stdout.splitlines()) == 1 + 4  # and the three that evonas ships


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "no data source named 'nowhere'"),
        (["npz:nowhere.npz"], "nowhere.npz"),
        (["digits", "--encoding", "nothing"], "nothing"),
        (["digits", "--encoding", "macro"], "no other data set than 'digits' is remembered with the encoding 'macro'"),
    ],
)
def test_what_cannot_be_said_is_one_line(words, said, tmp_path):
    error = evonas(*words, "--archive", tmp_path / "none.db").exception
    assert isinstance(error, EvonasError)
    assert said in str(error)
    assert "\n" not in str(error)
    assert not (tmp_path / "none.db").exists()
