"""A folder of photos of mixed kinds, and a network that a short search found for them."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.commands import evonas

NAMES = ("left", "right")
SEARCH = ("--trials", "2", "--epochs", "3", "--surrogate", "none", "--encoding", "cell(width=4)", "--device", "cpu")


def photo(label: int, seed: int) -> Image.Image:
    """Bright on one side, of any size; some grey, some with transparent parts."""
    rng = np.random.default_rng(seed)
    width, height = rng.integers(20, 60, 2)
    pixels = rng.integers(0, 90, (height, width, 3)).astype(np.uint8)
    pixels[:, slice(width // 2) if label == 0 else slice(width // 2, None)] += 120
    image = Image.fromarray(pixels)
    if seed % 5 == 3:
        image.putalpha(Image.fromarray(rng.integers(0, 256, (height, width)).astype(np.uint8)))
    return image.convert("L") if seed % 5 == 4 else image


def photos(folder: Path, each: int = 12) -> Path:
    """`folder/left/0.png`, …; PNG, JPEG and WebP."""
    for label, name in enumerate(NAMES):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            image = photo(label, 2 * i + label)
            ending = ("png", "jpg", "webp")[i % 3]
            image = image.convert("RGB") if ending == "jpg" and image.mode == "RGBA" else image
            image.save(folder / name / f"{i}.{ending}")
    return folder


def searched(folder: Path, *words: str) -> Path:
    """The folder with `photos`, an archive and the finished run `mine` in `runs/mine`."""
    photos(folder / "photos")
    evonas("search", "--data", "folder:photos?size=12", "--name", "mine", "-q", *SEARCH, *words, cwd=folder)
    return folder
