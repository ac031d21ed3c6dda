"""What does not fit in memory lies in a file, is read one picture at a time, and is gone afterwards."""

import gc
import os
import pickle
import tracemalloc
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
from PIL import Image

from evonas.core.errors import EvonasError
from evonas.domains import mapped
from evonas.domains.images import images_from_arrays, load_images, split
from evonas.domains.images.descriptors import describe

RNG = np.random.default_rng(0)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder, and 20 kB for a set."""
    monkeypatch.setattr(mapped, "folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(mapped, "MOST", 20_000)
    return tmp_path / "cache"


def pictures(path, kind: str, n: int = 20, side: int = 32) -> str:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (path / name).mkdir(parents=True)
        for i in range(n):
            pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            if kind == "grey":
                pixels[...] = pixels[..., :1]
            if kind == "deep" or (kind == "both" and i % 2):
                pixels = pixels[..., 0].astype(np.uint16) * 200
            Image.fromarray(pixels).save(path / name / f"{i:03}.png")
    return f"folder:{path}"


@pytest.mark.parametrize("kind", ["colour", "grey", "deep", "both"])
def test_a_mapped_set_is_the_same_set(tmp_path, monkeypatch, kind):
    spec = pictures(tmp_path / "pets", kind)
    held = load_images(spec)
    held_split = split(held, seed=0)
    monkeypatch.setattr(mapped, "folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(mapped, "MOST", 5_000)
    images = load_images(spec)
    parts = split(images, seed=0)
    for one, other in ((images, held), (parts, held_split)):
        for name in ("x", "x_test") if one is images else ("x_train", "x_val", "x_test"):
            assert mapped.is_mapped(getattr(one, name))
            assert not mapped.is_mapped(getattr(other, name))
            assert (getattr(one, name) == getattr(other, name)).all()
    assert images.task == held.task
    assert parts.preprocessing() == held_split.preprocessing()
    assert [note for note in images.notes if "mapped from files" in note]
    assert not [note for note in held.notes if "mapped" in note]


def test_pictures_are_decoded_one_at_a_time(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(mapped, "PIECE", 50_000)
    spec = pictures(tmp_path / "pets", "colour", n=30, side=96)  # 1.7 MB
    load_images(pictures(tmp_path / "few", "colour", n=3))  # what is imported the first time is not counted
    tracemalloc.start()
    images = load_images(spec)
    positions = np.arange(0, len(images.x), 2)
    half = mapped.taken(images.x, positions)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400_000, peak
    assert mapped.is_mapped(half)
    assert (half == images.x[::2]).all()


def test_large_pieces_are_bounded(cache, monkeypatch):
    monkeypatch.setattr(mapped, "PIECE", 1000)
    array = mapped.empty((500, 100))
    array[...] = RNG.integers(0, 256, array.shape)
    positions = RNG.permutation(500)[:300]
    assert (mapped.taken(array, positions) == np.asarray(array)[positions]).all()
    assert (mapped.taken(np.asarray(array).copy(), positions) == array[positions]).all()


def test_files_go_with_their_last_user(tmp_path, cache):
    array = mapped.empty((300, 100), np.float32)
    view = np.ascontiguousarray(array)[5:]
    assert len(list(cache.iterdir())) == 1
    del array
    gc.collect()
    assert len(list(cache.iterdir())) == 1
    view[...] = 1
    del view
    gc.collect()
    assert list(cache.iterdir()) == []
    assert not mapped.is_mapped(mapped.empty((10, 100)))
    assert list(cache.iterdir()) == []


def test_what_killed_processes_left_is_removed(cache):
    cache.mkdir()
    for name, age in (("set-old.bytes", 8 * 24 * 3600), ("set-new.bytes", 0), ("mine.bytes", 8 * 24 * 3600)):
        (cache / name).write_bytes(b"x")
        os.utime(cache / name, (0, (cache / name).stat().st_mtime - age))
    array = mapped.empty((300, 100))
    assert {path.name for path in cache.iterdir()} >= {"set-new.bytes", "mine.bytes"}
    assert not (cache / "set-old.bytes").exists()
    assert len(list(cache.iterdir())) == 3
    del array


def test_worker_processes_map_the_same_file(cache):
    array = mapped.empty((300, 100))
    array[...] = RNG.integers(0, 256, array.shape)
    for one in (array, array[20:50]):
        sent = bytes(ForkingPickler.dumps(one))
        assert len(sent) < 1000
        there = pickle.loads(sent)
        assert mapped.is_mapped(there)
        assert (there == one).all()
        there[0] = 0  # its own copy
        assert one[0].any()
    for one in (array[:, ::2], array.sum(0)):
        assert (pickle.loads(bytes(ForkingPickler.dumps(one))) == one).all()
    copy = pickle.loads(pickle.dumps(array))  # elsewhere
    assert (copy == array).all()
    assert not mapped.is_mapped(copy)


def test_a_full_disk_is_said_and_leaves_nothing(cache, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(EvonasError, match="0.0 GB of examples do not fit in memory, nor in .*cache' .No space left"):
        mapped.empty((300, 100))
    assert list(cache.iterdir()) == []


def test_arrays_that_are_given_in_memory_stay_there(cache):
    x = RNG.integers(0, 256, (100, 20, 20), dtype=np.uint8)
    assert not mapped.is_mapped(images_from_arrays(x, np.arange(100) % 2).x)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_what_npy_reads_is_mapped_too(tmp_path, cache, dtype):
    x = RNG.integers(0, 256, (60, 3, 20, 22)).astype(dtype)
    np.save(tmp_path / "train_x.npy", x)
    np.save(tmp_path / "train_y.npy", np.arange(60) % 2)
    images = load_images(f"npy:{tmp_path}")
    assert mapped.is_mapped(images.x)
    assert np.concatenate([images.x, images.x_test]).sum() == x.sum()


def test_descriptors_of_large_images_look_at_some_of_their_pixels():
    x = np.repeat(np.repeat(RNG.integers(0, 256, (40, 64, 64, 1), dtype=np.uint8), 4, axis=1), 4, axis=2)
    y = np.arange(40) % 2
    tracemalloc.start()
    found = describe(x, y, 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found["height"] == 256
    assert found["mean_0"] == pytest.approx(x.mean() / 255, abs=0.01)
    assert peak < 40 * 2**14 * 4 * 4
