"""What a search says of its data, what it refuses, and that images mean the same to the network it leaves."""

import sys
import warnings

import numpy as np
import pytest
from PIL import Image

import evonas
from evonas.app.cli import main
from evonas.core.errors import EvonasError
from evonas.core.optional import CallbackDefaults

QUICK = {"trials": 1, "epochs": 1, "surrogate": "none"}
RNG = np.random.default_rng(0)
Y = np.arange(60) % 2


class Notes(CallbackDefaults):
    def __init__(self):
        self.lines = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVONAS_ARCHIVE", str(tmp_path / "archive.db"))


def run(monkeypatch, *words) -> int | str:
    """The exit code of the command line."""
    monkeypatch.setattr(sys, "argv", ["evonas", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0


def pets(folder) -> str:
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for i in range(8):
            Image.fromarray(RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / name / f"{i}.png")
    (folder / "cat" / "notes.txt").write_text("hello")
    return f"folder:{folder}?size=8"


@pytest.mark.thorough
def test_a_search_says_what_it_found_before_it_trains(tmp_path, capsys, monkeypatch):
    options = ("--trials", "1", "--epochs", "1", "--surrogate", "none")
    assert run(monkeypatch, "search", "--data", pets(tmp_path / "pets"), *options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("pets: ")
    assert "images train" in lines[0]
    assert lines[1] == "2 classes: cat (8), dog (8)"
    assert "left out: files that end with .txt (1): 'cat/notes.txt'" in lines[:5]


@pytest.mark.parametrize("how", ["command line", "file"])
def test_strict_refuses_what_is_left_out_and_trains_nothing(tmp_path, capsys, monkeypatch, how):
    spec = pets(tmp_path / "pets")
    words = ["--data", spec, "--strict"]
    if how == "file":
        (tmp_path / "mine.toml").write_text(f"data = '{spec}'\nstrict = true\n")
        words = [str(tmp_path / "mine.toml")]
    assert run(monkeypatch, "search", *words) == 2
    said = capsys.readouterr()
    assert said.err == "evonas: --strict: of 'pets' was left out: files that end with .txt (1): 'cat/notes.txt'\n"
    assert said.out == ""
    assert not (tmp_path / "runs").exists()


@pytest.mark.thorough
def test_python_hears_of_clipped_values_too():
    x = RNG.random((60, 6, 6))
    x[0, 0, 0] = 1.03
    with pytest.raises(EvonasError, match="--strict: of 'memory' was left out: 1 of 2,160 values of x lie outside"):
        evonas.search(x, Y, **QUICK, strict=True)
    with pytest.warns(UserWarning, match="1 of 2,160 values of x lie outside of 0 to 1"):
        evonas.search(x, Y, **QUICK)
    notes = Notes()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        evonas.search(x, Y, **QUICK, callbacks=[notes])
    assert any(line.startswith("left out: 1 of 2,160 values of x") for line in notes.lines)


def test_channels_and_validation_images_reach_the_data():
    x = RNG.random((60, 3, 5, 3))
    with pytest.raises(EvonasError, match="say channels='first'"):
        evonas.search(x, Y, **QUICK)
    notes = Notes()
    found = evonas.search(x, Y, x_val=x[:10], y_val=Y[:10], channels="first", callbacks=[notes], **QUICK)
    assert found.load().input_shape == (3, 5, 3)
    assert "48 images train, 10 validate, 12 test; 5×3×3 each" in notes.lines[0]
    assert len(found.load().predict(x)) == 60
