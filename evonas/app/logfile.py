"""A search's progress in a file: the same lines as on a pipe, and every warning, each with its time."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evonas.app.console import print_line
from evonas.app.display import PlainLines
from evonas.core.errors import EvonasError
from evonas.memory.places import shown

log = logging.getLogger(__name__)
FORMAT = "%(asctime)s %(message)s"


class LoggedLines(PlainLines):
    """A callback that logs what `PlainLines` prints."""

    def _print(self, line: str) -> None:
        log.info("%s", line)


@contextmanager
def logged(path: Path | None, command: str) -> Iterator[None]:
    """While it lasts, what evonas logs is appended to the file too, passwords left out. None: to no file.

    Raises EvonasError where the file cannot be written.
    """
    if path is None:
        yield
        return
    try:
        handler = _File(path, encoding="utf-8")
    except OSError as error:
        raise EvonasError(f"--log {str(path)!r} cannot be written: {error.strerror}; give another file") from error
    handler.setFormatter(_Shown(FORMAT))
    ours, errors = logging.getLogger("evonas"), logging.StreamHandler()
    errors.setLevel(logging.WARNING)  # as Python shows them where nothing is set up
    before = ours.level
    ours.setLevel(logging.INFO)
    for one in (handler, errors):
        ours.addHandler(one)
    try:
        log.info("%s", shown(command))
        yield
    except EvonasError as error:  # whoever prints it does not log it
        log.info("%s", error)
        raise
    except Exception:
        log.info("ended by an error of evonas's own", exc_info=True)
        raise
    finally:
        ours.setLevel(before)
        for one in (handler, errors):
            ours.removeHandler(one)
        handler.close()


class _File(logging.FileHandler):
    """A disk that gets full ends the log, in one line, and not the search."""

    ended = False

    def handleError(self, record: logging.LogRecord) -> None:
        self._end(sys.exc_info()[1])

    def close(self) -> None:
        try:
            super().close()
        except OSError as error:  # what could not be written before is written again
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        if not self.ended:
            self.ended = True
            words = getattr(error, "strerror", None) or error
            print_line(f"--log {self.baseFilename!r} ends here: {words}", sys.stderr)


class _Shown(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return shown(super().format(record))
