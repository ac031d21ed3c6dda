"""Augmentation on the device: exactly the crops and mirrors that it says, of the right images."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.recipe import Recipe, shift_pixels
from evonas.training import data as training_data
from evonas.training.data import DeviceData, Preprocessing

RNG = np.random.default_rng(0)


def put(n=23, height=5, width=7, channels=3) -> tuple[np.ndarray, DeviceData]:
    images = RNG.integers(0, 256, (n, height, width, channels), dtype=np.uint8)
    return images, DeviceData.put(images, np.arange(n), Preprocessing.of(images), "cpu")


def varied(data: DeviceData, seed: int | torch.Generator, y=2, x=2, mirror=True, size=4, **more) -> list[Any]:
    """An epoch's batches and labels, shifted by at most so many pixels."""
    _, height, width, _ = data.x.shape
    recipe = Recipe(batch_size=size, shift_y=y / height, shift_x=x / width, mirror_x=mirror, **more)
    generator = torch.Generator().manual_seed(seed) if isinstance(seed, int) else seed
    return list(data.augmented(recipe, generator))


def possible(image: np.ndarray, data: DeviceData, y: int, x: int, mirror: bool, mirror_y: bool) -> list[np.ndarray]:
    """All crops of one image, by hand: (height, width, channels), normalised."""
    mean, deviation = np.array(data.preprocessing.mean), np.array(data.preprocessing.deviation)
    height, width, _ = image.shape
    padded = np.zeros([height + 2 * y, width + 2 * x, len(mean)])
    padded[y : y + height, x : x + width] = image
    crops = [padded[dy : dy + height, dx : dx + width] for dy in range(2 * y + 1) for dx in range(2 * x + 1)]
    crops += [crop[:, ::-1] for crop in crops] if mirror else []
    crops += [crop[::-1] for crop in crops] if mirror_y else []
    return [(crop / 255 - mean) / deviation for crop in crops]


@settings(deadline=None, max_examples=25)
@given(
    st.integers(2, 12),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from([1, 3]),
    st.integers(0, 2),
    st.integers(0, 2),
    st.booleans(),
    st.booleans(),
)
def test_every_augmented_image_is_one_of_the_possible_crops(n, height, width, channels, down, across, mirror, turn):
    images, data = put(n, height, width, channels)
    down, across = min(down, height), min(across, width)
    seen = []
    for x, y in varied(data, n, down, across, mirror, mirror_y=turn):
        assert x.shape[1:] == (channels, height, width)
        for crop, label in zip(x.permute(0, 2, 3, 1).numpy(), y.tolist(), strict=True):
            seen.append(label)
            others = possible(images[label], data, down, across, mirror, turn)
            assert min(np.abs(crop - other).max() for other in others) < 1e-4
    assert sorted(seen) == list(range(n))


def test_all_shifts_and_mirrors_come_about_as_often():
    images, data = put(n=1)
    all_crops = possible(images[0], data, 1, 1, True, False)
    counts = np.zeros(len(all_crops))
    generator = torch.Generator().manual_seed(0)
    for _ in range(1800):
        ((x, _),) = varied(data, generator, 1, 1, size=2)
        crop = x[0].permute(1, 2, 0).numpy()
        counts[int(np.argmin([np.abs(crop - other).max() for other in all_crops]))] += 1
    assert counts.sum() == 1800
    assert np.abs(counts - 100).max() < 45  # 18 ways, each 100 times but for chance (4.6 standard deviations)


def test_without_augmentation_the_images_are_as_they_are():
    images, data = put()
    for x, y in varied(data, 0, 0, 0, mirror=False):
        expected = data.preprocessing(torch.from_numpy(np.moveaxis(images[y.numpy()], -1, 1).copy()))
        assert torch.allclose(x, expected, atol=1e-6)


