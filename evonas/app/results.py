"""What a search leaves: the best network, trained in full, and `result.json`, `report.html` beside it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evonas.app.baseline import against_baseline, as_tried, longest, words
from evonas.app.deadline import program_seconds
from evonas.app.final import carried_out
from evonas.app.folders import FILES, check_folder, results_folder
from evonas.app.limits import judged
from evonas.app.picking import export_command, figures, front_of
from evonas.app.preparation import Job, counted
from evonas.core import trust
from evonas.core.errors import EvonasError
from evonas.core.files import write_text
from evonas.core.fronts import said_nothing
from evonas.core.goals import Goal, Objective
from evonas.core.types import Encoding, Trial
from evonas.domains.domain import FinalTraining, domain_named
from evonas.encodings.make import make_encoding
from evonas.memory.locks import status
from evonas.report.words import unless_odd

if TYPE_CHECKING:
    from evonas.domains.network import Network
    from evonas.memory.archive import Archive, RunRecord

NO_TIME = "model.pt2 was not written, for want of time: evonas export {} --format torch.export does, without a training"
SHOWN = ("test_accuracy", "val_accuracy", "params", "flops", "trials", "failed", "seconds", "against", "genome")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """A finished search: its folder, and what `result.json` holds."""

    folder: Path
    values: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def load(self) -> Network:
        """The best network in eval mode, as `evonas.load(folder)` gives it."""
        from evonas.domains.export import load

        return load(self.folder)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [(name.replace("_", " "), self.values.get(name)) for name in SHOWN if self.values.get(name) is not None]
        cells = "".join(f"<tr><th>{name}</th><td>{escape(_short(value))}</td></tr>" for name, value in rows)
        place = escape(f"{self.folder}: {', '.join(self.files)}")
        return f"<b>{escape(str(self.values.get('run', '')))}</b><table>{cells}</table><code>{place}</code>"

    @property
    def files(self) -> list[str]:
        """The names of those that were written: without a good trial there is no network."""
        return [name for name in FILES if (self.folder / name).exists()]


def finish(
    job: Job,
    trials: Sequence[Trial],
    reason: str,
    folder: Path,
    final: FinalTraining | None,
    *,
    memory: Sequence[str] = (),
    passed_over: int = 0,
    more: Mapping[str, Any] | None = None,
    left: Callable[[], float] | None = None,
) -> Result:
    """Do the final training, touch the test set once, export, report.

    `final` is None where no trial was good; `left()` are the seconds until a deadline; so many networks were
    `passed_over` because they break a limit; `more` is what more trainings would probably bring.
    """
    values = summary(job.record, job.goal, trials, reason)
    values |= {"memory": list(memory), "examples": dict(job.domain.examples(job.data)), "prospects": more}
    check_folder(folder, job.name)
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, values)  # first, for it says whose the other files are
    if final is not None:
        found = carried_out(job, final, trials, folder)
        cost = {"search": values["seconds"], "final": found.get("seconds")}
        values |= {**found, "cost": cost, "seconds": values["seconds"] + found.get("seconds", 0.0)}
    limits, notes = judged(job.goal, trials, values["genome"], values, job.encoding, passed_over)
    notes += said_nothing(job.goal, trials)
    values |= {**limits, **({"notes": [*values.get("notes", ()), *notes]} if notes else {})}
    if job.timetable is not None:
        tried = as_tried(values["genome"], trials, job.encoding)
        values |= _best(own) if (own := longest(trials, tried)) else {}
        against = against_baseline(trials, tried, len(job.data.y_val))
        values |= {"timetable": job.timetable.record(), "time": job.timetable.words(), "baseline": against}
        values["against"] = words(against) if against else None
    record = replace(job.record, status="done")
    if job.extras:
        write_report(record, job.goal, trials, values, job.encoding, job.archive, folder)
    write(folder, values)
    if final is not None and job.extras:
        enough = job.timetable is None or left is None or left() > program_seconds(job.timetable, 1 + len(final.others))
        begun = time.monotonic()
        notes = job.domain.add_program(folder, job.encoding) if enough else [NO_TIME.format(job.name)]
        values["cost"] = {**values["cost"], "program": time.monotonic() - begun if enough else None}
        values["notes"] = [*values.get("notes", ()), *notes]
        write(folder, values)
    return Result(folder, values)


def of_trial(result: Result, trial: Trial, number: int) -> Result:
    """The result of another trial than the best, written anew: its own figures, and which it is, counted from 1."""
    values = {**result.values, **_of(trial), "trial": number}
    write(result.folder, values)
    return replace(result, values=values)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def write_summary(job: Job, trials: Sequence[Trial], reason: str) -> None:
    """`result.json` of a search that goes on: what there is so far."""
    write(job.folder, summary(job.record, job.goal, trials, reason))


def unwritten(folder: Path, error: OSError) -> EvonasError:
    return EvonasError(f"the results cannot be written to {str(folder)!r}: {error.strerror or error}")


def write(folder: Path, values: Mapping[str, Any]) -> None:
    """`result.json`, whole."""
    text = json.dumps(values, indent=2, ensure_ascii=False)
    write_text(folder / "result.json", text + "\n")


def summary(record: RunRecord, goal: Goal, trials: Sequence[Trial], reason: str) -> dict[str, Any]:
    """What `result.json` holds, as far as it is known before the best network is trained in full."""
    best = goal.best(trials)
    return {
        "run": record.name,
        "task": record.task.name,
        "encoding": record.encoding,
        "method": record.method,
        "surrogate": record.surrogate,
        "seed": record.seed,
        "trials": counted(trials),
        "failed": sum(trial.evaluation.status == "failed" for trial in trials),
        "seconds": trials[-1].elapsed if trials else 0.0,
        "objectives": [{"name": one.name, "maximize": one.maximize} for one in goal.objectives],
        **_best(best),
        **front_of(goal, trials),
        "test_accuracy": None,
        "params": None,
        "flops": None,
        "model_kb": None,
        "genome": best.evaluation.candidate.genome if best else None,
        "reason": reason,
        "device": record.device,
        "evonas": record.versions.get("evonas"),
    }


def _best(trial: Trial | None) -> dict[str, Any]:
    """Of the trial whose genome is trained in full."""
    return {**_of(trial), "best_trial": trial.number if trial else None}


def _of(trial: Trial | None) -> dict[str, Any]:
    found = trial.evaluation if trial else None
    return {
        "metrics": figures(found.metrics) if found else {},
        "fidelity": found.candidate.fidelity if found else None,
        "val_accuracy": found.metrics.get("val_accuracy") if found else None,
    }


def report_again(archive: Archive, run: str, out: str | None = None) -> Path:
    """Write the report of a run, finished or not, from what the archive holds alone: the data are not needed.

    Raises EvonasError where there is no such run, or the folder holds something else.
    """
    record, trials = archive.run(run), archive.trials(run)
    goal = recorded_goal(record)
    record = replace(record, status=status(archive, run, record.status))
    folder = results_folder(run, out or record.config.get("out"))
    check_folder(folder, run)
    folder.mkdir(parents=True, exist_ok=True)
    values = summary(record, goal, trials, record.status) | dict(record.result or {})
    return write_report(record, goal, trials, values, _encoding_of(record), archive, folder)


def recorded_goal(record: RunRecord) -> Goal:
    """What a run was for, by what its result says, else by its options."""
    limits = record.config.get("limits") or ()
    asked = Goal.parse(
        str(record.config.get("objectives") or "val_accuracy"),
        [str(one) for one in (limits if isinstance(limits, list | tuple) else [limits])],
    )
    recorded = (record.result or {}).get("objectives")
    if not recorded:
        return asked
    try:
        found = tuple(Objective(str(one["name"]), bool(one["maximize"])) for one in recorded)
    except (TypeError, KeyError) as error:
        raise EvonasError(f"the run {record.name!r} is recorded with objectives that are none: {recorded!r}") from error
    return Goal(found, asked.constraints)


def _encoding_of(record: RunRecord) -> Encoding[Any] | None:
    """None where it cannot be made any more: the report goes without what only an encoding knows."""
    try:
        trust.admit([record.encoding], source=f"the run {record.name!r} of the archive")
        return make_encoding(record.encoding)
    except EvonasError as error:
        log.warning("the report shows no drawing and no memory, for want of the encoding: %s", error)
        return None


def write_report(
    record: RunRecord,
    goal: Goal,
    trials: Sequence[Trial],
    values: Mapping[str, Any],
    encoding: Encoding[Any] | None,
    archive: Archive,
    folder: Path,
) -> Path:
    """`report.html` in `folder`."""
    from evonas import report

    run = {**vars(record), "task": vars(record.task)}
    path = folder / "report.html"
    sections = _domain_sections(record, values.get("examples") or {})
    sections += report.sections(record, trials, encoding, archive, goal) if encoding is not None else []
    report.write_report(
        path,
        run=run,
        trials=trials,
        result=values,
        encoding=encoding,
        goal=goal,
        sections=sections,
        export=f"{export_command(record.name, record.config.get('archive'))} --out FOLDER" if _trains(record) else None,
    )
    return path


def _trains(record: RunRecord) -> bool:
    """Whether the run's networks are evonas' own, which can be taken away."""
    try:
        return domain_named(record.task.domain).trains
    except EvonasError:
        return False


def _domain_sections(record: RunRecord, examples: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the kind of data shows of its examples; nothing where that kind is not installed any more."""
    try:
        kind = domain_named(record.task.domain)
        return unless_odd("some examples", lambda: list(kind.sections(examples)), [])
    except EvonasError as error:
        log.warning("the report shows no examples of the data: %s", error)
        return []
