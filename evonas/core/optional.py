"""What a part may have besides its agreement. Each is a small protocol: to have the method is to join.

Who uses one asks `isinstance(part, Protocol)`; nothing else in evonas looks for attributes by name. The `…Defaults`
classes give the usual answers to those who would rather inherit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np

from evonas.core.types import Candidate, Encoding, Evaluation, Evaluator, Ranker, Searcher, Store, Task, Trial

if TYPE_CHECKING:
    import torch

    from evonas.core.context import SearchContext
    from evonas.core.goals import Goal, Objective
    from evonas.core.own_metrics import OwnMetric
    from evonas.core.paired import Paired
    from evonas.core.recipe import Recipe
    from evonas.core.space import Space

# --- of an encoding


@runtime_checkable
class Canonical(Protocol):
    """All genomes of one network get the same form (isomorphism), so that it is trained once."""

    def canonical(self, genome: Any) -> Any: ...


@runtime_checkable
class Drawable(Protocol):
    """`graph(genome) -> [(source, target, label), …]` lets the report draw the architecture."""

    def graph(self, genome: Any) -> Sequence[tuple[str, str, str]]: ...


@runtime_checkable
class HasSpace(Protocol):
    """The genes with their choices: what other optimizers, a learned generator and the report need."""

    def space(self) -> Space: ...


@runtime_checkable
class HasRecipe(Protocol):
    """Genomes say how their networks are trained; the trainer obeys. Without it every network is trained alike."""

    def recipe(self, genome: Any) -> Recipe: ...


@runtime_checkable
class HasPortfolio(Protocol):
    """Genomes worth trying before any other, unlike each other: a plain one that is known to be good is the first, and
    what a search finds has to beat it."""

    def portfolio(self, task: Task) -> Sequence[Any]: ...


@runtime_checkable
class Augmentable(Protocol):
    """Genomes whose recipes may vary the images: `augmented(genome, kept)` is the genome with images varied in the ways
    that keep their class. `kept` are the metrics `keeps_…` of `evonas.training.probing`."""

    def augmented(self, genome: Any, kept: Mapping[str, float]) -> Any: ...


@runtime_checkable
class KnowsCosts(Protocol):
    """What a genome's network costs, without building it: any of `params`, `flops` and `model_kb`,
    exactly as `evonas.training.profile` counts them. What is missing is counted in a network."""

    def costs(self, genome: Any, task: Task) -> Mapping[str, float]: ...


@runtime_checkable
class Shrinkable(Protocol):
    """`smaller(genome)` are genomes whose networks are a step smaller in one thing, the gentlest first; none where
    there are none. A portfolio is fitted to limits with them."""

    def smaller(self, genome: Any) -> Sequence[Any]: ...


class EncodingDefaults:
    """No two genomes build the same network, and there is nothing to draw."""

    def canonical(self, genome: Any) -> Any:
        return genome

    def graph(self, genome: Any) -> Sequence[tuple[str, str, str]]:
        return ()


def canonical_form(encoding: Encoding[Any]) -> Any:
    """The encoding's `canonical`, or the function that leaves a genome as it is."""
    return encoding.canonical if isinstance(encoding, Canonical) else _as_it_is


def _as_it_is(genome: Any) -> Any:
    return genome


# --- of a network


@runtime_checkable
class Calibrated(Protocol):
    """A layer that is set from training images and then left alone: a whitening, say. `images` are (n, channels,
    height, width), normalised, some hundreds of the training part; called once, before the training."""

    def calibrate(self, images: torch.Tensor) -> None: ...


# --- of a searcher


@runtime_checkable
class Proposing(Protocol):
    """A searcher whose candidates somebody else may choose among.

    `propose(n, rng)` is `ask` without remembering what it returned; what is chosen comes back through `expect`, and
    later through `tell`.
    """

    def propose(self, n: int, rng: np.random.Generator) -> Sequence[Candidate[Any]]: ...

    def expect(self, candidates: Sequence[Candidate[Any]]) -> None: ...


@runtime_checkable
class HasGoal(Protocol):
    """A searcher that says what it searches for, where that is more than it was asked for (NSGA-II adds `params`)."""

    @property
    def goal(self) -> Goal: ...


@runtime_checkable
class MultiFidelity(Protocol):
    """A searcher that asks for trainings of several fidelities, rising, the last being 1."""

    @property
    def fidelities(self) -> Sequence[float]: ...


@runtime_checkable
class WrapsSearcher(Protocol):
    """A searcher that decides about another one's candidates, and names that one. It may be replaced."""

    searcher: Searcher[Any]


@runtime_checkable
class NeedsRanker(Protocol):
    """A searcher that only proposes: where a method names no ranker that chooses, it is screened by the `ranker` that
    it names itself."""

    ranker: str


@runtime_checkable
class Advised(Protocol):
    """A searcher that learns from the ranker which chooses among its candidates, before it proposes the first."""

    def advised(self, ranker: Ranker) -> None: ...


