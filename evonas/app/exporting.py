"""A run's network, taken away: as files for other programs. What is not there yet is trained first."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evonas.app.card import write_card
from evonas.app.final import planned, recorded
from evonas.app.folders import EXPORTED, FILES, check_folder, owner_of
from evonas.app.formats import Format, check_files, write_formats
from evonas.app.networks import Place, located
from evonas.app.preparation import Job, prepare_resume
from evonas.app.results import Result, finish, of_trial, write
from evonas.app.searcher import searcher_after
from evonas.core.errors import EvonasError
from evonas.core.figures import duration
from evonas.core.genomes import freeze
from evonas.core.types import Encoding, Trial
from evonas.domains.domain import Data, FinalTraining


@dataclass(frozen=True)
class Again:
    """What is needed to train the network of a run that had its data, or its encoding, as objects."""

    archive: str | None = None
    data: Data | None = None
    encoding: Encoding[Any] | None = None


def export(
    run: str,
    out: str | Path | None = None,
    *,
    formats: Sequence[Format] = (),
    trial: int | None = None,
    again: bool = False,
    archive: str | None = None,
    data: Data | None = None,
    encoding: Encoding[Any] | None = None,
    say: Callable[[str], Any] = lambda line: None,
) -> Result:
    """Write a run's network, in some formats, to the folder `out`, or beside it; the run stays as it is.

    Args:
        run: its name, its folder, or a folder that a network was exported to.
        formats: see `evonas.app.formats`; what a search leaves where none is given.
        trial: the network of this trial, counted from 1, instead of the run's; it is trained in full.
        again: do the run's final training again, though its network is there.
        data, encoding: arrays, or an encoding, that the run was given as objects, if it has to be trained.
        say: gets a line on what is trained and what is written.

    Raises EvonasError where there is no such run, it has no network, the folder holds something else, or a format
    cannot take the network.
    """
    place = located(run, archive)
    if out is None and not formats:
        raise EvonasError("nothing to write: give --format, or --out FOLDER, or both")
    found = _there(place, run, out, trial, again, archive)
    if found is None:
        found = _trained(run, out, trial, Again(archive, data, encoding), say)
    elif place.record is not None and place.record.status != "done":
        say(f"the search of {run!r} is not finished: this is its best network so far; --again trains it in full")
    target = Path(out) if out is not None else found.folder
    name = str(found.values["run"])
    names = (*FILES, *EXPORTED) if formats else FILES
    check_folder(target, name, files=names if owner_of(target) or target != found.folder else ())
    check_files(target, formats)
    target.mkdir(parents=True, exist_ok=True)
    values = dict(found.values)
    if target.resolve() != found.folder.resolve():
        values = _copied(found, target, formats)
    written = write_formats(found.folder, target, formats) if formats else Result(target, values).files
    result = Result(target, values)
    written += write_card(found.folder, result, say)
    say(f"written to {target}: {', '.join(written)}")
    return result


def _there(
    place: Place, run: str, out: str | Path | None, trial: int | None, again: bool, archive: str | None
) -> Result | None:
    """The network that is asked for, where it has been trained: the run's, or an earlier export of the same trial."""
    if place.record is None and (trial is not None or again):
        option = "--again" if again else f"--trial {trial}"
        raise EvonasError(f"{option} trains a network of a run: give the run's name, not the folder {run!r}")
    if again or (trial is None and not place.has_network):
        return None
    if trial is None:
        return Result(place.folder, _values(place.folder, run))
    from evonas.memory.archive import Archive

    wanted = _numbered(Archive(archive).trials(run), trial, run).evaluation.candidate.genome
    assert place.record is not None
    final = recorded(place.record)
    if final is not None and place.has_network and (final.genome, final.others) == (wanted, ()):
        return Result(place.folder, _values(place.folder, run))
    earlier = Path(out) if out is not None else None
    if earlier is not None and (earlier / "genome.json").is_file():
        values = _values(earlier, "")
        if (values["run"], values.get("trial"), freeze(values.get("genome"))) == (run, trial, wanted):
            return Result(earlier, values)
    return None


def _values(folder: Path, name: str) -> Mapping[str, Any]:
    """What the folder's `result.json` says; of a network that came without one, its name alone."""
    try:
        values = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        return values if isinstance(values, dict) and "run" in values else {"run": name}
    except (OSError, ValueError):
        return {"run": name}


def _copied(found: Result, target: Path, formats: Sequence[Format]) -> dict[str, Any]:
    """Without a format everything that a search leaves; otherwise the result, but for the pictures in it, which are
    training images: who gets a network need not get them."""
    values = dict(found.values)
    for file in FILES if not formats else ():
        if (found.folder / file).exists():
            shutil.copyfile(found.folder / file, target / file)
    if formats:
        values.pop("examples", None)
        write(target, values)
    return values


def _trained(run: str, out: str | Path | None, number: int | None, given: Again, say: Callable[[str], Any]) -> Result:
    if out is None:
        raise EvonasError(f"the network has to be trained: give --out FOLDER for it; run {run!r} stays as it is")
    job = prepare_resume(run, archive=given.archive, data=given.data, encoding=given.encoding)
    trials = job.archive.trials(run)
    if job.goal.best(trials) is None and recorded(job.record) is None:
        raise EvonasError(
            f"run {run!r} has no successful trial to export; go on with it: evonas resume {shlex.quote(run)}"
        )
    check_folder(Path(out), run)
    trial = None if number is None else _numbered(trials, number, run)
    final, why = _final(job, trials) if trial is None else _final_of(job, trial, number)
    if final is not None:
        length = "in full" if final.seconds is None else f"for {duration(final.seconds)}"
        what = f"the genome {final.genome!r}"
        what += f" and {len(final.others)} more" if final.others else ""
        say(f"training {length} {what}, {why}")
    passed_over = (job.record.result or {}).get("passed_over", 0)
    result = finish(job, trials, "exported", Path(out), final, passed_over=passed_over)
    return result if trial is None or number is None else of_trial(result, trial, number)


def _numbered(trials: Sequence[Trial], number: int, run: str) -> Trial:
    """Trials count from 1, as on the screen and in the report. Raises EvonasError where there is no such one, or it has
    failed."""
    counted = [trial for trial in trials if trial.evaluation.status != "absent"]
    if not 1 <= number <= len(counted):
        raise EvonasError(f"--trial {number}: run {run!r} has the trials 1 to {len(counted)}; evonas runs show {run}")
    trial = counted[number - 1]
    if not trial.evaluation.ok:
        why = (str(trial.evaluation.error or "").splitlines() or [trial.evaluation.status])[-1]
        raise EvonasError(f"--trial {number} of run {run!r} failed, and has no network: {why}")
    return trial


def _final_of(job: Job, trial: Trial, number: int | None) -> tuple[FinalTraining, str]:
    seconds = None if job.timetable is None else job.timetable.final
    return FinalTraining(trial.evaluation.candidate.genome, seconds), f"that of trial {number}"


def _final(job: Job, trials: Sequence[Trial]) -> tuple[FinalTraining | None, str]:
    """The final training that a run had, or would have if its search ended now, and a word on which it is."""
    seconds = None if job.timetable is None else job.timetable.final
    final = recorded(job.record)
    if final is None:
        final = planned(job, searcher_after(job, trials), trials, lambda networks: seconds)
        return final, "which the search would recommend now"
    return replace(final, seconds=final.seconds or seconds), "as in the run's own final training"
