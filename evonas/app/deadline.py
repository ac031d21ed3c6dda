"""A search for a deadline: its time divided, its searcher in rungs, the final training in what is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evonas.app.config import SearchConfig
from evonas.app.timetable import MOST_BUSY, SHORTEST, Timetable, refuse_too_short
from evonas.core import environment
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.faults import placed
from evonas.core.genomes import freeze
from evonas.core.optional import HasPortfolio, MultiFidelity, Suggesting, WrapsSearcher
from evonas.core.types import Candidate, Encoding, Searcher, Task, Trial
from evonas.encodings.within import Within
from evonas.search.rungs import Rungs, shifted
from evonas.search.warm_start import WarmStart

VALIDATED = 0.5  # of the fixed baseline's training images a second: validating takes a fifth of a training's time
SPILL = 0.08  # share of the final training's seconds that the search's last training may take of it
FURTHER = 1.0  # seconds that model.pt2 takes longer for each further network in it
MEASURED, AT_MOST = 0.01, 1.0  # share of a deadline, and seconds, that the speed of the fixed baseline is measured
UNKNOWN = 1.5  # times as much as by now, before the data are read
OFTEN = 3.0  # epochs in a training of the lowest rung, from which on it shows whether shifted images help
LONG = 20.0  # epochs of a final training of the fixed baseline in which all networks see the images often enough
TRIED = 3  # networks, where the first cannot be trained


def check_time(config: SearchConfig, began: float) -> None:
    """Raises DeadlineTooShort where nothing can be trained any more before the deadline of a new run. It is asked
    before each long step: who has no time should not wait for the answer."""
    if config.timetable is None and isinstance(config.deadline, int | float):
        refuse_too_short(config.deadline, time.monotonic() - began, margin=UNKNOWN)


def divide(config: SearchConfig, trainer: Any, encoding: Encoding[Any], began: float) -> tuple[Timetable, Any]:
    """How the time is divided, anew or as the run has it already, and a trainer that keeps to it.

    Raises EvonasError where the time is too short.
    """
    if config.timetable is not None:
        timetable = Timetable.from_record(config.timetable)
        timetable = timetable if config.deadline in (None, "auto") else timetable.until(float(config.deadline))
    else:
        task, data = trainer.data.task, trainer.data
        deadline = None if config.deadline in (None, "auto") else float(config.deadline)
        measured = AT_MOST if deadline is None else min(AT_MOST, MEASURED * deadline)
        genomes, apart = portfolio(encoding, task, config.seed), trainer.device != "cpu" and has_workers(config)
        trainer, speed, busy = _measured(trainer, genomes, config.seed, measured, apart)
        images = len(data.y_train) + (len(data.y_val) if data.refits(config.refit_all) else 0)
        before = time.monotonic() - began
        timetable = Timetable.make(deadline or Timetable.suited(before, images, speed), before, images, speed, busy)
    return timetable, replace(
        trainer, epochs=None, seconds=timetable.final, probe=True, validated=VALIDATED * timetable.speed
    )


def has_workers(config: SearchConfig) -> bool:
    """Whether other processes train than the one that searches."""
    return config.executor != "processes" or config.workers > 1 or bool(config.per_device or config.timeout)


def _measured(trainer: Any, genomes: Sequence[Any], seed: int, seconds: float, apart: bool) -> tuple[Any, float, float]:
    """What `_fastest` finds for the first of some genomes whose network can be trained at all. Raises EvonasError."""
    last: Exception | None = None
    for genome in genomes[:TRIED]:
        try:
            return _fastest(trainer, genome, seed, seconds, apart)
        except Exception as error:  # whatever a user's network raises: in the search it is a failed trial
            last = error
    assert last is not None
    name, number = type(trainer.encoding).__name__, len(genomes[:TRIED])
    raise EvonasError(
        f"none of {number} networks of the encoding {name!r} could be trained to measure their speed; the last one "
        f"raised {placed(last)}"
    ) from last


def _fastest(trainer: Any, genome: Any, seed: int, seconds: float, apart: bool) -> tuple[Any, float, float]:
    """The trainer, the images a second that it trains a genome's network with, and how busy the machine is.

    On a machine that is busy otherwise, threads that wait for one another take many times as long as one alone: where
    one is faster, there is one. `apart`: by a process that ends then; this one would keep memory on a GPU.
    """
    from evonas.training.sharing import rate_apart

    start, worked = time.monotonic(), time.thread_time()
    tried = [trainer]
    if trainer.device == "cpu" and trainer.threads is None and environment.threads() > 1:
        tried.append(replace(trainer, threads=1))
    rate = rate_apart if apart else type(trainer).rate
    speeds = [rate(each, Candidate(genome), seed, seconds / len(tried))["images_per_second"] for each in tried]
    best = int(np.argmax(speeds))
    busy = (time.monotonic() - start) / max(time.thread_time() - worked, 1e-3) if trainer.device == "cpu" else 1.0
    return tried[best], speeds[best], min(MOST_BUSY, max(1.0, busy))


def portfolio(encoding: Encoding[Any], task: Task, seed: int) -> Sequence[Any]:
    """Genomes to begin with, the fixed baseline first; of an encoding without a portfolio random ones."""
    rng = np.random.default_rng(seed)
    return first_of(encoding, task) or [encoding.sample(rng) for _ in range(TRIED)]


def first_of(encoding: Encoding[Any], task: Task, trials: Sequence[Trial] = ()) -> list[Any]:
    """The genomes that a search may begin with: an encoding's portfolio; of others none.

    `trials` are those of a run that was begun by a version which did not record its first genomes: where none of them
    is one, it had none.
    """
    if trials and all(trial.evaluation.candidate.origin != "warm start" for trial in trials):
        return []
    return list(encoding.portfolio(task)) if isinstance(encoding, HasPortfolio) else []


def with_first(
    context: SearchContext[Any], timetable: Timetable | None, first: Sequence[Any] | None = None, head: int = 1
) -> SearchContext[Any]:
    """The context with the genomes that are tried first: of those that may be, by default the encoding's, as many as
    the timetable says, or all; the `head` of them for certain, unless it says none.

    A budget of trials must not decide it: a run that is given more of them goes on as if it had always had them.
    """
    found = first_of(context.encoding, context.task) if first is None else first
    number = None if timetable is None else timetable.portfolio and max(head, timetable.portfolio)
    return replace(context, first=freeze(found)[:number])


def begun(
    searcher: Searcher[Any], context: SearchContext[Any], timetable: Timetable | None, head: int = 1
) -> Searcher[Any]:
    """The searcher with the genomes that are tried first, and in rungs where there is a deadline; one that has
    fidelities of its own has the one within begin with them."""
    if isinstance(searcher, MultiFidelity):
        if isinstance(searcher, WrapsSearcher):
            searcher.searcher = begun(searcher.searcher, context, None, head)
        return searcher
    context = replace(context, first=remembered(searcher, context, head))
    if timetable is not None:
        if timetable.epochs >= OFTEN and context.first:
            baseline, *others = context.first
            context = replace(
                context, first=tuple(dict.fromkeys([baseline, shifted(context.encoding, baseline), *others]))
            )
        patience = timetable.final_epochs >= LONG
        return Rungs(context, searcher, timetable.fidelities, context.first, patience=patience)
    return WarmStart(context, searcher) if context.first else searcher


def remembered(searcher: Searcher[Any], context: SearchContext[Any], head: int = 1) -> tuple[Any, ...]:
    """As many genomes to begin with as the context has: the `head` (the fixed baseline, what a user gave), the one of
    the encoding's own that suits such data best, behind it what the memory suggests, as far as it goes and fits within
    limits, then others of the encoding's own. Earlier tasks may all have been of other kinds."""
    first, encoding = context.first, context.encoding
    if len(first) < 2 or not isinstance(searcher, Suggesting):
        return first
    suggested = searcher.suggestions(len(first))
    if isinstance(encoding, Within):
        suggested = encoding.all_fitted(suggested)
    return tuple(dict.fromkeys([*first[: head + 1], *suggested, *first]))[: len(first)]


