"""`evonas surrogate`, the model files it makes, and what a search does with them."""

import json
import logging
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from evonas.app.cli import app
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.goals import VAL_ACCURACY, Goal, Objective
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.encodings.cell import CellEncoding
from evonas.memory import archive_io as exchange
from evonas.memory.archive import Archive, RunRecord
from evonas.search.methods import make_ranker
from evonas_surrogates import modelfile, plainfile, pretrained

ENCODING = CellEncoding()
DIGITS, USPS = Task("digits", (1, 8, 8), 10, {}, "a1 b2 c3"), Task("usps", (1, 16, 16), 10, {}, "d4 e5 f6")
OTHER = Task("other", (1, 28, 28), 10, {}, "77 88 99")


def fill(archive, task, n, sign=1.0, name=None, encoding="cell"):
    """Random cells, the better the more convolutions on their paths; every ninth failed."""
    name = name or task.name
    archive.add_run(RunRecord(name, task, encoding, "random"))
    for i in range(n):
        genome = ENCODING.sample(np.random.default_rng([i, len(name)]))
        worth = 0.5 + 0.05 * sign * ENCODING.features(genome)["live nor_conv_3x3"] + 0.001 * (i % 7)
        candidate = Candidate(genome)
        good = Evaluation(candidate, {"val_accuracy": worth, "params": 1e4 * worth})
        archive.append(Trial(name, i, i, Evaluation.failure(candidate, "no") if i % 9 == 8 else good))


@pytest.fixture
def archive(tmp_path):
    made = Archive(tmp_path / "a.db")
    fill(made, DIGITS, 60)
    fill(made, USPS, 40)
    return made


def evonas(*words, archive=None, ok=True):
    where = ["--archive", str(archive.where)] if archive else []
    done = CliRunner().invoke(app, ["surrogate", *map(str, words), *where])
    if done.exception and not isinstance(done.exception, SystemExit):
        assert isinstance(done.exception, EvonasError), done.exception
    assert (done.exception is None) == ok, done.output
    return done


def says(*words, archive=None):
    error = str(evonas(*words, archive=archive, ok=False).exception)
    assert "\n" not in error
    return error


def made(tmp_path, archive, name="m.safetensors"):
    evonas("fit", "--out", tmp_path / name, "--licence", "CC0", archive=archive)
    return tmp_path / name


def recall(archive, model, task=OTHER, objective=VAL_ACCURACY) -> Any:
    return make_ranker(f"meta(model={str(model)!r})", context(archive, task, objective))


def context(archive, task=OTHER, objective=VAL_ACCURACY):
    return SearchContext(CellEncoding(), Goal((objective,)), task, archive, encoding_name="cell")


def test_a_model_of_an_archive_shows_its_card(archive, tmp_path):
    said = evonas("fit", "--out", tmp_path / "m.safetensors", "--licence", "CC0", archive=archive).stdout
    assert "2 earlier tasks, " in said
    assert "--surrogate \"meta(model='" in said
    card = json.loads(evonas("show", tmp_path / "m.safetensors", "--json").stdout)
    assert (card["encoding"], card["objective"], card["licence"]) == ("cell", "val_accuracy", "CC0")
    assert card["feature_names"] == sorted(ENCODING.features(ENCODING.sample(np.random.default_rng(0))))
    digits, usps = card["views"]
    assert (digits["task"], usps["task"]) == ("digits", "usps")
    assert digits["spearman"] > 0.5
    assert "digits" in evonas("show", tmp_path / "m.safetensors").stdout


def test_an_exported_memory_gives_the_same_model_as_its_archive(archive, tmp_path):
    exchange.write_parquet(archive, tmp_path / "m.parquet")
    evonas("fit", tmp_path / "m.parquet", "--out", tmp_path / "p.safetensors")
    X = np.random.default_rng(0).integers(2, size=(20, 106)).astype(float)
    models = [modelfile.load(path)[0] for path in (made(tmp_path, archive), tmp_path / "p.safetensors")]
    np.testing.assert_allclose(models[0].predict(X), models[1].predict(X))


