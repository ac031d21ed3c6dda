"""A run's network, taken away: as files for other programs. What is not there yet is trained first."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evonas.app.card import write_card
from evonas.app.final import recorded
from evonas.app.folders import EXPORTED, FILES, check_folder, owner_of
from evonas.app.formats import Format, check_files, checked, write_formats
from evonas.app.networks import Place, located
from evonas.app.picking import BEST, check_pick
from evonas.app.picking import pick as picked
from evonas.app.results import Result, recorded_goal, write
from evonas.app.retraining import Again, number_of, numbered, trained
from evonas.core.errors import Diverged, EvonasError
from evonas.core.files import all_whole
from evonas.core.fronts import members
from evonas.core.genomes import freeze
from evonas.core.goals import Goal
from evonas.core.parsing import read_json
from evonas.core.types import Encoding
from evonas.domains.domain import Data

if TYPE_CHECKING:
    from evonas.memory.archive import RunRecord


def export(
    run: str,
    out: str | Path | None = None,
    *,
    formats: Sequence[Format] = (),
    pick: str | int | None = None,
    trial: int | None = None,
    again: bool = False,
    archive: str | None = None,
    data: Data | None = None,
    encoding: Encoding[Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    say: Callable[[str], Any] = lambda line: None,
    **objects: Any,
) -> Result:
    """Write a run's network, in some formats, to the folder `out`, or beside it; the run stays as it is.

    Args:
        run: its name, its folder, or a folder that a network was exported to.
        formats: see `evonas.app.formats`; what a search leaves where none is given.
        pick: the network of this member of the front instead (`evonas.app.picking.pick`): `best`, `knee`, a limit as
            `latency_ms<=1`, or its place, counted from 1; it is trained in full.
        trial: the network of this trial, counted from 1, instead of the run's; it is trained in full.
        again: do the run's final training again, though its network is there.
        data, encoding, metrics, objects: what the run was given as objects (`groups=…`), if there is to be a training.
        say: gets a line on what is trained and what is written.

    Raises EvonasError where there is no such run, it has no network, the folder holds something else, or a format
    cannot take the network.
    """
    place = located(run, archive)
    if out is None and not formats:
        raise EvonasError("nothing to write: give --format, or --out FOLDER, or both")
    given = Again(run, archive, data, encoding, metrics, objects)
    if pick is not None:
        trial = _picked(place, given, pick, trial)
    return _exported(place, out, formats, trial, again, given, say)


def export_front(
    run: str,
    out: str | Path,
    *,
    formats: Sequence[Format] = (),
    archive: str | None = None,
    data: Data | None = None,
    encoding: Encoding[Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    say: Callable[[str], Any] = lambda line: None,
    **objects: Any,
) -> list[Result]:
    """`export` for every member of the front, in its order, each to a folder in `out` by the number of its trial, so
    that one that has been exported is found again when the front has changed: `trial-7`.

    Raises EvonasError as `export` does; where a training diverges, after all others have been written.
    """
    place, given = located(run, archive), Again(run, archive, data, encoding, metrics, objects)
    if place.record is None:
        raise EvonasError(f"--all trains the networks of a run: give the run's name, not the folder {run!r}")
    found, lost = [], []
    for member in members(_goal(place.record, given, "--all"), given.trials):
        number = number_of(given.trials, member.trial)
        try:
            found.append(_exported(place, Path(out) / f"trial-{number}", formats, number, False, given, say))
        except Diverged as error:
            lost.append(f"that of trial {number} was not: {error}")
    if not found and not lost:
        raise EvonasError(f"run {run!r} has no successful trial; go on with it: evonas resume {shlex.quote(run)}")
    if lost:
        raise EvonasError(f"{len(found)} networks were written; {'; '.join(lost)}")
    return found


def _exported(
    place: Place,
    out: str | Path | None,
    formats: Sequence[Format],
    trial: int | None,
    again: bool,
    given: Again,
    say: Callable[[str], Any],
) -> Result:
    run = given.run
    formats = checked(formats)
    names = (*FILES, *EXPORTED) if formats else FILES
    found = _there(place, out, trial, again, given)
    if found is None:
        if out is not None:  # before the data are loaded, and anything is trained
            check_folder(Path(out), run, files=names)
            check_files(Path(out), formats)
        found = trained(out, trial, given, say)
    elif trial is None and place.record is not None and place.record.status != "done":
        say(f"the search of {run!r} is not finished: this is its best network so far; --again trains it in full")
    target = Path(out) if out is not None else found.folder
    name = str(found.values["run"])
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


def _picked(place: Place, given: Again, pick: str | int, trial: int | None) -> int | None:
    """The number of the trial that is picked; None where it is the run's own network."""
    if trial is not None:
        raise EvonasError(f"--pick {pick} and --trial {trial} exclude one another; give one")
    if place.record is None:
        raise EvonasError(f"--pick {pick} takes a network of a run: give the run's name, not the folder {given.run!r}")
    check_pick(pick)
    if str(pick).strip() == BEST:
        return None
    goal = _goal(place.record, given, f"--pick {pick}")
    return number_of(given.trials, picked(pick, goal, given.trials, given.run))


def _goal(record: RunRecord, given: Again, option: str) -> Goal:
    """What the run is for. Raises EvonasError where that is one objective."""
    goal = recorded_goal(record) if record.result else given.job.goal  # a method may add an objective of its own
    if len(goal.objectives) == 1:
        raise EvonasError(
            f"{option}: run {given.run!r} has one objective and no front; give --pick {BEST} or --trial N, or search "
            f"for several: --objectives {goal.first.name},params"
        )
    return goal


def _there(place: Place, out: str | Path | None, trial: int | None, again: bool, given: Again) -> Result | None:
    """The network that is asked for, where it has been trained: the run's, or an earlier export of the same trial."""
    run = given.run
    if place.record is None and (trial is not None or again):
        option = "--again" if again else f"--trial {trial}"
        raise EvonasError(f"{option} trains a network of a run: give the run's name, not the folder {run!r}")
    if again or (trial is None and not place.has_network):
        return None
    if trial is None:
        return Result(place.folder, _values(place.folder, run))
    wanted = numbered(given.trials, trial, run).evaluation.candidate.genome
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
        values = read_json(folder / "result.json")
        return values if isinstance(values, dict) and "run" in values else {"run": name}
    except (OSError, ValueError):
        return {"run": name}


def _copied(found: Result, target: Path, formats: Sequence[Format]) -> dict[str, Any]:
    """Without a format everything that a search leaves; otherwise the result, but for the pictures in it, which are
    training and test images: who gets a network need not get them."""
    values = dict(found.values)
    files = [] if formats else found.files
    with all_whole(target, *files) as unfinished:
        for file in files:
            shutil.copyfile(found.folder / file, unfinished / file)
    if formats:
        values.pop("examples", None)
        if isinstance(values.get("quality"), Mapping):
            values["quality"] = {**values["quality"], "mistakes": []}
        write(target, values)
    return values
