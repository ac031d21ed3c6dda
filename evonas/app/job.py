"""The main job: from a configuration to a trained network, a report, and a memory of every training."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import Any, Literal

import numpy as np

from evonas.app import plan
from evonas.app.best_so_far import BestSoFar
from evonas.app.callbacks import Guarded, check_callbacks
from evonas.app.checkpoints import claim, remove
from evonas.app.config import SearchConfig, specs
from evonas.app.deadline import check_time, final_seconds, fits, time_left
from evonas.app.display import automatic
from evonas.app.final import planned
from evonas.app.folders import check_folder
from evonas.app.limits import measuring_once
from evonas.app.metrics import Given, written
from evonas.app.objects import apart, spec_of
from evonas.app.preparation import (
    Job,
    check_encoding_given,
    counted,
    free_name,
    prepare,
    prepare_resume,
    renamed,
)
from evonas.app.results import Result, finish, summary, unwritten
from evonas.app.searcher import make_searcher
from evonas.app.tracking import conclude, trackers
from evonas.app.underway import Underway, curves_of
from evonas.app.workers import check_workers, together, workers
from evonas.core import plugins, trust
from evonas.core.errors import EvonasError, NameTaken
from evonas.core.faults import place, placed
from evonas.core.figures import several
from evonas.core.optional import Noting, Watchable, description
from evonas.core.types import Callback, Encoding, Trial
from evonas.domains.domain import (
    Data,
    LeavesOut,
    domain_named,
)
from evonas.domains.evaluator import OwnEvaluator, Score
from evonas.execution.processes import refuse_in_a_starting_worker
from evonas.memory.connections import Unreachable
from evonas.memory.locks import sole_owner
from evonas.search import loop
from evonas.search.limits import Limited
from evonas.search.methods import spelled
from evonas.search.prospects import SURE, prospects

MORE = 0x3063  # of the seed, for what more trainings would bring
LAST = 20  # trainings, whose median says how long the next ones take


class Interrupted(Exception):
    """The search was stopped by Ctrl-C; what was done is kept, and `evonas resume` goes on with it."""

    def __init__(self, name: str, trials: int):
        super().__init__(f"run {name!r} was interrupted after {several(trials, 'trial')}")
        self.name, self.trials = name, trials


def search(
    x: Any = None,
    y: Any = None,
    x_test: Any = None,
    y_test: Any = None,
    *,
    x_val: Any = None,
    y_val: Any = None,
    encoding: str | Encoding[Any] | None = None,
    evaluator: str | Score | None = None,
    domain: str = "images",
    class_names: Sequence[str] | None = None,
    flip: bool | None = None,
    channels: Literal["first", "last"] | None = None,
    callbacks: Sequence[Callback] | None = None,
    metrics: Given = None,
    **options: Any,
) -> Result:
    """Search a network for data that are held in memory, or by an evaluator of your own.

    Args:
        x: (n, height, width[, channels]) or (n, channels, height, width) images, an array or a tensor; of another
            domain, what its `from_arrays` takes.
        y: (n,) labels.
        x_test, y_test: touched once, at the end; where missing, a fifth of `x` is kept for it.
        x_val, y_val: what candidates are compared on; where missing, a part of `x` is.
        encoding: a name, or an object with the methods of `evonas.core.types.Encoding`; the domain's where missing.
        evaluator: instead of data, a function `(candidate, task, seed)` that returns a mapping of metrics, or where it
            is: `file.py:function`. It needs an encoding.
        domain: the kind of data, `images` or `series`.
        flip: whether a mirrored image keeps its class.
        channels: which axis of images holds the channels, where their shape does not tell.
        callbacks: see `evonas.core.types.Callback`; by default the progress is shown on a terminal and in a notebook,
            `()` shows nothing.
        metrics: of your own, `{"energy": function}` or `["my.py:energy"]`: see `evonas.core.own_metrics.OwnMetric`.
        options: those of `evonas search`: `trials=20`, `method="aging"`, `out="found"`, …. `groups` may be (n,) values,
            one for each of `x`: those of one group are on one side of every split. `loss`, `optimizer` and `augment`
            may be functions, each of which fixes what would be searched: see `evonas.core.fixed.Fixed`.

    Raises EvonasError where the data or an option is not valid.
    """
    refuse_in_a_starting_worker()  # before anything heavy is imported
    began = time.monotonic()
    check_callbacks(callbacks or ())
    check_encoding_given(encoding)
    made = None if isinstance(encoding, str) else encoding
    named = {"encoding": encoding, "evaluator": evaluator}
    named = {key: spec_of(value) for key, value in named.items() if value is not None}
    texts, objects = written(metrics, spec_of)
    options, parts = apart({**options, **({"metrics": texts} if texts else {})})
    trust.given(*specs({**options, **named}))
    if evaluator is not None:
        if x is not None or y is not None:
            raise EvonasError("evaluator=… loads its own data; give either arrays or an evaluator")
        scoring = None if isinstance(evaluator, str) else OwnEvaluator.of(evaluator)
        job = prepare(
            SearchConfig.make({**options, **named}), data=scoring, encoding=made, metrics=objects, objects=parts
        )
        return carry_out(job, automatic(job.budget, job.goal) if callbacks is None else callbacks)
    if x is None or y is None:
        raise EvonasError("a search needs arrays x and y, or evaluator=…; `evonas search` takes files and names")
    config = SearchConfig.make({"data": "memory", **options, **named})
    given = {"x_val": x_val, "y_val": y_val, "flip": flip, "channels": channels}
    own = {key: value for key, value in given.items() if value is not None}
    check_time(config, began)
    data = domain_named(domain).from_arrays(x, y, x_test, y_test, name=config.data, class_names=class_names, **own)
    job = prepare(config, data=data, encoding=made, began=began, metrics=objects, objects=parts)
    callbacks = automatic(job.budget, job.goal) if callbacks is None else callbacks
    if not any(isinstance(callback, Noting) for callback in callbacks):
        for line in data.left_out if isinstance(data, LeavesOut) else ():
            warnings.warn(line, stacklevel=2)
    return carry_out(job, callbacks)


def carry_out(job: Job, callbacks: Sequence[Callback] = ()) -> Result:
    """Search, train the best network in full, export it and write the report.

    Raises Interrupted on Ctrl-C, and EvonasError where the run's name is taken; one that was given no name takes the
    next one where another search was quicker.
    """
    check_callbacks(callbacks)
    while True:
        try:
            return _begin(job, callbacks)
        except NameTaken:
            if job.config.name is not None:
                raise
            job = renamed(job, free_name(job.archive, job.data.task, job.config.encoding))


def _begin(job: Job, callbacks: Sequence[Callback]) -> Result:
    with sole_owner(job.archive, job.name):
        config = {**job.record.config, "out": str(job.folder.absolute())}
        job = replace(job, record=job.archive.add_run(replace(job.record, config=config)))
        try:
            return _concluded(job, [Guarded([*_trackers(job), *callbacks])], [])
        except Unreachable:
            raise
        except EvonasError:  # an option of the method's that is not valid: nothing was searched
            if not job.archive.trials(job.name):
                job.archive.delete_run(job.name)
            raise


def resume(
    name: str,
    *,
    archive: str | None = None,
    callbacks: Sequence[Callback] = (),
    trust: bool = False,
    data: Data | None = None,
    encoding: Encoding[Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Result:
    """Go on with a run where it stopped; `changes` may give it more `trials` or `seconds`.

    Of a run over arrays in memory the same arrays are needed, as `data=images_from_arrays(x, y)`; an encoding, metrics
    and other options that were given as objects may be given again.

    Raises EvonasError where there is no such run, it is running now, its data were given in memory, or it names code
    that is not trusted (`trust=True`).
    """
    prepared = prepare_resume(
        name, archive=archive, trusting=trust, data=data, encoding=encoding, metrics=metrics, **changes
    )
    return go_on(prepared, callbacks)


def go_on(job: Job, callbacks: Sequence[Callback] = ()) -> Result:
    """Go on where the run stopped; one that is done, with nothing left of its budget, gives the result that it has.

    Raises Interrupted on Ctrl-C, and EvonasError where the run is running now.
    """
    check_callbacks(callbacks)
    with sole_owner(job.archive, job.name):
        trials, had = job.archive.trials(job.name), job.record.result
        spent = not job.budget.allows(counted(trials), trials[-1].elapsed if trials else 0.0)
        if job.timetable is not None and had:  # its final training was as long as the deadline allowed
            spent = job.timetable.deadline <= (had.get("timetable") or {}).get("deadline", 0.0)
        if job.record.status == "done" and had and spent and (job.folder / "result.json").exists():
            return Result(job.folder, {**summary(job.record, job.goal, trials, "done"), **had})
        check_folder(job.folder, job.name)
        tracking = _trackers(job, job.archive.run(job.name).config.get("track") or ())
        job.archive.update_run(job.name, status="running", config=job.record.config)
        return _concluded(job, [Guarded([*tracking, *callbacks])], trials)


def _trackers(job: Job, before: Sequence[str] = ()) -> Sequence[Callback]:
    tracking = trackers(job.config.track, job.record, job.folder, job.goal, job.encoding, before)
    return [Underway(job.archive, job.name), *tracking]


def _concluded(job: Job, callbacks: Sequence[Callback], told: Sequence[Trial]) -> Result:
    """Search and finish; those who watch hear how it ended."""
    try:
        with curves_of(job.archive, job.name) as folder:
            if folder is not None and isinstance(job.trainer, Watchable):
                trainer = job.trainer.watched_in(folder)
                job = replace(job, trainer=trainer, evaluator=job.domain.evaluator(trainer, job.goal))
            result = _search_and_finish(job, callbacks, told)
    except BaseException as error:
        conclude(callbacks, "interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "failed")
        raise
    conclude(callbacks, "done", result.values)
    return result


def _search_and_finish(job: Job, callbacks: Sequence[Callback], told: Sequence[Trial]) -> Result:
    try:
        with _broken_off(job, f"the method {job.config.method_spec!r}"):
            searcher, timetable = make_searcher(job), job.timetable
            check_workers(job)
            _note([*job.domain.found(job.data), f"searching with {spelled(job.config.method_spec)}"], callbacks)
            _note(description(job.trainer).splitlines(), callbacks)
            if any(isinstance(callback, Noting) for callback in callbacks):  # to measure takes a moment
                _note(plan.before(job, told), callbacks)
            memory = [known] if (known := _known(searcher)) else []
            _note(memory, callbacks)
            if job.checkpoints is not None and not job.checkpoints.exists():
                try:
                    claim(job.checkpoints, job.record)
                except OSError as error:
                    raise unwritten(job.folder, error) from error
            with make_executor(job, told) as executor:
                outcome = loop.run(
                    searcher,
                    executor,
                    job.data.task,
                    seed=job.config.seed,
                    budget=job.budget,
                    store=job.archive,
                    name=job.name,
                    callbacks=[*callbacks, BestSoFar(job)] if timetable else callbacks,
                    trials=told,
                    fits=fits(timetable) if timetable else None,
                )
    except KeyboardInterrupt:
        for callback in callbacks:
            callback.ended("interrupted")
        raise _interrupted(job) from None
    try:
        memory += [line for line in [_known(searcher)] if line and line not in memory]
        with _broken_off(job, "the training of the best network"):
            final = planned(
                job,
                searcher,
                outcome.trials,
                lambda networks: final_seconds(timetable, job.began, told, networks) if timetable else None,
            )
            _note(plan.after(job, outcome.trials, final), callbacks)
            result = finish(
                job,
                outcome.trials,
                outcome.reason,
                job.folder,
                final,
                memory=memory,
                passed_over=searcher.broken if isinstance(searcher, Limited) else 0,
                more=of_more_trainings(job, searcher, outcome.trials),
                left=(lambda: time_left(timetable, job.began, told)) if timetable else None,
            )
    except KeyboardInterrupt:
        raise _interrupted(job) from None
    except OSError as error:
        raise EvonasError(
            f"{unwritten(job.folder, error)}; all trials are kept: evonas export {job.name} --out FOLDER"
        ) from error
    job.archive.update_run(job.name, status="done", result=dict(result.values))
    if job.checkpoints is not None:  # while it could be resumed, trainings went on from there
        remove(job.checkpoints)
    return result


@contextmanager
def _broken_off(job: Job, what: str) -> Iterator[None]:
    """A run in which something breaks is interrupted: its trials are kept, and the error says how to go on.

    What a user's part raises becomes an EvonasError, which names its line; any other exception stays as it is.
    """
    try:
        yield
    except Unreachable as error:  # of its trials nothing can be asked now
        raise Unreachable(f"{error}, then: evonas resume {job.name}") from error
    except Exception as error:
        job.archive.update_run(job.name, status="interrupted")
        if not isinstance(error, EvonasError) and not place(error):
            raise
        words = str(error) if isinstance(error, EvonasError) else f"{what} raised {placed(error)}"
        trials = counted(job.archive.trials(job.name))
        kept = f"; {trials} trial{'s are' if trials > 1 else ' is'} kept; mend it, then: evonas resume {job.name}"
        raise EvonasError(words + kept if trials else words) from error


def _interrupted(job: Job) -> Interrupted:
    job.archive.update_run(job.name, status="interrupted")
    return Interrupted(job.name, counted(job.archive.trials(job.name)))


def of_more_trainings(job: Job, searcher: Any, trials: Sequence[Trial]) -> dict[str, Any] | None:
    """What `result.json` has of what ten more trainings would bring, of about as many seconds as the last ones took.

    Nothing of a search with several objectives or limits, or with a deadline: its trainings are of several lengths, and
    a long one follows them.
    """
    if job.timetable is not None or len(job.goal.objectives) > 1 or job.goal.constraints:
        return None
    results = [trial.evaluation for trial in trials]
    found = prospects(searcher, results, job.goal.first, np.random.default_rng([job.config.seed, MORE]))
    if found is None:
        return None
    lasted = [one.seconds for one in results if one.status != "absent"][-LAST:]
    each = median(lasted) / max(1, workers(job)) if lasted else 0.0
    return {**vars(found), "objective": job.goal.first.name, "probability": SURE, "seconds": each * found.trainings}


def _known(searcher: Any) -> str:
    """What a screened search's ranker knows and trusts now; empty where nothing is screened."""
    return description(searcher)


def _note(lines: Sequence[str], callbacks: Sequence[Callback]) -> None:
    """Show lines of text where a callback can."""
    for callback in callbacks:
        if isinstance(callback, Noting):
            for line in lines:
                callback.note(line)


def make_executor(job: Job, told: Sequence[Trial] = ()) -> Any:
    """Where the trainings go: this machine's processes, or a cluster. Raises EvonasError where options conflict."""
    config = job.config
    check_workers(job)
    shared = together(job)
    executor = plugins.make("evonas.executors", config.executor, job.evaluator, workers(job), config.timeout, **shared)
    if missing := [name for name in ("submit", "__enter__", "__exit__") if not hasattr(type(executor), name)]:
        raise EvonasError(
            f"executor {config.executor!r} made {type(executor).__name__!r}, which has no {missing[0]}(); it needs "
            "submit(candidate, task, seed), and to be a context manager"
        )
    if job.domain.trains:
        executor = measuring_once(executor, job.goal, job.encoding, told)
    if config.stop_early is None:
        return executor
    from evonas.execution.early_stopping import EarlyStopping

    return EarlyStopping(executor, job.goal, config.stop_early, told)