def test_a_table_of_ones_own_teaches_and_is_judged(tmp_path):
    rng = np.random.default_rng(0)
    genes = rng.permutation([(a, b, c) for a in range(6) for b in range(6) for c in range(3)])
    lines = [f"{a},{b},{c},{a - b},{a - b + 0.1 * c},{b - a}" for a, b, c in genes.tolist()]
    (tmp_path / "t.csv").write_text("a,b,c,one,two,liar\n" + "\n".join(lines))
    tasks = "".join(f'[[tasks]]\nname = "{name}"\nobjective = "{name}"\n' for name in ("one", "two"))
    (tmp_path / "t.toml").write_text(f'name = "mine"\ntable = "t.csv"\ngenes = ["a", "b", "c"]\n{tasks}')
    found = says("fit", tmp_path / "t.toml", "--out", tmp_path / "m.safetensors")
    assert "several objectives ('one', 'two'); choose one" in found
    tasks = "".join(f'[[tasks]]\nname = "{name}"\nobjective = "one"\n' for name in ("first", "second"))
    (tmp_path / "t.toml").write_text(f'name = "mine"\ntable = "t.csv"\ngenes = ["a", "b", "c"]\n{tasks}')
    words = ("--seeds", "1", "--told", "0,10", "--json")
    judged = json.loads(evonas("evaluate", tmp_path / "t.toml", *words).stdout)["judged"]
    assert [(one["task"], one["ranker"], one["told"]) for one in judged] == [
        (task, ranker, told) for task in ("first", "second") for ranker in ("meta", "boosting") for told in (0, 10)
    ]
    assert judged[0]["spearman"] > 0.9  # the other task is a twin
    assert judged[2]["spearman"] is None  # nothing is known from scratch
    evonas("fit", tmp_path / "t.toml", "--out", tmp_path / "m.safetensors", "--encoding", "mine")
    own = json.loads(evonas("evaluate", tmp_path / "t.toml", "--model", tmp_path / "m.safetensors", *words).stdout)
    assert {one["ranker"] for one in own["judged"]} == {"m.safetensors"}


def test_evaluation_leaves_the_task_out(tmp_path):
    archive = Archive(tmp_path / "a.db")
    fill(archive, DIGITS, 60)
    fill(archive, Task("twin", (1, 8, 8), 10, {}, DIGITS.fingerprint), 60, name="the same images")
    fill(archive, USPS, 60, sign=-1.0)
    words = ("--surrogates", "meta(trees=20)", "--told", "0", "--seeds", "1", "--json")
    judged = json.loads(evonas("evaluate", *words, archive=archive).stdout)["judged"]
    spearman = {one["task"]: one["spearman"] for one in judged}
    assert spearman["digits"] < -0.3  # only the liar is known of it: neither itself nor the same images
    assert spearman["twin"] < -0.3
    path = made(tmp_path, archive)
    assert modelfile.without_target(path, "cell", DIGITS)[0].names_ == ["usps"]
    judged = json.loads(evonas("evaluate", "--model", path, *words[2:], archive=archive).stdout)["judged"]
    assert {one["ranker"] for one in judged} == {"m.safetensors"}


def test_a_search_starts_from_a_model_of_ones_own(archive, tmp_path):
    path = made(tmp_path, archive)
    ranker = recall(Archive(tmp_path / "empty.db"), path)
    assert ranker.names_ == ["digits", "usps"]
    assert "2 earlier tasks" in ranker.describe()
    assert recall(Archive(tmp_path / "empty.db"), path, task=DIGITS).names_ == ["usps"]
    renamed = Task("renamed", (1, 8, 8), 10, {}, DIGITS.fingerprint)
    assert recall(Archive(tmp_path / "empty.db"), path, task=renamed).names_ == ["usps"]


def test_of_a_data_set_that_both_know_the_larger_memory_counts(archive, tmp_path):
    path = made(tmp_path, archive)
    assert recall(archive, path).names_ == ["digits", "usps"]  # each once
    fill(archive, DIGITS, 90, name="more")
    longer = recall(archive, path)
    assert sorted(longer.names_) == ["digits", "usps"]
    known = dict(zip(longer.names_, longer.sizes_, strict=True))
    before = modelfile.load(path)[0]
    assert known["digits"] > before.sizes_[before.names_.index("digits")]
    small = Archive(tmp_path / "small.db")
    fill(small, DIGITS, 8)
    mixed = recall(small, path)
    assert sorted(zip(mixed.names_, mixed.sizes_, strict=True))[0][1] > 8


def test_a_model_of_another_objective_is_no_help_and_no_harm(archive, tmp_path, caplog):
    ranker = recall(archive, made(tmp_path, archive), objective=Objective("params", maximize=False))
    assert ranker.names_ == ["digits", "usps"]  # the archive's own
    assert "ranks by val_accuracy, so it is no help for -params" in caplog.text


class Narrow(CellEncoding):
    """The cell as an evonas to come may describe it."""

    def features(self, genome):
        return {name: value for name, value in super().features(genome).items() if not name.startswith("count")}


def content_of(path):
    return plainfile.load(path, modelfile.KIND, modelfile.LARGEST)


def changed(path, to, **values):
    plainfile.save(to, values.pop("evonas", modelfile.KIND), {**content_of(path), **values})
    return to


