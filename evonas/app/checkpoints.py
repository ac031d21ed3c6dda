"""The folder of a run's checkpoints: one that only this run made, found again on resume, and removed at its end."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from evonas.core.files import write_text
from evonas.core.parsing import read_json
from evonas.memory.archive import RunRecord

MARKER = "evonas-run.json"
WRITTEN = ("*.safetensors", "*.unfinished", MARKER)


def new_folder(results: Path) -> Path:
    """A name that nothing has, in a run's folder of results; nothing is made."""
    return results.absolute() / f"trainings-{uuid4().hex[:12]}"


def claim(folder: Path, record: RunRecord) -> None:
    """Make the folder, and mark it as this run's. Raises FileExistsError where it is there, and OSError."""
    folder.mkdir(parents=True)
    write_text(folder / MARKER, json.dumps(_owner(record)) + "\n")


def find(results: Path, record: RunRecord) -> Path | None:
    """What this run claimed before an interruption, if it is still there."""
    for marker in sorted(results.absolute().glob(f"trainings-*/{MARKER}")):
        with suppress(OSError, ValueError):
            if read_json(marker) == _owner(record):
                return marker.parent
    return None


def remove(folder: Path) -> None:
    """What a run wrote there; the folder too, unless somebody has put something else in it."""
    if not (folder / MARKER).is_file():
        return
    with suppress(OSError):
        for path in files(folder):
            path.unlink(missing_ok=True)
        folder.rmdir()


def files(folder: Path) -> list[Path]:
    """What a run wrote there."""
    return sorted(path for pattern in WRITTEN for path in folder.glob(pattern))


def _owner(record: RunRecord) -> dict[str, str]:
    return {"run": record.name, "created": record.created}
