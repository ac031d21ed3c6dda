"""What a search is for: metrics, objectives, constraints, and which of two results is the better one.

This is the only place that knows what a metric means and what "best" is; searchers, successive halving, early
stopping, displays, reports, results and benchmarks ask here.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

from evonas.core import plugins
from evonas.core.errors import EvonasError, choices
from evonas.core.figures import NOTHING, Kind, written

if TYPE_CHECKING:
    from evonas.core.types import Evaluation, Trial


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Metric:
    """A named number that an evaluation returns.

    Args:
        name: the key in `Evaluation.metrics`.
        maximize: whether more of it is better; None where nobody has said.
        label: what people read; by default the name without underscores.
        kind: how a figure is written for people.
        unit: of the raw number, as files hold it; empty for fractions and plain numbers.
        before_training: whether it is known exactly from the genome alone, before anything is trained.
        untrained: whether it is measured on a network that need not be trained.
        cost: whether it is what a network takes (parameters, time, memory) rather than how good it is; reports set the
            objective against it.
    """

    name: str
    maximize: bool | None = None
    label: str = ""
    kind: Kind = "plain"
    unit: str = ""
    before_training: bool = False
    cost: bool = False
    untrained: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z_][\w.@/-]*", self.name):
            raise EvonasError(
                f"{self.name!r} is no name of a metric; give a letter, then letters, digits or any of _ . @ / -"
            )
        if not self.label:
            object.__setattr__(self, "label", self.name.replace("_", " "))

    def text(self, value: float | None) -> str:
        """A value as people read it, with its unit: `metric('latency_ms').text(1.25)` -> `1.250 ms`. A loss goes
        without, as everybody writes it."""
        figure = written(value, self.kind)
        bare = self.kind != "plain" or self.unit in ("", "nats") or figure == NOTHING
        return figure if bare else f"{figure} {self.unit}"


BUILT_IN = (
    Metric("val_accuracy", True, "validation accuracy", "percent"),
    Metric("train_accuracy", True, "training accuracy", "percent"),
    Metric("test_accuracy", True, "test accuracy", "percent"),
    Metric("balanced_accuracy", True, "balanced accuracy", "percent"),
    Metric("f1_macro", True, "macro F1"),
    Metric("auc", True, "area under the ROC curve"),
    Metric("val_loss", False, "validation loss", unit="nats"),
    Metric("test_loss", False, "test loss", unit="nats"),
    Metric("params", False, "parameters", "count", before_training=True, cost=True),
    Metric("flops", False, "FLOPs", "count", before_training=True, cost=True),
    Metric("macs", False, "multiply-adds", "count", before_training=True, cost=True),
    Metric("model_kb", False, "weights file", unit="kB", before_training=True, cost=True),
    Metric("seconds", False, "training time", "seconds", "s", cost=True),
    Metric("peak_memory_mb", False, "peak memory", "megabytes", "MB", cost=True),
    Metric("latency_ms", False, "latency", unit="ms", cost=True, untrained=True),
    Metric("latency_batch_ms", False, "latency of a batch", unit="ms", cost=True, untrained=True),
    Metric("latency_onnx_ms", False, "latency in ONNX Runtime", unit="ms", cost=True, untrained=True),
    Metric("latency_table_ms", False, "latency by the table", unit="ms", before_training=True, cost=True),
    Metric("latency_seconds", False, "latency", "seconds", "s", cost=True),
)
"""The metrics that evonas itself returns. `macs` and `latency_seconds` are columns of tables; `model_kb` is what a
network's numbers and the table of their names take in `model.safetensors`, in 1024 bytes."""

NEVER_SEARCHED = ("test_accuracy", "test_loss")  # the test set is touched once, at the end

_registered: dict[str, Metric] = {}


def register_metric(new: Metric) -> Metric:
    """Make a metric of a user's own known in this process; one that a package brings has an entry point in the group
    `evonas.metrics` instead. Raises EvonasError where another metric has this name.
    """
    known = known_metrics().get(new.name)
    if known is not None and known != new:
        raise EvonasError(f"a metric named {new.name!r} is known already, as {known}; give yours another name")
    _registered[new.name] = new
    return new


def known_metrics() -> Mapping[str, Metric]:
    """Name -> metric: built-in ones, those of installed packages, and those registered by call."""
    return {**{one.name: one for one in BUILT_IN}, **_installed(), **_registered}


@cache
def _installed() -> Mapping[str, Metric]:
    """Those of packages. A broken one is no reason not to search for others: it is left out, and said so."""
    found = {}
    for name, entry in plugins.available("evonas.metrics").items():
        try:
            loaded = entry.load()
        except Exception as error:
            log.warning("metric %r of %r cannot be loaded: %s: %s", name, entry.value, type(error).__name__, error)
            continue
        if isinstance(loaded, Metric):
            found[loaded.name] = loaded
        else:
            log.warning("metric %r of %r is a %s, not a Metric", name, entry.value, type(loaded).__name__)
    return found