def test_a_model_that_was_asked_for_and_will_not_do(archive, tmp_path, monkeypatch):
    path = made(tmp_path, archive)
    with pytest.raises(EvonasError, match="no model file 'nowhere.safetensors'; evonas surrogate fit makes one"):
        recall(archive, "nowhere.safetensors")
    (tmp_path / "text.safetensors").write_text("nothing")
    with pytest.raises(EvonasError, match="is no safetensors file"):
        recall(archive, tmp_path / "text.safetensors")
    with pytest.raises(EvonasError, match="is of encoding 'macro', not 'cell'"):
        recall(archive, changed(path, tmp_path / "macro.safetensors", encoding="macro"))
    names = [name.replace("count", "number of") for name in modelfile.load(path)[0].feature_names_ or []]
    with pytest.raises(EvonasError, match="knows other features than 'cell' has today .*make it again"):
        recall(archive, changed(path, tmp_path / "renamed.safetensors", feature_names=names))
    with pytest.raises(EvonasError, match=r"does not take the options \{'treees': 3\}"):
        make_ranker("meta(treees=3)", context(archive))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("meta(model=3)", "model=3 is no path"),
        ("meta(trees='many')", "trees='many' is too small or no whole number"),
        ("meta(max_rows=0)", "max_rows=0 is too small"),
        ("meta(portfolio='much')", "portfolio='much' is too small or no whole number"),
        ("boosting(trees=0)", "trees=0 is too small"),
    ],
)
def test_options_that_will_not_do(archive, spec, words):
    with pytest.raises(EvonasError, match=words) as error:
        make_ranker(spec, context(archive))
    assert "\n" not in str(error.value)


def test_a_shipped_model_that_will_not_do_costs_a_line_and_not_the_search(archive, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    path = made(tmp_path, archive, "cell.safetensors")
    names = [f"old {name}" for name in modelfile.load(path)[0].feature_names_ or []]
    for damage in (lambda: changed(path, path, feature_names=names), lambda: path.write_text("torn")):
        damage()
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            ranker = make_ranker("meta", context(archive))
        assert ranker.names_ == ["digits", "usps"]  # type: ignore[attr-defined]
        assert "going on without the model that evonas ships" in caplog.text
        assert "\n" not in caplog.records[-1].getMessage()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 99}, "format 99"),
        ({"names": 3}, "its 'names' is no list"),
        ({"sizes": [1]}, "is damaged.*1 sizes of 2 source models"),
        ({"center": np.zeros(3)}, "is damaged.*106 numbers are wanted"),
        ({"evonas": "something"}, "no meta-surrogate"),
        ({"forest": {"feature": np.zeros((2, 3))}}, "is damaged"),
    ],
)
def test_a_damaged_model_file_is_refused(archive, tmp_path, change, words):
    path = changed(made(tmp_path, archive), tmp_path / "odd.safetensors", **change)
    with pytest.raises(EvonasError, match=words):
        modelfile.load(path)
    assert says("show", path)


def test_a_tree_that_points_out_of_itself_is_refused(archive, tmp_path):
    path = made(tmp_path, archive)
    for name, value in (("feature", 106), ("left", 9999), ("model", 2)):
        forest = content_of(path)["forest"]
        forest[name] = forest[name].copy()
        forest[name].flat[0] = value
        with pytest.raises(EvonasError, match=f"the trees' '{name}' goes up to {value}"):
            modelfile.load(changed(path, tmp_path / "odd.safetensors", forest=forest))
    forest = content_of(path)["forest"]
    node = int(forest["left"][0, 0])
    forest["right"][0, node] = 0  # round and round
    with pytest.raises(EvonasError, match="a tree's node comes before its parent"):
        modelfile.load(changed(path, tmp_path / "odd.safetensors", forest=forest))


def test_sources_that_are_none(archive, tmp_path):
    empty = Archive(tmp_path / "empty.db")
    assert "it is empty: search first" in says("fit", "--out", tmp_path / "m.safetensors", archive=empty)
    found = says("fit", "--encoding", "macro", "--out", tmp_path / "m.safetensors", archive=archive)
    assert found.endswith("has nothing to learn of the encoding 'macro'; there are 'cell'")
    assert "no encoding named 'mcro'" in says(
        "fit", "--encoding", "mcro", "--out", tmp_path / "m.safetensors", archive=archive
    )
    assert "no suite 'nowhere'" in says("fit", "nowhere", "--out", tmp_path / "m.safetensors")
    assert "no file" in says("fit", tmp_path / "no.parquet", "--out", tmp_path / "m.safetensors")
    assert "no archive" in says("evaluate", tmp_path / "no.db")
    assert "no table" in says("fit", "digits", "--out", tmp_path / "m.safetensors")
    assert "is a folder" in says("fit", "--out", tmp_path, archive=archive)
    assert "--observed 'ten' is not valid" in says("evaluate", "--told", "ten", archive=archive)
    assert "no ranker named 'mata'" in says("evaluate", "--surrogates", "mata", archive=archive)
    assert "two results more than --observed 500" in says("evaluate", "--told", "500", archive=archive)
    few = Archive(tmp_path / "few.db")
    fill(few, DIGITS, 3)
    assert "no task with five that differ" in says("fit", "--out", tmp_path / "m.safetensors", archive=few)
    assert not (tmp_path / "m.safetensors").exists()
