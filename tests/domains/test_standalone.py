"""`model.py` reads pictures as evonas does, to the last byte, and needs torch and Pillow alone."""

import ast
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from evonas.domains.images import ImageReader
from evonas.domains.images.framing import FITS, Frame
from evonas.domains.images.network import Network
from evonas.domains.images.pixels import PixelScale
from evonas.domains.standalone import _loaded, write_standalone
from evonas.training.data import Preprocessing

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (40, 8, 9, 3)).astype(np.uint8)
DEEP = (RNG.random((40, 8, 9)) * 60000).astype(np.uint16)


def network(training: np.ndarray, fit: str | None) -> Network:
    """Of images as they are given, with a frame or without."""
    reader, _, _ = ImageReader.of(training, "x")
    if fit is not None:
        reader = replace(reader, frame=Frame(*reader.shape[:2], fit, 7))  # type: ignore[arg-type]
    height, width, channels = reader.shape
    model = nn.Sequential(nn.Flatten(), nn.Linear(height * width * channels, 3))
    preprocessing = Preprocessing((0.4,) * channels, (0.2,) * channels, reading=reader.description())
    return Network(model, preprocessing, ("a", "b", "c"), (channels, height, width))


def read_by(net: Network, folder):
    write_standalone(net, folder)
    return _loaded(folder / "model.py").read


def pictures(folder) -> list:
    """Of every kind: colour, grey, palettes, transparent ones, CMYK, turned by EXIF, large JPEGs."""
    rng = np.random.default_rng(1)
    pixels = Image.fromarray(rng.integers(0, 256, (33, 21, 3)).astype(np.uint8))
    clear = pixels.convert("RGBA")
    clear.putalpha(Image.fromarray(rng.integers(0, 256, (33, 21)).astype(np.uint8)))
    white = Image.fromarray(np.full((20, 30, 4), 255, np.uint8))
    white.putalpha(Image.fromarray(rng.integers(0, 256, (20, 30)).astype(np.uint8)))
    found = [pixels.convert(mode) for mode in ("RGB", "L", "1", "P", "CMYK", "YCbCr")]
    found += [
        clear,
        clear.convert("LA"),
        white,
        pixels.resize((9, 8)),
        pixels.resize((90, 80)),
        pixels.resize((300, 8)),
    ]
    large = Image.fromarray(rng.integers(0, 256, (30, 45, 3)).astype(np.uint8)).resize((900, 600))
    for orientation in (1, 3, 6, 8):
        exif = Image.Exif()
        exif[0x0112] = orientation
        large.save(folder / f"{orientation}.jpg", exif=exif)
        pixels.save(folder / f"{orientation}.png", exif=exif)
        found += [folder / f"{orientation}.jpg", str(folder / f"{orientation}.png")]
    clear.save(folder / "clear.webp", lossless=True)
    pixels.convert("P").save(folder / "p.gif", transparency=3)
    return [*found, folder / "clear.webp", folder / "p.gif"]


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("training", [COLOUR, COLOUR[..., 0]], ids=["colour", "grey"])
@pytest.mark.filterwarnings("ignore:colour pictures")
def test_pictures_of_every_kind(training, fit, tmp_path):
    net = network(training, fit)
    read = read_by(net, tmp_path)
    for one in pictures(tmp_path):
        ours = net.read([one]).float()
        theirs = read(one)
        assert theirs.shape == ours.shape
        # grey of colours is a sum of three products, which may be rounded in another order
        assert (theirs - ours).abs().max() <= (1 if training.ndim == 3 else 0)
    with pytest.raises(ValueError, match="mode I;16"):
        read(Image.fromarray(DEEP[0]))


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("deep", [DEEP, (DEEP / 7e4 - 0.3).astype(np.float32)], ids=["16 bits", "floats"])
def test_pictures_of_more_than_8_bits(deep, fit, tmp_path):
    net = network(deep, fit)
    read = read_by(net, tmp_path)
    for size in ((9, 8), (20, 31), (50, 8)):
        image = Image.fromarray(np.ascontiguousarray(np.kron(deep[0], np.ones((4, 4), deep.dtype)))).convert("F")
        image = image.resize(size)
        whole = deep.dtype != np.float32
        image = Image.fromarray(np.asarray(image).astype(np.uint16)) if whole else image
        assert (read(image) == net.read(image).float()).all()
    with pytest.raises(ValueError, match="outside of"):
        read(Image.fromarray(np.full((8, 9), 1e6, np.float32)))


