"""The report's pictures of the data: as the network sees them."""

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evonas.domains.domain import domain_named
from evonas.domains.images import images_from_arrays, load_images

RNG = np.random.default_rng(0)


def sheet(shape: tuple[int, ...], classes: int = 3, n: int = 60, **options):
    """A split of noise, and its examples as a run keeps them."""
    domain = domain_named("images")
    x = RNG.integers(0, 256, (n, *shape), dtype=np.uint8)
    data: Any = domain.split(images_from_arrays(x, np.arange(n) % classes, channels="last", **options), seed=0)
    return data, json.loads(json.dumps(domain.examples(data)))


def decoded(uri: str) -> np.ndarray:
    head, _, code = uri.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(code))))


@pytest.mark.parametrize(("shape", "said"), [((8, 9), "one channel, grey"), ((8, 9, 3), "9×8 pixels")])
def test_examples_are_training_images_to_the_bit(shape, said):
    data, examples = sheet(shape)
    assert list(examples["classes"]) == list(data.class_names)
    for code, uris in enumerate(examples["classes"].values()):
        assert len(uris) == 2
        mine = data.x_train[data.y_train == code]
        for uri, image in zip(uris, mine, strict=False):
            assert (decoded(uri).reshape(image.shape) == image).all()
    ((title, html),) = domain_named("images").sections(examples)
    assert title == "The images"
    assert html.count("<img ") == 6
    assert said in html
    assert "Two training images of each class as networks see them" in html


@pytest.mark.parametrize(("classes", "each", "shown"), [(12, 2, 24), (13, 1, 13), (40, 1, 24)])
def test_no_more_than_24(classes, each, shown):
    _, examples = sheet((4, 4), classes, n=classes * 6)
    counts = [len(uris) for uris in examples["classes"].values()]
    assert (max(counts), sum(counts)) == (each, shown)
    ((_, html),) = domain_named("images").sections(examples)
    assert ("each of 24 of 40 classes" in html) == (classes == 40)


def test_large_images_are_shown_smaller_and_it_is_said():
    _, examples = sheet((200, 100, 3), 2, n=20)
    assert decoded(examples["classes"]["0"][0]).shape == (96, 48, 3)
    assert "100×200 pixels, shown at 96 at most" in domain_named("images").sections(examples)[0][1]


@pytest.mark.parametrize(("channels", "said"), [(2, "the first of 2 channels"), (12, "the first 3 of 12 channels")])
def test_other_channels(channels, said):
    data, examples = sheet((7, 7, channels))
    first = data.x_train[data.y_train.tolist().index(0)]
    shown = decoded(examples["classes"]["0"][0])
    assert (shown == (first[..., :3] if channels > 2 else first[..., 0])).all()
    assert said in domain_named("images").sections(examples)[0][1]


def test_padding_is_seen_and_names_are_escaped(tmp_path):
    for name in ("<b>cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(5):
            Image.fromarray(RNG.integers(1, 256, (10, 40, 3), dtype=np.uint8)).save(tmp_path / name / f"{i}.png")
    domain = domain_named("images")
    examples = domain.examples(domain.split(load_images(f"folder:{tmp_path}?size=20"), seed=0))
    picture = decoded(examples["classes"]["dog"][0])
    assert (picture[:7] == 0).all()
    assert picture[8:12].all()
    ((_, html),) = domain.sections(examples)
    assert "padded with black where their shape was another" in html
    assert "<b>" not in html


def test_runs_of_before_have_none():
    assert domain_named("images").sections({}) == ()
