"""A picture is read as every viewer shows it, whatever its mode; what is none is named."""

import io
import struct
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image, features

from evonas.core.errors import EvonasError
from evonas.domains.images import load_images
from evonas.domains.images.pictures import read_picture

RNG = np.random.default_rng(0)
RAMP = np.tile(np.linspace(0, 1, 16), (16, 1))


def colours(size: int = 16) -> np.ndarray:
    return RNG.integers(0, 256, (size, size, 3), dtype=np.uint8)


def saved(image: Image.Image, kind: str = "PNG", **options) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return io.BytesIO(file.getvalue())


def classes(folder, left: list[Image.Image], right: list[Image.Image], ending: str = "png", **options) -> str:
    """A folder of two classes."""
    for name, images in (("left", left), ("right", right)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i, image in enumerate(images):
            image.save(folder / name / f"{i}.{ending}", **options)
    return f"folder:{folder}?size=16"


# more than 8 bits


@pytest.mark.parametrize("most", [65535, 4095, 1023])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bits_keep_their_levels(tmp_path, most, ending):
    """Also those of 10 or 12 bits, as scanners write them."""
    ramp = Image.fromarray((RAMP * most).astype(np.uint16))
    images = load_images(classes(tmp_path, [ramp] * 5, [ramp.transpose(Image.Transpose.ROTATE_180)] * 5, ending))
    assert images.x.shape[1:] == (16, 16, 1)
    assert np.abs(images.x[0, 0, :, 0] - RAMP[0] * 255).max() <= 1
    assert np.abs(images.x[-1, 0, :, 0] - RAMP[0, ::-1] * 255).max() <= 1
    assert images.reader is not None
    assert images.reader.scale.words == f"whole numbers from 0 to {most}"
    array = (RAMP * most).astype(np.uint16)  # what a network is given later
    assert (images.reader.batch(array, "the batch")[0] == images.x[:1]).all()


@pytest.mark.parametrize("values", [RAMP, RAMP * 300 - 100, RAMP * 1e-3])
def test_float_pictures_keep_their_levels(tmp_path, values):
    ramp = Image.fromarray(values.astype(np.float32))
    images = load_images(classes(tmp_path, [ramp] * 5, [ramp] * 5, "tif"))
    assert np.abs(images.x[0, 0, :, 0] - RAMP[0] * 255).max() <= 1


def test_32_bit_pictures_keep_their_levels(tmp_path):
    ramp = Image.fromarray((RAMP * 100_000 - 50_000).astype(np.int32))
    images = load_images(classes(tmp_path, [ramp] * 5, [ramp] * 5, "tif"))
    assert np.abs(images.x[0, 0, :, 0] - RAMP[0] * 255).max() <= 1


def test_deep_pictures_among_others(tmp_path):
    ramp = Image.fromarray((RAMP * 65535).astype(np.uint16))
    plain = Image.fromarray((RAMP * 255).astype(np.uint8))
    images = load_images(classes(tmp_path, [ramp] * 5, [plain] * 5))
    assert images.x.shape[-1] == 1
    assert np.abs(images.x[:, 0, :, 0] - RAMP[0] * 255).max() <= 1
    assert "some pictures have more than 8 bits: their values from 0 to 65535 became 0 to 255" in images.notes
    assert images.reader is not None
    assert images.reader.scale.words == "bytes"


def test_a_float_picture_with_holes_is_named(tmp_path):
    holes = Image.fromarray(np.where(RAMP > 0.9, np.nan, RAMP).astype(np.float32))
    with pytest.raises(EvonasError, match="0.tif' cannot be read: it holds NaN"):
        load_images(classes(tmp_path, [holes], [Image.fromarray(RAMP.astype(np.float32))], "tif"))


# turned


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_tag_says(orientation):
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = Image.fromarray(np.kron(RNG.integers(0, 256, (2, 3, 3)), np.ones((8, 8, 1))).astype(np.uint8))
    lying = upright.transpose(turns[orientation]) if orientation in turns else upright
    tag = Image.Exif()
    tag[0x0112] = orientation
    for kind, options in (
        ("PNG", {}),
        ("JPEG", {"quality": 95, "subsampling": 0}),
        ("TIFF", {}),
        ("WEBP", {"lossless": True}),
    ):
        picture = read_picture(saved(lying, kind, exif=tag, **options))
        assert picture.pixels.shape == (16, 24, 3)
        assert np.abs(picture.pixels.astype(int) - np.asarray(upright)).mean() < 4, kind


def test_a_16_bit_picture_is_turned_too():
    tag = Image.Exif()
    tag[0x0112] = 6
    deep = (RAMP * 65535).astype(np.uint16)
    picture = read_picture(saved(Image.fromarray(np.rot90(deep).copy()), exif=tag))
    assert (picture.pixels == deep).all()


# transparent


def drawing(colour: int, mode: str) -> Image.Image:
    """A bar on nothing."""
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[6:10, 2:14] = (colour, colour, colour, 255)
    image = Image.fromarray(pixels)
    if mode == "P":
        flat = Image.fromarray(np.where(pixels[..., 3] > 0, 1, 0).astype(np.uint8), "P")
        flat.putpalette([0, 0, 0, colour, colour, colour])
        flat.info["transparency"] = 0
        return flat
    if mode == "tRNS":
        key = np.full((16, 16, 3), 7, np.uint8)
        key[6:10, 2:14] = colour
        image = Image.fromarray(key)
        image.info["transparency"] = (7, 7, 7)
        return image
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "tRNS"])
@pytest.mark.parametrize(("colour", "ground"), [(0, 255), (128, 255), (255, 0)])
def test_a_drawing_on_nothing_is_seen(mode, colour, ground):
    image = drawing(colour, mode)
    options = {"transparency": image.info["transparency"]} if "transparency" in image.info else {}
    picture = read_picture(saved(image, **options))
    assert (picture.pixels[0] == ground).all()
    assert (picture.pixels[7, 3:13] == colour).all()
    assert picture.laid_on == {255: "white", 0: "black"}[ground]


