"""`--ensemble N`: several of the best genomes share the final training and are one network."""

import json

import pytest

import evonas
from evonas.app.config import SearchConfig
from evonas.app.exporting import export
from evonas.core.errors import EvonasError
from evonas.domains.images import images_from_arrays
from evonas.memory.archive import Archive
from evonas.training.ensemble import Ensemble
from tests.app.test_final import MORE, Varied, X, Y, genomes, search


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ensemble")
    return folder, search(folder, ensemble=2)


def test_the_best_genomes_share_the_final_training(found):
    folder, result = found
    (other,) = result["final"]["others"]
    assert result["genome"] == result["final"]["genome"] != other
    assert {result["genome"] - MORE, other - MORE} < set(genomes(folder))
    one = Archive(folder / "archive.db").trials("run")[0].evaluation.metrics
    assert result["params"] == 2 * one["params"]
    assert result["flops"] == 2 * one["flops"]
    assert result["final"]["seconds"] == pytest.approx(0.5)
    assert "the network is the mean of 2 networks, with the parameters and operations of all" in result["notes"]


def test_the_network_is_one_that_comes_back_without_the_search(found):
    _, result = found
    network = evonas.load(result.folder)
    assert isinstance(network.model, Ensemble)
    assert network.predict_proba(X).sum(1) == pytest.approx(1, abs=1e-5)
    assert (network.predict(X) == Y).mean() > 0.9
    assert result.files == ["report.html", "result.json", "genome.json", "model.safetensors", "model.pt2"]
    described = json.loads((result.folder / "genome.json").read_text())
    assert [member["genome"] for member in described["members"]] == [result["genome"], *result["final"]["others"]]
    assert described["genome"] == result["genome"]


def test_an_export_makes_the_same_of_it(found):
    folder, result = found
    lines: list[str] = []
    given = {"archive": str(folder / "archive.db"), "data": images_from_arrays(X, Y, name="memory")}
    again = export("run", folder / "exported", again=True, **given, encoding=Varied(), say=lines.append)
    assert again["final"] == result["final"]
    assert again["params"] == result["params"]
    assert f"the genome {result['genome']!r} and 1 more, as in the run's own final training" in lines[0]


def test_fewer_genomes_than_asked_for_are_said(tmp_path):
    result = search(tmp_path, trials=1, ensemble=4)
    assert not result["final"]["others"]
    assert "--ensemble 4: the search had no more than 1 to recommend" in result["notes"]
    assert not isinstance(result.load().model, Ensemble)


def test_what_makes_no_sense_is_one_line(tmp_path):
    for wrong in (0, -1):
        with pytest.raises(EvonasError, match=f"--ensemble {wrong} is not valid: input should be greater than"):
            SearchConfig.make({"ensemble": wrong})
    options = {"archive": tmp_path / "archive.db", "out": tmp_path / "out", "ensemble": 3}
    with pytest.raises(EvonasError, match="--ensemble 3 shares the seconds of a deadline.*leave it out"):
        evonas.search(X, Y, trials=2, **options)
    with pytest.raises(EvonasError, match="--ensemble 3 means nothing to an evaluator"):
        evonas.search(evaluator=lambda candidate, task, seed: {"a": 1.0}, encoding=Varied(), **options)
    assert not (tmp_path / "out").exists()