@runtime_checkable
class NamesAcquisition(Protocol):
    """A searcher that names how what a ranker believes decides which of its candidates is trained: `ei`, by what the
    ranker says a training is worth, or `thompson`, by a draw of what it believes."""

    acquisition: str


@runtime_checkable
class NamesOrigins(Protocol):
    """A searcher that says where the next candidate comes from: of the origins that there are to choose from, those
    that `origins` gives. The best of these under the ranker is trained."""

    def origins(self, there: Collection[str], rng: np.random.Generator) -> Collection[str]: ...


@runtime_checkable
class Teachable(Protocol):
    """A searcher that a benchmark teaches with the rows of earlier tasks."""

    def learn(self, earlier: Sequence[Any]) -> None: ...


@runtime_checkable
class Describing(Protocol):
    """One line on what a searcher or a ranker knows and trusts now."""

    def describe(self) -> str: ...


def description(part: Any) -> str:
    """What a part says of itself; empty where it says nothing."""
    return part.describe() if isinstance(part, Describing) else ""


@runtime_checkable
class Recommending(Protocol):
    """A searcher that says itself which genome should be trained in full, other than those of `without`; None: it has
    no other. Asked again and again it gives them in order, the best first."""

    def recommend(self, without: Collection[Any] = ()) -> Any | None: ...


@runtime_checkable
class Explaining(Protocol):
    """A searcher that says why it finds nothing more; empty where there is no more to say."""

    def why_ended(self) -> str: ...


# --- of a ranker


@runtime_checkable
class Recalling(Protocol):
    """A ranker's class that can be fitted from what an archive remembers: `recall(context, **options)`."""

    @classmethod
    def recall(cls, context: SearchContext[Any], **options: Any) -> Self: ...


@runtime_checkable
class Acquiring(Protocol):
    """A ranker that says what a training is worth, given the (m, d) features of those on their way."""

    def acquire(self, X: np.ndarray, pending: np.ndarray | None = None) -> np.ndarray: ...