def test_half_transparent_parts_are_mixed():
    half = np.zeros((8, 8, 4), np.uint8)
    half[..., 3] = 128
    assert np.abs(read_picture(saved(Image.fromarray(half))).pixels.astype(int) - 127).max() <= 1


def test_an_alpha_that_hides_nothing_is_no_transparency():
    pixels = np.dstack([colours(), np.full((16, 16), 255, np.uint8)])
    picture = read_picture(saved(Image.fromarray(pixels)))
    assert picture.laid_on == ""
    assert (picture.pixels == pixels[..., :3]).all()


def test_transparency_is_said(tmp_path):
    images = load_images(classes(tmp_path, [drawing(0, "RGBA")] * 4, [Image.fromarray(colours())] * 4))
    assert "pictures with transparent parts, which were laid on white: 4" in images.notes


# modes and animations


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("1", "PNG"), ("L", "PNG"), ("P", "PNG"), ("P", "GIF"), ("CMYK", "JPEG"), ("YCbCr", "JPEG"), ("RGB", "BMP")],
)
def test_every_mode_shows_what_it_shows(mode, kind):
    image = Image.fromarray(np.kron(RNG.integers(0, 2, (4, 4, 3)) * 255, np.ones((8, 8, 1))).astype(np.uint8))
    image = image.convert(mode)
    picture = read_picture(saved(image, kind))
    assert picture.pixels.dtype == np.uint8
    assert np.abs(picture.pixels.astype(int) - np.asarray(image.convert("RGB"))).mean() < 12


def test_the_first_frame_of_an_animation_counts_and_it_is_said(tmp_path):
    frames = [Image.fromarray(np.full((16, 16), value, np.uint8)) for value in (10, 200, 90)]
    moving = {"save_all": True, "append_images": frames[1:]}
    assert read_picture(saved(frames[0], "GIF", **moving)).animated
    images = load_images(classes(tmp_path, [frames[0]] * 4, [frames[0]] * 4, "gif", **moving))
    assert np.abs(images.x.astype(int) - 10).max() <= 2
    assert images.left_out == (
        "animated pictures of which only the first frame is used (8): 'left/0.gif', 'left/1.gif', 'left/2.gif', "
        "'left/3.gif', 'right/0.gif', and 3 more",
    )


