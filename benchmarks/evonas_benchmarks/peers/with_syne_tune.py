"""Syne Tune's searchers that start from nothing (Salinas et al. 2022, AutoML Conf)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.ensemble import GradientBoostingRegressor

from evonas.core.context import SearchContext
from evonas.core.options import at_least
from evonas.core.space import Choice
from evonas_benchmarks.peers.peer import Cost, Peer, Suggestion, required

SEARCHERS = "syne_tune.optimizer.schedulers.searchers"
domains = required("syne_tune.config_space")
evolution = required(f"{SEARCHERS}.regularized_evolution")
bore = required(f"{SEARCHERS}.bore.bore")
fronts = required("syne_tune.optimizer.schedulers.multiobjective.multi_objective_regularized_evolution")
conformal = required(f"{SEARCHERS}.conformal.conformal_quantile_regression_searcher")
surrogate = required(f"{SEARCHERS}.conformal.surrogate.quantile_regression_surrogate")

FRUITLESS = 1000  # known configurations drawn in a row after which a space counts as exhausted


class Named(domains.Categorical):
    """Syne Tune's choice; one sample at a time takes a seventh of the time, and the numbers drawn are the same."""

    def sample(self, spec: Any = None, size: int = 1, random_state: Any = None) -> Any:
        if size != 1:
            return super().sample(spec, size, random_state)
        return self.categories[(random_state or np.random).randint(len(self.categories))]


class Ordered(domains.Integer):
    """Syne Tune's integer, sampled likewise."""

    def sample(self, spec: Any = None, size: int = 1, random_state: Any = None) -> Any:
        if size != 1:
            return super().sample(spec, size, random_state)
        return int((random_state or np.random).randint(self.lower, self.upper + 1))


class SyneTune(Peer):
    """One of Syne Tune's searchers, with its own defaults. It does not observe failed or absent networks.

    Searchers suggest and observe without the schedulers around them, which hand both through.
    """

    @abstractmethod
    def make(self, seed: int) -> Any:
        """The searcher: it has `suggest()` and `on_trial_complete(number, config, cost)`."""

    def start(self, seed: int) -> None:
        self.config_space = {
            name: Ordered(0, size - 1) if ordered else Named(range(size))
            for name, size, ordered in zip(self.names, self.space.sizes, self.ordered, strict=True)
        }
        self._results = 0
        self.inner = self.make(seed)

    def suggest(self) -> Suggestion | None:
        config = self.inner.suggest()
        return None if config is None else Suggestion(self.choice(config))

    def report(self, suggestion: Suggestion, cost: Cost | None, own: bool) -> None:
        if cost is not None:
            told = list(cost) if isinstance(cost, tuple) else cost
            self.inner.on_trial_complete(self._results, self.config(suggestion.choice), told)
            self._results += 1

    def choice(self, config: Any) -> Choice:
        return tuple(int(config[name]) for name in self.names)

    def config(self, choice: Sequence[int]) -> dict[str, int]:
        return dict(zip(self.names, choice, strict=True))


class REA(SyneTune):
    """Regularized evolution (Real et al. 2019, AAAI), of several objectives by the ranks of domination.

    Args:
        population: Syne Tune's default is 100: so many networks are drawn at random before any is bred.
        sample: of so many, drawn from the population, the best is bred from.
    """

    several = True

    def __init__(
        self,
        context: SearchContext[Any],
        population: int = 100,
        sample: int = 10,
    ):
        super().__init__(context)
        self.population = at_least(1, population=population)
        self.sample = at_least(1, sample=sample)

    def make(self, seed: int) -> Any:
        one = len(self.goal.objectives) == 1
        make = evolution.RegularizedEvolution if one else fronts.MultiObjectiveRegularizedEvolution
        return make(self.config_space, self.first(), self.population, self.sample, random_seed=seed)

    def first(self) -> list[dict[str, int]]:
        """Configurations to begin with."""
        return []


class BORE(SyneTune):
    """Bayesian optimization by density-ratio estimation (Tiao et al. 2021, ICML), its classifier XGBoost."""

    def make(self, seed: int) -> Any:
        return Batched(self.config_space, random_seed=seed)


class Batched(bore.Bore):
    """Syne Tune's BORE, which predicts its candidates one by one, with one prediction of them all.

    Candidates are drawn as there, but for those it has proposed before. One thread, so that sums have one order.
    """

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.model.set_params(n_jobs=1)
        self.proposed: set[tuple] = set()

    def suggest(self, **kwargs: Any) -> dict[str, Any] | None:
        if len(self.inputs) < self.init_random or not self._train_model(self.inputs, self.targets):
            candidates = self._new(1)
        else:
            candidates = self._new(self.feval_acq)
        if not candidates:
            return None
        best = 0
        if len(candidates) > 1:
            best = self._loss(np.stack([self._hp_ranges.to_ndarray(config) for config in candidates])).argmin()
        self.proposed.add(tuple(candidates[best].values()))
        return candidates[best]

    def _new(self, n: int) -> list[dict[str, Any]]:
        """Up to `n` random configurations, distinct and not proposed before."""
        found: dict[tuple, dict[str, Any]] = {}
        fruitless = 0
        while len(found) < n and fruitless < FRUITLESS:
            config = self._get_random_config()
            key = tuple(config.values())
            fruitless = fruitless + 1 if key in found or key in self.proposed else 0
            if not fruitless:
                found[key] = config
        return list(found.values())


class CQR(SyneTune):
    """Conformal quantile regression (Salinas et al. 2023, ICML), its models scikit-learn's gradient boosting."""

    def make(self, seed: int) -> Any:
        self._chosen: set[Choice] = set()
        return conformal.ConformalQuantileRegression(
            self.config_space, random_seed=seed, surrogate_cls=Unproposed, proposed=self._chosen
        )

    def suggest(self) -> Suggestion | None:
        suggestion = super().suggest()
        if suggestion is not None:
            self._chosen.add(suggestion.choice)
        return suggestion


class Unproposed(surrogate.QuantileRegressionSurrogateModel):
    """CQR's model, its candidates without those that were proposed before."""

    def __init__(self, *args: Any, proposed: set[Choice], **options: Any):
        super().__init__(*args, **options)
        self.proposed = proposed
        models = self.quantile_regressor.quantile_regressors
        models.update({level: QuantileTrees(**model.get_params()) for level, model in models.items()})

    def _update_candidates(self, n_candidates: int = 2000) -> None:
        super()._update_candidates(n_candidates)
        new = [config for config in self.config_candidates if tuple(config.values()) not in self.proposed]
        if new:
            self.config_candidates, self.df_candidates = new, pd.DataFrame(new)


class QuantileTrees(GradientBoostingRegressor):
    """scikit-learn's quantile regression for rows of equal weight, by a shorter way to the same values.

    What scikit-learn 1.9 calls for each leaf is made for weights and for any array library, and it checks the
    parameters of each tree: together most of a fit.
    """

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride]
        with config_context(skip_parameter_validation=True, assume_finite=True):
            return super().fit(X, y)

    def _get_loss(self, sample_weight: np.ndarray) -> Any:
        loss = super()._get_loss(sample_weight)
        loss.fit_intercept_only = self._leaf
        return loss

    def _leaf(self, y_true: np.ndarray, sample_weight: np.ndarray) -> float:
        return np.quantile(y_true, self.alpha, method="inverted_cdf")
