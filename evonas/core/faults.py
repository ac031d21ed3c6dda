"""What went wrong in whose file: one line for people, and a short traceback for whoever mends it."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path

from evonas.core.errors import named_line

LONGEST = 8  # frames of a traceback that are kept
_OURS = str(Path(__file__).parents[1]) + os.sep
_PYTHON = tuple(path + os.sep for path in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
_INSTALLED = {"site-packages", "dist-packages"}


def place(error: BaseException) -> str:
    """`mine.py, line 12`: where a user's file was last in an exception's way; empty where none was."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_a_users(frame.filename)]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""


def placed(error: BaseException) -> str:
    """`named_line` with its `place` in brackets, where there is one."""
    return " ".join(filter(None, (named_line(error), f"({found})" if (found := place(error)) else "")))


def short_traceback(error: BaseException) -> str:
    """The last frames from where the first user's file was called, and the exception; the whole where none was."""
    frames = list(traceback.extract_tb(error.__traceback__))
    first = next((i for i, frame in enumerate(frames) if _is_a_users(frame.filename)), 0)
    kept = frames[first:]
    if len(kept) > LONGEST:  # a user's own frames say more than those of the library that raised at last
        kept = [*kept[: LONGEST // 2], *kept[-LONGEST // 2 :]]
    return "".join([*traceback.format_list(kept), *traceback.format_exception_only(error)]).rstrip()


def _is_a_users(filename: str) -> bool:
    """Neither of evonas, nor installed, nor of Python itself."""
    return not (filename.startswith((_OURS, *_PYTHON, "<frozen")) or _INSTALLED & set(Path(filename).parts))
