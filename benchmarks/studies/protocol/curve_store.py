"""What is kept beside the recorded pages of the benchmark runs behind them, and benchmark runs made of it again.

A folder of them is some hundred megabytes and lies outside the repository. Of each the trials at which its
incumbent changed, those up to which figures look, and how much of its own time the method took for one, say all that
the figures need.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from evonas.core.errors import EvonasError, first_line
from evonas_benchmarks.analysis import reading, summary
from evonas_benchmarks.run.folder import COMMANDS, IDENTITY, as_called_now, files_of, write_whole
from evonas_benchmarks.run.measures import FURTHER
from evonas_benchmarks.run.plan import BenchmarkRun

OF_A_RUN = ("maximize", "budget", "own")  # the columns that have one value a benchmark run


def keep(path: Path, folder: Path, curves: pd.DataFrame) -> Path:
    """Write the `curves` of a folder's run as Parquet; its attributes are the suite and the runs that made them."""
    rows = summary.table(changes(curves)).join(curves[[*OF_A_RUN]])
    rows.attrs = {"suite": reading.read_suite(folder), "runs": reading.read_runs(folder)}
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(path, index=False, compression="zstd", compression_level=19)
    return path


def read(path: Path) -> pd.DataFrame:
    """What `keep` wrote: the trials at which incumbents changed, with its two attributes.

    Raises EvonasError where there is no such file.
    """
    try:
        rows = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise EvonasError(f"cannot read the recorded curves {str(path)!r}: {first_line(error)}") from error
    rows["method"] = rows.method.map(as_called_now)
    return rows


def restore(path: Path, folder: Path) -> int:
    """Make benchmark runs of what is kept; those in the folder stay as they are. How many were made.

    Raises EvonasError where the file keeps no run, or the folder holds another one.
    """
    rows = read(path)
    if not {"suite", "runs"} <= rows.attrs.keys():
        raise EvonasError(f"{str(path)!r} does not say which run its rows are of; leave --restore out")
    suite, runs = rows.attrs["suite"], rows.attrs["runs"]
    if (folder / IDENTITY).is_file() and reading.read_suite(folder) != suite:
        raise EvonasError(f"{str(folder)!r} holds another run than {str(path)!r} keeps; give another folder")
    files_of(folder).mkdir(parents=True, exist_ok=True)
    write_whole(folder / IDENTITY, suite)
    lines = [json.dumps(run) for run in [*runs, *reading.read_runs(folder)]]
    (folder / COMMANDS).write_text("".join(f"{line}\n" for line in dict.fromkeys(lines)), encoding="utf-8")
    made = 0
    for _, group in rows.groupby(["task", "method", "seed"], sort=False):
        first = group.iloc[0]
        named = BenchmarkRun(str(first.task), str(first.method), int(first.seed))
        place = files_of(folder) / named.file
        if not place.exists():
            values = {
                **vars(named),
                "trials": int(first.budget),
                "maximize": bool(first.maximize),
                "own": float(first.own),
                "rows": group.drop(columns=["suite", "task", "method", "seed", *OF_A_RUN]).to_dict("records"),
            }
            write_whole(place, values)
            made += 1
    return made


def changes(curves: pd.DataFrame) -> pd.DataFrame:
    """The trials at which a benchmark run's incumbent or regret changed, its last, and those that are the budget of
    one. Of suites of several objectives or limits those too that figures look at: what else they have changes often.

    Figures look at the smallest budget: what a run that was given more had spent by then is needed too.
    """
    runs = curves.groupby(["task", "method", "seed"], sort=False, observed=True)
    last = runs.trial.transform("max")
    looks = summary.MILESTONES if any(name in curves for name in FURTHER) else ()
    looked_at = curves.trial.isin({*curves.budget, *looks})
    changed = (curves.best != runs.best.shift()) | (curves.regret.fillna(-1) != runs.regret.shift().fillna(-1))
    return curves.loc[changed | (curves.trial == last) | looked_at]
