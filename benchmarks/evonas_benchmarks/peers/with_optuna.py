"""Optuna's samplers (Akiba et al. 2019, KDD): tree-structured Parzen estimators and NSGA-II."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.options import at_least
from evonas_benchmarks.peers.peer import Cost, Peer, Suggestion, required, with_options

optuna = required("optuna")

LIMITS = "limits"  # the name of the sum of the violations


class OptunaPeer(Peer):
    """One of Optuna's samplers. It takes several objectives, and hears by how much a network breaks the limits.

    A failed or absent network is pruned: TPE learns from that, NSGA-II passes it over.

    A repetition counts as running until the next result, then as failed: TPE expects running trials to turn out badly
    (`constant_liar`) and so looks elsewhere, and it passes failed ones over.
    """

    several = limits = True

    def __init__(self, context: SearchContext[Any]):
        super().__init__(context)
        self._repeated: list[int] = []

    @abstractmethod
    def sampler(self, seed: int) -> Any:
        """Optuna's."""

    def start(self, seed: int) -> None:
        self.distributions = {
            name: optuna.distributions.IntDistribution(0, size - 1)
            if ordered
            else optuna.distributions.CategoricalDistribution(range(size))
            for name, size, ordered in zip(self.names, self.space.sizes, self.ordered, strict=True)
        }
        level = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # or it announces the study on the error stream
        try:
            directions = ["minimize"] * len(self.goal.objectives)
            self.study = optuna.create_study(sampler=self.sampler(seed), directions=directions)
        finally:
            optuna.logging.set_verbosity(level)

    def suggest(self) -> Suggestion:
        trial = self.study.ask(self.distributions)
        return Suggestion(tuple(trial.params[name] for name in self.names), trial)

    def report(self, suggestion: Suggestion, cost: Cost | None, own: bool) -> None:
        while self._repeated:
            self.study.tell(self._repeated.pop(), state=optuna.trial.TrialState.FAIL)
        state = optuna.trial.TrialState.PRUNED if cost is None else optuna.trial.TrialState.COMPLETE
        broken = self.violation(suggestion.choice)
        if own:
            if self.goal.constraints:
                suggestion.handle.set_constraint(LIMITS, broken)
            self.study.tell(suggestion.handle.number, cost, state)
        else:
            trial = optuna.trial.create_trial(
                state=state,
                values=None if cost is None else np.atleast_1d(cost).tolist(),
                params=dict(zip(self.names, suggestion.choice, strict=True)),
                distributions=self.distributions,
                constraints={LIMITS: broken} if self.goal.constraints else None,
            )
            self.study.add_trial(trial)

    def drop(self, suggestion: Suggestion) -> None:
        self._repeated.append(suggestion.handle.number)


class OptunaTPE(OptunaPeer):
    """Tree-structured Parzen estimators (Bergstra et al. 2011, NeurIPS), of several objectives by the ranks of
    domination (Ozaki et al. 2022, JAIR 73); Optuna's defaults but for `multivariate`.

    Args:
        multivariate: one density over all genes (Falkner et al. 2018), or one for each.
    """

    def __init__(self, context: SearchContext[Any], multivariate: bool = False):
        super().__init__(context)
        self.multivariate = multivariate

    def sampler(self, seed: int) -> Any:
        return optuna.samplers.TPESampler(seed=seed, multivariate=self.multivariate)


class OptunaNSGA2(OptunaPeer):
    """NSGA-II (Deb et al. 2002, IEEE TEC 6(2)) with Optuna's defaults.

    Args:
        population: Optuna's default is 50.
    """

    def __init__(self, context: SearchContext[Any], population: int = 50):
        super().__init__(context)
        self.population = at_least(2, population=population)

    def sampler(self, seed: int) -> Any:
        return optuna.samplers.NSGAIISampler(seed=seed, population_size=self.population)


multivariate = with_options(OptunaTPE, multivariate=True)
multivariate.__doc__ = """Optuna's TPE with one density over all genes; otherwise as `optuna-tpe`."""
