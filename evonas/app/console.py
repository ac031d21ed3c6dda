"""What the command line prints: tables, and lines that never end a search."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import IO, Any

from evonas.core.errors import on_a_line


def tolerate_any_console() -> None:
    """What a console's encoding does not have becomes a question mark there: `…` in Latin-1, say."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def print_line(line: str, file: IO[str] | None = None) -> None:
    """Print and flush. Where nobody reads any more (a closed pipe, a full disk) the line is dropped, no more."""
    written = "\n".join(map(on_a_line, line.split("\n")))  # a name of anybody's says nothing to the terminal
    print(written, file=Tolerant(file or sys.stdout), flush=True)


class Tolerant:
    """A text stream that never raises: what it cannot encode becomes a question mark, what nobody reads is dropped."""

    def __init__(self, stream: IO[str] | None):
        self._stream = stream

    @property
    def encoding(self) -> str:
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        try:
            if self._stream is not None:  # None: closed before Python began
                self._stream.write(text.encode(self.encoding, "replace").decode(self.encoding))
        except (OSError, ValueError):
            drop(self._stream)
        return len(text)

    def flush(self) -> None:
        try:
            if self._stream is not None:
                self._stream.flush()
        except (OSError, ValueError):
            drop(self._stream)

    def isatty(self) -> bool:
        return is_terminal(self._stream)

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError("there is no stream")
        return self._stream.fileno()


def is_terminal(stream: Any) -> bool:
    """Whether a person looks at it, whatever FORCE_COLOR says."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # none, or closed
        return False


def print_table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """As wide as it is where the output is no terminal; in one, the first four columns are whole, others give way."""
    from rich.console import Console
    from rich.table import Table

    rows = [[on_a_line(str(value)) for value in row] for row in rows]
    table = Table(box=None, pad_edge=False)
    for position, head in enumerate(heads):
        widest = max([len(head), *(len(row[position]) for row in rows)])
        table.add_column(head, min_width=widest if position < 4 else None, no_wrap=head != "genome", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=None if is_terminal(sys.stdout) else 10_000, markup=False, highlight=False).print(table)


def drop(stream: IO[str] | None) -> None:
    """What standard output still has buffered would raise again when Python ends, so it goes nowhere."""
    if stream is None or stream is not sys.__stdout__:
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass
