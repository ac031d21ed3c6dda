"""Making a data set of any size: balanced labels, no image twice, written whole or not at all."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.files import all_whole
from evonas.core.parsing import read_json
from evonas.domains.images.dataset import Images
from evonas.domains.images.made.made_set import MadeSet, Pool
from evonas.domains.splitting import stratified

PUBLISHED = {"train": 45_000, "valid": 15_000, "test": 10_000}
TRIES = 30  # to draw an image that is there already anew
PIECE = 2**24  # values that are written together


def sizes(kind: MadeSet, images: int) -> dict[str, int]:
    """How many images each part has, of so many for training, in the published proportion.

    Raises EvonasError where a part would have less than one image a class.
    """
    found = {part: round(images * size / PUBLISHED["train"]) for part, size in PUBLISHED.items()}
    if found["test"] < kind.classes:
        least = next(n for n in range(images, 100_000) if round(n * 2 / 9) >= kind.classes)
        raise EvonasError(
            f"--images {images} is too few for {kind.name}, which has {kind.classes} classes; give {least} or more"
        )
    return found


def make(
    kind: MadeSet, root: Path, *, images: int = PUBLISHED["train"], seed: int = 0, source: Images | None = None
) -> tuple[Path, bool]:
    """Write the data set to `root`/NAME, in the layout that `npy:` reads; the folder, and whether it was there already.

    `images` are those for training; valid and test images are in the published proportion. `source` holds what they
    are made of: training images for training and validation, none of them for both, and test images for the test. The
    same arguments write the same bytes.

    Raises EvonasError where the folder holds anything else, or there are not enough images to be made.
    """
    if seed < 0:
        raise EvonasError(f"--seed {seed} is below 0; give 0 or more")
    counts = sizes(kind, images)
    folder = root / kind.name
    metadata = _metadata(kind, counts, seed)
    if _is_there(folder, metadata):
        return folder, True
    pools = _pools(kind, source, seed)
    try:
        with all_whole(root, kind.name) as made:
            unfinished = made / kind.name
            unfinished.mkdir()
            seen: set[bytes] = set()
            for number, (part, n) in enumerate(counts.items()):
                rng = np.random.default_rng([seed, zlib.crc32(kind.name.encode()), number])
                labels = rng.permutation(np.arange(n) % kind.classes)
                _write(unfinished / f"{part}_x.npy", distinct(kind, rng, labels, pools[part], seen))
                np.save(unfinished / f"{part}_y.npy", labels.astype(np.int64))
            (unfinished / "metadata").write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise EvonasError(
            f"{str(folder)!r} cannot be written: {error.strerror or error}; give another --root"
        ) from error
    return folder, False


def distinct(
    kind: MadeSet, rng: np.random.Generator, labels: np.ndarray, pool: Pool | None, seen: set[bytes]
) -> np.ndarray:
    """Images of these labels, none twice and none that was `seen`; they are seen then."""
    x = kind.draw(rng, labels, pool)
    fresh = np.arange(len(labels))
    for _ in range(TRIES):
        again = []
        for position in fresh:
            digest = blake2b(x[position].tobytes(), digest_size=16).digest()
            if digest in seen:
                again.append(position)
            seen.add(digest)
        if not again:
            return x
        fresh = np.array(again)
        x[fresh] = kind.draw(rng, labels[fresh], pool)
    raise EvonasError(
        f"{len(labels):,} different images of {kind.name} cannot be made of so few others; give fewer --images, or a "
        "larger --source"
    )


def _metadata(kind: MadeSet, counts: Mapping[str, int], seed: int) -> dict[str, Any]:
    """The challenge's entries, and ours: what the label says, what the images are made of, and how they were made."""
    published = {} if kind.benchmark is None else {"benchmark": kind.benchmark}
    return {
        "codename": kind.codename,
        "num_classes": kind.classes,
        "input_shape": [counts["train"], *kind.shape],
        **published,
        "label": kind.label,
        "sources": list(kind.sources),
        "made": {"name": kind.name, "version": kind.version, "images": dict(counts), "seed": seed},
    }


def _is_there(folder: Path, metadata: Mapping[str, Any]) -> bool:
    """Whether the folder holds this data set, whole. Raises EvonasError where it holds anything else."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    names = {f"{part}_{kind}.npy" for part in PUBLISHED for kind in "xy"}
    try:
        held = read_json(folder / "metadata")
        whole = names <= {path.name for path in folder.iterdir()}
    except (OSError, ValueError):
        held, whole = None, False
    if whole and held == metadata:
        return True
    held = held if isinstance(held, dict) else {}
    made = held.get("made")
    what = (
        f"{held['codename']!r}, made as {made}" if isinstance(made, dict) and "codename" in held else "something else"
    )
    raise EvonasError(f"{str(folder)!r} holds {what}; move it away, or give another --root")


def _pools(kind: MadeSet, source: Images | None, seed: int) -> dict[str, Pool | None]:
    """What each part is made of. Three quarters of the training images are for training, the others for validation."""
    if kind.needs is None or source is None:
        return dict.fromkeys(PUBLISHED)
    rng = np.random.default_rng([seed, zlib.crc32(source.name.encode())])
    train, valid = stratified(source.y, round(len(source.y) / 4), rng, source.name)
    parts = {"train": Pool(source.x[train], source.y[train]), "valid": Pool(source.x[valid], source.y[valid])}
    return {**parts, "test": Pool(source.x_test, source.y_test)}


def _write(path: Path, x: np.ndarray) -> None:
    """As float32: bytes become 0 to 1, other numbers stay as they are."""
    kind = np.dtype("<f4")
    header = {"descr": kind.str, "fortran_order": False, "shape": x.shape}
    step = max(1, PIECE // x[0].size)
    with path.open("wb") as file:  # a mapped file would end the process where the disk is full, and not with a line
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(x), step):
            piece = x[start : start + step]
            piece = piece / np.float32(255) if piece.dtype == np.uint8 else piece
            file.write(np.ascontiguousarray(piece, kind).data)
