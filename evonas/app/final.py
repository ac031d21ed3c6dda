"""A run's final training: what it is to be, what it was, what stays where it diverges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from evonas.app.baseline import as_tried, longest
from evonas.app.limits import dearer_in_several_forms
from evonas.app.preparation import Job
from evonas.core.errors import Diverged
from evonas.core.figures import duration
from evonas.core.genomes import freeze
from evonas.core.optional import JudgesForms, Recommending
from evonas.core.paired import Paired
from evonas.core.surroundings import unchanged
from evonas.core.types import Searcher, Trial
from evonas.domains.domain import FinalTraining
from evonas.memory.archive import RunRecord
from evonas.search.limits import Limited

JUDGING, AT_LEAST = 0.02, 0.2  # of the final training's seconds, and seconds, to judge test-time augmentation


def planned(
    job: Job, searcher: Searcher[Any], trials: Sequence[Trial], seconds: Callable[[int], float | None]
) -> FinalTraining | None:
    """Of the genomes that the searcher recommends, else the best trials'; None where no trial was good.

    How many seconds there are for so many networks is asked last: what is decided before takes time.
    """
    best, *others = _genomes(job, searcher, trials) or [None]
    if best is None:
        return None
    judged = _judged(job, best, trials)
    return FinalTraining(best, seconds(1 + len(others)), judged, tuple(others))


def _genomes(job: Job, searcher: Searcher[Any], trials: Sequence[Trial]) -> list[Any]:
    """As many different ones as the network is to be made of, or as there are; the best first."""
    found: list[Any] = []
    if job.goal.best(trials) is None:  # nothing within limits, it may be, and no time for anything else
        nearest = searcher.recommend() if isinstance(searcher, Limited) else None
        return found if nearest is None else [nearest]
    if isinstance(searcher, Recommending):
        while len(found) < job.config.ensemble and (genome := searcher.recommend(found)) is not None:
            found.append(genome)
    if not found:
        good = [trial.evaluation for trial in trials if trial.evaluation.ok]
        ranked = sorted(good, key=job.goal.rank, reverse=True)  # of equals the first stays the first
        found = list(dict.fromkeys(evaluation.candidate.genome for evaluation in ranked))[: job.config.ensemble]
    return found


def _judged(job: Job, genome: Any, trials: Sequence[Trial]) -> Paired | None:
    """What test-time augmentation is worth to the network of the genome's longest training in the search, which has not
    learned from validation examples; None where it is not wanted, or that network is not there."""
    own = longest(trials, as_tried(genome, trials, job.encoding))
    if job.timetable is None or job.config.tta == "off" or own is None or not isinstance(job.trainer, JudgesForms):
        return None
    if dearer_in_several_forms(job.goal):
        return None
    return job.trainer.judge_forms(own.evaluation, genome, max(AT_LEAST, JUDGING * job.timetable.final))


def recorded(record: RunRecord) -> FinalTraining | None:
    """What a run's own final training was; None where it has had none, or was given more to search since."""
    result = record.result or {}
    if record.status != "done" or result.get("genome") is None:
        return None
    had = result.get("final") or {"genome": result["genome"]}  # earlier versions kept no more
    judged = Paired(**had["judged"]) if had.get("judged") else None
    genomes = {"genome": freeze(had["genome"]), "others": freeze(had.get("others", ()))}
    return FinalTraining(**{**had, **genomes, "judged": judged})


def carried_out(job: Job, final: FinalTraining, trials: Sequence[Trial], folder: Path) -> Mapping[str, Any]:
    """Do it, and return what `result.json` says of it. Where it diverges the network that there is stays: an earlier
    final training's, else the best of the search.

    Raises Diverged where there is none.
    """
    try:
        with unchanged():
            found = job.domain.finish(job.trainer, final, job.config.encoding, job.config.seed, folder)
        notes = [*found.get("notes", ()), *_fewer(job, final), *_looks_once(job)]
        return {"genome": final.genome, "final": asdict(final), **found, "notes": notes}
    except Diverged as error:
        why, had = f"the final training {error}", earlier(job)
        if had and folder == job.folder:
            return {**had, "notes": [f"{why}; the network stays that of the earlier final training"]}
        for trial in best_first(job, trials):
            evaluation = trial.evaluation
            found = job.domain.hand_over(job.trainer, evaluation, job.config.encoding, folder, test=True)
            if found is not None:
                stays = f"the network stays the best of the search, trained for {duration(evaluation.seconds)}"
                return {"genome": evaluation.candidate.genome, **found, "notes": [f"{why}; {stays}"]}
        raise Diverged(f"{why}; search with another --seed") from error


def _fewer(job: Job, final: FinalTraining) -> list[str]:
    """A line where there are fewer genomes than the network was to be made of."""
    wanted, there = job.config.ensemble, 1 + len(final.others)
    return [f"--ensemble {wanted}: the search had no more than {there} to recommend"] if there < wanted else []


def _looks_once(job: Job) -> list[str]:
    """A line where limits alone decide that there is no test-time augmentation."""
    if job.timetable is None or job.config.tta == "off" or not dearer_in_several_forms(job.goal):
        return []
    return ["no test-time augmentation: it takes several times the operations and the time that are limited"]


def earlier(job: Job) -> Mapping[str, Any]:
    """What the result of a run that goes on says of the network that its final training left; else nothing."""
    had = job.record.result or {}
    shown = ("genome", "final", "test_accuracy", "params", "flops", "model_kb", "images")
    there = had.get("final") and (job.folder / "genome.json").exists()
    return {name: freeze(had.get(name)) for name in shown} if there else {}


def best_first(job: Job, trials: Sequence[Trial]) -> list[Trial]:
    """Those that succeeded, within limits before others, by validation alone: a longer training may have a worse
    network."""
    good = [trial for trial in trials if np.isfinite(job.goal.value(trial.evaluation))]
    return sorted(good, key=lambda trial: job.goal.merit(trial.evaluation), reverse=True)
