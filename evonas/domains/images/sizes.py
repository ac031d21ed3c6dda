"""The size at which the pictures of a folder are read, found from the headers of some of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from evonas.domains.images.pictures import Source, endings, upright_size

MOST_PIXELS = 96 * 96
"""Of a picture whose size is chosen: smaller pictures keep theirs, larger ones are made so small."""
MOST_SIDE = 1024
LOOKED_AT = 1000  # files, evenly spaced
ALIKE = 0.1
"""Pictures whose height : width differs by no more than this are of one shape."""
OF_ONE_SHAPE = 0.9  # of the pictures: then the images have it, otherwise they are square
UNKNOWN = (32, 32)  # where no header can be read: the files will be named when they are decoded


def chosen_size(files: Sequence[Source], source: str = "folder") -> tuple[tuple[int, int], str]:
    """(height, width) in pixels for these pictures, and the rule in a line with what it met.

    As many pixels as the median picture has, at most 96×96; in the pictures' own shape where nine of ten share it,
    otherwise square. Only headers are read, of 1,000 files at most.
    """
    places = np.unique(np.linspace(0, len(files) - 1, min(LOOKED_AT, len(files))).round().astype(int))
    sizes = np.array([size for size in (_size(files[place]) for place in places) if size], dtype=float)
    if not len(sizes):
        return UNKNOWN, ""
    widths, heights = sizes.T
    pixels = float(np.median(widths * heights))
    shapes = np.log(widths / heights)
    shape = float(np.median(shapes))
    if (np.abs(shapes - shape) > np.log1p(ALIKE)).mean() > 1 - OF_ONE_SHAPE:
        shape = 0.0
    area = min(pixels, float(MOST_PIXELS))
    height, width = (int(np.clip(round((area * np.exp(sign * shape)) ** 0.5), 1, MOST_SIDE)) for sign in (-1, 1))
    least, most = sizes[(widths * heights).argmin()], sizes[(widths * heights).argmax()]
    spread = _words(least) if (sizes == sizes[0]).all() else f"{_words(least)} to {_words(most)}"
    looked = "" if len(sizes) == len(files) else f" ({len(sizes):,} of {len(files):,} looked at)"
    why = "their own size" if pixels <= MOST_PIXELS else "as many pixels as 96×96, the most that is chosen"
    if pixels <= MOST_PIXELS and (sizes != sizes[0]).any():
        why = "their median"
    return (height, width), (
        f"pictures of {spread} pixels (width×height){looked} are read at {width}×{height}: {why}; "
        f"{source}:PATH?size=48 sets another"
    )


def _size(path: Source) -> tuple[int, int] | None:
    """(width, height) as the picture stands upright; None where the header cannot be read."""
    endings()  # so that Pillow knows how to read them all
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return upright_size(path)
        except Exception:  # whatever a reader meets in a damaged file: it is named when it is decoded
            return None


def _words(size: np.ndarray) -> str:
    return f"{int(size[0])}×{int(size[1])}"
