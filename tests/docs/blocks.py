"""The blocks of code of a page, and how they are run: as a reader would, from top to bottom in one folder.

````
<!-- not run: REASON -->      the block below is not run; its commands and its Python are looked at all the same
```python                     run, in one namespace with the page's other Python
```sh                         each line is run: evonas, python, pytest, export
```toml title="mine.toml"     written to that file; Python and CSV with a title too
```text                       what something printed, or a drawing
````
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.commands import evonas

ROOT = Path(__file__).parents[2]
FENCED = re.compile(r"^(?:<!-- not run: (.+?) -->\n)?```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')
SHORT = ("--trials", "2", "--epochs", "1")


@dataclass(frozen=True)
class Block:
    """`line` is where it begins; `not_run` why it is not run; `title` the file that it is written to."""

    page: str
    line: int
    language: str
    title: str | None
    not_run: str | None
    code: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: str) -> list[Block]:
    """Of a page, by its path from the root of the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in FENCED.finditer(text):
        language, _, more = match[2].partition(" ")
        title = TITLE.search(more)
        line = text.count("\n", 0, match.start(2)) + 1
        found.append(Block(page, line, language, title[1] if title else None, match[1], match[3]))
    return found


def commands_of(block: Block) -> Iterator[list[str]]:
    """The commands of a block for a shell, as words."""
    for line in block.code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while "&&" in words:
            at = words.index("&&")
            yield words[:at]
            words = words[at + 1 :]
        if words:
            yield words


def run_page(blocks: Sequence[Block], folder: Path, names: dict[str, Any]) -> None:
    """Run them in a folder, beginning with these names in Python; the caller is in that folder, with an archive there.

    A search that names no budget gets a short one: what is tried is the command, not the network.
    """
    for block in blocks:
        if block.title:
            (folder / block.title).write_text(block.code, encoding="utf-8")
        elif block.language == "python":
            code = compile("\n" * block.line + block.code, str(ROOT / block.page), "exec")
            exec(code, names)
        elif block.language == "sh":
            for words in commands_of(block):
                _run(words, folder, block.place)


def _run(words: list[str], folder: Path, place: str) -> None:
    match words:
        case ["evonas", "search", *options] if not {"--trials", "--deadline", "--seconds"} & set(options):
            evonas("search", *options, *SHORT[: 2 if "--evaluator" in options else None], cwd=folder)
        case ["evonas", *options] if "--deadline" in options:  # which counts from the beginning of its process
            _started([sys.executable, "-m", "evonas.app.cli", *options], folder)
        case ["evonas", *options]:
            evonas(*options, cwd=folder)
        case ["python", *options]:
            _started([sys.executable, *options], folder)
        case ["pytest", *options]:
            _started([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options], folder)
        case _:
            raise AssertionError(f"{place}: nobody knows how to run {shlex.join(words)!r}; say why it is not run")


def _started(command: list[str], folder: Path) -> None:
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
