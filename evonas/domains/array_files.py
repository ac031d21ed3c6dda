"""Arrays of .npy and .npz files that anybody may have written: no pickle, and no more memory than there is."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Collection
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from evonas.core.environment import free_memory
from evonas.core.errors import EvonasError, first_line

HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}  # (3, 0) has names in UTF-8, of fields that no array of ours has


def mapped_npy(path: Path) -> np.ndarray:
    """The array, which stays in its file. Raises EvonasError where it is damaged, or would have to be unpickled."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")
        _check_letters(array)
        return array
    except Exception as error:  # whatever a damaged file leads to
        why = first_line(error)
        if "object" in why:
            why = "it holds pickled objects, which are code and are not run"
        raise EvonasError(
            f"{str(path)!r} cannot be read as a .npy file: {why}; write it by numpy.save, one regular array of numbers"
        ) from error


def read_npz(path: Path, wanted: Collection[str]) -> tuple[dict[str, np.ndarray], list[str]]:
    """The wanted arrays that are there, by name, and the names of the others, sorted.

    How large they are is read before they are. Raises EvonasError where the file is damaged or would have to be
    unpickled, or an array is larger than the free memory or than its file says.
    """
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("it is another kind of file, or a part of one")
        with zipfile.ZipFile(path) as file:
            members = [one for one in file.infolist() if one.filename.removesuffix(".npy") in wanted]
            room, needed = free_memory(), sum(one.file_size for one in members)
            if needed > room:
                raise ValueError(f"its arrays take {needed / 1e9:.1f} GB, and {room / 1e9:.1f} GB of memory are free")
            for one in members:
                with file.open(one) as stream:
                    _check_size(stream, one)
        with np.load(path, allow_pickle=False) as arrays:
            held: dict[str, Any] = {key: arrays[key] for key in arrays.files if key in wanted}
            others = sorted(set(arrays.files) - set(held))
        for array in held.values():
            _check_letters(array)
        odd = [key for key, array in held.items() if not isinstance(array, np.ndarray)]
        if odd:
            raise ValueError(f"{odd[0]!r} is no array")
    except (Exception, MemoryError) as error:  # whatever a damaged file leads to
        raise EvonasError(
            f"{str(path)!r} cannot be read as an npz file without pickled objects: {first_line(error)}"
        ) from error
    return held, others


def _check_size(stream: IO[bytes], member: zipfile.ZipInfo) -> None:
    """Raises ValueError where an array's header says that it is larger than its member: numpy would believe it."""
    version = np.lib.format.read_magic(stream)
    if version not in HEADERS:
        return
    shape, _, kind = HEADERS[version](stream)
    if not kind.hasobject and prod(shape) * kind.itemsize > member.file_size:
        raise ValueError(
            f"{member.filename!r} says that it has {shape} values, which are more than its {member.file_size:,} bytes"
        )


def _check_letters(array: np.ndarray) -> None:
    """Raises ValueError where a text of the array is none: numpy would find out when it is used."""
    if isinstance(array, np.ndarray) and array.dtype.kind == "U" and array.size and array.dtype.itemsize:
        order = array.dtype.byteorder if array.dtype.byteorder in "<>" else "="
        if np.ascontiguousarray(array).reshape(-1).view(f"{order}u4").max() > sys.maxunicode:
            raise ValueError("a text in it has letters that there are not")
