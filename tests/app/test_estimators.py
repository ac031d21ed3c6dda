"""Searches as scikit-learn's classifiers: labels as given, clones, grids, and scikit-learn's own checks."""

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_estimator

import evonas
from evonas.app.display import automatic
from evonas.app.results import Result
from evonas.domains.groups import digest
from evonas.memory.archive import Archive
from evonas.search.loop import Budget

TINY = {"trials": 1, "epochs": 1, "surrogate": "none", "device": "cpu", "random_state": 0}
NAMES = np.array(["null", "eins", "zwei"])
X, CODES = load_digits(n_class=3, return_X_y=True)
X, CODES = X[:150], CODES[:150]
Y = NAMES[CODES]


def images(**options):
    return evonas.ImageClassifier(**{**TINY, "encoding": "cell(width=4)", "image_shape": (8, 8), **options})


@pytest.fixture(scope="module")
def fitted():
    return images(epochs=8).fit(X, Y)


def test_labels_come_back_as_given(fitted):
    assert fitted.classes_.tolist() == sorted(NAMES)
    predicted = fitted.predict(X)
    assert predicted.dtype == Y.dtype
    assert fitted.score(X, Y) == (predicted == Y).mean() > 0.5
    probabilities = fitted.predict_proba(X)
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-5)
    assert (fitted.classes_[probabilities.argmax(1)] == predicted).all()
    assert (fitted.n_trials_, fitted.network_.input_shape) == (1, (1, 8, 8))


def test_rows_of_pixels_are_images(fitted):
    again = images(epochs=8, image_shape=None).fit(X.reshape(-1, 8, 8), Y)
    assert again.predict_proba(X.reshape(-1, 8, 8)) == pytest.approx(fitted.predict_proba(X), abs=1e-5)
    with pytest.raises(ValueError, match="rows of pixels need image_shape="):
        again.fit(X, Y)
    with pytest.raises(ValueError, match=r"image_shape=\(7, 9\) has 63 pixels, but X has rows of 64"):
        images(image_shape=(7, 9)).fit(X, Y)


def test_it_is_a_value(fitted):
    other: Any = clone(fitted)
    assert other.get_params() == fitted.get_params()
    assert not hasattr(other, "network_")
    back = pickle.loads(pickle.dumps(fitted))
    assert back.predict_proba(X[:9]) == pytest.approx(fitted.predict_proba(X[:9]))


def test_a_grid_of_encodings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grid = GridSearchCV(images(), {"encoding": ["cell(width=4)", "cell(width=8)"]}, cv=2)
    grid.fit(X[:60], Y[:60])
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()  # a fit that fails has none
    assert set(grid.predict(X)) <= set(NAMES)
    assert list(tmp_path.iterdir()) == []  # no fit leaves anything, and none remembers another


def test_series():
    rng = np.random.default_rng(0)
    codes = np.arange(60) % 2
    x = rng.normal(size=(60, 24)) + 3 * codes[:, None] * np.sin(np.arange(24) / 2)
    found = evonas.SeriesClassifier(**{**TINY, "epochs": 5}).fit(x, codes == 1)
    assert found.predict(x[:5]).dtype == bool
    assert found.score(x, codes == 1) > 0.6
    assert found.predict(x[:5, :, None]).shape == (5,)


def test_groups_balance_and_a_start(tmp_path, fitted):
    place, groups = str(tmp_path / "a.db"), np.arange(150) // 10
    found = images(balance=True, start=[fitted.genome_], trials=2, archive=place).fit(X, Y, groups=groups)
    archive = Archive(place)
    config = archive.run("fit").config
    assert (config["balance"], config["grouped"]) == (True, digest(groups))
    assert fitted.genome_ in config["first"][:2]
    assert fitted.genome_ in [one.evaluation.candidate.genome for one in archive.trials("fit")]
    assert set(found.predict(X)) <= set(NAMES)
    with pytest.raises(ValueError, match="groups has 149 values for 150 images"):
        images().fit(X, Y, groups=groups[1:])
    with pytest.raises(ValueError, match="--start .* no genome of the encoding"):
        images(start=["nothing"]).fit(X, Y)


def test_what_is_no_data_is_a_value_error():
    for x, y, words in ((X, Y[:9], "inconsistent numbers"), (X, np.zeros(150), "of one class"), (X * np.nan, Y, "NaN")):
        with pytest.raises(ValueError, match=words):
            images().fit(x, y)
    with pytest.raises(ValueError, match="--trials 0"):
        images(trials=0).fit(X, Y)


def test_nothing_is_shown_where_nobody_looks(capsys, monkeypatch):
    assert automatic(Budget(1)) == ()
    images().fit(X[:60], Y[:60])
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True, raising=False)
    assert len(automatic(Budget(1))) == 1


def test_importing_evonas_loads_neither_torch_nor_sklearn():
    code = "import sys, evonas; print({'torch', 'sklearn'} & set(sys.modules), 'ImageClassifier' in evonas.__all__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set() True\n"


def test_a_result_shows_itself_in_a_notebook(tmp_path):
    (tmp_path / "<out>").mkdir()
    (tmp_path / "<out>" / "genome.json").write_text("{}")
    values = {"run": "a<b", "params": 12345, "test_accuracy": 0.97251, "genome": ("x<y", 1), "against": None}
    shown = Result(tmp_path / "<out>", values)._repr_html_()
    for words in (
        "<b>a&lt;b</b>",
        "<tr><th>params</th><td>12,345</td></tr>",
        "<td>0.9725</td>",
        "x&lt;y",
        "&lt;out&gt;",
    ):
        assert words in shown
    assert "genome.json" in shown
    assert "against" not in shown


SKIPPED = {"check_array_api_input": "scikit-learn skips it itself unless SCIPY_ARRAY_API is set"}
"""Of scikit-learn's checks, those that are not carried out, with the reason; none fails."""


@pytest.mark.thorough
def test_scikit_learns_own_checks():
    estimator = images(trials=2, image_shape="auto")
    done = check_estimator(estimator, on_skip=None, on_fail=None)
    others = {one["check_name"]: str(one["exception"]) for one in done if one["status"] != "passed"}
    assert set(others) <= set(SKIPPED), others
    assert sum(one["status"] == "passed" for one in done) >= 30
