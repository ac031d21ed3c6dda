"""The main job: from a configuration to a trained network, a report, and a memory of every training."""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from evonas.app.callbacks import Guarded, check_callbacks
from evonas.app.config import SearchConfig
from evonas.app.folders import check_folder, results_folder
from evonas.app.paths import absolute
from evonas.app.results import Result, counted, finish, summary
from evonas.core import plugins, trust
from evonas.core.context import SearchContext
from evonas.core.environment import versions
from evonas.core.errors import EvonasError, NameTaken
from evonas.core.faults import place, placed
from evonas.core.goals import Goal
from evonas.core.optional import HasGoal, MultiFidelity, Noting, description
from evonas.core.types import Callback, Encoding, Evaluator, Task, Trial
from evonas.domains.domain import (
    Data,
    Domain,
    LeavesOut,
    TrainingOptions,
    domain_named,
    load_data,
    refuse_left_out,
)
from evonas.encodings.guarded import GuardedEncoding
from evonas.encodings.make import make_encoding
from evonas.encodings.signature import changed, signature
from evonas.memory.archive import Archive, RunRecord
from evonas.memory.locks import sole_owner
from evonas.search import loop
from evonas.search.methods import check_method, make_method, spelled

DEFAULT_TRIALS = 24


@dataclass(frozen=True)
class Job:
    """A configuration with every name resolved: nothing has been written yet."""

    config: SearchConfig
    archive: Archive
    record: RunRecord
    encoding: Encoding[Any]
    domain: Domain
    data: Any  # the domain's split
    trainer: Any  # the domain's
    evaluator: Evaluator[Any]  # the trainer, or what also measures what it trained
    goal: Goal

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def folder(self) -> Path:
        return results_folder(self.name, self.config.out)

    @property
    def budget(self) -> loop.Budget:
        config = self.config
        trials = DEFAULT_TRIALS if config.trials is None and config.seconds is None else config.trials
        return loop.Budget(trials, config.seconds)


class Interrupted(Exception):
    """The search was stopped by Ctrl-C; what was done is kept, and `evonas resume` goes on with it."""

    def __init__(self, name: str, trials: int):
        super().__init__(f"run {name!r} was interrupted after {trials} trials")
        self.name, self.trials = name, trials


def search(
    x: Any,
    y: Any,
    x_test: Any = None,
    y_test: Any = None,
    *,
    x_val: Any = None,
    y_val: Any = None,
    encoding: str | Encoding[Any] | None = None,
    domain: str = "images",
    class_names: Sequence[str] | None = None,
    flip: bool | None = None,
    channels: Literal["first", "last"] | None = None,
    callbacks: Sequence[Callback] = (),
    **options: Any,
) -> Result:
    """Search a network for data that are held in memory.

    Args:
        x: (n, height, width[, channels]) or (n, channels, height, width) images, an array or a tensor; of another
            domain, what its `from_arrays` takes.
        y: (n,) labels.
        x_test, y_test: touched once, at the end; where missing, a fifth of `x` is kept for it.
        x_val, y_val: what candidates are compared on; where missing, a part of `x` is.
        encoding: a name, or an object with the methods of `evonas.core.types.Encoding`; the domain's where missing.
        domain: the kind of data, `images` or `series`.
        flip: whether a mirrored image keeps its class.
        channels: which axis of images holds the channels, where their shape does not tell.
        options: those of `evonas search`: `trials=20`, `method="aging"`, `out="found"`, …

    Raises EvonasError where the data or an option is not valid.
    """
    check_callbacks(callbacks)
    _check_encoding_given(encoding)
    named = {} if encoding is None else {"encoding": encoding if isinstance(encoding, str) else _spec_of(encoding)}
    trust.given(*(value for value in (*options.values(), *named.values()) if isinstance(value, str)))
    config = SearchConfig.make({"data": "memory", **options, **named})
    given = {"x_val": x_val, "y_val": y_val, "flip": flip, "channels": channels}
    own = {key: value for key, value in given.items() if value is not None}
    data = domain_named(domain).from_arrays(x, y, x_test, y_test, name=config.data, class_names=class_names, **own)
    made = None if isinstance(encoding, str) else encoding
    job = prepare(config, data=data, encoding=made)
    if not any(isinstance(callback, Noting) for callback in callbacks):
        for line in data.left_out if isinstance(data, LeavesOut) else ():
            warnings.warn(line, stacklevel=2)
    return carry_out(job, callbacks)


