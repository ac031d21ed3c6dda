"""Runs a suite: every benchmark run is stored when it is done, and never computed twice."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from typing import Any

from threadpoolctl import threadpool_limits

from evonas.core import environment, plugins, trust
from evonas.core.errors import EvonasError
from evonas.core.optional import canonical_form
from evonas.execution.worker import die_with_parent
from evonas_benchmarks.run import folder
from evonas_benchmarks.run.plan import BenchmarkRun, Plan
from evonas_benchmarks.run.problems import Problem, make_searcher, tabular_problem, training_problem
from evonas_benchmarks.run.search import as_json, search
from evonas_benchmarks.run.sharing import SharedTrainings
from evonas_benchmarks.suites.suite import Suite

LATER = ("objectives", "limits")  # keys of a suite that folders of a version before lack


@dataclass
class Ran:
    """The result of a command: how many benchmark runs were done before, done now, and which failed, and why."""

    reused: int = 0
    done: int = 0
    failed: dict[BenchmarkRun, str] = field(default_factory=dict)


def identity(suite: Suite) -> dict[str, Any]:
    """What two runs in one folder must share: everything that decides what a benchmark run holds."""
    kept = suite.model_dump(mode="json", exclude={"folder", "description", "methods", "seeds", "trials", "device"})
    kept = {key: value for key, value in kept.items() if value or key not in LATER}
    if suite.table and (suite.folder / suite.table).is_file():
        kept["table_sha256"] = sha256((suite.folder / suite.table).read_bytes()).hexdigest()
    return kept


def check(plan: Plan) -> None:
    """Try every method on every task. Raises EvonasError where one cannot run there, or there is nothing to run on."""
    for task in plan.tasks:
        problem = _problem(plan, task, 0, untaught=True)
        for method in plan.methods:
            try:
                make_searcher(method, problem)
            except EvonasError:
                raise
            except Exception:
                continue  # its benchmark runs will fail, and say so


def run(plan: Plan, jobs: int = 1, advance: Callable[[int], None] | None = None, command: str = "") -> Ran:
    """Run what is missing. A benchmark run that fails does not stop the others.

    Raises EvonasError before anything is written where the plan cannot be carried out.

    Args:
        jobs: benchmark runs at the same time, each in a process.
        advance: called with how many more are done.
        command: what is noted as the way in which they were made.
    """
    check(plan)
    folder.claim(plan.out, identity(plan.suite))
    wanted = plan.benchmark_runs()
    missing = [one for one in wanted if folder.load(plan.out, one, plan.trials) is None]
    ran = Ran(reused=len(wanted) - len(missing))
    if missing:
        folder.note(plan.out, command, plan.suite.description)
    if advance and ran.reused:
        advance(ran.reused)
    for group, errors in _outcomes(plan, _groups(plan, missing), jobs):
        ran.failed.update(errors)
        ran.done += len(group) - len(errors)
        if advance:
            advance(len(group))
    return ran


Group = Sequence[BenchmarkRun]
Failures = dict[BenchmarkRun, str]


def _groups(plan: Plan, missing: Group) -> list[Group]:
    """Each alone; where networks are trained for real, the methods of one task and seed, which share them."""
    if plan.suite.tabular:
        return [[one] for one in missing]
    together: dict[tuple[str, int], list[BenchmarkRun]] = {}
    for one in missing:
        together.setdefault((one.task, one.seed), []).append(one)
    return list(together.values())


def _outcomes(plan: Plan, groups: Sequence[Group], jobs: int) -> Iterator[tuple[Group, Failures]]:
    if jobs == 1 or len(groups) < 2:
        for group in groups:
            yield group, _run_group(plan, group)
        return
    context = get_context("spawn")
    workers = min(jobs, len(groups))
    with ProcessPoolExecutor(workers, context, _begin, (plugins.loaded_files(), trust.admitted(), workers)) as pool:
        futures = {pool.submit(_run_group, plan, group): group for group in groups}
        try:
            for future in as_completed(futures):
                group = futures[future]
                error = future.exception()
                yield group, _all_failed(plan, group, _reason(error)) if error else future.result()
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


def _run_group(plan: Plan, group: Group) -> Failures:
    """Run and store each; returns the reasons of those that failed, which are stored too."""
    failed: Failures = {}
    task, seed = group[0].task, group[0].seed
    try:
        problem = _problem(plan, task, seed)
    except EvonasError as error:
        return _all_failed(plan, group, str(error))
    with problem.executor as executor:
        if not plan.suite.tabular:
            path = plan.out / folder.TRAININGS / f"{task}--{seed}.jsonl"
            executor = SharedTrainings(executor, canonical_form(problem.encoding), path)
        for one in group:
            try:
                _run_one(plan, one, problem, executor)
            except Exception as error:
                failed |= _all_failed(plan, [one], _reason(error))
    return failed


def _all_failed(plan: Plan, group: Group, reason: str) -> Failures:
    for one in group:
        folder.store_failed(plan.out, one, reason)
    return dict.fromkeys(group, reason)


def _reason(error: BaseException) -> str:
    """In one line."""
    said = str(error) if isinstance(error, EvonasError) else f"{type(error).__name__}: {error}"
    return " ".join(said.split())


def _problem(plan: Plan, task: str, seed: int, *, untaught: bool = False) -> Problem:
    if plan.suite.tabular:
        return tabular_problem(plan.suite, task, seed, untaught=untaught)
    return training_problem(plan.suite, task, seed, plan.root)


def _run_one(plan: Plan, one: BenchmarkRun, problem: Problem, executor: Any) -> None:
    searcher = make_searcher(one.method, problem)
    # a surrogate of some hundred rows is slower on two threads than on one
    with threadpool_limits(1) if plan.suite.tabular else nullcontext():
        rows, trials = search(
            searcher,
            executor,
            problem.task,
            problem.goal,
            seed=one.seed,
            trials=plan.trials,
            test=problem.test,
            report=problem.truth,
        )
    if not rows:
        raise EvonasError(
            f"none of the {len(trials)} networks that it suggested is in the table; "
            "do the genes and the encoding fit it?"
        )
    found = as_json(rows, trials, problem.objective)
    evaluations = [trial.evaluation for trial in trials if trial.evaluation.status != "absent"]
    for row, figures in zip(found["rows"], problem.figures(evaluations), strict=True):
        row |= figures
        row.setdefault("regret", problem.regret(row["best"]))
        row["seconds"] = row["seconds"] if problem.costs else float("nan")
    folder.store(plan.out, one, {"trials": plan.trials, **found})
