"""`evonas predict`: of a run, of its folder, of pictures, folders and arrays; what a user may get wrong."""

import csv
import re
import shutil

import numpy as np
import pytest
from PIL import Image

import evonas as package
from tests.app.photos import NAMES, photo, photos, searched
from tests.commands import evonas


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = searched(tmp_path_factory.mktemp("predict"))
    photos(folder / "new", each=3)
    (folder / "new" / "notes.txt").write_text("no picture")
    return folder


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_every_picture_below_a_folder_by_any_name_of_the_network(found):
    done = evonas("predict", "mine", "new", cwd=found)
    head, *lines = rows(done.stdout)
    assert head == ["file", "class", "probability", "next"]
    assert [line[0] for line in lines] == [f"new/{name}/{i}" for name in NAMES for i in ("0.png", "1.jpg", "2.webp")]
    assert {line[1] for line in lines} <= set(NAMES)
    assert "passed over in 'new': files that end with .txt (1): 'notes.txt'" in done.stderr
    shutil.copytree(found / "runs" / "mine", found / "elsewhere")
    for name in ("runs/mine", "elsewhere", str(found / "elsewhere")):
        assert evonas("predict", name, "new", cwd=found).stdout == done.stdout


def test_a_table_for_programs_holds_what_the_network_says(found):
    done = evonas("predict", "mine", "new/left/0.png", "new/right", "--out", "p.csv", cwd=found)
    assert done.stdout == "4 predictions in p.csv\n"
    with (found / "p.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    network = package.load(found / "runs" / "mine")
    files = [found / row["file"] for row in table]
    probabilities = np.array([[float(row[f"p:{name}"]) for name in NAMES] for row in table])
    assert probabilities == pytest.approx(network.predict_proba(files), abs=1e-5)
    assert [row["class"] for row in table] == network.predict_names([str(file) for file in files])
    assert [float(row["probability"]) for row in table] == pytest.approx(probabilities.max(1))
    evonas("predict", "mine", "new", "--out", "p.csv", cwd=found)  # predictions are written over
    (found / "mine.csv").write_text("a,b\n")
    assert "holds something else" in evonas("predict", "mine", "new", "--out", "mine.csv", cwd=found, ok=False).stderr


def test_paths_pictures_and_arrays_mean_the_same(found):
    network = package.load(found / "runs" / "mine")
    images = [photo(label, seed).convert("RGB") for label, seed in ((0, 50), (1, 51))]
    expected = network.predict_proba(images)
    for i, image in enumerate(images):
        image.save(found / f"{i}.png")
        np.save(found / f"{i}.npy", np.asarray(image))
    assert network.predict_proba([found / "0.png", found / "1.png"]) == pytest.approx(expected)
    assert network.predict_proba([np.asarray(image) for image in images]) == pytest.approx(expected, abs=1e-3)
    (*_, first), (*_, second) = (
        rows(evonas("predict", "mine", *files, cwd=found).stdout) for files in (["0.png", "1.png"], ["0.npy", "1.npy"])
    )
    assert first[1:] == second[1:]


def test_arrays_of_many_examples_and_pictures_of_another_size(tmp_path, monkeypatch):
    """A network of arrays, run by name: rows of an array by number; pictures of its own size, of others by --fit."""
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "d.npz", x_train=x, y_train=np.arange(60) % 3)
    words = ("--trials", "1", "--epochs", "1", "--surrogate", "none", "--encoding", "cell(width=4)", "-q")
    evonas("search", "--data", "npz:d.npz", "--name", "arrays", *words, cwd=tmp_path)
    np.save(tmp_path / "x.npy", x[:3])
    monkeypatch.setattr("evonas.app.predicting.AT_ONCE", 2)
    Image.fromarray(x[0]).save(tmp_path / "own.png")
    Image.fromarray(np.kron(x[0], np.ones((3, 3), np.uint8))).save(tmp_path / "large.png")
    _, *lines = rows(evonas("predict", "arrays", "x.npy", "own.png", cwd=tmp_path).stdout)
    assert [line[0] for line in lines] == ["x.npy[0]", "x.npy[1]", "x.npy[2]", "own.png"]
    assert lines[0][1:] == lines[3][1:]
    refused = evonas("predict", "arrays", "large.png", cwd=tmp_path, ok=False)
    assert refused.returncode == 2
    assert "24×24 pixels" in refused.stderr
    assert "--fit pad" in refused.stderr
    assert len(rows(evonas("predict", "arrays", "large.png", "--fit", "stretch", cwd=tmp_path).stdout)) == 2


def test_a_damaged_file_takes_no_other_with_it(found):
    photos(found / "some", each=2)
    (found / "some" / "left" / "bad.png").write_bytes(b"no picture")
    done = evonas("predict", "mine", "some", "--out", "some.csv", cwd=found, ok=False)
    assert done.returncode == 2
    assert done.stderr.startswith("evonas: 1 of 5 files were left out: 'some/left/bad.png' cannot be read")
    assert len((found / "some.csv").read_text().splitlines()) == 1 + 4
    shown = evonas("predict", "mine", "some", cwd=found, ok=False)
    assert (shown.returncode, len(rows(shown.stdout))) == (2, 5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("mine",), "missing argument 'files'"),
        (("mine", "none.png"), "there is no file 'none.png'"),
        (("mine", "empty"), "the folder 'empty' holds no pictures"),
        (("mine", "bad.npy"), "'bad.npy' cannot be read as a .npy file"),
        (("mine", "objects.npy"), "'objects.npy' cannot be read as a .npy file: it holds pickled objects"),
        (("mine", "photos", "--fit", "zoom"), "fit is 'zoom'; give one of"),
        (("mine", "photos", "--fit", "crop"), "came to their size by 'pad'"),
        (("mine", "photos", "--out", "no/such/folder.csv"), "is no file that can be written"),
        (("mine", "photos", "--out", "photos"), "is no file that can be written"),
        (("nobody", "photos"), "no run named 'nobody' in .*; there are 'mine'"),
        (("photos", "photos"), "the folder 'photos' holds no network"),
        (("bad.npy", "photos"), "'bad.npy' is a file; give the name of a run"),
    ],
)
def test_what_a_user_may_get_wrong(found, words, message):
    (found / "empty").mkdir(exist_ok=True)
    (found / "bad.npy").write_bytes(b"none")
    np.save(found / "objects.npy", np.array([{}], dtype=object))
    done = evonas("predict", *words, cwd=found, ok=False)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert re.search(message, line), line


def test_a_run_without_a_network_says_how_to_get_one(found):
    shutil.rmtree(found / "away", ignore_errors=True)
    (found / "runs" / "mine").rename(found / "away")
    try:
        done = evonas("predict", "mine", "photos", cwd=found, ok=False)
    finally:
        (found / "away").rename(found / "runs" / "mine")
    assert done.returncode == 2
    assert "has no network in" in done.stderr
    assert "evonas export mine" in done.stderr
