"""From picture files to arrays: one picture at a time, grey where all are, mapped where they do not fit in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evonas.core.errors import EvonasError, first_line
from evonas.domains import mapped
from evonas.domains.images.framing import DOING, FITS, Frame
from evonas.domains.images.pictures import Picture, Source, read_picture
from evonas.domains.images.pixels import PixelScale
from evonas.domains.images.walking import Found, some


@dataclass
class Album:
    """The pictures of one part as they are decoded: bytes of one channel until one is not grey, deep ones apart."""

    count: int
    frame: Frame
    among: int
    """Bytes of the whole set."""
    plain: np.ndarray | None = None
    deep: np.ndarray | None = None
    whole: bool = True
    is_deep: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.is_deep = np.zeros(self.count, bool)

    def put(self, place: int, picture: Picture) -> None:
        size = (self.count, self.frame.height, self.frame.width)
        if picture.deep:
            if self.deep is None:
                self.deep = mapped.empty(size, np.float32, among=self.among)
            self.deep[place], self.is_deep[place] = picture.pixels, True
            self.whole &= picture.whole
            return
        pixels = picture.pixels
        grey = bool((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all())
        if self.plain is None:
            self.plain = mapped.empty((*size, 1 if grey else 3), among=self.among)
        elif not grey:
            self.make_colour()
        self.plain[place] = pixels[..., : self.plain.shape[-1]]

    def make_colour(self) -> None:
        """From one channel to three."""
        if self.plain is None or self.plain.shape[-1] == 3:
            return
        wide = mapped.empty((*self.plain.shape[:-1], 3), among=self.among)
        for place, image in zip(wide, self.plain, strict=True):
            place[...] = image
        self.plain = wide

    def make_plain(self, scale: PixelScale) -> None:
        """Deep pictures become bytes beside the others; what was padded becomes black."""
        if self.plain is None:
            self.plain = mapped.empty((self.count, self.frame.height, self.frame.width, 1), among=self.among)
        for place in np.flatnonzero(self.is_deep):
            assert self.deep is not None
            padded = np.isnan(self.deep[place])
            values = _as_numbers(np.where(padded, np.float32(scale.least), self.deep[place]), self.whole)
            read, _ = scale.read(values, "a picture of more than 8 bits", beside="those of the training images")
            self.plain[place] = np.where(padded, np.uint8(0), read)[..., None]

    def deep_extent(self) -> float:
        """The least value of the deep pictures; infinity where there are none."""
        deep = [] if self.deep is None else [self.deep[place] for place in np.flatnonzero(self.is_deep)]
        return min((float(np.nanmin(image)) for image in deep), default=np.inf)


def decode(
    files: Mapping[str, Sequence[Source]], frame: Frame, found: Found
) -> tuple[dict[str, np.ndarray], float, PixelScale | None]:
    """The pictures of each part in one array, the value that padding has in it, and the scale of deep pictures among
    others.

    (n, height, width, 1 or 3) bytes, or (n, height, width) numbers of any range where all pictures are deep (more than
    8 bits). Raises EvonasError that names all files which are no pictures, or the first of them.
    """
    among = sum(map(len, files.values())) * frame.height * frame.width * 3
    albums = {part: Album(len(paths), frame, among) for part, paths in files.items()}
    broken: list[str] = []
    laid_on: Counter[str] = Counter()
    other_shape = 0
    for part, paths in files.items():
        for place, path in enumerate(paths):
            try:
                picture = read_picture(path, frame)
            except Exception as error:  # whatever a reader meets in a damaged file
                broken.append(f"{str(path)!r} cannot be read: {first_line(error)}")
                continue
            albums[part].put(place, picture)
            laid_on[picture.laid_on] += 1
            other_shape += picture.other_shape
            found.pass_over("animated pictures of which only the first frame is used", *[path] * picture.animated)
    if len(broken) == 1:
        raise EvonasError(f"the image {broken[0]}; mend or remove it")
    if broken:
        raise EvonasError(f"{len(broken):,} images are damaged: {some(broken)}; mend or remove them")
    if other_shape:
        others = " or ".join(f"fit={fit}" for fit in FITS if fit != frame.fit)
        found.notes.append(
            f"pictures of another shape than {frame.width}×{frame.height}, which were {DOING[frame.fit]}: "
            f"{other_shape:,} of {sum(map(len, files.values())):,}; {found.source}:PATH?{others} does otherwise"
        )
    found.notes += [
        f"pictures with transparent parts, which were laid on {colour}: {laid_on[colour]:,}"
        for colour in ("white", "black")
        if laid_on[colour]
    ]
    arrays, ground, deep = _arrays(albums, found)
    if any(mapped.is_mapped(array) for array in arrays.values()):
        size = sum(array.nbytes for array in arrays.values())
        found.notes.append(
            f"{size / 1e9:.3g} GB of images are mapped from files in {str(mapped.folder())!r}, not held in memory"
        )
    return arrays, ground, deep


def _arrays(albums: Mapping[str, Album], found: Found) -> tuple[dict[str, np.ndarray], float, PixelScale | None]:
    if all(album.is_deep.all() for album in albums.values()):
        return *_all_deep(albums), None
    scale, deep = None, [album for album in albums.values() if album.is_deep.any()]
    if deep:
        measured = albums["train"] if albums["train"] in deep else deep[0]
        scale = _scale(measured)
        for album in albums.values():
            album.make_plain(scale)
        found.notes.append(
            f"some pictures have more than 8 bits: their values from {scale.low:g} to {scale.high:g} became 0 to 255"
        )
    plain = [album.plain for album in albums.values() if album.plain is not None]
    if any(array.shape[-1] == 3 for array in plain):
        for album in albums.values():
            album.make_colour()
    return {part: album.plain for part, album in albums.items() if album.plain is not None}, 0.0, scale


def _all_deep(albums: Mapping[str, Album]) -> tuple[dict[str, np.ndarray], float]:
    """Numbers as the files hold them; padding has the least of the training pictures."""
    ground = albums["train"].deep_extent()
    whole = all(album.whole for album in albums.values())
    arrays = {}
    for part, album in albums.items():
        assert album.deep is not None
        numbers = album.deep.view(np.int32) if whole else album.deep
        for place, image in enumerate(album.deep):
            numbers[place] = _as_numbers(np.where(np.isnan(image), np.float32(ground), image), whole)
        arrays[part] = numbers
    return arrays, ground


def _scale(album: Album) -> PixelScale:
    """Of the deep pictures among others."""
    assert album.deep is not None
    deep = mapped.taken(album.deep, np.flatnonzero(album.is_deep))
    least = np.float32(album.deep_extent())
    numbers = deep.view(np.int32) if album.whole else deep
    for place, image in enumerate(deep):
        numbers[place] = _as_numbers(np.where(np.isnan(image), least, image), album.whole)
    return PixelScale.of(numbers, "the pictures of more than 8 bits")


def _as_numbers(values: np.ndarray, whole: bool) -> np.ndarray:
    return values.astype(np.int32) if whole else values
