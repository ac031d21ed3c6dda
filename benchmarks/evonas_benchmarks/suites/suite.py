"""Suites are data: a TOML file names tasks, budget and what a transferring method may see."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evonas.core import plugins, trust
from evonas.core.errors import EvonasError, choices
from evonas.core.goals import Goal, Objective
from evonas.core.parsing import read_toml
from evonas_benchmarks.suites.objectives import Aims
from evonas_benchmarks.tables.frames import ENDINGS, Columns, from_frame, read_frame
from evonas_benchmarks.tables.lookup import Entry, Table
from evonas_benchmarks.tables.packaged import TABLES, TASKS, table

FOLDER = Path(__file__).parent  # of the suites that come with evonas


class SuiteTask(BaseModel):
    """One task: of a packaged table its name is enough; of a user's table its columns; of a training suite its data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[^/\\\n]+$")  # it is a part of files' names
    objective: str | None = None
    maximize: bool = True
    test: str | None = None
    seconds: str | None = None
    data: str | None = None


class Suite(BaseModel):
    """Tasks × methods × seeds × budget. Either `table` is given, or each task has `data` to train on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[\w.-]+$")
    description: str = ""
    table: str | None = Field(None, description="a packaged table's name, or a CSV or Parquet file beside this one")
    genes: tuple[str, ...] = ()
    encoding: str | None = None
    objective: str = "val_accuracy"
    objectives: str | None = Field(None, description="several columns of the table: val_accuracy,latency:min,params")
    limits: tuple[str, ...] = Field((), description="params<=200000, or params<=5% for a quantile of the task's column")
    trials: int = Field(100, ge=1)
    seeds: int = Field(20, ge=1)
    earlier: int = Field(1000, ge=0, description="random architectures known of each earlier task")
    earlier_tasks: int | tuple[str, ...] | None = Field(
        None, description="which tasks a transferring method may know besides the target: so many, drawn by seed; names"
    )
    noise: bool = Field(False, description="a searcher sees one seed of the table, not the mean")
    wrappers: tuple[str, ...] = Field((), description="around evaluator or encoding: noisy(sd=0.01), failing(p=0.1)")
    methods: tuple[str, ...] = ("random", "aging", "evolution")
    epochs: int | None = Field(None, ge=1)
    train_size: int | None = Field(None, ge=1)
    device: str = "auto"
    tasks: tuple[SuiteTask, ...] = ()
    folder: Path = Field(Path(), description="where the file is; not a key of the file")

    @property
    def tabular(self) -> bool:
        return self.table is not None

    @property
    def aims(self) -> Aims:
        return Aims(self.name, self.objectives, self.limits)

    def task_names(self) -> list[str]:
        return [task.name for task in self.tasks] or list(TASKS[str(self.table)])

    def load_table(self) -> Table:
        """Raises EvonasError where the table cannot be read or lacks what the suite names."""
        assert self.table is not None
        found = _packaged_table(self) if self.table in TABLES else _users_table(self)
        return self.aims.table(found, self.task_names())

    def data_of(self, task: SuiteTask) -> str:
        """What images the task trains on; a path is, like a table's, relative to the suite's file."""
        spec = str(task.data)
        kind, colon, path = spec.partition(":")
        if kind in ("npz", "folder") and colon:
            return f"{kind}:{self.folder / Path(os.path.expanduser(path))}"
        return spec

    def chosen(self, names: list[str] | None) -> list[str]:
        """The tasks of that name, in the suite's order. Raises EvonasError where there is no such task."""
        there = self.task_names()
        for name in [] if names is None else names or [""]:
            if name not in there:
                raise EvonasError(f"suite {self.name!r} has no task {name!r}; there are {choices(there)}")
        return [name for name in there if names is None or name in names]