def prepare(
    config: SearchConfig,
    *,
    data: Data | None = None,
    encoding: Encoding[Any] | None = None,
    command: str = "evonas.search(…)",
    new: bool = True,
) -> Job:
    """Resolve all names, load and split the data, try the encoding. Writes nothing but an empty archive.

    A run that is not `new` may have results in its folder.

    Raises EvonasError where anything is not valid.
    """
    import numpy as np

    from evonas.execution.processes import refuse_in_a_starting_worker
    from evonas.training.latency import with_latency

    config = absolute(config)
    refuse_in_a_starting_worker()
    goal = Goal.parse(config.objectives)
    check_method(config.method_spec)
    plugins.resolve("evonas.executors", config.executor)
    if config.encoding:  # before the data, which may take long to load
        encoding = encoding or make_encoding(config.encoding)
    data = data or load_data(config.data, root=Path(config.root) if config.root else None)
    if config.strict:
        refuse_left_out(data)
    kind = domain_named(data.domain)
    config = config.model_copy(update={"encoding": config.encoding or kind.encoding})
    encoding = encoding or make_encoding(config.encoding)
    split = kind.split(data, seed=config.seed, train_size=config.train_size)
    kind.check(encoding, split.task, np.random.default_rng(config.seed))
    guarded: Encoding[Any] = GuardedEncoding(
        encoding
    )  # the trainer has it as it is: what breaks there is a failed trial
    # tried before anything is written
    method = make_method(config.method_spec, SearchContext(guarded, goal, split.task, seed=config.seed))
    if isinstance(method, HasGoal) and set(method.goal.metrics) > set(goal.metrics):
        goal = method.goal  # nsga2 adds an objective of its own
    archive = Archive(config.archive)
    name = config.name or _free_name(archive, split.task, config.encoding)
    several = isinstance(method, MultiFidelity) and len(method.fidelities) > 1
    in_parts = several or config.stop_early is not None
    left = (Path(config.out or Path("runs") / name) / "trainings").absolute() if in_parts or config.inherit else None
    trainer = kind.trainer(encoding, split, TrainingOptions(config.epochs, config.device, left, config.inherit))
    evaluator = with_latency(trainer, goal)
    record = RunRecord(
        name=name,
        task=split.task,
        encoding=config.encoding,
        method=config.method,
        surrogate=config.surrogate,
        seed=config.seed,
        config=config.spelled().model_dump(),
        versions=versions(),
        signature=signature(guarded),
        device=trainer.device_name(),
        command=command,
    )
    job = Job(config, archive, record, guarded, kind, split, trainer, evaluator, goal)
    if new:
        check_folder(job.folder, name, new=True)
    return job


def carry_out(job: Job, callbacks: Sequence[Callback] = ()) -> Result:
    """Search, train the best network in full, export it and write the report.

    Raises Interrupted on Ctrl-C, and EvonasError where the run's name is taken; one that was given no name takes the
    next one where another search was quicker.
    """
    guarded = [Guarded(check_callbacks(callbacks))]
    while True:
        try:
            return _begin(job, guarded)
        except NameTaken:
            if job.config.name is not None:
                raise
            name = _free_name(job.archive, job.data.task, job.config.encoding)
            job = replace(job, record=replace(job.record, name=name))