def metric(name: str) -> Metric:
    """The metric of that name. One that nobody registered is read by its name: `…accuracy` in percent, `…_seconds`,
    `…_mb`; whether more of it is better is then not known. `val_accuracy@0.33` reads like `val_accuracy`.
    """
    known = known_metrics()
    if name in known:
        return known[name]
    plain, at, fidelity = name.partition("@")
    if at and plain in known:
        one = known[plain]
        return Metric(name, one.maximize, f"{one.label} at {fidelity}", one.kind, one.unit)
    kind: Kind = "plain"
    if name.endswith("accuracy"):
        kind = "percent"
    elif name.endswith("_seconds"):
        kind = "seconds"
    elif name.endswith("_mb"):
        kind = "megabytes"
    label = name.replace("_", " ")
    return Metric(name, None, label, kind) if re.fullmatch(r"[A-Za-z_][\w.@/-]*", name) else _Odd(name, None, label)


class _Odd(Metric):
    """A column of somebody's, whatever it is called: good enough to be shown, never parsed."""

    def __post_init__(self) -> None:
        pass


@dataclass(frozen=True)
class Objective:
    """A metric to be made large (`maximize`) or small. Its text form is `name`, or `-name` to minimize."""

    name: str
    maximize: bool = True

    def __str__(self) -> str:
        return self.name if self.maximize else f"-{self.name}"

    @property
    def metric(self) -> Metric:
        return metric(self.name)

    def value(self, metrics: Mapping[str, float]) -> float:
        """The metric with its sign turned so that higher is better; `-inf` where it is missing or no number."""
        value = _number(metrics, self.name)
        return -math.inf if math.isnan(value) else float(self.signed(value))

    def signed(self, values: Any) -> Any:
        """A value, or an array of them, with its sign turned so that higher is better."""
        return values if self.maximize else -values

    @classmethod
    def parse(cls, text: str) -> Objective:
        """`val_accuracy`, `-params` (the text form), or `f1:max`, `regret:min` for a metric that nobody registered.

        Raises EvonasError where the metric is unknown and its direction is not said, or the direction contradicts
        what is known of it.
        """
        name, colon, direction = text.strip().partition(":")
        minus = name.startswith("-")
        name = name.removeprefix("-")
        known = known_metrics().get(name)
        if name in NEVER_SEARCHED:
            raise EvonasError(f"{name!r} is never searched for: the test set is touched once, at the end; give another")
        if colon:
            if direction not in ("min", "max") or minus:
                raise EvonasError(f"cannot read the objective {text!r}; write {name}:min or {name}:max")
            return cls(name, direction == "max") if known else cls(Metric(name).name, direction == "max")
        if known is None or known.maximize is None:
            raise EvonasError(
                f"no metric named {name!r} to search for; there are {choices(searchable())}, "
                f"or say whether more of yours is better: {name}:max or {name}:min"
            )
        if minus and known.maximize:
            raise EvonasError(
                f"objective {text!r} would search for the worst {known.label}; write {name}, "
                f"or {name}:min if you mean it"
            )
        return cls(name, known.maximize)


def searchable() -> list[str]:
    """Names of the metrics that can be searched for without saying in which direction."""
    return [name for name, one in known_metrics().items() if one.maximize is not None and name not in NEVER_SEARCHED]


def searchable_names() -> list[str]:
    """The same for a help text, where nothing may be imported: built-in metrics, then those of packages by name."""
    built_in = [one.name for one in BUILT_IN if one.maximize is not None and one.name not in NEVER_SEARCHED]
    return [*built_in, *sorted(plugins.available("evonas.metrics"))]


VAL_ACCURACY = Objective("val_accuracy")


@dataclass(frozen=True)
class Constraint:
    """A limit on a metric: `params <= 200_000`."""

    name: str
    bound: float
    at_most: bool = True

    def __str__(self) -> str:
        bound = f"{self.bound:.0f}" if self.bound.is_integer() and abs(self.bound) < 1e15 else repr(self.bound)
        return f"{self.name}{'<=' if self.at_most else '>='}{bound}"

    @property
    def metric(self) -> Metric:
        return metric(self.name)

    def violation(self, metrics: Mapping[str, float]) -> float:
        """0 where the limit is kept, else how far it is exceeded, as a share of the bound; inf where it is missing."""
        value = _number(metrics, self.name)
        if math.isnan(value):
            return math.inf
        over = value - self.bound if self.at_most else self.bound - value
        return max(0.0, over) / (abs(self.bound) or 1.0)

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """`params<=200000` or `val_accuracy>=0.9`; underscores may group digits. Raises EvonasError."""
        found = re.fullmatch(r"\s*([A-Za-z_][\w.@/-]*)\s*(<=|>=)\s*(\S+)\s*", text)
        try:
            if found is None:
                raise ValueError
            bound = float(found[3])
            if not math.isfinite(bound):
                raise ValueError
        except ValueError:
            raise EvonasError(f"cannot read the limit {text!r}; write for example params<=200000") from None
        if found[1] in NEVER_SEARCHED:
            raise EvonasError(
                f"{text!r} is no limit of a search: the test set is touched once, at the end; limit val_accuracy"
            )
        return cls(found[1], bound, found[2] == "<=")