def installed() -> dict[str, Path]:
    """Name -> file of the suites that come with evonas."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def load_suite(spec: str | Path, *, trusting: bool = False) -> Suite:
    """A suite by its name, by the path of its file, or of a plug-in; `trusting` runs the code that it names.

    Raises EvonasError, one line, where there is none, a key is not valid, or it names code that is not trusted.
    """
    found = installed()
    plugged = plugins.available("evonas.suites")
    if str(spec) in plugged:
        spec = Path(plugged[str(spec)].load())
    path = found.get(str(spec), Path(spec))
    if not path.is_file():
        raise EvonasError(f"no suite {str(spec)!r}; there are {choices([*found, *plugged])}, or give a TOML file")
    suite = make_suite(read_toml(path, "the suite"), path)
    named = [suite.encoding, *suite.wrappers, *suite.methods, *(task.data for task in suite.tasks)]
    trust.admit(filter(None, named), source=f"the suite {str(path)!r}", trust=trusting)
    return suite


def make_suite(values: Mapping[str, Any], path: Path) -> Suite:
    try:
        suite = Suite(**{**values, "folder": path.parent.absolute()})
    except ValidationError as error:
        raise EvonasError(_said(error, path)) from None
    if not suite.tabular and not (suite.tasks and all(task.data for task in suite.tasks)):
        raise EvonasError(f"{str(path)!r} needs a table, or tasks that each have data to train on")
    if suite.tabular and suite.table not in TABLES and not (suite.genes and suite.tasks):
        raise EvonasError(f"{str(path)!r} has a table of its own and needs genes = [columns] and [[tasks]]")
    names = [task.name for task in suite.tasks]
    for name in names if suite.table in TASKS else ():
        if name not in TASKS[str(suite.table)]:
            raise EvonasError(f"{str(path)!r}: no task {name!r}; there are {choices(TASKS[str(suite.table)])}")
    known = suite.earlier_tasks
    for name in known if isinstance(known, tuple) else ():
        suite.chosen([name])
    if isinstance(known, int) and not 0 <= known < len(suite.task_names()):
        raise EvonasError(
            f"earlier_tasks = {known} is not valid; there are {len(suite.task_names()) - 1} besides the target"
        )
    if len(set(names)) < len(names):
        raise EvonasError(f"{str(path)!r} has two tasks of one name; there are {', '.join(names)}")
    _refuse_useless(suite, path)
    suite.aims.columns()  # or what cannot be read is named
    return suite


OF_TRAINING = {"epochs", "train_size", "device"}
OF_TABLES = {"genes", "noise", "earlier", "earlier_tasks", "objectives", "limits"}


def _refuse_useless(suite: Suite, path: Path) -> None:
    """Raises EvonasError where a key is given that this kind of suite has no use for: it would be passed over."""
    kind, of_suite, of_task = "has a table of its own", OF_TRAINING, {"data"}
    if not suite.tabular:
        kind, of_suite, of_task = "trains networks", OF_TABLES, {"maximize", "test", "seconds"}
    elif suite.table in TABLES:
        kind, of_suite = f"has the table {suite.table}", OF_TRAINING | {"genes", "encoding", "objective"}
    checked = [(kind, suite, of_suite), *((kind, task, of_task) for task in suite.tasks)]
    if suite.objectives:
        named = f"has objectives = {suite.objectives!r}"
        checked += [(named, suite, {"objective"}), *((named, task, {"objective", "maximize"}) for task in suite.tasks)]
    for kind, given, useless in checked:
        for key in sorted(given.model_fields_set & useless):
            where = f"task {given.name!r}: " if isinstance(given, SuiteTask) else ""
            raise EvonasError(f"{str(path)!r}: {where}a suite that {kind} has no use for {key!r}; leave it out")


def change(suite: Suite, **values: Any) -> Suite:
    """With other values where they are not None. Raises EvonasError where one is not valid."""
    values = {key: value for key, value in values.items() if value is not None}
    given = suite.model_dump(exclude={"folder"}, exclude_unset=True)
    return make_suite({**given, **values}, suite.folder / f"{suite.name}.toml")


def _said(error: ValidationError, path: Path) -> str:
    """The first thing that is wrong, with the nearest right key where one is misspelt."""
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    key = ".".join(where)
    if first["type"] == "extra_forbidden":
        fields = [name for name in (SuiteTask if len(where) > 1 else Suite).model_fields if name != "folder"]
        near = get_close_matches(where[-1], fields, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {choices(fields)}"
        return f"{str(path)!r} has no key {key!r}; {hint}"
    if first["type"] == "missing":
        return f"{str(path)!r} lacks the key {key!r}"
    return f"{str(path)!r}: {key} = {first.get('input')!r} is not valid: {first['msg'][0].lower()}{first['msg'][1:]}"


def _packaged_table(suite: Suite) -> Table:
    """With the columns that the suite's tasks name in place of the table's own choice."""
    found = table(str(suite.table))
    entries = {task.name: _entry(found, task) for task in suite.tasks if task.model_fields_set - {"name"}}
    return replace(found, entries={**found.entries, **entries}) if entries else found


def _entry(found: Table, task: SuiteTask) -> Entry:
    entry = found.entry(task.name)
    for column in (task.objective, task.test, task.seconds):
        if column is not None:
            found.values(task.name, column)  # or it is named, with the choices
    own = entry.objective
    name = task.objective or own.name
    maximize = own.maximize if name == own.name and "maximize" not in task.model_fields_set else task.maximize
    seconds = task.seconds or entry.seconds
    test = task.test or (None if entry.test in (name, seconds) else entry.test)
    return replace(entry, objective=Objective(name, maximize), test=test, seconds=seconds)


def _users_table(suite: Suite) -> Table:
    path = suite.folder / str(suite.table)
    if path.suffix not in ENDINGS or not path.is_file():
        raise EvonasError(
            f"suite {suite.name!r}: no table {str(path)!r}; give a CSV or Parquet file, or {choices(TABLES)}"
        )
    frame = read_frame(path, suite.genes)
    first = Goal.parse(suite.objectives).first if suite.objectives else None
    tasks = {
        task.name: Columns(
            first.name if first else task.objective or suite.objective,
            first.maximize if first else task.maximize,
            task.test,
            task.seconds,
            suite.aims.columns(),
        )
        for task in suite.tasks
    }
    encoding = None
    if suite.encoding:
        encoding = plugins.make("evonas.encodings", suite.encoding)
    return from_frame(frame, suite.genes, tasks, name=suite.name, encoding=encoding)
