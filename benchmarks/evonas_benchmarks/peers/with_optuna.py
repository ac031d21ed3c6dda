"""Optuna's tree-structured Parzen estimators (Bergstra et al. 2011; Akiba et al. 2019, KDD)."""

from __future__ import annotations

from typing import Any

from evonas.core.context import SearchContext
from evonas_benchmarks.peers.peer import Peer, Suggestion, required, with_options

optuna = required("optuna")


class OptunaTPE(Peer):
    """Optuna's defaults but for `multivariate`; a failed or absent network is pruned: TPE learns from that.

    A repetition counts as running until the next result, then as failed: TPE expects running trials to turn out badly
    (`constant_liar`) and so looks elsewhere, and it passes failed ones over.

    Args:
        multivariate: one density over all genes (Falkner et al. 2018), or one for each.
    """

    def __init__(self, context: SearchContext[Any], multivariate: bool = False):
        super().__init__(context)
        self.multivariate = multivariate
        self._repeated: list[int] = []

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
            sampler = optuna.samplers.TPESampler(seed=seed, multivariate=self.multivariate)
            self.study = optuna.create_study(sampler=sampler)
        finally:
            optuna.logging.set_verbosity(level)

    def suggest(self) -> Suggestion:
        trial = self.study.ask(self.distributions)
        return Suggestion(tuple(trial.params[name] for name in self.names), trial.number)

    def report(self, suggestion: Suggestion, cost: float | None, own: bool) -> None:
        while self._repeated:
            self.study.tell(self._repeated.pop(), state=optuna.trial.TrialState.FAIL)
        state = optuna.trial.TrialState.PRUNED if cost is None else optuna.trial.TrialState.COMPLETE
        if own:
            self.study.tell(suggestion.handle, cost, state)
        else:
            params = dict(zip(self.names, suggestion.choice, strict=True))
            trial = optuna.trial.create_trial(state=state, value=cost, params=params, distributions=self.distributions)
            self.study.add_trial(trial)

    def drop(self, suggestion: Suggestion) -> None:
        self._repeated.append(suggestion.handle)


multivariate = with_options(OptunaTPE, multivariate=True)
multivariate.__doc__ = """Optuna's TPE with one density over all genes; otherwise as `optuna-tpe`."""
