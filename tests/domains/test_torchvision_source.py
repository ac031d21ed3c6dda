"""torchvision's data sets from files on disk; nothing here needs a network."""

import gzip
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from evonas.core.errors import EvonasError
from evonas.domains.images import load_images

RNG = np.random.default_rng(0)


def idx(path: Path, array: np.ndarray) -> None:
    """A file of the format of MNIST: big-endian sizes, then bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def mnist(root: Path, name: str, n: int = 40, n_test: int = 20) -> tuple[np.ndarray, np.ndarray]:
    raw = root / name / "raw"
    x, y = RNG.integers(0, 256, (n, 28, 28), dtype=np.uint8), np.arange(n) % 10
    idx(raw / "train-images-idx3-ubyte", x)
    idx(raw / "train-labels-idx1-ubyte", y)
    idx(raw / "t10k-images-idx3-ubyte", x[:n_test])
    idx(raw / "t10k-labels-idx1-ubyte", y[:n_test])
    return x, y


@pytest.mark.parametrize(("name", "flip"), [("MNIST", False), ("FashionMNIST", True), ("KMNIST", False)])
def test_idx_files(tmp_path, name, flip):
    x, y = mnist(tmp_path, name)
    images = load_images(f"torchvision:{name}", root=tmp_path)
    assert images.name == name.lower()
    assert (images.x[..., 0] == x).all()
    assert (images.y == y).all()
    assert len(images.y_test) == 20
    assert len(images.class_names) == 10
    assert images.flip is flip


def test_names_are_found_in_any_case(tmp_path):
    mnist(tmp_path, "FashionMNIST")
    images = load_images("torchvision:fashionmnist", root=tmp_path)
    assert images.class_names[0] == "T-shirt/top"


def test_cifar_from_a_downloaded_copy_that_is_not_the_original_is_refused(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    with open(folder / "data_batch_1", "wb") as file:
        pickle.dump({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]}, file)
    refused("torchvision:CIFAR10", "cannot be downloaded", tmp_path)


def refused(spec: str, words: str, root: Path | None = None) -> str:
    with pytest.raises(EvonasError, match=words) as raised:
        load_images(spec, root=root)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Whatever opens a connection fails at once, as without a network."""
    import socket

    def unreachable(*_, **__):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)


@pytest.mark.parametrize("name", ["MNIST", "CIFAR10", "SVHN", "USPS", "EMNIST/letters", "STL10", "GTSRB", "QMNIST"])
def test_without_files_and_without_a_network(tmp_path, name):
    said = refused(
        f"torchvision:{name}", "cannot be downloaded .*; put its files there, or give another --root", tmp_path
    )
    assert str(tmp_path) in said


def test_a_root_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    refused("torchvision:MNIST", "cannot be downloaded", tmp_path / "file")


def test_damaged_idx_files(tmp_path):
    mnist(tmp_path, "MNIST")
    (tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03 too short")
    refused("torchvision:MNIST", "files of torchvision's MNIST in .* are damaged .*; remove them", tmp_path)


def test_unknown_names():
    refused("torchvision:Imagenet", "no torchvision data set named 'Imagenet' here; there are 'CIFAR10', .*'USPS'")
    refused("torchvision:", "no torchvision data set named ''")
    refused("torchvision:EMNIST", "EMNIST needs a split .EMNIST/letters.")
    refused("torchvision:MNIST/letters", "others have none")


def test_an_unknown_split_of_emnist(tmp_path):
    refused("torchvision:EMNIST/nonsense", "EMNIST has no split 'nonsense'; it has 'balanced'", tmp_path)


def emnist(root: Path, split: str, n: int) -> np.ndarray:
    raw = root / "EMNIST" / "raw"
    x, y = RNG.integers(0, 256, (n, 28, 28), dtype=np.uint8), 1 + np.arange(n) % 26
    for part in ("train", "test"):
        for kind, array in (("images-idx3", x), ("labels-idx1", y)):
            path = raw / f"emnist-{split}-{part}-{kind}-ubyte"
            idx(path, array)
            with gzip.open(f"{path}.gz", "wb") as file:
                file.write(path.read_bytes())
    return x


def test_emnist_letters_are_upright_and_named(tmp_path):
    x = emnist(tmp_path, "letters", 52)
    images = load_images("torchvision:EMNIST/letters", root=tmp_path)
    assert images.name == "emnist-letters"
    assert (images.x[..., 0] == x.swapaxes(1, 2)).all()
    assert images.class_names[:3] == ("a", "b", "c")
    assert len(images.class_names) == 26
