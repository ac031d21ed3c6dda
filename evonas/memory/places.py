"""Where an archive is: a file, by any path there is, or a database, by a URL whose password nobody sees."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import exc

from evonas.core.errors import EvonasError

ELSEWHERE = "give another place with --archive or EVONAS_ARCHIVE"

_URL = re.compile(r"[A-Za-z][\w+.-]*://")
_SECRETS = (
    re.compile(r"(?<=://)([^\s:/@'\"]*):[^ ]*(?=@)"),  # user:password@host
    re.compile(r"(?i)(?<=[?&])(\w*(?:pass|secret|token)\w*)=[^\s&'\"]*"),  # ?password=…
)


def default_archive() -> str:
    """`EVONAS_ARCHIVE`, or `archive.db` in the user's data folder."""
    from platformdirs import user_data_path

    return os.environ.get("EVONAS_ARCHIVE") or str(user_data_path("evonas", appauthor=False) / "archive.db")


def located(where: str | Path) -> str:
    """A file's absolute path, so that another folder's processes find it too; a URL as it is. Raises EvonasError."""
    if "\0" in str(where):
        raise EvonasError(f"no archive has a name with a zero byte, as {shown(str(where))!r} has; {ELSEWHERE}")
    return str(where) if is_url(where) else str(Path(os.path.expanduser(where)).absolute())


def is_url(where: str | Path) -> bool:
    return _URL.match(str(where)) is not None


def shown(text: str) -> str:
    """A place, or any text such places stand in, for people and for the record: every password is `***`.

    `postgresql://me:secret@host/db` -> `postgresql://me:***@host/db`.
    """
    text = _SECRETS[0].sub(r"\1:***", text)
    return _SECRETS[1].sub(r"\1=***", text)


def without_passwords(config: Mapping[str, Any]) -> dict[str, Any]:
    """A run's options with every text `shown`."""
    return {key: shown(value) if isinstance(value, str) else value for key, value in config.items()}


def url_of(where: str) -> sa.URL:
    """What SQLAlchemy opens. A path is no part of a URL's text: `?`, `%` and `#` in it are what they are.

    Raises EvonasError.
    """
    if not is_url(where):
        return sa.URL.create("sqlite", database=where)
    try:
        url = sa.make_url(where)
    except (exc.ArgumentError, ValueError) as error:
        raise EvonasError(f"cannot read the archive's URL {shown(where)!r}; {ELSEWHERE}") from error
    if "@" in (url.host or ""):  # the driver would look for that host, and name it with half of the password
        raise EvonasError(f"cannot read the archive's URL {shown(where)!r}: write '@' in a password as %40")
    return url


def file_of(url: sa.URL) -> Path | None:
    """The file of an SQLite archive; None of any other."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database).absolute()


def make_room(path: Path) -> None:
    """Make a new archive's folder. Raises EvonasError where there cannot be one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_room(path, error.strerror) from error


def check_room(path: Path) -> None:
    """Raises EvonasError where there cannot be a file: it is a folder, or below a file."""
    there = next(folder for folder in path.parents if os.path.lexists(folder))
    if not there.is_dir():
        raise _no_room(path, os.strerror(errno.ENOTDIR))
    if os.path.isdir(path):
        raise EvonasError(
            f"the archive {str(path)!r} is a folder; give a file, for example {str(path / 'archive.db')!r}"
        )


def _no_room(path: Path, why: str | None) -> EvonasError:
    return EvonasError(f"cannot make a folder for the archive {str(path)!r}: {why}; {ELSEWHERE}")


def writable(path: Path) -> bool:
    """Whether an archive may be written; SQLite writes beside the file too."""
    return not path.exists() or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def read_only_url(path: Path) -> sa.URL:
    """Opens a file that cannot be written; `immutable` where nobody else has it open, for SQLite cannot look then."""
    open_now = path.with_name(f"{path.name}-wal").exists()
    query = {"mode": "ro", "uri": "true", **({} if open_now else {"immutable": "1"})}
    return sa.URL.create("sqlite", database=f"file:{quote(str(path))}", query=query)
