"""Whether a network is any good: what a domain says of the one that it finished, and of a linear model beside it."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evonas.domains.domain import FinalTraining, TrainingOptions, domain_named
from evonas.domains.images import images_from_arrays, load_images
from evonas.domains.linear import VALUES, flat, linear_accuracy
from tests.training.nets import Line, arrays, blobs

IMAGES: Any = domain_named("images")


def finished(data, folder, others=()):
    trainer = IMAGES.trainer(Line(), IMAGES.split(data, seed=0), TrainingOptions(epochs=3, device="cpu"))
    found = IMAGES.finish(trainer, FinalTraining(1.0, others=others), "cell", 0, folder)
    return json.loads(json.dumps(found))


def test_the_answers_are_those_of_the_network_that_is_written(tmp_path):
    from evonas.domains.export import load
    from evonas.encodings.series import SeriesEncoding

    domain: Any = domain_named("series")
    x, y = arrays(120)
    data = domain.from_arrays(x.reshape(120, -1, 1), y, name="mine")
    split, encoding = domain.split(data, seed=0), SeriesEncoding()
    trainer = domain.trainer(encoding, split, TrainingOptions(epochs=2, device="cpu"))
    genome = encoding.sample(np.random.default_rng(0))
    found = domain.finish(trainer, FinalTraining(genome), "series", 0, tmp_path)
    quality, said = found["quality"], load(tmp_path).predict(split.x_test)
    pairs = {(int(a), int(b)) for a, b in zip(split.y_test, said, strict=True)}
    assert {(i, j) for i, j, _ in quality["confusion"]} == pairs
    assert quality["accuracy"] == found["test_accuracy"] == np.mean(said == split.y_test)


def test_a_training_tells_its_curve_and_its_recipe(tmp_path):
    found = finished(images_from_arrays(*arrays(150), name="blobs"), tmp_path, others=(2.0,))
    assert len(found["trainings"]) == 2
    for one in found["trainings"]:
        images = [point[0] for point in one["curve"]]
        assert images == [n * images[0] for n in (1, 2, 3)]
        assert one["images"] == images[-1]
        assert one["epochs"] == 3
        assert one["recipe"]["optimizer"] == "sgd"
        assert all(0 <= accuracy <= 1 < 10 * loss for _, loss, accuracy in one["curve"])


def test_mistakes_are_shown_by_picture_and_file(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(60):  # noise: a network cannot know it
        place = tmp_path / "pictures" / f"{'ab'[i % 2]}" / f"{i}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8)).save(place)
    data: Any = load_images(f"folder:{tmp_path / 'pictures'}")
    found = finished(data, tmp_path / "out")["quality"]
    assert found["mistakes"]
    for one in found["mistakes"]:
        assert one["picture"].startswith("data:image/png;base64,")
        assert one["name"].startswith(f"{one['class']}/")
        pixels = np.asarray(Image.open(tmp_path / "pictures" / one["name"]))
        assert (data.x_test[one["position"], ..., 0] == pixels).all()


def test_files_of_a_test_folder_are_its_own(tmp_path):
    for part, n in (("train", 12), ("test", 4)):
        for i in range(n):
            place = tmp_path / part / f"{'ab'[i % 2]}" / f"{part}{i}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((8, 8), 10 * i, np.uint8)).save(place)
    found: Any = load_images(f"folder:{tmp_path}")
    assert list(found.files_test) == [f"test/{c}/test{i}.png" for c, i in (("a", 0), ("a", 2), ("b", 1), ("b", 3))]


def test_a_linear_model_learns_what_is_linear_and_nothing_from_noise():
    easy, examples = linear_accuracy(blobs(300), np.random.default_rng(0))
    assert easy > 0.9
    assert examples == len(blobs(300).y_train)
    noise = replace(blobs(300), x_test=np.random.default_rng(1).integers(0, 255, (60, 6, 6, 1), dtype=np.uint8))
    assert linear_accuracy(noise, np.random.default_rng(0))[0] < 0.7


@pytest.mark.parametrize("shape", [(2, 1, 1, 1), (2, 500, 7, 3), (2, 33, 33, 1), (3, 4000, 2), (1, 1, 1500, 1)])
def test_large_examples_become_means_of_neighbours(shape):
    x = np.random.default_rng(0).normal(size=shape)
    found = flat(x)
    assert found.shape[0] == shape[0]
    assert found.shape[1] <= VALUES
    assert found.min() >= x.min() - 1e-4
    assert found.max() <= x.max() + 1e-4
    assert flat(np.ones(shape)) == pytest.approx(1.0)


def test_a_class_without_validation_or_test_examples_is_no_fault():
    split = blobs(90)
    few = replace(split, x_val=split.x_val[:0], y_val=split.y_val[:0], x_test=split.x_test[:1], y_test=split.y_test[:1])
    assert linear_accuracy(few, np.random.default_rng(0))[0] in (0.0, 1.0)
