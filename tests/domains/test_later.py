"""What a network of a folder's pictures makes of pictures of any size: the same as its training made."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from evonas.core.errors import EvonasError
from evonas.domains.images import ImageReader, load_images
from evonas.domains.images.framing import FITS
from evonas.domains.images.network import Network
from evonas.training.data import Preprocessing

RNG = np.random.default_rng(0)
SIZES = [(30, 20), (20, 30), (24, 24), (50, 12)]


def colour(width: int, height: int) -> np.ndarray:
    return np.kron(RNG.integers(0, 256, (height // 2, width // 2, 3)), np.ones((2, 2, 1))).astype(np.uint8)


def grey(width: int, height: int) -> np.ndarray:
    return np.repeat(colour(width, height)[..., :1], 3, axis=-1)


def deep(width: int, height: int) -> np.ndarray:
    """Of one range everywhere, however it is resized."""
    pixels = (colour(width, height)[..., 0].astype(np.uint16) // 2 + 40) * 100
    pixels[: height // 2, width // 2 - 6 : width // 2] = 3000
    pixels[: height // 2, width // 2 : width // 2 + 6] = 30000
    return pixels


def folder(path, make, fit: str = "pad", size: int = 16):
    """The reader as it is stored, the pictures' files and their training images."""
    files = []
    for part in ("train", "test"):  # a test folder, so that all others stay in order
        for name in ("cat", "dog"):
            (path / part / name).mkdir(parents=True)
            for i, (width, height) in enumerate(SIZES):
                file = path / part / name / f"{i}.png"
                Image.fromarray(make(width, height)).save(file)
                files += [file] if part == "train" else []
    images = load_images(f"folder:{path}?size={size}&fit={fit}")
    assert images.reader is not None
    record = json.loads(json.dumps(images.reader.description()))
    return ImageReader.from_description(images.reader.shape, record), files, images


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("make", [colour, grey, deep])
def test_files_pictures_and_arrays_are_read_as_in_training(tmp_path, make, fit):
    reader, files, images = folder(tmp_path, make, fit)
    assert images.x.shape[1:] == (16, 16, 3 if make is colour else 1)
    for given in (files, [str(file) for file in files], [Image.open(file) for file in files]):
        read, lines = reader.batch(given, "the batch")
        assert (read == images.x).all()
        assert lines == []
    arrays = [np.asarray(Image.open(file)) for file in files]
    assert np.abs(reader.batch(arrays, "the batch")[0].astype(int) - images.x).max() <= 1
    alone = [reader.batch(array, "the batch")[0] for array in arrays]
    assert np.abs(np.concatenate(alone).astype(int) - images.x).max() <= 1
    assert (reader.batch(files[0], "the batch")[0] == images.x[:1]).all()
    assert make is deep or (reader.batch(images.x, "the batch")[0] == images.x).all()


def test_floats_and_tensors_of_any_size(tmp_path):
    reader, files, images = folder(tmp_path, colour)
    array = np.asarray(Image.open(files[0]))
    expected = images.x[:1].astype(int)
    floats = array / 255.0
    tensor = torch.tensor(floats.astype(np.float32)).permute(2, 0, 1)
    for given in (floats, floats[None], tensor, tensor[None], [tensor], array.transpose(2, 0, 1)[None]):
        assert np.abs(reader.batch(given, "the batch")[0] - expected).max() <= 1
    assert reader.batch(np.ones((3, 40, 20, 1), bool), "the batch")[0].max() == 255


def test_colour_becomes_grey_where_all_training_images_are_and_it_is_said(tmp_path):
    reader, _, images = folder(tmp_path, grey)
    assert images.x.shape[-1] == 1
    red = np.zeros((9, 30, 3), np.uint8)
    red[..., 0] = 200
    for given in (red, red[None], [red, red], Image.fromarray(red)):
        read, lines = reader.batch(given, "the batch")
        assert read.shape[1:] == (16, 16, 1)
        assert read.max() == 60  # .299 of 200
        assert lines == [f"colour pictures of the batch were made grey, as all training images are: {len(read)}"]
    read, lines = reader.batch(np.full((9, 30, 3), 70, np.uint8), "the batch")
    assert (read.max(), lines) == (70, [])
    assert reader.batch(np.full((5, 9, 30), 70, np.uint8), "the batch")[0].shape == (5, 16, 16, 1)


def test_grey_becomes_colour_where_training_images_are(tmp_path):
    reader, _, _ = folder(tmp_path, colour)
    read, lines = reader.batch(np.full((40, 40), 70, np.uint8), "the batch")
    assert (read.shape, read.min(), read.max(), lines) == ((1, 16, 16, 3), 70, 70, [])


