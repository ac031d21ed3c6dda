"""`evonas export`: a network taken away in every format, not trained where it is there; and what may go wrong."""

import json
import re
import shutil
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import evonas as package
from evonas.app.formats import FILES, FORMATS, parse_formats
from evonas.app.networks import located
from evonas.core.errors import EvonasError
from evonas.domains.standalone import _loaded
from tests.app.photos import photo, searched
from tests.commands import evonas

NEW = [photo(label, seed).convert("RGB") for label, seed in ((0, 70), (1, 71), (0, 72))]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("export"))


def network_of(folder):
    return package.load(folder / "runs" / "mine")


@pytest.mark.thorough
def test_every_format_says_the_same_and_nothing_is_trained(found):
    runtime = pytest.importorskip("onnxruntime", reason="not installed: pip install 'evonas[onnx]'")
    done = evonas("export", "mine", "--format", ",".join(FORMATS), "--out", "all", cwd=found)
    assert "training" not in done.stderr
    files = {file for one in FORMATS for file in FILES[one]}
    assert {path.name for path in (found / "all").iterdir()} == files | {"README.md", "result.json"}
    network = network_of(found)
    expected = network.predict_proba(NEW)
    assert package.load(found / "all").predict_proba(NEW) == pytest.approx(expected)
    session = runtime.InferenceSession(found / "all" / "model.onnx", providers=["CPUExecutionProvider"])
    x = network.read(NEW).float().numpy()
    assert session.run(["probabilities"], {"input": x})[0] == pytest.approx(expected, abs=1e-4)
    assert _loaded(found / "all" / "model.py").predict_proba(NEW).numpy() == pytest.approx(expected, abs=1e-5)
    assert evonas("predict", "all", "photos", cwd=found).stdout == evonas("predict", "mine", "photos", cwd=found).stdout


def test_training_images_stay_where_they_are(found):
    assert json.loads((found / "runs" / "mine" / "result.json").read_text())["examples"]["classes"]
    evonas("export", "runs/mine", "--format", "safetensors", "--out", "plain", cwd=found)
    assert "data:image" not in (found / "plain" / "result.json").read_text()
    evonas("export", "mine", "--out", "whole", cwd=found)  # without a format all that a search leaves
    there = {path.name for path in (found / "runs" / "mine").iterdir() if path.is_file()}
    assert {path.name for path in (found / "whole").iterdir()} == there | {"README.md"}


def test_beside_the_network_and_again_from_an_exported_folder(found):
    done = evonas("export", "mine", "--format", "standalone", cwd=found)
    assert done.stdout == f"{found / 'runs' / 'mine'}\n"
    assert (found / "runs" / "mine" / "model.py").exists()
    evonas("export", "mine", "--format", "safetensors", "--out", "first", cwd=found)
    evonas("export", "first", "--format", "standalone", "--out", "second", cwd=found)
    program, other = (found / folder / "model.py" for folder in ("runs/mine", "second"))
    assert program.read_text() == other.read_text()
    evonas("export", "first", "--format", "standalone", cwd=found)
    assert (found / "first" / "model.py").read_text() == program.read_text()


def test_another_trial_is_trained_once_and_the_runs_own_never(found):
    result = json.loads((found / "runs" / "mine" / "result.json").read_text())
    best = result["best_trial"] + 1
    own = evonas("export", "mine", "--trial", str(best), "--format", "safetensors", "--out", "own", cwd=found)
    assert "training" not in own.stderr
    words = ("export", "mine", "--trial", str(3 - best), "--format", "safetensors", "--out", "other")
    said = evonas(*words, cwd=found).stderr
    assert re.search(f"training in full the genome .*, that of trial {3 - best}", said)
    other = json.loads((found / "other" / "result.json").read_text())
    trials = json.loads(evonas("runs", "show", "mine", "--json", cwd=found).stdout)["evaluations"]
    assert (other["trial"], other["genome"]) == (3 - best, trials[2 - best]["genome"])
    assert other["val_accuracy"] == trials[2 - best]["metrics"]["val_accuracy"]
    assert package.load(found / "other").predict(NEW).shape == (3,)
    assert "training" not in evonas(*words, cwd=found).stderr
    assert f"trial {3 - best} of the search" in (found / "other" / "README.md").read_text()


