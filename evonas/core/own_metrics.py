"""A metric of a user's own: any function of a genome, of its network, or of the trained network or what that answers,
which gives a number."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.faults import placed
from evonas.core.goals import BUILT_IN, Metric, known_metrics, register_metric

GROUP = "evonas.metrics"
GENOME, NETWORK, TRAINED, ANSWERS, TASK = "genome", "network", "trained", "y_true", "task"
OF_ANSWERS = ("y_pred", "probabilities")
TAKES = (GENOME, NETWORK, TRAINED, ANSWERS, *OF_ANSWERS, TASK)
_HOW = (
    "let it take genome (known before training, exactly), network (measured of the untrained one), trained (the "
    "trained one) or y_true with y_pred or probabilities (its answers), and task if it needs it"
)


@dataclass(frozen=True)
class OwnMetric:
    """What it is called, and the function; what the function takes, by the names of its parameters, says when it is
    called.

    * `genome`: before training, wherever a genome is judged, so it gives the same number for the same genome always;
    * `network`: once a network, in a worker before the training, on the CPU and in eval mode, as a latency is measured;
    * `trained`: after the training, with the trained network in eval mode on its device, which it leaves as it is;
    * `y_true` with `y_pred`, `probabilities` or both, as scikit-learn's metrics have it: after the training, with the
      classes (n,) of the validation examples, counted from 0 in the order of the class names, the (n,) classes that the
      network says, and its (n, classes) probabilities.

    `task` may be taken too. It gives a number; NaN is worse than any.
    """

    name: str
    function: Callable[..., Any]
    takes: tuple[str, ...]

    @classmethod
    def of(cls, name: str, function: Any) -> OwnMetric:
        """Raises EvonasError where the name is taken, or the function takes something else."""
        if any(one.name == name for one in BUILT_IN):
            raise EvonasError(
                f"--metric {name}: evonas has a metric {name!r} of its own; write another name: mine={name}"
            )
        if not callable(function):
            what = f"is a {type(function).__name__}"
            if isinstance(function, Metric):
                what = f"is a name, not a function: search for it with --objectives {function.name}:min"
            raise EvonasError(f"--metric {name} {what}; give a function, and {_HOW}")
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            raise EvonasError(f"--metric {name}: nobody knows what {function!r} takes; {_HOW}") from None
        names = tuple(one.name for one in parameters if one.default is one.empty or one.name in TAKES)
        of_what = [one for one in names if one in TAKES and one != TASK]
        answers = [one for one in of_what if one in OF_ANSWERS]
        of_what = [one for one in of_what if one not in OF_ANSWERS]
        fits = len(of_what) == 1 and bool(answers) == (of_what == [ANSWERS])
        if not fits or any(one not in TAKES for one in names):
            raise EvonasError(f"--metric {name} takes ({', '.join(names)}); {_HOW}")
        return cls(name, function, names)

    @property
    def kind(self) -> str:
        """`genome`, `network`, `trained` or, for answers, `y_true`."""
        return next(one for one in self.takes if one not in (TASK, *OF_ANSWERS))

    @property
    def metric(self) -> Metric:
        """Without a direction: an objective says it, `energy:min`."""
        cost = self.kind != ANSWERS
        return Metric(self.name, cost=cost, before_training=self.kind == GENOME, untrained=self.kind == NETWORK)

    def __call__(self, **given: Any) -> float:
        """The number, of what it takes by name. Raises EvonasError where the function raises or gives none."""
        try:
            value = self.function(**{name: given[name] for name in self.takes})
        except Exception as error:
            raise EvonasError(f"the metric {self.name!r} raised {placed(error)}") from error
        try:
            return plain_number(value)
        except TypeError as error:
            raise EvonasError(f"the metric {self.name!r} gave a {error}, not a number") from None


def plain_number(value: Any) -> float:
    """The float that a user's function gave: a number of Python, of NumPy, or of a tensor without axes; infinite where
    it is a whole one beyond all floats.

    Raises TypeError, which says what else it is.
    """
    if hasattr(value, "item") and np.ndim(value) == 0:  # of NumPy or torch
        value = value.item()
    if not isinstance(value, Real):
        raise TypeError(type(value).__name__)
    try:
        return float(value)
    except OverflowError:
        return -math.inf if value < 0 else math.inf


def split_name(text: str) -> tuple[str, str]:
    """`energy=my.py:joules` -> `('energy', 'my.py:joules')`; without a name that of the function."""
    name, equals, spec = text.partition("=")
    if equals and name.strip().isidentifier():
        return name.strip(), spec.strip()
    return plugins.plain_name(text).rpartition(":")[2].rpartition(".")[2], text.strip()


def load(text: str, given: Any = None) -> OwnMetric:
    """The metric that `file.py:function`, `name=module:function` or a class of either (with options) names, or that was
    `given` as an object. It is known in this process from then on.

    Raises EvonasError where there is none, its code is not trusted, or another metric has the name.
    """
    name, spec = split_name(text)
    if given is None and "<" in spec:  # a lambda, or a function within another
        raise EvonasError(f"the metric {name!r} was an object, which is gone; give it again: metrics={{{name!r}: …}}")
    if given is None:
        given = plugins.resolve(GROUP, spec)
        if isinstance(given, type) or plugins.split_spec(spec)[1]:
            given = plugins.make(GROUP, spec)
    own = OwnMetric.of(name, given)
    before = known_metrics().get(name)
    if before is not None and before != own.metric:
        raise EvonasError(f"--metric {name}: another metric of this name is known; write another: {name}2={spec}")
    register_metric(own.metric)
    return own
