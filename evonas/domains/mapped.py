"""Arrays that need not fit in memory: files that the system maps, removed with their last user."""

from __future__ import annotations

import math
import os
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from tempfile import mkstemp
from typing import Any, cast

import numpy as np

from evonas.core.environment import free_memory
from evonas.core.errors import EvonasError

SHARE = 0.25  # of the free memory that one set of examples may take: it is copied when parts are carved out of it
MOST = 2 * 2**30  # bytes of a set in memory, however much is free
PIECE = 2**24  # bytes that are moved at once
FORGOTTEN = 7 * 24 * 3600  # seconds after which a file that a killed process left is removed


class Mapped(np.memmap):
    """An array in a file. Worker processes of this machine map the same file, anybody else gets a copy."""


def limit() -> int:
    """Bytes that a set of examples may take in memory; more is mapped."""
    return int(min(MOST, SHARE * free_memory()))


def empty(shape: Sequence[int], dtype: Any = np.uint8, *, among: int = 0) -> np.ndarray:
    """A new array to be filled: in memory where it fits, else in a file of the user's cache folder.

    `among` are the bytes of the whole set that it is a part of. Raises EvonasError where the disk has no room.
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size == 0 or max(size, among) <= limit():
        return np.empty(shape, dtype)
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        _tidy(place)
        handle, name = mkstemp(".bytes", "set-", place)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(handle, 0, size)  # now, and not by a bus error when the disk is full
            else:
                os.truncate(handle, size)
        except OSError:
            os.unlink(name)
            raise
        finally:
            os.close(handle)
    except OSError as error:
        raise EvonasError(
            f"{size / 1e9:.1f} GB of examples do not fit in memory, nor in {str(place)!r} ({error.strerror}); make "
            "room, give XDG_CACHE_HOME of a larger disk, or take fewer or smaller examples"
        ) from error
    array = Mapped(name, dtype=dtype, mode="r+", shape=tuple(shape))
    weakref.finalize(array, _remove, name, os.getpid())
    return array


def folder() -> Path:
    """Where mapped arrays lie."""
    from platformdirs import user_cache_path

    return user_cache_path("evonas", appauthor=False) / "mapped"


def is_mapped(array: Any) -> bool:
    """Whether the array, or what it is a view of, lies in a file."""
    while array is not None:
        if isinstance(array, np.memmap) and getattr(array, "_mmap", None) is not None:
            return True
        array = getattr(array, "base", None)
    return False


def taken(array: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """`array[positions]` of its first axis; of a mapped one piece by piece, into a mapped one where it is large."""
    if not is_mapped(array):
        return array[positions]
    found = empty((len(positions), *array.shape[1:]), array.dtype, among=array.nbytes)
    step = max(1, PIECE // max(1, array[:1].nbytes))
    for start in range(0, len(positions), step):
        found[start : start + step] = array[positions[start : start + step]]
    return found


def _reopened(name: str, dtype: str, shape: tuple[int, ...], offset: int) -> Mapped:
    # what is written stays in the process
    return cast(Mapped, Mapped(name, dtype=dtype, mode="c", shape=shape, offset=offset))


def _by_name(array: Mapped) -> Any:
    """How an array travels to a process of this machine."""
    name = getattr(array, "filename", None)
    if name is None or not array.flags.c_contiguous or not Path(name).exists():
        return np.ndarray.__reduce__(np.array(array, subok=False))
    start = np.frombuffer(array._mmap, np.uint8).ctypes.data  # type: ignore[attr-defined]
    return _reopened, (str(name), array.dtype.str, array.shape, array.ctypes.data - start)


ForkingPickler.register(Mapped, _by_name)


def _remove(name: str, owner: int) -> None:
    if os.getpid() == owner:
        with suppress(OSError):
            os.unlink(name)


def _tidy(place: Path) -> None:
    """Remove what killed processes have left."""
    for path in place.glob("set-*.bytes"):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - FORGOTTEN:
                path.unlink()
