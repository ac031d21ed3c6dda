"""What a folder of benchmark runs holds: its curves, its suite, what failed, and the commands that made it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from evonas.core.errors import EvonasError
from evonas_benchmarks.run.folder import COMMANDS, FAILED, as_called_now, files_of, read_identity
from evonas_benchmarks.tables.packaged import TASKS


def read_curves(folder: Path, methods: Sequence[str] | None = None) -> pd.DataFrame:
    """One row a trial of all benchmark runs in the folder, or of some methods'; tasks in the suite's order.

    Besides the columns of curves.parquet some that a run has once: `objective`, `maximize`, `budget` (the trials that
    it was given) and `own` (its median overhead). Raises EvonasError where there are none.
    """
    suite = read_suite(folder)
    frames = []
    for path in sorted(files_of(folder).glob("*.json")):
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
            run["method"] = as_called_now(run["method"])
            if run["rows"] and (methods is None or run["method"] in methods):
                named = {key: run[key] for key in ("task", "method", "seed", "maximize")}
                named["objective"] = run.get("objective", "")  # files of a version before lack it
                rows = pd.DataFrame(run["rows"])
                own = run.get("own", rows.overhead.median())  # a restored run lacks most trials, and says it
                frames.append(rows.assign(suite=suite["name"], budget=run["trials"], own=own, **named))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise EvonasError(
                f"{str(path)!r} is damaged; delete it, and the command that made it makes it again"
            ) from None
    if not frames:
        raise EvonasError(f"{str(folder)!r} has no finished benchmark run{' of these methods' if methods else ''} yet")
    curves = pd.concat(frames, ignore_index=True)
    known = [task["name"] for task in suite.get("tasks", ())] or list(TASKS.get(str(suite.get("table")), ()))
    there = set(curves.task)
    curves["task"] = pd.Categorical(curves.task, [*(t for t in known if t in there), *sorted(there - set(known))])
    curves["method"] = curves.method.astype("category")
    return curves.sort_values(["task", "method", "seed", "trial"], ignore_index=True)


def read_suite(folder: Path) -> dict[str, Any]:
    """What the folder's run is of. Raises EvonasError where it holds none."""
    found = read_identity(folder)
    if found is None or "name" not in found:
        raise EvonasError(f"{str(folder)!r} holds no run of a suite; give the --out folder of evonas bench run")
    return found


def is_report(folder: Path) -> bool:
    """Whether the folder's summary.json is one of a suite, so that a report may be written there again."""
    try:
        found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and {"suite", "milestones", "tasks"} <= found.keys()


def read_failed(folder: Path) -> dict[str, str]:
    """Benchmark run -> the reason why it failed, of those that have not succeeded since."""
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(files_of(folder).glob(f"*{FAILED}"))]
    return {f"{run['task']}, {run['method']}, seed {run['seed']}": run["reason"] for run in runs}


def read_runs(folder: Path) -> list[dict[str, Any]]:
    """Each command that put benchmark runs into the folder, once: with versions, hardware and description."""
    path = folder / COMMANDS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [json.loads(as_called_now(line)) for line in dict.fromkeys(lines)]
