"""What a kind of data is to a search: how it is split, trained on, described and brought back.

Images, series and evaluators of a user's own are domains; an installed package adds one by an entry point in the group
`evonas.domains`. Nothing outside of a domain's folder knows what its data look like: the job, the results and the
report ask here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from evonas.core import plugins
from evonas.core.errors import EvonasError, choices
from evonas.core.fixed import NOTHING, Fixed
from evonas.core.goals import Goal
from evonas.core.own_metrics import OwnMetric
from evonas.core.paired import Paired
from evonas.core.types import Candidate, Encoding, Evaluation, Evaluator, Task
from evonas.domains.labels import word

GROUP, SOURCES = "evonas.domains", "evonas.tasks"


@runtime_checkable
class Data(Protocol):
    """A whole data set, as a source gives it; its class names its domain."""

    domain: ClassVar[str]

    @property
    def name(self) -> str: ...


@runtime_checkable
class LeavesOut(Protocol):
    """Data whose source passed files over, or clipped values: one line each."""

    @property
    def left_out(self) -> Sequence[str]: ...


class Split(Protocol):
    """What one run works with: the task, and whatever its domain's trainer needs."""

    @property
    def task(self) -> Task: ...


@dataclass(frozen=True)
class TrainingOptions:
    """How a run trains, where its domain can: full epochs (None: chosen by the data), a device's name, the folder of
    its checkpoints (None: it leaves none), whether children start from their parents' weights, the folder where each
    evaluation leaves its network (None: it leaves none), whether the final network also learns from validation
    examples that were given, metrics of a user's own, and what all trainings have in common."""

    epochs: int | None = None
    device: str = "auto"
    checkpoints: Path | None = None
    inherit: bool = False
    kept: Path | None = None
    refit_all: bool = False
    own: tuple[OwnMetric, ...] = ()
    fixed: Fixed = NOTHING


@dataclass(frozen=True)
class FinalTraining:
    """What a run ends with: the genome that is trained in full, for how many seconds (None: the trainer's own length),
    what test-time augmentation was worth to it in the search (None: it was not judged), and further genomes, the next
    best first: all share the seconds, and the network gives the mean of their probabilities."""

    genome: Any
    seconds: float | None = None
    judged: Paired | None = None
    others: tuple[Any, ...] = ()

    @property
    def tta(self) -> bool:
        """Whether the network looks at inputs in several forms."""
        return self.judged is not None and self.judged.helps


class Trainer(Protocol):
    """An evaluator that names what it computes on, in public words."""

    def __call__(self, candidate: Candidate[Any], task: Task, seed: int) -> Evaluation[Any]: ...

    def device_name(self) -> str: ...


