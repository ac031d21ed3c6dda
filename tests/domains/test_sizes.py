"""At which size the pictures of a folder are read, and what becomes of their shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from evonas.core.errors import EvonasError
from evonas.domains.images import load_images, sizes
from evonas.domains.images.framing import FITS, Frame
from evonas.domains.images.pictures import read_picture
from evonas.domains.images.sizes import MOST_PIXELS, chosen_size

RNG = np.random.default_rng(0)
SIDES = st.integers(1, 400)


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8))


def pets(folder, *sizes: tuple[int, int], of: int = 6, **options):
    """Two classes of pictures of these (width, height) in turn."""
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(of):
            noise(*sizes[i % len(sizes)]).save(folder / name / f"{i}.png", **options)
    return f"folder:{folder}"


def shape(spec: str) -> tuple[int, ...]:
    return load_images(spec).x.shape[1:3]


# which size


def test_small_pictures_keep_their_own(tmp_path):
    images = load_images(pets(tmp_path, (28, 20)))
    assert images.x.shape[1:] == (20, 28, 3)
    assert (
        "pictures of 28×20 pixels (width×height) are read at 28×20: their own size; folder:PATH?size=48 sets another"
        in images.notes
    )
    assert shape(f"folder:{tmp_path}?size=auto") == (20, 28)
    assert shape(f"folder:{tmp_path}?size=16") == (16, 16)


def test_large_pictures_become_as_large_as_the_limit_in_their_shape(tmp_path):
    images = load_images(pets(tmp_path, (320, 240)))
    assert images.x.shape[1:] == (83, 111, 3)
    assert images.notes[0].startswith(
        "pictures of 320×240 pixels (width×height) are read at 111×83: as many pixels as 96"
    )
    assert not any("shape" in note for note in images.notes)  # nothing was padded


def test_pictures_of_all_shapes_become_square_ones_and_it_is_said(tmp_path):
    images = load_images(pets(tmp_path, (40, 20), (20, 40)))
    assert images.x.shape[1:] == (28, 28, 3)
    assert images.notes[:2] == (
        "pictures of 40×20 to 40×20 pixels (width×height) are read at 28×28: their median; "
        "folder:PATH?size=48 sets another",
        "pictures of another shape than 28×28, which were padded with black: 12 of 12; "
        "folder:PATH?fit=crop or fit=stretch does otherwise",
    )


def test_few_odd_ones_decide_nothing(tmp_path):
    pets(tmp_path, (20, 20), of=20)
    noise(400, 10).save(tmp_path / "cat" / "odd.png")
    assert shape(f"folder:{tmp_path}") == (20, 20)


def test_training_pictures_alone_decide(tmp_path):
    pets(tmp_path / "train", (20, 20))
    pets(tmp_path / "test", (50, 30))
    images = load_images(f"folder:{tmp_path}")
    assert images.x.shape[1:] == images.x_test.shape[1:] == (20, 20, 3)


def test_a_turned_picture_has_the_size_that_it_shows(tmp_path):
    tag = Image.Exif()
    tag[0x0112] = 6
    assert shape(pets(tmp_path / "png", (30, 20), exif=tag)) == (30, 20)
    for name in ("cat", "dog"):
        (tmp_path / "jpg" / name).mkdir(parents=True)
        for i in range(4):
            noise(600, 400).save(tmp_path / "jpg" / name / f"{i}.jpg", exif=tag)
    assert shape(f"folder:{tmp_path / 'jpg'}") == (118, 78)


def test_a_sample_is_looked_at_and_nothing_is_decoded(tmp_path, monkeypatch):
    pets(tmp_path, (16, 12), of=12)
    monkeypatch.setattr(sizes, "LOOKED_AT", 5)
    monkeypatch.setattr(Image.Image, "load", None)
    files = sorted(tmp_path.glob("*/*.png"))
    found, words = chosen_size(files)
    assert found == (12, 16)
    assert "(5 of 24 looked at)" in words
    (tmp_path / "cat" / "bad.png").write_bytes(b"no image")
    assert chosen_size([tmp_path / "cat" / "bad.png"]) == ((32, 32), "")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=12))
def test_any_sizes_give_one_within_the_limit(held):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sizes, "_size", lambda path: path)
        (height, width), _ = chosen_size(held)
    assert height >= 1
    assert width >= 1
    assert height * width <= MOST_PIXELS * 1.05 + 1024
    if len(set(held)) == 1 and held[0][0] * held[0][1] <= MOST_PIXELS:
        assert (width, height) == held[0]


def test_options_that_say_nothing(tmp_path):
    spec = pets(tmp_path, (8, 8))
    for option in ("fit=squeeze", "fit=", "size=48&fit=x", "size=48&", "size=Auto", "colour=grey"):
        with pytest.raises(
            EvonasError, match="cannot read .*; write .size=48, from 4 to 1024 pixels, or size=auto, and"
        ):
            load_images(f"{spec}?{option}")
    assert shape(f"{spec}?fit=crop&size=12") == shape(f"{spec}?size=12&fit=crop") == (12, 12)


# which shape


def bar(width: int, height: int) -> Image.Image:
    """White, with a red left and a blue right half."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[:, : width // 4] = (255, 0, 0)
    pixels[:, -(width // 4) :] = (0, 0, 255)
    return Image.fromarray(pixels)


def test_padding_keeps_all_and_its_shape():
    picture = read_picture(bar(80, 40), Frame(20, 20))
    assert picture.pixels.shape == (20, 20, 3)
    assert picture.other_shape
    assert (picture.pixels[:5] == 0).all()
    assert (picture.pixels[-5:] == 0).all()
    assert (picture.pixels[5:15, 0] == (255, 0, 0)).all()
    assert (picture.pixels[5:15, -1] == (0, 0, 255)).all()


def test_cropping_keeps_the_middle():
    picture = read_picture(bar(80, 40), Frame(20, 20, "crop"))
    assert (picture.pixels[:, 2:-2] == 255).all()


def test_stretching_keeps_all_in_another_shape():
    picture = read_picture(bar(80, 40), Frame(20, 20, "stretch"))
    assert picture.other_shape
    assert (picture.pixels[0, 0] == (255, 0, 0)).all()
    assert (picture.pixels[-1, -1] == (0, 0, 255)).all()


@settings(max_examples=100, deadline=None)
@given(SIDES, SIDES, st.integers(1, 60), st.integers(1, 60), st.sampled_from(FITS))
def test_every_picture_fills_its_frame(width, height, high, wide, fit):
    frame = Frame(high, wide, fit)
    inner = frame.inner(width, height)
    assert min(inner) >= 1
    if fit == "pad":
        assert inner[0] <= wide
        assert inner[1] <= high
        assert inner[0] == wide or inner[1] == high
    if fit == "crop":
        assert inner[0] >= wide
        assert inner[1] >= high
    placed = frame.placed(np.ones((2, inner[1], inner[0], 3), np.uint8))
    assert placed.shape == (2, high, wide, 3)
    assert placed.any()


def test_a_record_that_names_no_fit_is_refused():
    frame = Frame(8, 9, "crop", 3)
    assert Frame.from_description(8, 9, frame.description()) == frame
    for values in ({"fit": "x", "ground": 0}, {"fit": "pad", "ground": 256}):
        with pytest.raises(ValueError, match="fit|ground"):
            Frame.from_description(8, 9, values)
