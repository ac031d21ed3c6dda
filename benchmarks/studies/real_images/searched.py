"""`evonas search` as a system: its options, and what may be changed of it without an option."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from evonas.core import trust
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.optional import CallbackDefaults
from evonas.core.specs import joined_spec, split_spec
from evonas.core.types import Candidate, Trial
from evonas.encodings.net import NetEncoding
from evonas_surrogates.meta import MetaSurrogate
from studies.real_images.shipped import MODEL, Memory, memory_for

if TYPE_CHECKING:
    from evonas.app.preparation import Job
    from evonas.app.results import Result
    from evonas.app.timetable import Timetable
    from evonas.domains.images import Images


class Forgetful(MetaSurrogate):
    """The memory's ranker without the memory: it learns from the search's own results only, by the same model."""

    @classmethod
    def recall(cls, context: SearchContext[Any], **options: Any) -> Self:
        return cls(**options).fit(np.zeros((0, 0)), np.zeros(0), ())


class NeverVaried(NetEncoding):
    """`net`, but what a trained network says of mirrored and shifted images is not heard. Genes of the recipe that vary
    images are still sampled and mutated."""

    def augmented(self, genome: Any, kept: Mapping[str, float]) -> Any:
        return genome


def lowest_rung(timetable: Timetable) -> Timetable:
    """Nothing rises: all trainings of the search are of the lowest rung."""
    return replace(timetable, fidelities=timetable.fidelities[:1])


def without_portfolio(timetable: Timetable) -> Timetable:
    """No genome is known beforehand, the fixed baseline neither."""
    return replace(timetable, portfolio=0)


@dataclass(frozen=True)
class Found:
    """A finished search, the seconds after which the first network that can be used was in its folder, and the earlier
    tasks that it knew."""

    job: Job
    result: Result
    trials: list[Trial]
    usable: float
    known: tuple[str, ...]


@dataclass(frozen=True)
class Searched:
    """A system: `evonas search --deadline` with these options, in an archive of its own. Its memory is the one that
    evonas ships, without what shares images with the data (their `sources`, or else their name).

    Args:
        options: of `evonas search`.
        timetable: what is changed of how the deadline is divided.
        encoding: instead of `net`, under its name.
        model: the file of the memory, which says what there is to forget.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    timetable: Callable[[Timetable], Timetable] | None = None
    encoding: Callable[[], NetEncoding] = NetEncoding
    model: Path = MODEL

    def __call__(self, data: Images, seconds: float, seed: int) -> Mapping[str, Any]:
        found = self.search(data, seconds, seed)
        evaluations = [trial.evaluation for trial in found.trials]
        return {
            "test_accuracy": found.result["test_accuracy"],
            "params": found.result["params"],
            "genome": found.result["genome"],
            "trials": [[e.candidate.fidelity, e.metrics.get("val_accuracy"), e.candidate.genome] for e in evaluations],
            "images": found.result["images"],
            "usable_seconds": found.usable,
            "known": found.known,
            "memory": found.result["memory"],
        }

    def search(self, data: Images, seconds: float, seed: int) -> Found:
        """Raises EvonasError where the search finds no network."""
        from evonas.app.config import SearchConfig
        from evonas.app.job import carry_out, prepare

        memory, options = self.remembering(data)
        trust.given(*(value for value in options.values() if isinstance(value, str)))
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            own = {"out": str(Path(folder) / "out"), "archive": str(Path(folder) / "archive.db")}
            given = {"data": "memory", "encoding": "net", "device": "cpu", "deadline": seconds, "seed": seed}
            config = SearchConfig.make({**given, **own, **options})
            job = prepare(config, data=data, encoding=self.encoding(), began=began)
            if self.timetable is not None and job.timetable is not None:
                job = replace(job, timetable=self.timetable(job.timetable))
            first = FirstNetwork(job.folder / "model.safetensors", began)
            result = carry_out(job, [first])
            if result["test_accuracy"] is None:
                raise EvonasError(f"no training of {data.name!r} in {seconds:g} s ended well; give it more --seconds")
            usable = first.seconds or time.monotonic() - began
            return Found(job, result, list(job.archive.trials(job.name)), usable, memory.known)

    def remembering(self, data: Images) -> tuple[Memory, Mapping[str, Any]]:
        """What the memory knows, and the options by which it forgets what shares images with these."""
        name, options = split_spec(self.options.get("surrogate", "meta"))
        if name != "meta":
            return Memory(), self.options
        memory = memory_for(data.metadata.get("sources", [data.name]), self.model)
        if memory.forget:
            options["forget"] = ",".join(memory.forget)
        return memory, {**self.options, "surrogate": joined_spec(name, options)}


class FirstNetwork(CallbackDefaults):
    """When a network was in the folder first: a trial's is written before the next one is asked for."""

    def __init__(self, path: Path, began: float):
        self.path, self.began = path, began
        self.seconds: float | None = None

    def asked(self, number: int, candidate: Candidate[Any]) -> None:
        if self.seconds is None and self.path.exists():
            self.seconds = time.monotonic() - self.began

    def ended(self, reason: str) -> None:
        self.asked(0, Candidate(None))