def test_a_name_that_is_the_runs_own_folder_too_is_that_run(found, tmp_path, monkeypatch):
    """As `--name mine --out mine` leaves it: --pick and --trial take the run; a copy of its folder is no run."""
    archive = str(next(found.rglob("*.db")))
    monkeypatch.chdir(found / "runs")
    place = located("mine", archive)
    assert place.record is not None
    assert place.record.name == "mine"
    assert place.has_network
    shutil.copytree("mine", tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert located("mine", archive).record is None


def test_a_run_whose_network_is_gone_is_trained_as_it_was(found):
    folder = found / "runs" / "mine"
    expected = network_of(found).predict_proba(NEW)
    folder.rename(found / "away")
    try:
        refused = evonas("export", "mine", "--format", "safetensors", cwd=found, ok=False)
        done = evonas("export", "mine", "--out", "anew", cwd=found)
    finally:
        (found / "away").rename(folder)
    assert refused.returncode == 2
    assert "the network has to be trained: give --out FOLDER" in refused.stderr
    assert "training in full" in done.stderr
    assert package.load(found / "anew").predict_proba(NEW) == pytest.approx(expected, abs=1e-5)


def test_the_card_is_what_the_hub_reads(found):
    hub = pytest.importorskip("huggingface_hub", reason="not installed: pip install 'evonas[hub]'")
    evonas("export", "mine", "--format", "safetensors,standalone", "--out", "carded", cwd=found)
    result = json.loads((found / "runs" / "mine" / "result.json").read_text())
    card = hub.ModelCard.load(found / "carded" / "README.md")
    (figure,) = card.data.eval_results
    assert (figure.metric_type, figure.dataset_name, figure.task_type) == ("accuracy", "photos", "image-classification")
    assert figure.metric_value == pytest.approx(result["test_accuracy"], abs=1e-6)
    assert (card.data.library_name, card.data.model_name) == ("evonas", "mine")
    for words in ("15 training images", f"{result['params']:,}", "2, 0 of them failed", "python model.py", "`left`"):
        assert words in card.text
    assert "onnx" not in card.text


def test_what_is_somebody_elses_stays(found):
    for name, file in (("theirs", "model.py"), ("nets", "model.onnx")):
        (found / name).mkdir()
        (found / name / file).write_text("import this\n")
        done = evonas("export", "mine", "--format", "standalone", "--out", name, cwd=found, ok=False)
        assert done.returncode == 2
        assert (found / name / file).read_text() == "import this\n"
    shutil.copytree(found / "runs" / "mine", found / "mixed")
    (found / "mixed" / "model.py").write_text("import this\n")
    done = evonas("export", "mixed", "--format", "standalone", cwd=found, ok=False)
    assert (done.returncode, (found / "mixed" / "model.py").read_text()) == (2, "import this\n")
    (found / "mixed" / "README.md").write_text("# Mine\n")
    done = evonas("export", "mixed", "--format", "safetensors", cwd=found)
    assert "stays as it is; no model card was written" in done.stderr
    assert (found / "mixed" / "README.md").read_text() == "# Mine\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("mine",), "nothing to write: give --format, or --out FOLDER, or both"),
        (("mine", "--format", "zip"), "--format 'zip' is none; give one or more of safetensors, torch.export, onnx"),
        (("mine", "--format", ","), "--format ',' names none"),
        (("mine", "--trial", "3", "--out", "x"), "--trial 3: run 'mine' has the trials 1 to 2"),
        (("mine", "--trial", "0", "--out", "x"), "--trial 0: run 'mine' has the trials 1 to 2"),
        (("runs/mine", "--trial", "1", "--out", "x"), "--trial 1 trains a network of a run: give the run's name"),
        (("runs/mine", "--again", "--out", "x"), "--again trains a network of a run: give the run's name"),
        (("mine", "--again", "--format", "onnx"), "the network has to be trained: give --out FOLDER"),
        (("nobody", "--out", "x"), "no run named 'nobody' in .*; there are 'mine'"),
        (("photos", "--out", "x"), "the folder 'photos' holds no network"),
        (("mine", "--format", "onnx", "--out", "a.txt"), "'a.txt' is a file; give a folder"),
    ],
)
def test_what_a_user_may_get_wrong(found, words, message):
    (found / "a.txt").write_text("a")
    done = evonas("export", *words, cwd=found, ok=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert re.search(message, line), line
    assert not (found / "x").exists()


@pytest.mark.parametrize("name", ["onnx", "onnxruntime"])
def test_what_is_not_installed_is_said_in_a_line(found, name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    done = evonas("export", "mine", "--format", "onnx", cwd=found, ok=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert re.search(r"--format onnx needs onnx\w*, not installed; pip install 'evonas\[onnx\]'", done.stderr)


def test_formats_as_they_are_written():
    assert parse_formats(None) == ()
    assert parse_formats(" onnx, standalone,onnx") == ("onnx", "standalone")
    with pytest.raises(EvonasError, match="--format 'ONNX' is none"):
        parse_formats("ONNX")


def test_a_network_of_arrays_has_its_scale_in_the_file(tmp_path):
    """Standardised floats: what they mean travels along."""
    x = np.random.default_rng(0).normal(size=(60, 8, 8))
    np.savez(tmp_path / "d.npz", x_train=x, y_train=np.arange(60) % 3)
    words = ("--trials", "1", "--epochs", "1", "--surrogate", "none", "--encoding", "cell(width=4)", "-q")
    evonas("search", "--data", "npz:d.npz", "--name", "arrays", *words, cwd=tmp_path)
    evonas("export", "arrays", "--format", "standalone", "--out", "out", cwd=tmp_path)
    model = _loaded(tmp_path / "out" / "model.py")
    expected = package.load(tmp_path / "runs" / "arrays").predict_proba(x)
    assert model.predict_proba(torch.from_numpy(x)[:, None]).numpy() == pytest.approx(expected, abs=1e-5)
    with pytest.raises(ValueError, match="mode RGB"):
        model.predict(Image.new("RGB", (8, 8)))