def _begin(job: Job, callbacks: Sequence[Callback]) -> Result:
    with sole_owner(job.archive, job.name):
        config = {**job.record.config, "out": str(job.folder.absolute())}
        job = replace(job, record=job.archive.add_run(replace(job.record, config=config)))
        try:
            return _search_and_finish(job, callbacks, [])
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
    **changes: Any,
) -> Result:
    """Go on with a run where it stopped; `changes` may give it more `trials` or `seconds`.

    Raises EvonasError where there is no such run, it is running now, its data were given in memory, or it names code
    that is not trusted (`trust=True`).
    """
    return go_on(prepare_resume(name, archive=archive, trusting=trust, **changes), callbacks)


def prepare_resume(name: str, *, archive: str | None = None, trusting: bool = False, **changes: Any) -> Job:
    """The job of a run in the archive, with its own configuration."""
    record = Archive(archive).run(name)
    named = [value for value in record.config.values() if isinstance(value, str)]
    trust.admit(named, source=f"the run {name!r} of the archive", trust=trusting)
    given = {key: value for key, value in changes.items() if value is not None}
    config = SearchConfig.from_record(record.config, {**given, "name": name, "archive": archive})
    _check_more(Archive(archive).trials(name), name, {key: getattr(config, key) for key in given})
    if config.data not in _data_names() and ":" not in config.data:
        raise EvonasError(
            f"run {name!r} searched arrays in memory ({config.data!r}), which are gone; search again from Python"
        )
    job = prepare(config, command=record.command, new=False)
    if job.data.task.fingerprint != record.task.fingerprint:
        raise EvonasError(f"the data {config.data!r} of run {name!r} have changed since; search them as a new run")
    genomes = (trial.evaluation.candidate.genome for trial in job.archive.trials(name))
    if how := changed(record.signature, job.encoding, genomes):
        raise EvonasError(f"the encoding {config.encoding!r} of run {name!r} has changed since: {how}; {_AGAIN}")
    return replace(job, record=replace(record, config=job.config.model_dump()))


_AGAIN = "bring it back as it was, or search with it as a new run"


def _check_more(trials: Sequence[Trial], name: str, changes: Mapping[str, Any]) -> None:
    """Raises EvonasError where a budget is given that is spent already."""
    spent = {"trials": counted(trials), "seconds": trials[-1].elapsed if trials else 0.0}
    for what, had in spent.items():
        if what in changes and changes[what] < had:
            raise EvonasError(
                f"--{what} {changes[what]} is less than the {had:.10g} {what} that run {name!r} has had already; "
                f"give more than {had:.10g}"
            )


def go_on(job: Job, callbacks: Sequence[Callback] = ()) -> Result:
    """Go on where the run stopped; one that is done, with nothing left of its budget, gives the result that it has.

    Raises Interrupted on Ctrl-C, and EvonasError where the run is running now.
    """
    guarded = [Guarded(check_callbacks(callbacks))]
    with sole_owner(job.archive, job.name):
        trials, had = job.archive.trials(job.name), job.record.result
        spent = not job.budget.allows(counted(trials), trials[-1].elapsed if trials else 0.0)
        if job.record.status == "done" and had and spent and (job.folder / "result.json").exists():
            return Result(job.folder, {**summary(job.record, job.goal, trials, "done"), **had})
        check_folder(job.folder, job.name)
        job.archive.update_run(job.name, status="running", config=job.record.config)
        return _search_and_finish(job, guarded, trials)