def test_images_are_turned_by_up_to_so_many_degrees():
    images = np.zeros((200, 21, 31, 1), np.uint8)
    images[:, 10, 27] = 255  # a dot, twelve pixels to the right of the middle
    data = DeviceData.put(images, np.zeros(200, int), Preprocessing((0.0,), (1.0,)), "cpu")
    x = torch.cat([x for x, _ in varied(data, 0, 0, 0, mirror=False, rotation=30)])
    places = x[:, 0].flatten(1).argmax(1)
    rows, columns = places // 31 - 10, places % 31 - 15
    angles = torch.rad2deg(torch.atan2(rows.float(), columns.float()))
    radii = (rows.float() ** 2 + columns.float() ** 2).sqrt()
    assert radii.sub(12).abs().max() < 1.5  # no axis is stretched
    assert angles.min() < -24
    assert angles.max() > 24
    assert angles.abs().max() < 34


def test_a_hole_is_a_square_of_the_mean_anywhere():
    images = np.full((300, 8, 12, 1), 200, np.uint8)
    data = DeviceData.put(images, np.zeros(300, int), Preprocessing((0.5,), (1.0,)), "cpu")
    x = torch.cat([x for x, _ in varied(data, 0, 0, 0, mirror=False, cutout=0.5)])[:, 0]
    holes = (x == 0).flatten(1).sum(1)
    assert holes.max() == 16  # half of the shorter side
    assert holes.min() >= 4  # a part may lie outside, its middle never
    assert (x == 0).any(0).all()


def test_bytes_and_floats_and_every_chunk_give_the_same_batches(monkeypatch):
    images, floats = put()

    def batches(data: DeviceData) -> list[torch.Tensor]:
        return [x for x, _ in varied(data, 1, rotation=20, cutout=0.5)]

    expected = batches(floats)
    monkeypatch.setattr(training_data, "NORMALISED_AT_ONCE", 0)
    held = DeviceData.put(images, np.arange(23), floats.preprocessing, "cpu")
    assert held.x.dtype == torch.uint8
    for x, y in zip(batches(held), expected, strict=True):
        assert torch.allclose(x, y, atol=1e-6)
    monkeypatch.setattr(training_data, "AUGMENTED_AT_ONCE", 1)
    assert [len(x) for x in batches(held)] == [4, 4, 4, 4, 4, 3]
    for x, y in zip(batches(held), expected, strict=True):
        assert torch.allclose(x, y, atol=1e-6)


def test_the_generator_alone_decides():
    _, data = put()

    def epoch(seed: int) -> torch.Tensor:
        return torch.cat([x for x, _ in varied(data, seed)])

    assert torch.equal(epoch(0), epoch(0))
    assert not torch.equal(epoch(0), epoch(1))
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.cat([x for x, _ in varied(data, generator)]) for _ in range(2))
    assert not torch.equal(first, second)


def test_batches_for_measuring_are_the_images_in_order():
    images, data = put()
    x = torch.cat([x for x, _ in data.batches(4)])
    expected = data.preprocessing(torch.from_numpy(np.moveaxis(images, -1, 1).copy()))
    assert torch.allclose(x, expected, atol=1e-6)
    assert torch.cat([y for _, y in data.batches(4)]).tolist() == list(range(23))
    assert next(data.batches(4))[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("size", "padding"), [(1, 0), (3, 0), (8, 1), (16, 2), (28, 4), (32, 4), (64, 8)])
def test_the_shift_grows_with_the_image(size, padding):
    assert shift_pixels(0.125, size) == padding


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("free", [1.0, 0.0], ids=["on the device", "streaming from the host"])
def test_a_gpu_gets_the_same_batches(monkeypatch, free):
    images, data = put()
    monkeypatch.setattr(training_data, "FREE_SHARE", free)
    there = DeviceData.put(images, np.arange(23), data.preprocessing, "cuda")
    assert there.x.is_cuda == (free > 0)
    here, far = (varied(d, 1, rotation=20, cutout=0.5) for d in (data, there))
    for (x, y), (x_far, y_far) in zip(here, far, strict=True):
        assert x_far.is_cuda
        assert torch.allclose(x, x_far.cpu(), atol=1e-5)
        assert torch.equal(y, y_far.cpu())
