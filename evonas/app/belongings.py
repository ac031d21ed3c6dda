"""What on disk is a run's own: its results, and the trainings that it goes on from. Nothing else is touched here."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evonas.app import checkpoints
from evonas.app.card import MARK
from evonas.app.folders import EXPORTED, FILES, check_folder, owner_of, results_folder
from evonas.app.underway import curves_folder
from evonas.core.errors import EvonasError
from evonas.core.figures import several
from evonas.core.files import UNFINISHED, all_whole, unfinished_in
from evonas.memory.archive import Archive, RunRecord
from evonas.memory.locks import delete_runs


@dataclass(frozen=True)
class Belongings:
    """A run's folder, and the files in it that evonas wrote for this run, by absolute paths."""

    folder: Path
    files: tuple[Path, ...]

    @classmethod
    def of(cls, record: RunRecord, folder: Path | None = None) -> Belongings:
        """In the folder that the archive knows, or in another one. Of a folder with another run's results nothing."""
        folder = (folder or results_folder(record.name, record.config.get("out"))).absolute()
        files: list[Path] = []
        if owner_of(folder) == record.name:
            files += [folder / name for name in (*FILES, *EXPORTED) if (folder / name).is_file()]
            files += [card for card in (folder / "README.md",) if _is_ours(card)]
            files += unfinished(folder)
            files += sorted((folder / "tensorboard").rglob("events.out.tfevents.*"))
        if (trainings := checkpoints.find(folder, record)) is not None:
            files += checkpoints.files(trainings)
        return cls(folder, tuple(files))

    @property
    def bytes(self) -> int:
        return sum(file.stat().st_size for file in self.files if file.is_file())

    def __str__(self) -> str:
        """`/home/me/runs/first: 3.2 MB in 5 files`."""
        return f"{self.folder}: {size(self.bytes)} in {several(len(self.files), 'file')}"

    def remove(self) -> list[str]:
        """Remove the files, and the folder where nothing else is in it; returns the names of what stays there.

        Raises EvonasError where one cannot be removed.
        """
        try:
            for file in self.files:
                file.rmdir() if file.is_dir() else file.unlink(missing_ok=True)
        except OSError as error:
            raise EvonasError(f"cannot remove {error.filename!r}: {error.strerror}; remove it by hand") from error
        emptied = {self.folder, *self.folder.glob(f"{UNFINISHED}*"), *(file.parent for file in self.files)}
        for folder in sorted(emptied, reverse=True):  # inner ones first
            with suppress(OSError):
                folder.rmdir()
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []

    def removed(self) -> str:
        """`remove`, in words."""
        left = self.remove()
        shown = f"{', '.join(left[:3])}{', …' if len(left) > 3 else ''}"
        return f"{self.folder} stays for {shown}, not of this run" if left else f"{self.folder} is removed"

    def copy(self, folder: Path) -> Belongings:
        """The same files in another folder, all or none, but for what is unfinished. Raises EvonasError where they
        cannot be written."""
        files = [file for file in self.files if file not in unfinished(self.folder)]
        names = [str(file.relative_to(self.folder)) for file in files]
        copied = Belongings(folder, tuple(folder / name for name in names))
        try:
            with all_whole(folder, *names) as made:
                for file, name in zip(files, names, strict=True):
                    shutil.copy2(file, made / name)
        except OSError as error:
            copied.remove()
            why = error.strerror or error
            raise EvonasError(f"cannot write to {str(folder)!r}: {why}; nothing was moved") from error
        return copied


def forget(archive: Archive, owned: Mapping[str, Belongings], folders: bool) -> tuple[list[str], list[str]]:
    """Delete runs, all or none, and with `folders` what is theirs on disk.

    Returns a line for each, and one for each whose files could not be removed.

    Raises EvonasError where a process works on one.
    """
    counts = archive.counts()
    delete_runs(archive, list(owned))
    said, failed = [], []
    for name, has in owned.items():
        line = f"{name}: {several(counts.get(name, 0), 'trial')} forgotten"
        try:
            shutil.rmtree(curves_folder(archive, name), ignore_errors=True)  # of a process that was killed
            if has.files:
                line += f"; {has.removed()}" if folders else f"; its results stay in {has.folder}"
        except EvonasError as error:
            failed.append(f"{name}: {error}")
        said.append(line)
    return said, failed


def move_target(record: RunRecord, folder: Path, has: Belongings) -> None:
    """Raises EvonasError where a run's files cannot go to a folder, or it has them there already."""
    if folder == has.folder or (folder.exists() and has.folder.exists() and folder.samefile(has.folder)):
        raise EvonasError(f"the results of run {record.name!r} are in {str(folder)!r} already; give another folder")
    if has.files and owner_of(folder) == record.name:
        raise EvonasError(
            f"both {str(has.folder)!r} and {str(folder)!r} hold results of run {record.name!r}; move one away first"
        )
    names = [file.name for file in has.files] or FILES
    check_folder(folder, record.name, new=bool(has.files), files=names, what="the folder")


def unfinished(folder: Path) -> list[Path]:
    """Files whose writing was cut off."""
    return sorted([*unfinished_in(folder), *folder.glob(".result-*.json")])  # the latter by earlier versions


def size(number: int) -> str:
    """`3.2 MB`, `12 kB`, `0 kB`; `1.24 GB`."""
    if number >= 1e9:
        return f"{number / 1e9:.2f} GB"
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.0f} kB"


def _is_ours(card: Path) -> bool:
    return card.is_file() and MARK in card.read_text(encoding="utf-8", errors="replace")