@runtime_checkable
class Uncertain(Protocol):
    """A ranker that knows how sure it is: (n,) scores and (n,) standard deviations."""

    def predict_with_deviation(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


@runtime_checkable
class DrawsScores(Protocol):
    """A ranker that draws from what it believes: (n,) scores of (n, d) features, all of them by one draw, so that those
    of like genomes are alike, given the (m, d) on their way."""

    def draw_scores(self, X: np.ndarray, rng: np.random.Generator, pending: np.ndarray | None = None) -> np.ndarray: ...


@runtime_checkable
class Informed(Protocol):
    """A ranker that knows earlier tasks: name -> how many trainings of it."""

    def earlier_tasks(self) -> Mapping[str, int]: ...


@runtime_checkable
class Viewing(Protocol):
    """A ranker that says what a genome would come to on each of t earlier tasks: `views` gives (n, t) scores of (n, d)
    features, higher is better and spread about one, `descriptors` the t tasks' own, as far as they are known."""

    def views(self, X: np.ndarray) -> np.ndarray: ...

    def descriptors(self) -> Sequence[Mapping[str, float]]: ...


@runtime_checkable
class Trusting(Protocol):
    """A ranker that says how far it trusts each earlier task: name -> share, 0 to 1."""

    def trust(self) -> Mapping[str, float]: ...


@runtime_checkable
class Suggesting(Protocol):
    """A ranker, or a searcher that is screened by one, whose memory says which genomes are worth trying before any
    other: `suggestions(n)` are up to so many, the best first and unlike each other."""

    def suggestions(self, n: int) -> Sequence[Any]: ...


@runtime_checkable
class ComesWithModels(Protocol):
    """A ranker's class that brings along what it learned elsewhere: encoding -> earlier task -> how many trainings of
    it."""

    @classmethod
    def shipped(cls) -> Mapping[str, Mapping[str, int]]: ...


class RankerDefaults:
    """A ranker that knows no earlier task and explores nothing by itself."""

    def earlier_tasks(self) -> Mapping[str, int]:
        return {}

    def describe(self) -> str:
        return type(self).__name__


# --- of an evaluator


@runtime_checkable
class Divisible(Protocol):
    """An evaluator that says itself what each of n workers gets: a device of its own, say."""

    def for_workers(self, workers: int) -> Sequence[Evaluator[Any]]: ...


@runtime_checkable
class TakesTurns(Protocol):
    """An evaluator that several threads of one process can share: `in_turns(n)` are for n of them, one each, and one
    at a time computes. What they find is what each would find alone."""

    def in_turns(self, number: int) -> Sequence[Evaluator[Any]]: ...


@runtime_checkable
class Watchable(Protocol):
    """A trainer that writes into a folder how far each of its trainings has come: the same one, which does."""

    def watched_in(self, folder: Path) -> Self: ...


@runtime_checkable
class JudgesForms(Protocol):
    """An evaluator whose networks may look at an input in several forms (test-time augmentation): what those of a
    genome's recipe are worth to the network that an evaluation left, by validation data, in so many seconds. None where
    that cannot be said."""

    def judge_forms(self, evaluation: Evaluation[Any], genome: Any, seconds: float) -> Paired | None: ...


@runtime_checkable
class ForeseesLength(Protocol):
    """An evaluator that knows before the first training how long one is: its `full_epochs`, and `foresee`, the seconds
    that a full one of a genome's network would take, by its speed within so many seconds. Nothing is kept of it."""

    @property
    def full_epochs(self) -> int: ...

    def foresee(self, genome: Any, seed: int, seconds: float) -> float: ...


@runtime_checkable
class CountsCosts(Protocol):
    """An evaluator that knows before training what a genome's network costs: those of `names`, of the metrics that are
    known `before_training`, that it can say."""

    def costs(self, genome: Any, names: Sequence[str]) -> Mapping[str, float]: ...


@runtime_checkable
class MeasuresOwn(Protocol):
    """An evaluator that also measures metrics of a user's own."""

    own: Sequence[OwnMetric]


@runtime_checkable
class NamesMetrics(Protocol):
    """A domain that names all metrics which its evaluations may have: others cannot be limited."""

    metrics: Sequence[str]


@runtime_checkable
class OnDevice(Protocol):
    """An evaluator that names the device it computes on."""

    @property
    def device(self) -> str: ...


@runtime_checkable
class NeedsMore(Protocol):
    """A domain that could read more with packages that are not installed: what it cannot read -> how to get it."""

    def needs(self) -> Mapping[str, str]: ...


# --- of a store


@runtime_checkable
class HasRuns(Protocol):
    """A store that knows the runs its trials belong to."""

    def runs(self, name: str | None = None) -> Sequence[Any]: ...


@runtime_checkable
class Sampling(Protocol):
    """A store that may hold more than a ranker can read: about `most` trials of an encoding, the best among them."""

    def some_trials(self, most: int, objective: Objective, encoding: str) -> Sequence[Trial]: ...


@runtime_checkable
class Dated(Protocol):
    """A store that can be seen as it was when a run began."""

    def as_of(self, mark: int) -> Store: ...


# --- of a finished network


@runtime_checkable
class ReadsPictures(Protocol):
    """A network whose examples may lie in files, a picture each: `read` takes their paths."""

    def files(self, folder: Path) -> tuple[Sequence[Path], Sequence[str]]:
        """Those below a folder, and what was passed over, a line each."""
        ...

    def framed(self, fit: Any) -> Self:
        """One that takes pictures of any size, which come to its own in that way. Raises EvonasError."""
        ...


@runtime_checkable
class OnTheHub(Protocol):
    """A kind of data that the Hugging Face Hub knows: `pipeline_tag`, empty where it has no word for it; and what a
    network's program `takes`, in words."""

    @property
    def pipeline_tag(self) -> str: ...

    @property
    def takes(self) -> str: ...


@runtime_checkable
class Standalone(Protocol):
    """A network that can be read to by a program of its own, without evonas."""

    def standalone_reader(self) -> tuple[str, Mapping[str, Any]]:
        """Python that defines `read`, by torch and Pillow alone, and the constants that it needs."""
        ...


# --- of a callback


@runtime_checkable
class Noting(Protocol):
    """A callback that shows a line of text: what the memory trusts, say."""

    def note(self, text: str) -> None: ...


@runtime_checkable
class Concluding(Protocol):
    """A callback that hears how a search ended, after its last file was written: `status` is done, interrupted or
    failed, `result` what `result.json` holds, empty unless it is done."""

    def concluded(self, status: str, result: Mapping[str, Any]) -> None: ...


class CallbackDefaults:
    """A callback that watches nothing: override what you want to see."""

    def started(self, task: Any, observed: Sequence[Trial[Any]]) -> None: ...

    def asked(self, number: int, candidate: Candidate[Any]) -> None: ...

    def told(self, trial: Trial[Any]) -> None: ...

    def ended(self, reason: str) -> None: ...

    def note(self, text: str) -> None: ...


__all__ = [
    "Acquiring",
    "Advised",
    "Augmentable",
    "Calibrated",
    "CallbackDefaults",
    "Canonical",
    "ComesWithModels",
    "Concluding",
    "CountsCosts",
    "Dated",
    "Describing",
    "Divisible",
    "Drawable",
    "DrawsScores",
    "EncodingDefaults",
    "Explaining",
    "ForeseesLength",
    "HasGoal",
    "HasPortfolio",
    "HasRecipe",
    "HasRuns",
    "HasSpace",
    "Informed",
    "JudgesForms",
    "KnowsCosts",
    "MeasuresOwn",
    "MultiFidelity",
    "NamesAcquisition",
    "NamesMetrics",
    "NamesOrigins",
    "NeedsMore",
    "Noting",
    "OnDevice",
    "OnTheHub",
    "Proposing",
    "Ranker",
    "RankerDefaults",
    "ReadsPictures",
    "Recalling",
    "Recommending",
    "Shrinkable",
    "Standalone",
    "Suggesting",
    "TakesTurns",
    "Teachable",
    "Trusting",
    "Uncertain",
    "Viewing",
    "WrapsSearcher",
    "canonical_form",
    "description",
]
