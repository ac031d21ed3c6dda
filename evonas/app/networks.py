"""Where the network of a run is, by the run's name or by a folder."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evonas.app.folders import owner_of, results_folder
from evonas.core.errors import EvonasError
from evonas.domains.domain import domain_named

if TYPE_CHECKING:
    from evonas.memory.archive import RunRecord


@dataclass(frozen=True)
class Place:
    """The folder of a network, which may not be there yet, and the run that the archive has under the given name: None
    where a folder was given that is not that run's."""

    folder: Path
    record: RunRecord | None = None

    @property
    def has_network(self) -> bool:
        return (self.folder / "genome.json").is_file()


def located(run: str, archive: str | None) -> Place:
    """Of a run's name, of a run's folder, or of a folder that a network was exported to.

    Raises EvonasError where it is none of them, or a run that trains no networks.
    """
    from evonas.memory.archive import Archive

    folder = Path(os.path.expanduser(run))
    if (folder / "genome.json").is_file():
        return Place(folder, _run_of(folder, run, archive))
    if folder.is_file():
        raise EvonasError(f"{run!r} is a file; give the name of a run, or the folder of a network first")
    store = Archive(archive)
    if folder.is_dir() and not store.runs(run):
        raise EvonasError(f"the folder {run!r} holds no network: give that of a run, or of an export")
    record = store.run(run)
    if not domain_named(record.task.domain).trains:
        best = (record.result or {}).get("genome")
        found = f"; its best genome is {best!r}" if best is not None else ""
        raise EvonasError(
            f"run {run!r} was scored by an evaluator of your own and has no network of its own to export{found}"
        )
    return Place(results_folder(run, record.config.get("out")), record)


def _run_of(folder: Path, run: str, archive: str | None) -> RunRecord | None:
    """The run of this name, where this is its folder: what is given is both, as `--name mine --out mine` leaves it."""
    from evonas.memory.archive import Archive

    if owner_of(folder) != run:
        return None
    record = next(iter(Archive(archive).runs(run)), None)
    same = record is not None and results_folder(run, record.config.get("out")).resolve() == folder.resolve()
    return record if same else None


def network_folder(run: str, archive: str | None) -> Path:
    """Where there is a network. Raises EvonasError where there is none, with the way to get it."""
    place = located(run, archive)
    if not place.has_network:
        word = shlex.quote(run)
        raise EvonasError(
            f"run {run!r} has no network in {str(place.folder)!r}; go on with it: evonas resume {word}, or train the "
            f"best that it has: evonas export {word} --out FOLDER"
        )
    return place.folder
