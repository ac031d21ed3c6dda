"""What a folder of benchmark runs holds: its curves, its suite, what failed, and the commands that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from evonas.core.errors import EvonasError
from evonas.core.parsing import parse_json, read_json
from evonas_benchmarks.run.folder import COMMANDS, FAILED, IDENTITY, as_called_now, files_of, read_identity
from evonas_benchmarks.tables.packaged import TASKS

_DAMAGED = "{!r} is damaged; delete it, and the command that made it makes it again"


def read_curves(folder: Path, methods: Sequence[str] | None = None) -> pd.DataFrame:
    """One row a trial of all benchmark runs in the folder, or of some methods'; tasks in the suite's order.

    Besides the columns of curves.parquet some that a run has once: `objective`, `maximize`, `budget` (the trials that
    it was given) and `own` (its median overhead). Raises EvonasError where there are none.
    """
    suite = read_suite(folder)
    frames = []
    for path in sorted(files_of(folder).glob("*.json")):
        try:
            run = read_json(path)
            run["method"] = as_called_now(run["method"])
            if run["rows"] and (methods is None or run["method"] in methods):
                named = {key: run[key] for key in ("task", "method", "seed", "maximize")}
                named["objective"] = run.get("objective", "")  # files of a version before lack it
                _check(named)
                rows = pd.DataFrame(run["rows"]).apply(pd.to_numeric)
                own = run.get("own", rows.overhead.median())  # a restored run lacks most trials, and says it
                frames.append(rows.assign(suite=suite["name"], budget=run["trials"], own=own, **named))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise EvonasError(_DAMAGED.format(str(path))) from None
    if not frames:
        raise EvonasError(f"{str(folder)!r} has no finished benchmark run{' of these methods' if methods else ''} yet")
    curves = pd.concat(frames, ignore_index=True)
    known = [task["name"] for task in suite["tasks"]] or list(TASKS.get(str(suite.get("table")), ()))
    there = set(curves.task)
    curves["task"] = pd.Categorical(curves.task, [*(t for t in known if t in there), *sorted(there - set(known))])
    curves["method"] = curves.method.astype("category")
    return curves.sort_values(["task", "method", "seed", "trial"], ignore_index=True)


def read_suite(folder: Path) -> dict[str, Any]:
    """What the folder's run is of. Raises EvonasError where it holds none."""
    found = read_identity(folder)
    if found is None or "name" not in found:
        raise EvonasError(f"{str(folder)!r} holds no run of a suite; give the --out folder of evonas bench run")
    found = {"tasks": [], **found}
    tasks = found["tasks"] if isinstance(found["tasks"], list) else [None]
    names = [task.get("name") if isinstance(task, dict) else None for task in tasks]
    if not all(isinstance(name, str) for name in (found["name"], *names)) or len(set(names)) < len(names):
        raise EvonasError(f"{str(folder / IDENTITY)!r} is damaged: its name or those of its tasks are none")
    return found


def is_report(folder: Path) -> bool:
    """Whether the folder's summary.json is one of a suite, so that a report may be written there again."""
    try:
        found = read_json(folder / "summary.json")
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and {"suite", "milestones", "tasks"} <= found.keys()


def read_failed(folder: Path) -> dict[str, str]:
    """Benchmark run -> the reason why it failed, of those that have not succeeded since."""
    found = {}
    for path in sorted(files_of(folder).glob(f"*{FAILED}")):
        try:
            run = read_json(path)
            found[f"{run['task']}, {run['method']}, seed {run['seed']}"] = str(run["reason"])
        except (ValueError, KeyError, TypeError):
            raise EvonasError(_DAMAGED.format(str(path))) from None
    return found


def read_runs(folder: Path) -> list[dict[str, Any]]:
    """Each command that put benchmark runs into the folder, once: with versions, hardware and description."""
    path = folder / COMMANDS
    found: list[Any] = [None]
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        found = [parse_json(as_called_now(line)) for line in dict.fromkeys(lines)]
    except ValueError:
        pass
    if not all(isinstance(one, dict) and isinstance(one.get("versions", {}), dict) for one in found):
        raise EvonasError(f"{str(path)!r} is damaged: not each of its lines is an object of JSON; mend or remove it")
    return found


def _check(named: Mapping[str, Any]) -> None:
    """Raises ValueError where what a run is of is of another type."""
    wanted = {"task": str, "method": str, "seed": int, "maximize": bool, "objective": str}
    odd = next((key for key, kind in wanted.items() if not isinstance(named[key], kind)), None)
    if odd is not None:
        raise ValueError(f"{odd} is {named[odd]!r}")
