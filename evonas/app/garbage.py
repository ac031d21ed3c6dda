"""What nothing needs any more: what killed processes left behind, and the room of deleted runs in the archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evonas.app import checkpoints
from evonas.app.belongings import Belongings, unfinished
from evonas.app.underway import curves_folder
from evonas.memory import locks, migrations
from evonas.memory.archive import Archive


@dataclass(frozen=True)
class Garbage:
    """Files that may go, in a line of words, and the folder that goes with them where it is empty then."""

    what: str
    files: tuple[Path, ...]
    folder: Path | None = None

    @property
    def bytes(self) -> int:
        return sum(file.stat().st_size for file in self.files if file.is_file())

    def remove(self) -> None:
        Belongings(self.folder or self.files[0].parent, self.files).remove()


def garbage(archive: Archive, *, interrupted: bool = False, copies: bool = False) -> Iterator[Garbage]:
    """Of all runs that nobody works on.

    Trainings of `interrupted` runs only save time: a run that goes on without them trains again. `copies` are those of
    the archive from before it was brought up to date.
    """
    for record in archive.runs():
        status = locks.status(archive, record.name, record.status)
        if status == "running":
            continue
        folder = Belongings.of(record).folder
        if files := unfinished(folder):
            yield Garbage(f"unfinished files of {record.name}", tuple(files))
        if files := sorted(curves_folder(archive, record.name).glob("*.jsonl")):
            yield Garbage(f"curves of {record.name}", tuple(files))
        trainings = checkpoints.find(folder, record)
        if trainings is not None and (interrupted or status == "done"):
            yield Garbage(f"trainings of {record.name}, {status}", tuple(checkpoints.files(trainings)), trainings)
    if archive.file is not None:
        if left := locks.left_behind(archive):
            yield Garbage("locks of processes that are gone", tuple(left))
        if copies and (kept := migrations.copies(archive.file)):
            yield Garbage("copies of the archive as earlier versions had it", tuple(kept))


def kept_for_resume(archive: Archive) -> dict[str, int]:
    """Interrupted runs with the bytes of the trainings that they would go on from."""
    found = {}
    for record in archive.runs():
        trainings = checkpoints.find(Belongings.of(record).folder, record)
        if trainings is not None and locks.status(archive, record.name, record.status) == "interrupted":
            found[record.name] = sum(file.stat().st_size for file in checkpoints.files(trainings))
    return found
