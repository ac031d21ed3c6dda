"""Define-by-run: a function that calls `trial.suggest_…`, as for Optuna, is the space. Optuna is not needed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.types import Task
from evonas.encodings.hyperparameters import Choices, Numbers
from evonas.encodings.named import Build, Genome, Hyperparameter, NamedEncoding

if TYPE_CHECKING:
    from torch import nn

WITHOUT_NEWS = 100  # runs in a row that suggest no new name, until all are taken to be known
MOST = 5000  # runs that look for names


class Suggestions:
    """Stands in for Optuna's trial: `suggest_int`, `suggest_float`, `suggest_categorical` (Akiba et al. 2019, KDD).

    A wanted value is suggested where it holds, another is drawn; a name that is asked for again keeps its value.

    Args:
        wanted: name -> value.
        rng: draws what is not wanted; where missing, EvonasError is raised there.
    """

    def __init__(self, wanted: Mapping[str, Any], rng: np.random.Generator | None = None):
        self.made: dict[str, tuple[Any, Hyperparameter]] = {}
        self._wanted, self._rng = wanted, rng

    @property
    def params(self) -> dict[str, Any]:
        """Name -> value of what has been suggested so far."""
        return {name: value for name, (value, _) in self.made.items()}

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return self._suggest(name, Numbers(name, low, high, step, log, whole=True))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return self._suggest(name, Numbers(name, low, high, step, log))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._suggest(name, Choices(name, tuple(choices)))

    def __getattr__(self, name: str) -> Any:
        raise EvonasError(
            f"trial.{name} is not there where a space is defined by run; use suggest_int, suggest_float and "
            "suggest_categorical, and leave reports and pruning to the search"
        )

    def _suggest(self, name: str, what: Hyperparameter) -> Any:
        value, before = self.made.get(name, (None, None))
        if before is not None and before.holds(value) and what.holds(value):
            return value
        if before is not None:
            raise EvonasError(f"{name!r} is suggested twice, as {before} and as {what}; give each its own name")
        if name in self._wanted and what.holds(self._wanted[name]):
            value = self._wanted[name]
        elif self._rng is None:
            raise EvonasError(f"the genome has no value for {name!r}, which is {what}; has the function changed?")
        else:
            value = what.draw(self._rng)
        self.made[name] = (value, what)
        return value


class DefineByRun(NamedEncoding):
    """The space that a function of a trial suggests; it may suggest other names by what was suggested before.

    Features are of the names that a hundred random runs in a row have no other than: what is suggested more rarely is
    searched, but not described. The function is run for each genome, and again for its variation: let it suggest, and
    leave the network to `build`. Without one, what it returns is the network; it is then run on torch's device `meta`,
    which computes nothing, but where the network itself is made.

    Args:
        suggest: trial -> anything; it suggests the same names for the same values.
        build: (what `suggest` returned, task) -> network.
    """

    def __init__(self, suggest: Callable[[Any], Any], build: Build | None = None):
        if not callable(suggest):
            raise EvonasError(f"DefineByRun({suggest!r}) is no function; give one that calls trial.suggest_int, …")
        self._suggest, self._build = suggest, build

    def complete(self, wanted: Mapping[str, Any], rng: np.random.Generator) -> Mapping[str, tuple[Any, Hyperparameter]]:
        trial = Suggestions(wanted, rng)
        with nullcontext() if self._build else _computing_nothing():
            self._suggest(trial)
        if not trial.made:
            raise EvonasError("DefineByRun: the function suggests nothing; let it call trial.suggest_int(name, …), …")
        return trial.made

    def known(self) -> Mapping[str, Hyperparameter]:
        return self._known

    def build(self, genome: Genome, task: Task) -> nn.Module:
        made = self._suggest(Suggestions(dict(genome)))
        return self._build(made, task) if self._build else made

    @cached_property
    def _known(self) -> Mapping[str, Hyperparameter]:
        found: dict[str, Hyperparameter] = {}
        rng, news = np.random.default_rng(0), 0
        for number in range(MOST):
            before = len(found)
            for name, (_, what) in self.complete({}, rng).items():
                found.setdefault(name, what)
            news = number if len(found) > before else news
            if number - news >= WITHOUT_NEWS:
                break
        return dict(sorted(found.items()))


def _computing_nothing() -> Any:
    import torch

    return torch.device("meta")