def test_one_deep_picture_among_bytes_is_refused_in_a_line(tmp_path):
    reader, files, _ = folder(tmp_path / "bytes", colour)
    deeper, deep_files, _ = folder(tmp_path / "deep", deep)
    with pytest.raises(
        EvonasError, match="0.png' of the batch has more than 8 bits a channel; this network was trained"
    ):
        reader.batch(deep_files[:1], "the batch")
    with pytest.raises(EvonasError, match="0.png' of the batch has 8 bits a channel; this network was trained on more"):
        deeper.batch(files[:1], "the batch")


@pytest.mark.parametrize("plain", [colour, grey])
def test_deep_pictures_among_others_are_read_as_in_training(tmp_path, plain):
    turns = iter(range(99))
    reader, files, images = folder(tmp_path, lambda *size: (deep if next(turns) % 2 else plain)(*size))
    assert {Image.open(file).mode for file in files} == {"RGB", "I;16"}
    for given in (files, [Image.open(file) for file in files]):
        read, lines = reader.batch(given, "the batch")
        assert (read == images.x).all()
        assert lines == []
    with pytest.raises(EvonasError, match="a picture of the batch has values to 65535; give values from 3000 to 30000"):
        reader.batch(Image.fromarray(np.full((20, 30), 65535, np.uint16)), "the batch")


def test_what_is_no_picture_is_named(tmp_path):
    reader, _, _ = folder(tmp_path, colour)
    (tmp_path / "bad.png").write_bytes(b"no image")
    with pytest.raises(EvonasError, match="bad.png' of the batch cannot be read: .*"):
        reader.batch(tmp_path / "bad.png", "the batch")
    for shape in ((3, 40, 50), (2, 40, 50, 5), (0, 40, 50, 3), (7,), (1, 2, 3, 4, 5)):
        with pytest.raises(EvonasError, match="the batch has shape .*; give pictures of any size as") as raised:
            reader.batch(np.zeros(shape, np.uint8), "the batch")
        assert "\n" not in str(raised.value)


def test_a_record_without_a_frame_keeps_its_meaning(tmp_path):
    reader = ImageReader.from_description((8, 8, 1), {"channels": "last", "scale": {}})
    assert reader.frame is None
    assert "frame" not in reader.description()
    for given in (np.zeros((2, 9, 9), np.uint8), np.zeros((2, 8, 8, 3), np.uint8)):
        with pytest.raises(EvonasError, match="cannot predict for images of shape"):
            reader.batch(given, "the batch")


@pytest.mark.parametrize("top", [1.0, 255.0, None], ids=["0 to 1", "0 to 255", "bytes"])
def test_pictures_for_a_network_of_arrays(top, tmp_path):
    """Of its own size at once; of others where it is said how they come to it, as a folder's pictures do."""
    x = RNG.random((40, 8, 8, 3)) * (top or 255)
    reader, images, _ = ImageReader.of(x if top else x.astype(np.uint8), "x")
    same, other = Image.fromarray(images[0]), Image.fromarray(colour(30, 20))
    same.save(tmp_path / "same.png")
    for given in (same, [same], tmp_path / "same.png", str(tmp_path / "same.png")):
        assert (reader.batch(given, "the batch")[0] == images[:1]).all()
    with pytest.raises(EvonasError, match=r"has 30×20 pixels .*arrays of 8×8, which say nothing.*framed\('pad'\)"):
        reader.batch([same, other], "the batch")
    network = Network(torch.nn.Identity(), Preprocessing((0.0,), (1.0,), reading=reader.description()), (), (3, 8, 8))
    pictures, files, _ = folder(tmp_path / "folder", colour, "crop", 8)
    framed = network.framed("crop")
    read = framed.read([Image.open(file) for file in files])
    assert (read.numpy() == np.moveaxis(pictures.batch(files, "the batch")[0], -1, 1)).all()
    assert (framed.read(images[:3]) == network.read(images[:3])).all()
    assert framed.framed("crop") == framed
    with pytest.raises(EvonasError, match="fit is 'pad', but this network's .* by 'crop'"):
        framed.framed("pad")
    with pytest.raises(EvonasError, match="fit is 'zoom'; give one of 'crop', 'pad', 'stretch'"):
        network.framed("zoom")  # type: ignore[arg-type]


@pytest.mark.parametrize("x", [RNG.random((40, 8, 8)) > 0.5, RNG.normal(size=(40, 8, 8))], ids=["bool", "standardised"])
def test_a_picture_means_nothing_to_a_network_of_numbers_that_are_none(x):
    reader, _, _ = ImageReader.of(x, "x")
    with pytest.raises(
        EvonasError, match="a picture of the batch has 8 bits a channel; .* was trained on (bool|floats)"
    ):
        reader.batch(Image.fromarray(colour(8, 8)), "the batch")
