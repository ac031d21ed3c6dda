"""What a search is worth against its fixed baseline, by validation after trainings of the same length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, variance
from typing import Any

from evonas.core.optional import Augmentable
from evonas.core.paired import margin
from evonas.core.types import Trial


def against_baseline(trials: Sequence[Trial], genome: Any, validated: int) -> dict[str, Any] | None:
    """The winner and the fixed baseline, which is trial 0, in trainings of the same length.

    `won` is whether the winner is another one; `val_accuracy` both figures; `difference` theirs, and `margin` half of
    its 95 % interval, for `validated` images or as many as those trainings were validated on (`paired.margin`);
    `fidelity` the length. None where the two have no length in common, or the
    search was begun without a baseline.
    """
    candidates = [trial.evaluation.candidate for trial in trials if trial.number == 0]
    if not candidates or candidates[0].origin != "warm start":
        return None
    ours, baseline = _by_fidelity(trials, genome), _by_fidelity(trials, candidates[0].genome)
    both = ours.keys() & baseline.keys()
    if not both or not validated:
        return None
    fidelity = max(both)
    validated = min([validated, *_validated(trials, fidelity)])
    a, b = ours[fidelity], baseline[fidelity]
    won = ours != baseline
    return {
        "won": won,
        "val_accuracy": [a, b],
        "expected": expected(trials, a, fidelity, validated),
        "difference": a - b,
        "margin": margin(a, b, validated),
        "fidelity": fidelity,
    }


def as_tried(genome: Any, trials: Sequence[Trial], encoding: Any) -> Any:
    """The genome under which a network was tried that is recommended before it has risen: as `Rungs` would have varied
    its images, but no trial had them so."""
    tried = [trial.evaluation.candidate.genome for trial in trials]
    if genome in tried or not isinstance(encoding, Augmentable):
        return genome
    plain = encoding.augmented(genome, {})
    return next((one for one in tried if encoding.augmented(one, {}) == plain), genome)


def longest(trials: Sequence[Trial], genome: Any) -> Trial | None:
    """The longest training of a genome; None where none succeeded."""
    own = [trial for trial in trials if trial.evaluation.ok and trial.evaluation.candidate.genome == genome]
    return max(own, key=lambda trial: trial.evaluation.candidate.fidelity, default=None)


def expected(trials: Sequence[Trial], accuracy: float, fidelity: float, validated: int) -> float:
    """What a validation accuracy is worth that was chosen as the highest of several: the luck of the choice is taken
    off, as far as `validated` images make accuracies differ by chance.

    Accuracies of one fidelity are taken as draws around true ones, which lie around their mean: the posterior mean of
    the highest (Efron & Morris 1975, JASA 70). The luck of the training itself is not in it.
    """
    values = [
        trial.evaluation.metrics["val_accuracy"]
        for trial in trials
        if trial.evaluation.candidate.fidelity == fidelity and "val_accuracy" in trial.evaluation.metrics
    ]
    if len(values) < 3 or not validated:
        return accuracy
    middle = mean(values)
    chance = middle * (1 - middle) / validated
    among = variance(values)
    return middle + max(0.0, 1 - chance / among) * (accuracy - middle) if among > 0 else middle


def _validated(trials: Sequence[Trial], fidelity: float) -> list[int]:
    """How many images trainings of this length were validated on, where they were not all."""
    same = [trial.evaluation.metrics for trial in trials if trial.evaluation.candidate.fidelity == fidelity]
    return [int(metrics["validated"]) for metrics in same if "validated" in metrics]


def words(found: Mapping[str, Any]) -> str:
    """One line."""
    if not found["won"]:
        return (
            "the fixed baseline stays: no other network beat it in trainings of the same length (beyond chance; a much "
            "faster one by half of the errors)"
        )
    difference, half = 100 * found["difference"], 100 * found["margin"]
    sure = "" if abs(difference) > half else ", which is within chance"
    luck = 100 * (found["val_accuracy"][0] - found["expected"])
    drop = f"; as the best of several it is expected to be {luck:.1f} lower on other images" if luck >= 0.05 else ""
    return (
        f"{difference:+.1f} points of validation accuracy against the fixed baseline in trainings of the same length "
        f"(± {half:.1f}, 95 %{sure}){drop}"
    )


def _by_fidelity(trials: Sequence[Trial], genome: Any) -> dict[float, float]:
    """Validation accuracies of a genome, and of what it became or was when it rose to a longer training."""
    family, found = {genome}, {}
    for trial in [*trials, *reversed(trials)]:
        candidate = trial.evaluation.candidate
        if candidate.origin in ("promoted", "mutated") and candidate.parents and len(candidate.parents) == 1:
            (parent,) = candidate.parents
            longer = any(
                other.evaluation.candidate.genome == parent and other.evaluation.candidate.fidelity < candidate.fidelity
                for other in trials
            )
            if longer and family & {candidate.genome, parent}:
                family |= {candidate.genome, parent}
    for trial in trials:
        accuracy = trial.evaluation.metrics.get("val_accuracy")
        if trial.evaluation.candidate.genome in family and accuracy is not None and trial.evaluation.ok:
            found[trial.evaluation.candidate.fidelity] = accuracy
    return found