class Domain(Protocol):
    """One kind of data. Stateless: data, split and trainer are its values, and only it looks inside them.

    `name` is what `--data` sources' classes, `Task.domain` and `genome.json` call it; `encoding` is the spec of the
    encoding that a search has where none is named, empty where one must be; `without` are the options of a search that
    mean nothing here, and are refused; `trains` says whether evonas trains networks, which can be exported, `deadline`
    whether a search that is given no budget has a deadline that suits the data.
    """

    name: str
    encoding: str
    without: Sequence[str]
    trains: bool
    deadline: bool

    def from_arrays(self, x: Any, y: Any, x_test: Any = None, y_test: Any = None, **options: Any) -> Data:
        """Data held in memory; options `name`, `class_names` and the domain's own. Raises EvonasError."""
        ...

    def split(self, data: Any, *, seed: int, train_size: int | None = None) -> Split:
        """Training, validation and test parts and the task they make, drawn by `seed`. Raises EvonasError."""
        ...

    def found(self, split: Any) -> Sequence[str]:
        """Lines that say what was found: how much of what, in which classes and parts."""
        ...

    def check(self, encoding: Encoding[Any], task: Task, rng: np.random.Generator) -> None:
        """Try the encoding on the task. Raises EvonasError, one line, where it breaks its contract."""
        ...

    def trainer(self, encoding: Encoding[Any], split: Any, options: TrainingOptions) -> Any:
        """A `Trainer`. Raises EvonasError where an option is not for this domain."""
        ...

    def evaluator(self, trainer: Any, goal: Goal) -> Evaluator[Any]:
        """The trainer, or what also measures what the goal asks for."""
        ...

    def finish(self, trainer: Any, final: FinalTraining, encoding: str, seed: int, folder: Path) -> Mapping[str, Any]:
        """Do the final training, touch the test set once, and write the network to the folder. Raises Diverged, the
        folder as it was.

        `encoding` is the spec by which it is found again. Returns what `result.json` says of it: `test_accuracy`,
        `params`, `flops`, `seconds`, and `notes` on what could not be done.
        """
        ...

    def add_program(self, folder: Path, encoding: Any = None) -> Sequence[str]:
        """Write what else there may be of the network that `finish` wrote, and takes seconds; notes on what could not
        be. The encoding is made from its name where it is not given."""
        ...

    def hand_over(
        self, trainer: Any, evaluation: Evaluation[Any], encoding: str, folder: Path, *, test: bool = False
    ) -> Mapping[str, Any] | None:
        """Write the network of an evaluation to the folder as it is; None where there is none to write.

        Returns what `result.json` says of it: `params`, `flops`, and with `test`, which touches the test set once,
        `test_accuracy`.
        """
        ...

    def network(self, model: Any, preprocessing: Any, class_names: tuple[str, ...], shape: tuple[int, ...]) -> Any:
        """What `evonas.load` gives of the network that `finish` wrote: an `evonas.domains.network.Network`."""
        ...

    def examples(self, split: Any) -> Mapping[str, Any]:
        """A little of the data as JSON values, kept with the run for its report; empty where there is nothing."""
        ...

    def sections(self, examples: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """(title, HTML) pairs that the report shows of these examples."""
        ...


def refuse_left_out(data: Data) -> None:
    """What `strict` asks for. Raises EvonasError where anything was passed over or clipped."""
    lines = data.left_out if isinstance(data, LeavesOut) else ()
    if lines:
        more = f"; and {len(lines) - 3} more" if len(lines) > 3 else ""
        raise EvonasError(f"--strict: of {data.name!r} was left out: {'; '.join(lines[:3])}{more}")


def domain_named(name: str) -> Domain:
    """Raises EvonasError, with the choices, where there is none of this name."""
    if not isinstance(name, str):
        raise EvonasError(f"{name!r} is no domain; there are {choices(plugins.available(GROUP))}")
    return plugins.make(GROUP, name)


@runtime_checkable
class OffersSets(Protocol):
    """A source that has data sets by names of their own: `torchvision:MNIST`."""

    names: Sequence[str]


def _point_to_a_set(name: str) -> None:
    """Raises EvonasError where a name is no source, but near one of a source's data sets."""
    if not re.fullmatch(r"[\w .-]+", name):  # a path, a module
        return
    for source in sorted(plugins.available(SOURCES)):
        try:
            offered = plugins.resolve(SOURCES, source)
        except EvonasError:
            continue
        plain = {_letters(one): one for one in offered.names} if isinstance(offered, OffersSets) else {}
        near = get_close_matches(_letters(name), plain, 1, 0.75)
        if near:
            raise EvonasError(
                f"no {plugins.kind(SOURCES)} named {name!r}; did you mean {f'{source}:{plain[near[0]]}'!r}? "
                f"There are also {choices(plugins.available(SOURCES))}"
            )


def _letters(name: str) -> str:
    return re.sub(r"\W|_", "", name).lower()


def takes_root(spec: str) -> bool:
    """Whether it may matter to a source where data sets that are downloaded lie: torchvision's, or anybody else's."""
    name = spec.partition(":")[0]
    entry = plugins.available(SOURCES).get(name)
    return name == "torchvision" or entry is None or not entry.value.startswith("evonas.domains.")


def load_data(spec: str, *, root: Path | None = None) -> Data:
    """The data that `spec` names: `digits`, `npz:PATH`, `series:PATH`, a user's `file.py:loader`, ….

    `root` is where data sets that are downloaded lie or go. Raises EvonasError, one line, where there are none, or the
    source gives something that belongs to no domain.
    """
    if word(spec) != spec:
        raise EvonasError(f"--data {word(spec)!r} is no UTF-8; rename that file or folder, or give a link to it")
    name, _, argument = spec.partition(":")
    if name in plugins.available(SOURCES):
        try:
            found = plugins.resolve(SOURCES, name)(argument, root=root)
        except OSError as error:  # a name that is too long, a folder that may not be looked into, a disk that fails
            raise EvonasError(f"--data {spec} cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            if "\0" not in spec:
                raise
            raise EvonasError(f"--data {spec!r} names no file: no name has a zero byte") from error
    else:
        _point_to_a_set(spec)
        found = plugins.make(SOURCES, spec, "", root=root)
    if not isinstance(found, Data):
        raise EvonasError(
            f"{spec!r} gave a {type(found).__name__}, not Images; evonas.domains.images.images_from_arrays makes them, "
            "evonas.domains.series.series_from_arrays makes Series"
        )
    return found
