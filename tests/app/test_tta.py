"""Test-time augmentation of the final network: where it makes fewer errors on validation images, and only there."""

import json

import numpy as np
import pytest

import evonas
from evonas.app.config import SearchConfig
from evonas.app.exporting import export
from evonas.core.errors import EvonasError
from evonas.core.paired import Paired
from evonas.core.recipe import Recipe
from evonas.domains.images import images_from_arrays
from evonas.memory.archive import Archive
from evonas.training.forms import OverForms
from tests.app.test_final import search
from tests.training.nets import HalfBlind, Line, halves

X, Y = halves()


class Blind(HalfBlind):
    """With several genomes, none of which is changed on its way."""

    def sample(self, rng: np.random.Generator) -> float:
        return 1 + int(rng.integers(64)) / 64


class Seeing(Blind):
    """One that sees everything: another form tells it nothing new."""

    build = Line.build


class Plain(Blind):
    def recipe(self, genome):
        return Recipe()


@pytest.fixture(scope="module")
def helped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tta")
    return folder, search(folder, X, Y, encoding=Blind())


def plain_flops(folder):
    return Archive(folder / "archive.db").trials("run")[0].evaluation.metrics["flops"]


def test_it_is_used_where_it_helps_on_validation_images(helped):
    folder, result = helped
    judged = Paired(**result["final"]["judged"])
    assert judged.helps
    assert 64 <= judged.examples <= 144  # as many as its time allowed
    assert result["flops"] == 2 * plain_flops(folder)
    seen = f"of {judged.examples} validation images it mended {judged.mended} and spoilt {judged.spoilt}"
    assert result["notes"][1].startswith(f"test-time augmentation over 2 forms: {seen} (p = ")
    assert result["notes"][1].endswith("; it costs 2 times as much")
    assert result["test_accuracy"] > 0.85  # a network that sees one half has two thirds


def test_the_exported_network_is_the_augmented_one(helped):
    _, result = helped
    network = evonas.load(result.folder)
    assert isinstance(network.model, OverForms)
    mirrored = network.predict_proba(X[:, :, ::-1])
    assert network.predict_proba(X) == pytest.approx(mirrored, abs=1e-5)
    assert (result.folder / "model.pt2").exists()
    members = json.loads((result.folder / "genome.json").read_text())["members"]
    forms = {"mirror_x": True, "mirror_y": False, "shift_x": 0, "shift_y": 0}
    assert members == [{"genome": result["genome"], "forms": forms}]


def test_an_export_of_the_run_keeps_to_its_decision(helped):
    folder, result = helped
    data = images_from_arrays(X, Y, name="memory")
    again = export(
        "run", folder / "exported", again=True, archive=str(folder / "archive.db"), data=data, encoding=Blind()
    )
    assert again["final"] == result["final"]
    assert again["flops"] == result["flops"]


def test_it_is_left_out_where_it_does_not_help(tmp_path):
    result = search(tmp_path, X, Y, encoding=Seeing(), trials=2)
    judged = Paired(**result["final"]["judged"])
    assert not judged.helps
    assert result["flops"] == plain_flops(tmp_path)
    seen = f"of {judged.examples} validation images it mended {judged.mended} and spoilt {judged.spoilt}"
    assert result["notes"][1].startswith(f"no test-time augmentation over 2 forms: {seen}")
    assert "which is within chance" in result["notes"][1]


def test_it_can_be_turned_off(tmp_path):
    result = search(tmp_path, X, Y, encoding=Blind(), trials=1, tta="off")
    assert result["final"]["judged"] is None
    assert result["flops"] == plain_flops(tmp_path)
    assert len(result["notes"]) == 1


def test_nothing_is_judged_whose_recipe_varies_nothing(tmp_path):
    result = search(tmp_path, X, Y, encoding=Plain(), trials=1)
    assert result["final"]["judged"] is None


def test_other_words_are_refused():
    with pytest.raises(EvonasError, match="--tta 'on' is not valid: input should be 'auto' or 'off'"):
        SearchConfig.make({"tta": "on"})
