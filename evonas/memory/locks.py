"""One process at a time works on a run: a lock of the operating system's, which ends with its process.

The lock file stands beside the archive and is removed after use; for a database it is in the user's state folder, and
only this machine's and this user's runs are seen. What the owner is at may be written into it (`say`): it ends with it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from glob import escape
from hashlib import sha256
from pathlib import Path

from evonas.core.errors import EvonasError, NameTaken
from evonas.memory.archive import Archive

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PATIENCE = 0.5  # seconds; whoever only looks whether a run is running holds its lock for a moment
_PLAIN = re.compile(r"[\w.-]{1,60}")


@contextmanager
def sole_owner(archive: Archive, run: str) -> Iterator[None]:
    """Hold a run's lock. Raises NameTaken where another process has it, EvonasError where there can be none."""
    release = _owned(archive, run)
    if release is None:
        raise NameTaken(f"run {run!r} is running already, in another process; wait for it, or give another --name")
    try:
        yield
    finally:
        release()


def delete_runs(archive: Archive, names: Sequence[str]) -> int:
    """Delete runs with their trials, all or none; returns how many trials that were.

    Raises EvonasError where there is no such run, or a process works on one.
    """
    with ExitStack() as stack:
        for name in names:
            archive.run(name)
            release = _owned(archive, name)
            if release is None:
                raise EvonasError(f"run {name!r} is running, so nothing was deleted; stop it first, or wait for it")
            stack.callback(release)
        return archive.delete_runs(names)


def is_running(archive: Archive, run: str) -> bool:
    """Whether a process works on the run now. Of a database: one of this machine and user."""
    path = _path(archive, run)
    try:
        release = _acquired(path, create=False)
    except FileNotFoundError:
        return False
    except OSError:  # another user's, which cannot be looked at
        return True
    if release is not None:
        release()
    return release is None


def status(archive: Archive, run: str, recorded: str) -> str:
    """A run's recorded status, but 'interrupted' for one whose process has ended without a word.

    In a database a 'running' one may run on another machine, so it stays what it is.
    """
    ended = recorded == "running" and archive.file is not None and not is_running(archive, run)
    return "interrupted" if ended else recorded


def say(archive: Archive, run: str, text: str) -> None:
    """Whoever owns the run's lock writes into its file what it is at, instead of what it wrote before. Nothing happens
    where that cannot be: on Windows a locked file is its owner's descriptor's alone."""
    if fcntl is not None:
        with suppress(OSError):
            descriptor = os.open(_path(archive, run), os.O_WRONLY | os.O_NOFOLLOW)
            with open(descriptor, "wb", buffering=0) as file:
                file.truncate(file.write(text.encode()))  # one emptied first would be written to the disk at once


def said(archive: Archive, run: str) -> str:
    """What the run's owner wrote last, perhaps not to its end; empty where it wrote nothing."""
    try:
        return _path(archive, run).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def left_behind(archive: Archive) -> list[Path]:
    """Lock files beside an SQLite archive that no process holds: those of processes that were killed."""
    if archive.file is None:
        return []
    file, found = archive.file.resolve(), []
    for path in sorted(file.parent.glob(f"{escape(file.name)}@*.lock")):
        with suppress(OSError):  # another user's, or gone by now
            if (release := _acquired(path, create=False)) is not None:
                release()
                found.append(path)
    return found


def _path(archive: Archive, run: str) -> Path:
    name = run if _PLAIN.fullmatch(run) else sha256(run.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    if archive.file is not None:
        file = archive.file.resolve()
        return file.with_name(f"{file.name}@{name}.lock")
    from platformdirs import user_state_path

    place = sha256(archive.where.encode()).hexdigest()[:24]
    return user_state_path("evonas", appauthor=False) / "locks" / f"{place}@{name}.lock"


def _owned(archive: Archive, run: str) -> Callable[[], None] | None:
    """Takes the lock; returns what releases it and removes its file, None where another process has it."""
    archive.check_writable()
    path, deadline = _path(archive, run), time.monotonic() + PATIENCE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while (release := _acquired(path)) is None:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.02)
    except OSError as error:
        raise EvonasError(
            f"run {run!r} cannot be locked by {str(path)!r}: {error.strerror or error}; "
            "if no process works on the run, remove that file"
        ) from error

    def end() -> None:
        if fcntl is not None:  # elsewhere an open file cannot be removed, and the library does it after closing
            with suppress(OSError):
                path.unlink()
        release()

    return end


def _acquired(path: Path, *, create: bool = True) -> Callable[[], None] | None:
    """The lock's release; None where another process has the lock. Raises OSError."""
    if fcntl is None:
        return _acquired_elsewhere(path, create)
    while True:
        descriptor = _opened(path, create)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, descriptor):
                return partial(os.close, descriptor)
            os.close(descriptor)  # its owner removed the file between our opening and our locking it
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:
            os.close(descriptor)
            raise


def _opened(path: Path, create: bool) -> int:
    """Another user's file may be read only, which is enough for a lock."""
    if create:
        with suppress(PermissionError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _acquired_elsewhere(path: Path, create: bool) -> Callable[[], None] | None:
    from filelock import FileLock, Timeout

    if not create and not path.exists():
        raise FileNotFoundError(path)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock.release
