"""Rows of the comparison: one a set, system, seed and budget, in a file that only grows; blocks of one processor."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evonas.core.errors import EvonasError

Row = Mapping[str, Any]
Block = tuple[str, int, float, bool]  # set, seed, budget in seconds, whether it learns from all training images

RESULTS = Path(__file__).parents[2] / "results"
ROWS = RESULTS / "real_images.jsonl"
CANDIDATES = RESULTS / "real_images_candidates.jsonl"  # short trainings and long ones, by rank_correlation.py


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, none where there is no file. Raises EvonasError where a line is no row."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else (), 1):
        try:
            found.append(dict(json.loads(line)))
        except (ValueError, TypeError):
            raise EvonasError(f"line {number} of {str(path)!r} is no row: {line[:60]!r}; take that line out") from None
    return found


def append(path: Path, rows: Sequence[Row]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows))


def block(row: Row) -> Block:
    """What is compared with one another, and so has to come from one processor."""
    return row["set"], row["seed"], row["budget"], row["full"]


def key(row: Row) -> tuple[Any, ...]:
    return *block(row), row["system"]


def main_budget(rows: Sequence[Row]) -> float:
    """The seconds that most systems had, on one core where any had one."""
    some = [row for row in rows if not row["full"]] or rows
    systems: dict[float, set[str]] = {}
    for row in some:
        systems.setdefault(row["budget"], set()).add(row["system"])
    return max(systems, key=lambda budget: (len(systems[budget]), budget))


def words(one: Block) -> str:
    """`addnist, seed 0, 240 s`."""
    name, seed, budget, full = one
    return f"{name}, seed {seed}, {budget:g} s{', all images' if full else ''}"


def processors(rows: Sequence[Row]) -> dict[Block, list[str]]:
    """The processors (model and cores) of each block, in the order of its rows."""
    found: dict[Block, dict[str, None]] = {}
    for row in rows:
        found.setdefault(block(row), {})[row["processor"]] = None
    return {one: list(names) for one, names in found.items()}


def refuse_mixed(rows: Sequence[Row]) -> None:
    """Raises EvonasError where rows of one block come from several processors, whose seconds are not the same, or are
    of different data."""
    for one, names in processors(rows).items():
        if len(names) > 1:
            raise EvonasError(
                f"the block ({words(one)}) is of {len(names)} processors: {' and '.join(names)}; its seconds are not "
                "the same: record it again on one, record.py --anew"
            )
    learned: dict[Block, int] = {}
    for row in rows:
        images = learned.setdefault(block(row), row["learned"])
        if images != row["learned"]:
            raise EvonasError(
                f"the block ({words(block(row))}) learns from {images:,} and from {row['learned']:,} images; give "
                "record.py another file of --rows for another --learned"
            )


def refuse_another(rows: Sequence[Row], one: Block, processor: str) -> None:
    """Raises EvonasError where the block was begun on another processor than this one."""
    begun = [name for name in processors(rows).get(one, ()) if name != processor]
    if begun:
        raise EvonasError(
            f"the block ({words(one)}) was begun on {begun[0]}, and this is {processor}; go on there, or drop what it "
            "has and record all of it here: --anew"
        )


def drop(path: Path, one: Block) -> int:
    """Take a block's rows out of the file, which is written whole or not at all; how many there were."""
    found = read(path)
    kept = [row for row in found if block(row) != one]
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    append(unfinished, kept)
    unfinished.replace(path)
    return len(found) - len(kept)
