"""`evonas data`: what can be made, made and searched, and everything one can get wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from evonas.app.config import SearchConfig
from evonas.app.preparation import prepare
from tests.commands import evonas

RNG = np.random.default_rng(0)


def source(folder, size: int = 28, classes: int = 10, n: int = 80) -> str:
    x = RNG.integers(0, 256, (n, size, size), dtype=np.uint8)
    y = np.arange(n) % classes
    np.savez(folder / "some.npz", x_train=x, y_train=y, x_test=x[::-1], y_test=y[::-1])
    return str(folder / "some.npz")


def test_list_says_what_is_needed(tmp_path):
    lines = evonas("data", "list", cwd=tmp_path).stdout.splitlines()
    assert any(line.split()[:4] == ["addnist", "3×28×28", "20", "MNIST"] for line in lines)
    assert any(line.split()[:4] == ["chess", "12×8×8", "6", "nothing"] for line in lines)


def test_made_of_a_file(tmp_path):
    words = ("data", "make", "multnist", "--root", "here", "--images", "90", "--source", source(tmp_path))
    made = evonas(*words, cwd=tmp_path).stdout
    assert "90 train, 30 valid, 20 test images of 3×28×28 in 10 classes" in made
    assert f"evonas search --data npy:{Path('here') / 'multnist'}" in made
    metadata = json.loads((tmp_path / "here" / "multnist" / "metadata").read_text())
    assert (metadata["codename"], metadata["benchmark"], metadata["sources"]) == ("MultNIST", 91.6, ["mnist"])
    assert "holds exactly this already" in evonas(*words, cwd=tmp_path).stdout


def test_made_and_ready_for_a_search(tmp_path):
    evonas("data", "make", "sudoku", "--root", "here", "--images", "90", cwd=tmp_path)
    data, archive = f"npy:{tmp_path / 'here' / 'sudoku'}", tmp_path / "archive.db"
    job = prepare(SearchConfig.make({"data": data, "archive": archive, "trials": 1}))
    assert job.data.task.input_shape == (10, 9, 9)
    assert (len(job.data.y_train), len(job.data.y_val), len(job.data.y_test)) == (90, 30, 20)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("make", "multi"), "no data set 'multi' can be made; there are 'addnist', "),
        (("make", "words", "--images", "3"), "--images 3 is too few for words, which has 6 classes; give 25 or more"),
        (("make", "words", "--seed", "-1"), "--seed -1 is below 0"),
        (("make", "words", "--source", "x.npz"), "words is made of no other images; leave --source 'x.npz' out"),
        (("make", "addnist", "--source", "x.npz"), "no file 'x.npz'"),
        (("make", "cifartile", "--source", "some.npz"), "made of CIFAR10: images of (32, 32, 3) in 10 classes; 'some'"),
    ],
)
def test_wrong_wishes_are_one_line(tmp_path, words, message):
    source(tmp_path)
    done = evonas("data", *words, "--root", "here", cwd=tmp_path, ok=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "here").exists()


def test_a_source_with_classes_missing_is_refused(tmp_path):
    words = ("data", "make", "addnist", "--root", "here", "--source", source(tmp_path, classes=9))
    assert "holds images of (28, 28, 1) in 9" in evonas(*words, cwd=tmp_path, ok=False).stderr


def test_torchvisions_sets_are_used_where_they_are(tmp_path):
    from tests.domains.test_torchvision_source import mnist

    mnist(tmp_path / "here", "MNIST", n=120, n_test=60)
    evonas("data", "make", "addnist", "--root", "here", "--images", "90", cwd=tmp_path)
    assert np.load(tmp_path / "here" / "addnist" / "train_x.npy").shape == (90, 3, 28, 28)
