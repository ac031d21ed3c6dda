"""A search on real series, from the file to the network that comes back."""

import json
from pathlib import Path

import numpy as np
import pytest

import evonas
from evonas.app.config import SearchConfig
from evonas.app.job import carry_out, prepare
from evonas.core.errors import EvonasError
from evonas.domains.domain import load_data
from evonas.domains.series import Series
from evonas.memory.archive import Archive

FILE = Path(__file__).parents[1] / "data" / "series" / "ItalyPowerDemand_TRAIN.ts"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("found")
    options = {"data": f"ucr:{FILE}", "trials": 3, "epochs": 12, "method": "random", "surrogate": "none", "name": "run"}
    options |= {"archive": str(folder / "a.db"), "out": str(folder / "out")}
    return carry_out(prepare(SearchConfig.make(options)))


def test_it_leaves_a_network_of_series(found):
    assert found["test_accuracy"] > 0.6
    assert found["encoding"] == "series"
    files = {path.name for path in found.folder.iterdir()}
    assert {"genome.json", "model.safetensors", "model.pt2", "report.html", "result.json"} <= files
    assert json.loads((found.folder / "genome.json").read_text())["domain"] == "series"
    record = Archive(found.folder.parent / "a.db").run("run")
    assert (record.task.domain, record.task.input_shape) == ("series", (1, 24))


def test_the_network_comes_back_and_reads_every_form(found):
    series = load_data(f"ucr:{FILE}")
    assert isinstance(series, Series)
    network = evonas.load(found.folder)
    predicted = network.predict(series.x_test)
    assert (predicted == series.y_test).mean() == pytest.approx(found["test_accuracy"])
    for form in (series.x_test[..., 0], series.x_test.tolist(), list(series.x_test), series.x_test.astype(np.float32)):
        assert (network.predict(form) == predicted).all()
    assert network.predict_proba(series.x_test).sum(1) == pytest.approx(1, abs=1e-5)
    for single in (series.x_test[0], series.x_test[0, :, 0]):
        assert network.predict(single).tolist() == [predicted[0]]
    short = series.x_test[:1].copy()
    short[:, 20:] = np.nan
    assert (network.predict_proba(short[:, :20]) == network.predict_proba(short)).all()
    assert network.predict(series.x_test[:0]).shape == (0,)
    with pytest.raises(EvonasError, match=r"cannot predict for series of shape \(13, 48, 1\); .* wants \(n, 24, 1\)"):
        network.predict(np.concatenate([series.x_test, series.x_test], 1)[:13])


def test_the_report_shows_the_series(found):
    page = (found.folder / "report.html").read_text()
    assert "The series" in page
    assert "<polyline" in page
    assert found["examples"]["classes"].keys() == {"1", "2"}


@pytest.mark.thorough
def test_from_python_and_with_a_memory_of_other_series(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    x = np.sin(np.arange(16) * (0.5 + y[:, None])) + rng.normal(0, 0.3, (40, 16))
    options = {"trials": 12, "epochs": 1, "archive": str(tmp_path / "a.db"), "domain": "series"}
    first = evonas.search(x, y, data="one", out=str(tmp_path / "one"), **options)
    assert "no earlier tasks" in " ".join(first["memory"])
    options |= {"trials": 1}
    second = evonas.search(-x + 0.1 * rng.normal(size=x.shape), y, data="two", out=str(tmp_path / "two"), **options)
    assert "no earlier tasks" not in " ".join(second["memory"])
