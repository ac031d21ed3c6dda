"""What a power cut leaves of an archive: some trials fewer, or a refusal in one line, and never anything wrong.

A search that writes is stopped for a moment, its files are copied as they are, and torn. SQLite brings the log (WAL) to
the disk before it writes from there to the file itself, so a power cut takes what comes later: that has to be recovered
from. Tears of what was on the disk, as by a disk that lies or fails, may be refused too.
"""

import contextlib
import os
import random
import shutil
import signal
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from tests.commands import evonas
from tests.torture import toy
from tests.torture.counted import counted
from tests.torture.processes import one_line

LENGTH = 9  # genes, so that there is enough to try
FRAME, WAL_HEADER = 24 + 4096, 32
EACH = 10  # snapshots of a search, then the next begins
MOST = 2000  # trials of it


@dataclass(frozen=True)
class Snapshot:
    """The archive's files as they were, how many trials had been said to be kept, and how many frames of the log there
    were, and were on the disk for sure."""

    folder: Path
    said: int
    frames: int
    synced: int

    @property
    def file(self) -> Path:
        return self.folder / "archive.db"

    @property
    def wal(self) -> Path:
        return self.folder / "archive.db-wal"

    @property
    def shm(self) -> Path:
        return self.folder / "archive.db-shm"


def untouched(snapshot, rng):
    pass


def without_index(snapshot, rng):
    snapshot.shm.unlink()


def log_cut(snapshot, rng):
    os.truncate(snapshot.wal, rng.randrange(WAL_HEADER + snapshot.synced * FRAME, snapshot.wal.stat().st_size + 1))
    snapshot.shm.unlink()


def log_garbled(snapshot, rng):
    written(snapshot, rng.randrange(snapshot.synced, snapshot.frames), rng.randbytes(FRAME))


def log_zeroed(snapshot, rng):
    written(snapshot, rng.randrange(snapshot.synced, snapshot.frames), bytes(FRAME))


def written(snapshot, frame, content):
    with snapshot.wal.open("r+b") as file:
        file.seek(WAL_HEADER + frame * FRAME)
        file.write(content)
    snapshot.shm.unlink()


def log_cut_anywhere(snapshot, rng):
    os.truncate(snapshot.wal, rng.randrange(snapshot.wal.stat().st_size))
    snapshot.shm.unlink()


def log_lost(snapshot, rng):
    snapshot.wal.unlink()
    snapshot.shm.unlink()


def file_cut(snapshot, rng):
    os.truncate(snapshot.file, rng.randrange(snapshot.file.stat().st_size))


NOTHING_LOST = {untouched, without_index}
RECOVERED = {*NOTHING_LOST, log_cut, log_garbled, log_zeroed}  # what a power cut can do
TEARS = (untouched, without_index, log_cut, log_garbled, log_zeroed, log_cut_anywhere, log_lost, file_cut)


@counted("power cut under a search that writes", quick=8, share=80, full=1000, part=200)
def test_torn_archives(times, tally, tmp_path, toys):
    rng = random.Random(times[0])
    whole = []
    for first in range(times[0], times[-1] + 1, EACH):
        folder = tmp_path / str(first)
        folder.mkdir()
        tries = [seed for seed in times if first <= seed < first + EACH]
        taken = list(snapshots(toys, folder, rng, len(tries)))
        if taken[-1].said + 4 > len(whole):
            whole = toy.what(toy.search(taken[-1].said + 4, length=LENGTH))
        for seed, snapshot in zip(tries, taken, strict=True):
            tear = TEARS[seed % len(TEARS)]
            tear(snapshot, rng)
            outcome, lost = opened(snapshot, tear, whole)
            tally(f"{tear.__name__.replace('_', ' ')}: {outcome}", lost=lost if tear in NOTHING_LOST else 0)
        shutil.rmtree(folder)


def snapshots(toys, folder, rng, number):
    """Of one search, at moments of its life."""
    path = folder / "archive.db"
    search = toys.start(path, MOST, 0.0, LENGTH, cwd=folder)
    while len(search.said) < 20:  # its tables are made
        time.sleep(0.01)
    for i in range(number):
        time.sleep(rng.uniform(0.0, 0.05))
        os.kill(search.pid, signal.SIGSTOP)
        while Path(f"/proc/{search.pid}/stat").read_text().rpartition(")")[2].split()[0] not in "TZ":
            time.sleep(0.001)
        copy = folder / f"copy-{i}"
        copy.mkdir()
        for name in ("archive.db", "archive.db-wal", "archive.db-shm"):
            if (folder / name).exists():
                shutil.copy(folder / name, copy / name)
        said = len(search.said.split("\n")) - 1
        os.kill(search.pid, signal.SIGCONT)
        if not (copy / "archive.db-shm").exists():
            raise AssertionError("it has ended: give it more trials")
        index = (copy / "archive.db-shm").read_bytes()
        (frames,), (synced,) = struct.unpack_from("<I", index, 16), struct.unpack_from("<I", index, 128)
        if frames <= synced:  # all of the log is in the file, and the next trial begins another
            frames, synced = 1, 0
        yield Snapshot(copy, said, frames, synced)
    search.kill()


def opened(snapshot, tear, whole) -> tuple[str, int]:
    """What the command line makes of it, and how many of the trials that were said to be kept are not there."""
    done = evonas("runs", "show", toy.NAME, cwd=snapshot.folder, ok=False)
    if done.returncode and "the archive has no runs yet" not in one_line(done.stderr):
        assert tear not in RECOVERED, done.stderr
        assert done.returncode == 2
        assert "is damaged" in one_line(done.stderr)
        return "refused in a line", 0
    found = toy.what(toy.kept(snapshot.file))
    assert found == whole[: len(found)], "other trials than were written"
    assert len(found) <= snapshot.said + 1, "trials that were never kept"
    assert tear is not file_cut or len(found) >= snapshot.said, "a file was cut short, and nobody noticed"
    lost = max(0, snapshot.said - len(found))
    assert not lost or tear not in NOTHING_LOST
    with contextlib.redirect_stdout(None):
        toy.main(str(snapshot.file), str(len(found) + 3), "0", str(LENGTH))
    assert toy.what(toy.kept(snapshot.file)) == whole[: len(found) + 3], "it does not go on from there"
    return "goes on" if not lost else "goes on from earlier", lost
