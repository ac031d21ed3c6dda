"""The words of evonas and its six agreements.

Everything in the engine, the surrogates and the benchmarks is an `Encoding`, a `Ranker`, a `Searcher`, an
`Evaluator`, a `Store` or a `Callback`. They are protocols: to join, have the methods; there is no base class.
Randomness is always an argument (`numpy.random.Generator`); nothing here holds random state.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, Self, TypeVar, get_args, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "Callback",
    "Candidate",
    "Encoding",
    "Evaluation",
    "Evaluator",
    "G",
    "Origin",
    "Ranker",
    "Searcher",
    "Status",
    "Store",
    "Task",
    "Trial",
]

G = TypeVar("G", bound=Hashable)

# "absent": a table has no such architecture, or what was measured before its training breaks a limit; the search is
# told so, and it is no trial
Status = Literal["ok", "failed", "absent"]
STATES: tuple[str, ...] = get_args(Status)

# where a candidate came from; "maximized": made from the best-looking ones under a ranker, "promoted": trained before
# at a lower fidelity
Origin = Literal["unknown", "sampled", "mutated", "crossed", "maximized", "policy", "warm start", "promoted"]


@dataclass(frozen=True)
class Task:
    """What a network is searched for.

    `input_shape` is that of one input of a network, without the batch: (channels, height, width) of an image,
    (channels, length) of a series. `features` are the data's descriptors (what a surrogate may see of a task);
    `fingerprint` tells by content whether two tasks hold the same data (`evonas.domains.fingerprint.same_data`);
    `domain` is the kind of data. A task without inputs (a table, an evaluator of a user's own) has the shape (), no
    classes (0) where it has none, and an empty fingerprint.
    """

    name: str
    input_shape: tuple[int, ...]
    n_classes: int
    features: Mapping[str, float] = field(default_factory=dict)
    fingerprint: str = ""
    domain: str = "images"


@dataclass(frozen=True)
class Candidate(Generic[G]):
    """A genome to be evaluated at a `fidelity` (share of the full epochs, 0 < f ≤ 1).

    `parents` are evaluated genomes that it was made from, `origin` says how. `known` are metrics that were measured of
    its network before and hold again; they are no part of what it is.
    """

    genome: G
    fidelity: float = 1.0
    parents: tuple[G, ...] = ()
    origin: Origin = "unknown"
    known: Mapping[str, float] = field(default_factory=dict, compare=False, repr=False)


INFRASTRUCTURE = ("timeout: ", "worker died", "worker lost: ", "cancelled")  # how the errors of executors begin


@dataclass(frozen=True)
class Evaluation(Generic[G]):
    """The result of a candidate: its metrics (empty where it failed), its cost in seconds, and why it failed.

    `error` is one line; `traceback` is where in whose file it was raised, for whoever mends it.
    """

    candidate: Candidate[G]
    metrics: Mapping[str, float]
    seconds: float = 0.0
    status: Status = "ok"
    error: str | None = None
    traceback: str | None = None

    @property
    def ok(self) -> bool:
        return self.status == "ok"

    @property
    def infrastructure(self) -> bool:
        """Whether it failed for a reason that says nothing of the architecture: a time limit, a worker that died.

        A ranker does not learn it as a bad one.
        """
        return self.status == "failed" and (self.error or "").startswith(INFRASTRUCTURE)

    @classmethod
    def failure(
        cls, candidate: Candidate[G], error: str, seconds: float = 0.0, traceback: str | None = None
    ) -> Evaluation[G]:
        return cls(candidate, {}, seconds, "failed", error, traceback)


@runtime_checkable
class Encoding(Protocol[G]):
    """Genomes and what they mean. A genome is immutable, hashable, picklable and made of JSON values and tuples.

    What an encoding may have besides is in `evonas.core.optional`: `canonical`, `graph`, `space`.
    """

    def sample(self, rng: np.random.Generator) -> G: ...

    def mutate(self, genome: G, rng: np.random.Generator) -> G: ...

    def crossover(self, a: G, b: G, rng: np.random.Generator) -> G: ...

    def features(self, genome: G) -> Mapping[str, float]:
        """Named numbers, the same names for every genome: what a surrogate may see. NaN is allowed."""
        ...

    def build(self, genome: G, task: Task) -> nn.Module:
        """The network: (n, *task.input_shape) floats in, (n, task.n_classes) logits out."""
        ...


class Ranker(Protocol):
    """Orders genomes by their features; only the order of `predict` matters, higher is better.

    Targets `y` are signed so that higher is better; a failed evaluation is NaN. What a ranker may have besides is in
    `evonas.core.optional`: the class method `recall`, and `acquire`, `predict_with_deviation`, `earlier_tasks`,
    `trust`, `describe`.
    """

    def fit(self, X: np.ndarray, y: np.ndarray, groups: Sequence[Any] | np.ndarray) -> Self:
        """From earlier tasks: (n, d) features, (n,) targets, (n,) the task of each row."""
        ...

    def adapt(self, X: np.ndarray, y: np.ndarray) -> Self:
        """From *all* results of the task at hand so far, each time results arrive; not incremental."""
        ...

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n,) scores, higher is better."""
        ...


@runtime_checkable
class Searcher(Protocol[G]):
    """Suggests candidates and learns from evaluations. Random search is one too.

    A searcher is made from a `SearchContext`: `(context, **options)`. It holds no random state: the loop gives the
    k-th `ask` the generator `default_rng([seed, k])`, so that the recorded evaluations, observed again, bring it to
    where it was. `ask` may return fewer than `n` where nothing new is left; every candidate of a run is distinct from
    those observed and those pending. A candidate says truthfully where it came from (`origin`), and its `parents` have
    been observed. What a searcher may have besides is in `evonas.core.optional`: `propose`, `goal`, `describe`, ….
    """

    def ask(self, n: int, rng: np.random.Generator) -> Sequence[Candidate[G]]: ...

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None: ...


class Evaluator(Protocol[G]):
    """Trains a candidate, or looks it up. Picklable, and pure in its arguments. May raise: that is a failure."""

    def __call__(self, candidate: Candidate[G], task: Task, seed: int) -> Evaluation[G]: ...


@dataclass(frozen=True)
class Trial(Generic[G]):
    """A recorded evaluation.

    `number` is the ask it came from, `after` how many evaluations had been told before that ask, `elapsed` the
    wall-clock seconds its search had taken when it was told.
    """

    run: str
    number: int
    after: int
    evaluation: Evaluation[G]
    elapsed: float = 0.0


class Store(Protocol):
    """Remembers every evaluation. `append` returns when the trial is safe on disk."""

    def append(self, trial: Trial) -> None: ...

    def trials(
        self, run: str | None = None, *, encoding: str | None = None, task: str | None = None
    ) -> Sequence[Trial]:
        """In the order they were told, those of one run, one encoding (by its plain name), one task (by name)."""
        ...


class Callback(Protocol):
    """Watches a search. All methods are called in the loop's own thread, `told` after the trial is stored."""

    def started(self, task: Task, observed: Sequence[Trial], /) -> None: ...

    def asked(self, number: int, candidate: Candidate, /) -> None: ...

    def told(self, trial: Trial, /) -> None: ...

    def ended(self, reason: str, /) -> None: ...