def test_heic(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    picture = Image.fromarray(np.full((16, 16, 3), (200, 30, 90), np.uint8))
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        for i in range(4):
            pillow_heif.from_pillow(picture).save(tmp_path / name / f"{i}.heic", quality=95)
    images = load_images(f"folder:{tmp_path}?size=16")
    assert (len(images.x) + len(images.x_test), images.left_out) == (8, ())
    assert np.abs(images.x[0].astype(int) - (200, 30, 90)).mean() < 8


def test_pictures_that_pillow_learns_to_read_are_read_wherever_they_lie():
    """In a process that looked into no folder, too."""
    pytest.importorskip("pillow_heif")
    code = """
import io
import pillow_heif
from PIL import Image
from evonas.domains.images.pictures import read_picture
file = io.BytesIO()
pillow_heif.from_pillow(Image.new("RGB", (16, 16), "red")).save(file)
print(read_picture(file).pixels.shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "(16, 16, 3)\n", done.stderr


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif(tmp_path):
    picture = Image.fromarray(np.full((16, 16, 3), (200, 30, 90), np.uint8))
    images = load_images(classes(tmp_path, [picture] * 4, [picture] * 4, "avif"))
    assert np.abs(images.x[0].astype(int) - (200, 30, 90)).mean() < 8


# what is none


def chunk(kind: bytes, content: bytes) -> bytes:
    import zlib

    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, bits: int = 8, content: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


DAMAGED = {
    "a bomb": png(60_000, 60_000),
    "no size": png(0, 0),
    "odd bits": png(8, 8, bits=7),
    "no pixels": png(8, 8),
    "a cut header": b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00",
    "nothing": b"",
    "text": b"no image at all",
    "a cut GIF": b"GIF89a\x10\x00\x10\x00\xf7",
    "a cut BMP": b"BM" + b"\xff" * 30,
    "a cut TIFF": b"II*\x00\x08\x00\x00\x00\xff\xff" + b"\x00\x01\x04\x00" * 4,
    "a cut JPEG": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xc0\x00\x0b\x08",
    "a cut WebP": b"RIFF\xff\xff\xff\x7fWEBPVP8 ",
    "a large PPM": b"P6 99999999 99999999 255\n",
    "a negative PPM": b"P5 -3 4 255\n....",
    "a DDS in disguise": b"DDS " + b"\xff" * 120,
    "an ICO in disguise": b"\x00\x00\x01\x00\xff\xff" + b"\x00" * 40,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_whatever_a_reader_meets_names_the_file(tmp_path, content):
    spec = classes(tmp_path, [Image.fromarray(colours())] * 4, [Image.fromarray(colours())] * 4)
    (tmp_path / "left" / "bad.png").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(EvonasError, match="left/bad.png' cannot be read: .+; mend or remove it") as raised:
            load_images(spec)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_bytes_of_any_kind_are_no_traceback(tmp_path, seed):
    """Some are read, as other pictures; none ends in anything but a picture or a line."""
    rng = np.random.default_rng(seed)
    kind = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")[seed % 6]
    tag = Image.Exif()
    tag[0x0112] = 6
    options = {"exif": tag} if kind in ("PNG", "JPEG", "TIFF", "WEBP") else {}
    content = bytearray(saved(Image.fromarray(colours()), kind, **options).getvalue())
    for place in rng.integers(0, len(content), 1 + seed % 8):
        content[place] = rng.integers(256)
    spec = classes(tmp_path, [Image.fromarray(colours())] * 4, [Image.fromarray(colours())] * 4)
    (tmp_path / "left" / "bad.png").write_bytes(content[: len(content) - seed % 3 * 20])
    said = ""
    try:
        load_images(spec)
    except EvonasError as error:
        said = str(error)
    assert said == "" or "bad.png' cannot be read" in said
    assert "\n" not in said


def test_all_damaged_files_are_counted_and_the_first_named(tmp_path):
    spec = classes(tmp_path, [Image.fromarray(colours())] * 4, [Image.fromarray(colours())] * 4)
    for i in range(7):
        (tmp_path / ("left", "right")[i % 2] / f"bad{i}.png").write_bytes(b"no image")
    with pytest.raises(EvonasError, match="^7 images are damaged: .*; mend or remove them$") as raised:
        load_images(spec)
    assert [name in str(raised.value) for name in ("bad0", "bad2", "bad4", "bad6", "bad1")] == [True] * 5
    assert ", and 2 more;" in str(raised.value)