@pytest.mark.parametrize("training", [COLOUR, COLOUR[..., 0]], ids=["colour", "grey"])
def test_pictures_of_more_than_8_bits_among_others(training, tmp_path):
    net = network(training, "pad")
    reading = net._reader()
    reading = replace(reading, frame=Frame(*reading.shape[:2], "pad"), deep=PixelScale.of(DEEP, "deep pictures"))
    net = replace(net, preprocessing=replace(net.preprocessing, reading=reading.description()))
    read = read_by(net, tmp_path)
    for size in ((9, 8), (20, 31), (50, 8)):
        image = Image.fromarray(np.asarray(Image.fromarray(DEEP[0]).convert("F").resize(size)).astype(np.uint16))
        plain = image.convert("F").point(lambda value: value / 256).convert("RGB")
        assert (read(image) == net.read(image).float()).all()
        assert (read(plain) == net.read(plain).float()).all()
        assert (read(image) - read(plain)).abs().mean() < 30  # the same picture


@pytest.mark.parametrize(
    "training",
    [COLOUR, COLOUR / 255, COLOUR.astype(float), COLOUR > 90, (COLOUR - 99.0) / 50, COLOUR.astype(np.int64) * 40 - 900],
    ids=["bytes", "0 to 1", "0 to 255", "bool", "standardised", "int"],
)
def test_tensors_on_the_scale_of_the_training(training, tmp_path):
    net = network(training, None)
    read = read_by(net, tmp_path)
    x = np.moveaxis(training[:5], -1, 1).copy()
    assert (read(torch.from_numpy(x)) == net.read(x).float()).all()
    with pytest.raises(ValueError, match="this network wants"):
        read(torch.zeros(2, 3, 9, 9))
    if training.dtype in (bool, np.int64) or training.min() < 0:
        with pytest.raises(ValueError, match="mode RGB"):
            read(Image.fromarray(COLOUR[0]))
    else:
        assert (read(Image.fromarray(COLOUR[0])) == net.read(Image.fromarray(COLOUR[0])).float()).all()
    with pytest.raises(ValueError, match="pixels; this network knows"):
        read(Image.fromarray(COLOUR[0]).resize((20, 20)))


def test_it_imports_torch_and_pillow_alone(tmp_path):
    write_standalone(network(COLOUR, "pad"), tmp_path)
    tree = ast.parse((tmp_path / "model.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} - sys.stdlib_module_names == {"torch", "PIL"}


ALONE = """
import importlib.abc, runpy, sys
class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numpy", "evonas", "safetensors", "torchvision"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nothing())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.thorough
def test_it_runs_where_nothing_else_is_installed(tmp_path):
    net = network(COLOUR, "crop")
    write_standalone(net, tmp_path)
    (tmp_path / "new").mkdir()
    image = Image.fromarray(COLOUR[0]).resize((30, 40))
    image.save(tmp_path / "new" / "a.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    words = [sys.executable, "-c", ALONE, "model.py", "new", "bad.png"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    probabilities = net.predict_proba(image)[0]
    best = net.class_names[probabilities.argmax()]
    assert done.returncode == 2, done.stderr
    assert done.stdout == f"new/a.png\t{best}\t{probabilities.max():.4f}\n"
    assert done.stderr.splitlines()[-1].startswith("bad.png\tcannot be read: cannot identify image file")
    assert done.returncode == 2