@dataclass(frozen=True)
class Goal:
    """Objectives and constraints; the first objective decides what is best, all of them what is on the front.

    Results are compared in this order: one with a finite first objective before a failed one; one that keeps all
    constraints before one that does not (Deb 2000, Comput. Methods Appl. Mech. Eng. 186); one of a higher fidelity
    before one of a lower, for half a training is no record; of two that break constraints the smaller violation; then
    the first objective, then the others in order, so that the best is on the front; then the lower `val_loss`, which
    tells networks of equal accuracy apart.

    Raises EvonasError where there is no objective, or one is named twice.
    """

    objectives: tuple[Objective, ...] = (VAL_ACCURACY,)
    constraints: tuple[Constraint, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "objectives", tuple(self.objectives))
        object.__setattr__(self, "constraints", tuple(self.constraints))
        if not self.objectives:
            raise EvonasError("a search needs at least one objective, for example 'val_accuracy'")
        names = [objective.name for objective in self.objectives]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise EvonasError(f"objective {twice!r} is named twice; name each metric once")

    def __str__(self) -> str:
        return ",".join(map(str, (*self.objectives, *self.constraints)))

    @classmethod
    def parse(cls, objectives: str, limits: Iterable[str] = ()) -> Goal:
        """From `'val_accuracy,params'` and limits like `'params<=200000'`.

        Raises EvonasError where one cannot be read, or two limits contradict one another.
        """
        names = [name.strip() for name in objectives.split(",") if name.strip()]
        if not names:
            raise EvonasError(
                f"objectives {objectives!r} name none; give for example val_accuracy or val_accuracy,params"
            )
        constraints = tuple(map(Constraint.parse, limits))
        for most, least in product(constraints, repeat=2):
            if most.name == least.name and most.at_most and not least.at_most and most.bound < least.bound:
                raise EvonasError(f"the limits {most} and {least} contradict one another; leave one out")
        return cls(tuple(map(Objective.parse, names)), constraints)

    @property
    def first(self) -> Objective:
        """The objective that decides what is best."""
        return self.objectives[0]

    def with_objective(self, further: Objective) -> Goal:
        """This goal with one more objective."""
        return Goal((*self.objectives, further), self.constraints)

    def only_first(self) -> Goal:
        """This goal with its first objective alone."""
        return Goal(self.objectives[:1], self.constraints)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics that it needs, each once: what an evaluation has to return."""
        return tuple(dict.fromkeys(part.name for part in (*self.objectives, *self.constraints)))

    def value(self, evaluation: Evaluation[Any]) -> float:
        """The first objective, signed so that higher is better; `-inf` for a failed evaluation or a missing metric."""
        return self.first.value(evaluation.metrics) if evaluation.ok else -math.inf

    def values(self, evaluation: Evaluation[Any]) -> tuple[float, ...] | None:
        """All objectives, signed so that higher is better; None where the evaluation failed or one is missing."""
        if not evaluation.ok:
            return None
        values = tuple(objective.value(evaluation.metrics) for objective in self.objectives)
        return values if all(map(math.isfinite, values)) else None

    def feasible(self, metrics: Mapping[str, float]) -> bool:
        """Whether all constraints are kept."""
        return self.violation(metrics) == 0

    def violation(self, metrics: Mapping[str, float]) -> float:
        """The sum of the constraints' violations, each as a share of its bound."""
        return sum(constraint.violation(metrics) for constraint in self.constraints)

    def broken(self, metrics: Mapping[str, float]) -> list[Constraint]:
        """The constraints that these metrics break; one whose metric is not among them is not judged."""
        return [one for one in self.constraints if one.name in metrics and one.violation(metrics) > 0]

    def excess(self, metrics: Mapping[str, float]) -> float:
        """The sum of the violations of the constraints whose metrics are there."""
        return sum(one.violation(metrics) for one in self.broken(metrics))

    def said(self, metrics: Mapping[str, float]) -> str:
        """What is broken, in words: `params 25194 breaks params<=20000`."""
        return ", ".join(f"{one.name} {metrics[one.name]:.6g} breaks {one}" for one in self.broken(metrics))

    def merit(self, evaluation: Evaluation[Any]) -> tuple[float, float]:
        """What a searcher goes by: (minus the violation, the first objective signed), the greater the better; -inf
        both where the evaluation failed. Without constraints that is the objective alone."""
        value = self.value(evaluation)
        return (-self.violation(evaluation.metrics), value) if math.isfinite(value) else (-math.inf, -math.inf)

    def rank(self, evaluation: Evaluation[Any]) -> tuple[float, ...]:
        """A key for comparisons: the greater the better."""
        if not self._counts(evaluation):
            return (0.0,)
        violation = self.violation(evaluation.metrics)
        return (
            1.0,
            float(violation == 0),
            evaluation.candidate.fidelity,
            -violation,
            *(objective.value(evaluation.metrics) for objective in self.objectives),
            _LOSS.value(evaluation.metrics),
        )

    def better(self, one: Evaluation[Any], other: Evaluation[Any]) -> bool:
        """Whether the first is better than the second, by the order of the class; equal ones are not."""
        return self.rank(one) > self.rank(other)

    def best(self, trials: Sequence[Trial[Any]]) -> Trial[Any] | None:
        """The first of the best; None where none succeeded."""
        good = [trial for trial in trials if self._counts(trial.evaluation)]
        return max(good, key=lambda trial: self.rank(trial.evaluation), default=None)

    def records(self, trials: Sequence[Trial[Any]]) -> list[int]:
        """Positions at which the best so far changed hands, the last being that of `best`.

        Only what could be the best in the end counts: half a training is no record where there are whole ones, nor is
        what breaks a constraint where others keep them all.
        """
        found: list[int] = []
        for i in self._contenders(trials):
            if not found or self.better(trials[i].evaluation, trials[found[-1]].evaluation):
                found.append(i)
        return found

    def comparable(self, trials: Sequence[Trial[Any]]) -> list[int]:
        """Positions of the successful trials with the highest fidelity: only such are compared with one another."""
        good = [i for i, trial in enumerate(trials) if self._counts(trial.evaluation)]
        return _at_highest(trials, good)

    def front(self, trials: Sequence[Trial[Any]]) -> list[Trial[Any]]:
        """The feasible trials that no other dominates, of the highest fidelity that a feasible one has; best by the
        first objective first.

        Of several with the same values the better one stands for all, the first of equals.
        """
        points: dict[tuple[float, ...], Trial[Any]] = {}
        for i in self._contenders(trials):
            one = trials[i].evaluation
            values = self.values(one)
            if values is None or not self.feasible(one.metrics):
                continue
            if values not in points or self.better(one, points[values].evaluation):
                points[values] = trials[i]
        kept: list[tuple[float, ...]] = []
        for values in sorted(points, reverse=True):  # none can be dominated by one that comes later
            if not any(_dominates(other, values) for other in kept):
                kept.append(values)
        return [points[values] for values in kept]

    def _counts(self, evaluation: Evaluation[Any]) -> bool:
        return math.isfinite(self.value(evaluation))

    def _contenders(self, trials: Sequence[Trial[Any]]) -> list[int]:
        """Positions of those among which the best is: feasible ones where there are any, of the highest fidelity."""
        good = [i for i, trial in enumerate(trials) if self._counts(trial.evaluation)]
        return _at_highest(trials, [i for i in good if self.feasible(trials[i].evaluation.metrics)] or good)

    def hypervolume(self, trials: Sequence[Trial[Any]], reference: Sequence[float]) -> float:
        """The volume that the front dominates, up to `reference`, one raw value an objective (Zitzler & Thiele 1999,
        IEEE TEC 3(4)). 0 where no trial is better than the reference in every objective.

        Raises EvonasError where the reference has another number of values than there are objectives.
        """
        if len(reference) != len(self.objectives):
            raise EvonasError(
                f"the reference {tuple(reference)} has {len(reference)} values for {len(self.objectives)} objectives"
            )
        import moocore
        import numpy as np

        front = self.front(trials)
        signs = [1.0 if objective.maximize else -1.0 for objective in self.objectives]
        values = [self.values(trial.evaluation) for trial in front]
        if not values:
            return 0.0
        worst = np.array([sign * bound for sign, bound in zip(signs, reference, strict=True)], dtype=float)
        return float(moocore.hypervolume(np.array(values, dtype=float), ref=worst, maximise=True))


def _at_highest(trials: Sequence[Trial[Any]], positions: Sequence[int]) -> list[int]:
    highest = max((trials[i].evaluation.candidate.fidelity for i in positions), default=1.0)
    return [i for i in positions if trials[i].evaluation.candidate.fidelity >= highest]


def _number(metrics: Mapping[str, Any], name: str) -> float:
    """The metric as a float; NaN where it is missing or no number."""
    try:
        return float(metrics.get(name, math.nan))
    except (TypeError, ValueError):
        return math.nan


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """As good in everything and better in something."""
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


_LOSS = Objective("val_loss", maximize=False)
