"""Augmentation on the device: exactly the crops and mirrors that it says, of the right images."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.training import data as training_data
from evonas.training.data import DeviceData, Preprocessing, crop_padding

RNG = np.random.default_rng(0)


def put(n=23, height=5, width=7, channels=3, padding=2) -> tuple[np.ndarray, DeviceData]:
    images = RNG.integers(0, 256, (n, height, width, channels), dtype=np.uint8)
    return images, DeviceData.put(images, np.arange(n), Preprocessing.of(images), "cpu", padding)


def possible(image: np.ndarray, data: DeviceData, flip: bool) -> list[np.ndarray]:
    """All crops of one image, by hand: (height, width, channels), normalised."""
    mean, deviation = np.array(data.preprocessing.mean), np.array(data.preprocessing.deviation)
    padded = np.zeros([s + 2 * data.padding for s in image.shape[:2]] + [len(mean)])
    height, width, _ = image.shape
    padded[data.padding : data.padding + height, data.padding : data.padding + width] = image
    shifts = range(2 * data.padding + 1)
    crops = [padded[dy : dy + height, dx : dx + width] for dy in shifts for dx in shifts]
    crops += [crop[:, ::-1] for crop in crops] if flip else []
    return [(crop / 255 - mean) / deviation for crop in crops]


@settings(deadline=None, max_examples=25)
@given(
    st.integers(2, 12), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3]), st.integers(0, 2), st.booleans()
)
def test_every_augmented_image_is_one_of_the_possible_crops(n, height, width, channels, padding, flip):
    images, data = put(n, height, width, channels, padding)
    seen = []
    for x, y in data.augmented(4, flip, torch.Generator().manual_seed(n)):
        assert x.shape[1:] == (channels, height, width)
        for crop, label in zip(x.permute(0, 2, 3, 1).numpy(), y.tolist(), strict=True):
            seen.append(label)
            assert min(np.abs(crop - other).max() for other in possible(images[label], data, flip)) < 1e-4
    assert sorted(seen) == list(range(n))


def test_all_shifts_and_mirrors_come_about_as_often():
    images, data = put(n=1, padding=1)
    all_crops = possible(images[0], data, flip=True)
    counts = np.zeros(len(all_crops))
    generator = torch.Generator().manual_seed(0)
    for _ in range(1800):
        x, _ = next(data.augmented(1, True, generator))
        crop = x[0].permute(1, 2, 0).numpy()
        counts[int(np.argmin([np.abs(crop - other).max() for other in all_crops]))] += 1
    assert counts.sum() == 1800
    assert np.abs(counts - 100).max() < 45  # 18 ways, each 100 times but for chance (4.6 standard deviations)


def test_bytes_and_floats_and_every_chunk_give_the_same_batches(monkeypatch):
    images, floats = put()

    def batches(data: DeviceData) -> list[torch.Tensor]:
        return [x for x, _ in data.augmented(4, True, torch.Generator().manual_seed(1))]

    expected = batches(floats)
    monkeypatch.setattr(training_data, "NORMALISED_AT_ONCE", 0)
    held = DeviceData.put(images, np.arange(23), floats.preprocessing, "cpu", 2)
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
        return torch.cat([x for x, _ in data.augmented(4, True, torch.Generator().manual_seed(seed))])

    assert torch.equal(epoch(0), epoch(0))
    assert not torch.equal(epoch(0), epoch(1))
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.cat([x for x, _ in data.augmented(4, True, generator)]) for _ in range(2))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("padding", [0, 2])
def test_batches_for_measuring_are_the_images_in_order(padding):
    images, data = put(padding=padding)
    x = torch.cat([x for x, _ in data.batches(4)])
    expected = data.preprocessing(torch.from_numpy(np.moveaxis(images, -1, 1).copy()))
    assert torch.allclose(x, expected, atol=1e-6)
    assert torch.cat([y for _, y in data.batches(4)]).tolist() == list(range(23))
    assert next(data.batches(4))[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("size", "padding"), [(1, 0), (3, 0), (8, 1), (16, 2), (28, 4), (32, 4), (64, 8)])
def test_the_shift_grows_with_the_image(size, padding):
    assert crop_padding(size) == padding


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("free", [1.0, 0.0], ids=["on the device", "streaming from the host"])
def test_a_gpu_gets_the_same_batches(monkeypatch, free):
    images, data = put()
    monkeypatch.setattr(training_data, "FREE_SHARE", free)
    there = DeviceData.put(images, np.arange(23), data.preprocessing, "cuda", 2)
    assert there.x.is_cuda == (free > 0)
    here, far = (d.augmented(4, True, torch.Generator().manual_seed(1)) for d in (data, there))
    for (x, y), (x_far, y_far) in zip(here, far, strict=True):
        assert x_far.is_cuda
        assert torch.allclose(x, x_far.cpu(), atol=1e-5)
        assert torch.equal(y, y_far.cpu())
