"""The command line in this process: a new one needs five seconds to import torch."""

import contextlib
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from evonas.app.cli import main


@dataclass(frozen=True)
class Done:
    """As `subprocess.run` gives it."""

    returncode: int
    stdout: str
    stderr: str


def evonas(*words: str, cwd: Path, ok: bool = True, **environment: str) -> Done:
    """`evonas WORDS` in the folder `cwd`, where its archive is too. With `ok` anything but success is a failed test."""
    env = {"EVONAS_ARCHIVE": str(cwd / "archive.db"), "COLUMNS": "200", **environment}
    out, err, code = io.StringIO(), io.StringIO(), None
    with (
        patch.dict(os.environ, env),
        patch.object(sys, "argv", ["evonas", *words]),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    done = Done(int(code or 0), out.getvalue(), err.getvalue())
    if ok:
        assert done.returncode == 0, done.stderr
    return done
