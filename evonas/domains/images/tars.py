"""Images from tar archives as WebDataset has them: what belongs together has one name, and endings of its own."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from evonas.core.errors import EvonasError, choices
from evonas.core.parsing import parse_json
from evonas.domains.images.collected import as_numbers, collected, in_parts, part_named
from evonas.domains.images.dataset import Images
from evonas.domains.images.pictures import Source, endings
from evonas.domains.images.source_options import SourceOptions
from evonas.domains.images.walking import Found
from evonas.domains.labels import word

LONGEST_LABEL = 1 << 20  # bytes of a member with a label
LARGEST_PICTURE = 1 << 30  # bytes of a member with a picture, which is read at once
MOST_ARCHIVES = 100_000
BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")


@dataclass(frozen=True)
class Stored:
    """A member of a tar archive, read where it lies: nothing is unpacked."""

    archive: Path
    name: str
    offset: int
    size: int

    def opened(self) -> BinaryIO:
        if self.size > LARGEST_PICTURE:
            raise ValueError(f"it has {self.size:,} bytes, and a picture in an archive at most {LARGEST_PICTURE:,}")
        with self.archive.open("rb") as file:
            file.seek(self.offset)
            return io.BytesIO(file.read(self.size))

    def __str__(self) -> str:
        return f"{self.archive.name}/{self.name}"


def from_tars(argument: str, *, root: Path | None = None) -> Images:
    """A folder of `.tar` files, one of them, or several as `train-{000..009}.tar`, with `?label=ENDING`.

    A sample is the members whose name is the same up to the first dot of the last part: `a/1.jpg`, `a/1.cls`. Its
    picture is the member that ends like one (`image=ENDING` where several do); its label is the text of `.cls`, or of
    another member: `label=txt`, and of a field in one of JSON: `label=json.kind`. Archives whose name, or folder,
    begins with train, val or test are these parts. `size` and `fit` are as in `folder:`.

    Raises EvonasError, one line, where an archive cannot be read or is compressed, or a sample lacks its label.
    """
    options = SourceOptions.of("tars", argument, ("image", "label"))
    archives = _archives(options)
    found = Found(archives[0].parent, "tars")
    split: dict[str, list[tuple[Source, str]]] = {}
    parts = {archive: _part(archive, options.path) for archive in archives}
    whole = None in parts.values()  # one that is of no part: then none is
    for archive, part in parts.items():
        pictures = split.setdefault("train" if whole else str(part), [])
        for key, members in _samples(archive).items():
            picture = _picture(members, options.own.get("image"), f"{archive.name}/{key}")
            if picture is None:
                found.pass_over("samples without a picture", *members.values())
                continue
            pictures.append((picture, _label(members, options.own.get("label", "cls"), archive, key)))
    split = {part: held for part, held in split.items() if held}
    if not split:
        raise EvonasError(f"{options.named!r} holds no pictures; give tars with members as 1.jpg and 1.cls")
    name = options.path.name if options.path.is_dir() else BRACES.sub("", options.path.name).removesuffix(".tar")
    return collected(
        as_numbers(in_parts(split, repr(options.named))), options, found, word(name.strip("-_.") or "tars")
    )


def _part(archive: Path, whole: Path) -> str | None:
    above = archive.parent.name if whole in archive.parent.parents else ""
    return part_named(archive.name) or part_named(above)


def _archives(options: SourceOptions) -> list[Path]:
    path = options.path
    if options.named and path.is_dir():
        found = sorted(path.rglob("*.tar"))
    elif braces := BRACES.search(options.named):
        first, last = braces[1], braces[2]
        numbers = range(int(first), int(last) + 1)
        if len(numbers) > MOST_ARCHIVES:
            raise EvonasError(f"{options.named!r} names {len(numbers):,} archives; {MOST_ARCHIVES:,} are the most")
        found = [Path(BRACES.sub(f"{number:0{len(first)}}", str(path), count=1)) for number in numbers]
    else:
        found = [path]
    missing = [archive for archive in found if not archive.is_file()]
    if missing or not found:
        what = f"no file {str(missing[0])!r}" if missing else f"the folder {options.named!r} holds no .tar"
        raise EvonasError(f"{what}; give tars:FOLDER, tars:FILE.tar or tars:'train-{{000..009}}.tar'")
    return found


def _samples(archive: Path) -> Mapping[str, dict[str, Stored]]:
    """Key -> ending -> member, in the order of the archive."""
    found: dict[str, dict[str, Stored]] = {}
    try:
        for member in _members(archive):
            folder, _, name = member.name.rpartition("/")
            key, dot, ending = name.partition(".")
            if not dot or not key:  # hidden, or a note beside the samples
                continue
            sample = found.setdefault(f"{folder}/{key}" if folder else key, {})
            if ending.lower() in sample:
                raise EvonasError(f"{str(archive)!r} holds {member.name!r} twice; write it with one of them")
            sample[ending.lower()] = Stored(archive, member.name, member.offset_data, member.size)
    except (tarfile.TarError, OSError) as error:
        raise EvonasError(
            f"{str(archive)!r} cannot be read: {error}; give a whole tar archive that is not compressed (gunzip)"
        ) from error
    return found


def _members(archive: Path) -> Iterator[tarfile.TarInfo]:
    with tarfile.open(archive, "r:") as held:
        for member in held:
            if member.isreg() and not member.issparse():  # links lead elsewhere
                yield member
    if archive.stat().st_size < held.offset:
        raise tarfile.ReadError("it is cut off")


def _picture(members: Mapping[str, Stored], ending: str | None, sample: str) -> Stored | None:
    if ending is not None:
        return members.get(ending.lower())
    there = [one for one in members if f".{one.rpartition('.')[2]}" in endings()]
    if len(there) > 1:
        raise EvonasError(f"the sample {sample!r} has {choices(there)}; say which is the picture: ?image={there[0]}")
    return members[there[0]] if there else None


def _label(members: Mapping[str, Stored], label: str, archive: Path, key: str) -> str:
    """The text of a member, or of a field in it."""
    ending, _, field = label.partition(".") if label.startswith("json.") else (label, "", "")
    where = f"the sample '{archive.name}/{key}'"
    member = members.get(ending.lower())
    if member is None or member.size > LONGEST_LABEL:
        had = f"has no member .{ending}, only {choices(members)}" if member is None else f"has a .{ending} too large"
        raise EvonasError(f"{where} {had}; say where the label is: ?label=ENDING, or ?label=json.FIELD")
    try:
        text = member.opened().read().decode("utf-8")
        value = parse_json(text)[field] if field else text.strip()
    except (ValueError, KeyError, TypeError, IndexError) as error:
        there = f"has no field {field!r}" if isinstance(error, KeyError) else "cannot be read as UTF-8 or JSON"
        raise EvonasError(f"the .{ending} of {where} {there}; say where the label is: ?label=json.FIELD") from error
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise EvonasError(f"the .{ending} of {where} has the label {value!r}; give a text or a whole number")
    return word(str(value))
