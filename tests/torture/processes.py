"""Processes that tests start by the dozen and kill: forked from one that has imported all (`zygote.py`)."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
only_root = pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="only root makes small disks and users"
)
KILLED = -signal.SIGKILL
SANE = {0, 1, 2, 130}  # exit codes of `evonas`: done, the search failed, something to mend, interrupted


@dataclass
class Started:
    pid: int
    out: Path
    zygote: "Zygote"

    def kill(self, after: float = 0.0) -> int:
        """Let it live so many seconds, kill it, and give its exit code: -9, or that of one which ended before."""
        time.sleep(after)
        os.kill(self.pid, signal.SIGKILL)  # one that has ended is there until it is waited for
        return self.wait()

    def wait(self) -> int:
        return self.zygote.ask({"wait": self.pid})

    def finish(self) -> str:
        """Wait for its good end, and give what it said."""
        code = self.wait()
        assert code == 0, f"exit code {code}: {self.said}{self.complained}"
        return self.said

    @property
    def said(self) -> str:
        return self._read("out")

    @property
    def complained(self) -> str:
        return self._read("err")

    def _read(self, which: str) -> str:
        path = Path(f"{self.out}.{which}")
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


class Zygote:
    """`with Zygote("tests.torture.toy") as zygote: zygote.start("word", cwd=tmp_path).kill(0.1)`."""

    def __init__(self, module: str):
        path = os.pathsep.join(map(str, (ROOT, ROOT / "surrogates", ROOT / "benchmarks")))
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.torture.zygote", module]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        )
        self.count = 0

    def ask(self, what: dict) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(self, *words: object, cwd: Path, **environment: str | None) -> Started:
        """`environment` is added to its own; None takes a name away."""
        self.count += 1
        out = cwd / f"said-{self.count}"
        told = {"words": [str(word) for word in words], "cwd": str(cwd), "environment": environment, "out": str(out)}
        return Started(self.ask(told), out, self)

    def __enter__(self) -> "Zygote":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def one_line(complained: str) -> str:
    """What a command that ended with exit code 2 complained of, which has to be one line and no traceback."""
    lines = [line for line in complained.splitlines() if line.strip()]
    assert len(lines) == 1, complained
    assert lines[0].startswith("evonas: "), lines
    return lines[0]


def archive_of(folder: Path) -> dict[str, str]:
    return {"EVONAS_ARCHIVE": str(folder / "archive.db")}


def refused(started: Started, code: int) -> str:
    assert code == 2, (code, started.complained[-2000:])
    return one_line(started.complained)