def fits(timetable: Timetable) -> Callable[[Candidate[Any], float], bool]:
    """Whether a candidate's training, begun after so many seconds of search, ends within the search.

    A little later will do (`SPILL`): the final training takes what is left. Between two trainings a network is built,
    written and shown, which takes its time too.
    """
    latest = timetable.search + SPILL * timetable.final
    return lambda candidate, elapsed: elapsed + timetable.final * candidate.fidelity <= latest


def final_seconds(timetable: Timetable, began: float, observed: Sequence[Trial], networks: int = 1) -> float:
    """Seconds for the final training, a search of which so much was `observed` before this process `began`; of so many
    networks, which take longer to write.

    What the search left over goes to it, up to a quarter more than was planned.
    """
    longer = program_seconds(timetable, networks) - program_seconds(timetable)
    left = time_left(timetable, began, observed) - timetable.writing - longer
    return max(SHORTEST, min(left, 1.25 * timetable.final))


def program_seconds(timetable: Timetable, networks: int = 1) -> float:
    """Seconds that the writing of model.pt2 may take, of so many networks in it."""
    return timetable.program + (networks - 1) * FURTHER * timetable.busy


def time_left(timetable: Timetable, began: float, observed: Sequence[Trial]) -> float:
    """Seconds until the deadline."""
    earlier = timetable.before + observed[-1].elapsed if observed else 0.0
    return timetable.deadline - earlier - (time.monotonic() - began)