def _search_and_finish(job: Job, callbacks: Sequence[Callback], told: Sequence[Trial]) -> Result:
    try:
        with _broken_off(job, f"the method {job.config.method_spec!r}"):
            store, seed = job.archive.as_of(job.record.mark), job.config.seed
            context = SearchContext(job.encoding, job.goal, job.data.task, store, seed, job.config.encoding)
            searcher = make_method(job.config.method_spec, context)
            _note([*job.domain.found(job.data), f"searching with {spelled(job.config.method_spec)}"], callbacks)
            memory = [known] if (known := _known(searcher)) else []
            _note(memory, callbacks)
            with make_executor(job, told) as executor:
                outcome = loop.run(
                    searcher,
                    executor,
                    job.data.task,
                    seed=job.config.seed,
                    budget=job.budget,
                    store=job.archive,
                    name=job.name,
                    callbacks=callbacks,
                    trials=told,
                )
    except KeyboardInterrupt:
        for callback in callbacks:
            callback.ended("interrupted")
        raise _interrupted(job) from None
    try:
        memory += [line for line in [_known(searcher)] if line and line not in memory]
        with _broken_off(job, "the training of the best network"):
            result = finish(job, outcome.trials, outcome.reason, job.folder, memory=memory)
    except KeyboardInterrupt:
        raise _interrupted(job) from None
    except OSError as error:
        raise EvonasError(
            f"the results cannot be written to {str(job.folder)!r}: {error.strerror or error}; all trials are kept: "
            f"evonas export {job.name} --out FOLDER"
        ) from error
    job.archive.update_run(job.name, status="done", result=dict(result.values))
    if job.trainer.checkpoints is not None:  # while it could be resumed, trainings went on from there
        shutil.rmtree(job.trainer.checkpoints, ignore_errors=True)
    return result


@contextmanager
def _broken_off(job: Job, what: str) -> Iterator[None]:
    """A run in which something breaks is interrupted: its trials are kept, and the error says how to go on.

    What a user's part raises becomes an EvonasError, which names its line; any other exception stays as it is.
    """
    try:
        yield
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
    executor = plugins.make("evonas.executors", config.executor, job.evaluator, _workers(job), config.timeout)
    if config.stop_early is None:
        return executor
    from evonas.execution.early_stopping import EarlyStopping

    return EarlyStopping(executor, job.goal, config.stop_early, told)


def _workers(job: Job) -> int:
    """Trainings at the same time: as many as were asked for, or so many on each device."""
    config = job.config
    if config.per_device is None:
        return config.workers
    if config.workers > 1 or config.executor != "processes":
        other = f"--workers {config.workers}" if config.workers > 1 else f"--executor {config.executor!r}"
        raise EvonasError(f"--per-device {config.per_device} and {other} exclude one another; give one")
    number = config.per_device
    if number == "auto":
        import numpy as np

        from evonas.training.sharing import per_device

        number = per_device(job.trainer, job.encoding.sample(np.random.default_rng(config.seed)), config.seed)
    return number * len(job.trainer.devices())


def _check_encoding_given(encoding: Any) -> None:
    """Raises EvonasError where an object is no encoding, before it is asked for its name."""
    if encoding is None or isinstance(encoding, str):
        return
    methods = ("sample", "mutate", "crossover", "features", "build")
    missing = [method for method in methods if not callable(getattr(encoding, method, None))]
    if missing or isinstance(encoding, type):
        why = f"it has no {missing[0]}()" if missing else "it is a class"
        raise EvonasError(f"encoding={encoding!r} is no encoding: {why}; give a name or an object, as Encoding() makes")


def _spec_of(encoding: Encoding[Any]) -> str:
    """`module:Class` of an encoding that was given as an object, its file's path if that is a script."""
    import sys

    cls = type(encoding)
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    return f"{file if cls.__module__ == '__main__' and file else cls.__module__}:{cls.__qualname__}"


def _data_names() -> Sequence[str]:
    return list(plugins.available("evonas.tasks"))


def _free_name(archive: Archive, task: Task, encoding: str) -> str:
    """`digits-cell-3`: the first number that neither the archive nor `runs/` has."""
    plain = Path(plugins.plain_name(encoding).rpartition(":")[2]).name.lower()
    stem = re.sub(r"[^\w.-]+", "-", f"{task.name}-{plain}")
    taken = {record.name for record in archive.runs()}
    number = 1
    while f"{stem}-{number}" in taken or (Path("runs") / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"
