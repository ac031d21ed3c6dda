"""From a configuration to a job: every name resolved, data split, encoding tried, before anything is written."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from evonas.app.checkpoints import find, new_folder
from evonas.app.config import SearchConfig, specs
from evonas.app.deadline import check_time, divide, first_of
from evonas.app.fixed import check_sent
from evonas.app.fixed import check_tried as fixed_tried
from evonas.app.fixed import loaded as fixed_parts
from evonas.app.folders import check_folder, results_folder
from evonas.app.groups import laid_upon
from evonas.app.limits import check_goal, known_costs, within
from evonas.app.metrics import check_measured, check_tried, loaded, with_scores
from evonas.app.objects import apart, check_same
from evonas.app.paths import absolute
from evonas.app.start import begun_with, recorded, starting
from evonas.app.timetable import Timetable
from evonas.app.tracking import check_trackers
from evonas.core import plugins, trust
from evonas.core.context import SearchContext
from evonas.core.environment import versions
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal
from evonas.core.optional import HasGoal, MultiFidelity
from evonas.core.types import Encoding, Evaluator, Task, Trial
from evonas.domains.domain import Data, Domain, TrainingOptions, domain_named, load_data, refuse_left_out
from evonas.domains.evaluator import load_evaluator
from evonas.encodings.fixed_genes import guarded as as_searched
from evonas.encodings.make import make_encoding
from evonas.encodings.signature import changed, signature
from evonas.execution.processes import refuse_in_a_starting_worker
from evonas.memory.archive import Archive, RunRecord
from evonas.search import loop
from evonas.search.limits import Costs
from evonas.search.methods import check_method, make_method

DEFAULT_TRIALS = 24
_AGAIN = "bring it back as it was, or search with it as a new run"


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
    checkpoints: Path | None = None  # where trainings are left, of a search that goes on with them
    began: float = 0.0  # when the command was given, as time.monotonic() counts
    timetable: Timetable | None = None  # how its deadline is divided
    extras: bool = True  # whether it ends with a report and a program, beside the network
    costs: Costs[Any] | None = None  # what is limited and known before training

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def folder(self) -> Path:
        return results_folder(self.name, self.config.out)

    @property
    def budget(self) -> loop.Budget:
        config = self.config
        if self.timetable is not None:
            return loop.Budget(config.trials, self.timetable.search)
        trials = DEFAULT_TRIALS if config.trials is None and config.seconds is None else config.trials
        return loop.Budget(trials, config.seconds)


def prepare(
    config: SearchConfig,
    *,
    data: Data | None = None,
    encoding: Encoding[Any] | None = None,
    command: str = "evonas.search(…)",
    new: bool = True,
    checkpoints: Path | None = None,
    began: float | None = None,
    metrics: Mapping[str, Any] | None = None,
    objects: Mapping[str, Any] | None = None,
) -> Job:
    """Resolve all names, load and split the data, try the encoding. Writes nothing but an empty archive.

    A run that is not `new` may have results in its folder; `checkpoints` is the folder of its trainings, if it has one;
    a deadline counts from when it `began`, by time.monotonic(), by default from now; `metrics` are those of the
    configuration's that were given as objects, `objects` other options that were (`evonas.app.objects`).

    Raises EvonasError where anything is not valid.
    """
    refuse_in_a_starting_worker()
    began = time.monotonic() if began is None else began
    config = absolute(config)
    own = loaded(config.metrics, metrics or {})
    fixed = fixed_parts(config, objects or {})
    goal = Goal.parse(config.objectives, config.limits)
    check_method(config.method_spec)
    plugins.check_options("evonas.executors", config.executor, 3, given=["together"])
    check_trackers(config.track)
    archive = Archive(config.archive)
    if new and config.name:  # before anything is loaded; `add_run` asks again
        archive.check_free(config.name)
    if config.encoding:  # before the data, which may take long to load
        encoding = encoding or make_encoding(config.encoding)
    check_time(config, began)
    data = data or _load(config)
    if config.strict:
        refuse_left_out(data)
    kind = domain_named(data.domain)
    _refuse(config, kind)
    data, config = laid_upon(data, config, objects or {})
    check_goal(config, goal, kind, [one.name for one in own])
    config = config.model_copy(update={"encoding": config.encoding or kind.encoding})
    encoding = encoding or make_encoding(config.encoding)
    split = kind.split(data, seed=config.seed, train_size=config.train_size)
    check_time(config, began)
    kind.check(encoding, split.task, np.random.default_rng(config.seed))
    check_tried(own, kind, encoding, split.task, config.seed)
    fixed_tried(fixed, encoding, split.task, config.seed)
    check_sent(config, {**fixed.parts, **{one.name: one.function for one in own}})
    guarded: Encoding[Any] = as_searched(encoding, fixed)  # the trainer's is not: what breaks there is a failed trial
    # tried before anything is written
    method = make_method(config.method_spec, SearchContext(guarded, goal, split.task, seed=config.seed))
    if isinstance(method, HasGoal) and set(method.goal.objectives) > set(goal.objectives):
        goal = method.goal  # nsga2 adds an objective of its own
    if new:  # one that goes on has the deadline that it began with, or none
        config = config.model_copy(update={"deadline": _deadline(config, kind, goal)})
    if config.ensemble > 1 and config.deadline is None:
        raise EvonasError(
            f"--ensemble {config.ensemble} shares the seconds of a deadline's final training, and there is none; give "
            "--deadline, or leave it out"
        )
    name = config.name or free_name(archive, split.task, config.encoding)
    several = isinstance(method, MultiFidelity) and len(method.fidelities) > 1
    in_parts = several or config.stop_early is not None
    folder = checkpoints or new_folder(results_folder(name, config.out))
    left = folder if kind.trains and (in_parts or config.inherit) and config.deadline is None else None
    kept = folder if config.deadline is not None else None
    own = with_scores(own, goal, kind)
    options = TrainingOptions(config.epochs, config.device, left, config.inherit, kept, config.refit_all, own, fixed)
    trainer, timetable = kind.trainer(encoding, split, options), None
    check_measured(own, trainer)
    costs = known_costs(goal, trainer, guarded)
    space = guarded if costs is None else within(guarded, costs)[0]
    if config.deadline is not None:
        timetable, trainer = divide(config, trainer, encoding if costs is None else space, began)
        config = config.model_copy(update={"deadline": timetable.deadline, "timetable": timetable.record()})
    if config.first is None:
        before = () if new else archive.trials(name)
        first = first_of(space, split.task, before)
        starts = starting(config.start, guarded, config.encoding, split.task, kind, costs)
        config = config.model_copy(update={"first": begun_with(first, starts), "start": recorded(starts)})
    evaluator = kind.evaluator(trainer, goal)
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
    parts = (config, archive, record, guarded, kind, split, trainer, evaluator, goal)
    job = Job(*parts, left or kept, began, timetable, costs=costs)
    if new:
        check_folder(job.folder, name, new=True)
        archive.make()
    return job


def prepare_resume(
    name: str,
    *,
    archive: str | None = None,
    trusting: bool = False,
    data: Data | None = None,
    encoding: Encoding[Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    began: float | None = None,
    **changes: Any,
) -> Job:
    """The job of a run in the archive, with its own configuration; `changes` to it, and options that were objects."""
    spelt, objects = apart(changes)
    changes = {key: value for key, value in changes.items() if key not in objects}
    record = Archive(archive).run(name)
    check_same(record.config, spelt, objects, name)
    trust.admit(specs(record.config), source=f"the run {name!r} of the archive", trust=trusting)
    given = {key: value for key, value in changes.items() if value is not None}
    if given.get("deadline") == "auto":  # it has one that suits its data
        del given["deadline"]
    if "deadline" in given and not record.config.get("timetable"):
        raise EvonasError(
            f"--deadline {given['deadline']}: the run {name!r} was begun without a deadline; give it more --trials or "
            "--seconds"
        )
    config = SearchConfig.from_record(record.config, {**given, "name": name, "archive": archive})
    _check_more(Archive(archive).trials(name), record, {key: getattr(config, key) for key in given})
    if data is None and config.data not in ("", *_data_names()) and ":" not in config.data:
        raise EvonasError(
            f"run {name!r} searched arrays in memory ({config.data!r}), which are gone; search again from Python, or "
            "go on from there with the same arrays: evonas.app.job.resume(…, data=images_from_arrays(x, y))"
        )
    left = find(results_folder(name, config.out), record)
    job = prepare(
        config,
        data=data,
        encoding=encoding,
        command=record.command,
        new=False,
        checkpoints=left,
        began=began,
        metrics=metrics,
        objects=objects,
    )
    if job.data.task.fingerprint != record.task.fingerprint:
        if config.evaluator:
            what = f"the evaluator {config.evaluator!r} of run {name!r} has changed since; bring it back as it was, or"
            raise EvonasError(f"{what} search with it as a new run")
        raise EvonasError(f"the data {config.data!r} of run {name!r} have changed since; search them as a new run")
    genomes = (trial.evaluation.candidate.genome for trial in job.archive.trials(name))
    if how := changed(record.signature, job.encoding, genomes):
        raise EvonasError(f"the encoding {config.encoding!r} of run {name!r} has changed since: {how}; {_AGAIN}")
    return replace(job, record=replace(record, config=job.config.model_dump()))


def _check_more(trials: Sequence[Trial], record: RunRecord, changes: Mapping[str, Any]) -> None:
    """Raises EvonasError where a budget is given that is spent already."""
    deadline = (record.config.get("timetable") or {}).get("deadline", 0.0)
    spent = {"trials": counted(trials), "seconds": trials[-1].elapsed if trials else 0.0, "deadline": deadline}
    for what, had in spent.items():
        if what in changes and changes[what] < had:
            unit, verb = ("seconds", "was given") if what == "deadline" else (what, "has had already")
            raise EvonasError(
                f"--{what} {changes[what]:g} is less than the {had:.10g} {unit} that run {record.name!r} {verb}; give "
                f"more than {had:.10g}"
            )


def _deadline(config: SearchConfig, kind: Domain, goal: Goal) -> float | Literal["auto"] | None:
    """As it is given; where nothing else says how long the search is, one that suits the data, of domains for which
    evonas can divide it. Raises EvonasError where it is given for several objectives."""
    several = len(goal.objectives) > 1
    if config.deadline is not None and several:
        names = ", ".join(map(str, goal.objectives))
        raise EvonasError(
            f"--deadline {config.deadline} is divided for one objective, not for {names}; give one, or --seconds"
        )
    others = (config.trials, config.seconds, config.epochs, config.stop_early)
    unpaced = config.inherit or config.together != 1  # trainings are not of seconds
    if config.deadline is not None or any(value is not None for value in others) or unpaced:
        return config.deadline
    return "auto" if kind.deadline and not several else None


def _load(config: SearchConfig) -> Data:
    if config.evaluator:
        return load_evaluator(config.evaluator)
    return load_data(config.data, root=Path(config.root) if config.root else None)


def _refuse(config: SearchConfig, kind: Domain) -> None:
    """Raises EvonasError where an option is given that means nothing to this kind of data, or no encoding is."""
    for option in kind.without:
        value = getattr(config, option)
        if value != SearchConfig.model_fields[option].default:
            flag = "--" + option.replace("_", "-")
            raise EvonasError(f"{flag} {value} means nothing to an {kind.name} of your own; leave it out")
    if not config.encoding and not kind.encoding:
        raise EvonasError(f"an {kind.name} of your own needs an encoding; give --encoding file.py:Space, or a name")


def check_encoding_given(encoding: Any) -> None:
    """Raises EvonasError where an object is no encoding, before it is asked for its name."""
    if encoding is None or isinstance(encoding, str):
        return
    methods = ("sample", "mutate", "crossover", "features")
    missing = [method for method in methods if not callable(getattr(encoding, method, None))]
    if missing or isinstance(encoding, type):
        why = f"it has no {missing[0]}()" if missing else "it is a class"
        raise EvonasError(f"encoding={encoding!r} is no encoding: {why}; give a name or an object, as Encoding() makes")


def _data_names() -> Sequence[str]:
    return list(plugins.available("evonas.tasks"))


def free_name(archive: Archive, task: Task, encoding: str) -> str:
    """`digits-cell-3`: the first number that neither the archive nor `runs/` has."""
    plain = Path(plugins.plain_name(encoding).rpartition(":")[2]).name.lower()
    stem = re.sub(r"[^\w.-]+", "-", f"{task.name}-{plain}")
    taken = {record.name for record in archive.runs()}
    number = 1
    while f"{stem}-{number}" in taken or (Path("runs") / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def renamed(job: Job, name: str) -> Job:
    """The same job under another name, with its checkpoints in that one's folder."""
    job = replace(job, record=replace(job.record, name=name))
    if job.checkpoints is None:
        return job
    left = new_folder(job.folder)
    places = {"checkpoints": left} if job.config.deadline is None else {"kept": left}
    trainer = replace(job.trainer, **places)
    return replace(job, trainer=trainer, evaluator=job.domain.evaluator(trainer, job.goal), checkpoints=left)


def counted(trials: Sequence[Trial]) -> int:
    """How many trials are of a budget: what a table did not have is none."""
    return sum(trial.evaluation.status != "absent" for trial in trials)
