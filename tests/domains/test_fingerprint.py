"""Telling the same images by their content, whatever became of rows, labels and names."""

from typing import Any

import numpy as np
import pytest

from evonas.domains.fingerprint import SKETCH, fingerprint, overlap
from evonas.domains.images import images_from_arrays, load_images, same_data, split


def noise(n: int, seed: int, size: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 1), dtype=np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_order_of_rows_and_division_into_parts_do_not_matter(seed):
    x = noise(500, seed)
    shuffled = np.random.default_rng(seed + 100).permutation(x)
    assert fingerprint(x) == fingerprint(shuffled) == fingerprint(shuffled[:100], shuffled[100:])


@pytest.mark.parametrize("share", [0.9, 0.5, 0.25])
def test_a_subset_is_the_same_data(share):
    recognised = sum(
        same_data(fingerprint(x), fingerprint(x[: int(share * len(x))])) for x in (noise(800, s) for s in range(30))
    )
    assert recognised >= 29


def test_a_random_tenth_is_mostly_recognised_as_documented():
    recognised = sum(same_data(fingerprint(x), fingerprint(x[:80])) for x in (noise(800, s) for s in range(200)))
    assert recognised >= 0.9 * 200


def test_overlap_estimates_the_shared_part():
    estimates = [overlap(fingerprint(x[:600]), fingerprint(x[300:])) for x in (noise(900, seed) for seed in range(60))]
    assert np.mean(estimates) == pytest.approx(300 / 900, abs=0.04)


@pytest.mark.parametrize("seed", range(20))
def test_other_images_are_other_data(seed):
    assert not same_data(fingerprint(noise(500, seed)), fingerprint(noise(500, seed + 1000)))


def test_digits_and_their_kin():
    from sklearn.datasets import load_digits

    arrays: Any = load_digits(return_X_y=True)
    x, y = arrays[0].reshape(-1, 8, 8) / 16, arrays[1]
    digits = split(load_images("digits"), seed=0).task.fingerprint

    def of(x: np.ndarray, y: np.ndarray) -> str:
        return split(images_from_arrays(x, y, name="other"), seed=1).task.fingerprint

    order = np.random.default_rng(0).permutation(len(y))
    assert of(x, y) == of(x[order], 9 - y[order]) == digits  # shuffled and renumbered
    assert same_data(of(x[y < 5], y[y < 5]), digits)  # half of the classes
    assert same_data(of(x[::3], y[::3]), digits)
    assert not same_data(of(1 - x, y), digits)
    assert not same_data(of(x.transpose(0, 2, 1), y), digits)


def test_the_same_bytes_in_another_shape_are_other_images():
    x = noise(200, 0, size=4)
    assert not same_data(fingerprint(x), fingerprint(x.reshape(200, 2, 8, 1)))


def test_small_and_empty_sets():
    assert fingerprint(noise(3, 0)) == fingerprint(noise(3, 0), noise(3, 0))
    assert len(fingerprint(noise(500, 0)).split()) == SKETCH
    assert same_data(fingerprint(noise(3, 0)), fingerprint(noise(3, 0)))
    assert not same_data("", "")
    assert not same_data(fingerprint(noise(3, 0)), "")


def test_a_constant_image_in_both_does_not_make_two_large_sets_the_same():
    black = np.zeros((50, 6, 6, 1), np.uint8)
    verdicts = [
        same_data(fingerprint(noise(500, s), black), fingerprint(noise(500, s + 1000), black)) for s in range(9)
    ]
    assert not any(verdicts)
