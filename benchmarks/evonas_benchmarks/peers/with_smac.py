"""SMAC3's hyperparameter optimization facade: random forests and expected improvement (Lindauer et al. 2022, JMLR)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evonas.core.context import SearchContext
from evonas.core.options import at_least
from evonas.core.space import Choice
from evonas_benchmarks.peers.peer import Cost, Peer, Suggestion, required

smac = required("smac")
spaces = required("ConfigSpace")
history = required("smac.runhistory")
parego = required("smac.multi_objective.parego")
exceptions = required("smac.main.exceptions")

LEAVES = 10_000  # more than there are trials, so that the trees are the same


class SMAC(Peer):
    """SMAC3's defaults for networks that are trained once, of several objectives by ParEGO (Knowles 2006, IEEE TEC
    10(1)); a failed or absent one is left as if still in training.

    Args:
        budget: the trials SMAC plans for, which bounds its initial design to a quarter of them.
        retrain_after: the forest is fitted again after so many proposals.
    """

    several = True

    def __init__(
        self,
        context: SearchContext[Any],
        budget: int = 100,
        retrain_after: int = 8,
    ):
        super().__init__(context)
        self.budget = at_least(1, budget=budget)
        self.retrain_after = at_least(1, retrain_after=retrain_after)

    def start(self, seed: int) -> None:
        self._seed = seed
        self._events: list[tuple[Choice, Cost] | None] = []  # None: it suggested
        self._begin_smac()

    def _begin_smac(self) -> None:
        self.config_space = spaces.ConfigurationSpace(
            {
                name: (0, size - 1) if ordered else list(range(size))
                for name, size, ordered in zip(self.names, self.space.sizes, self.ordered, strict=True)
            }
        )
        facade = smac.HyperparameterOptimizationFacade
        with TemporaryDirectory() as folder:  # where it writes its settings, once; what it observes is not saved
            scenario = smac.Scenario(
                self.config_space,
                output_directory=Path(folder),
                deterministic=True,
                n_trials=self.budget,
                seed=self._seed,
                objectives=names if len(names := [str(one) for one in self.goal.objectives]) > 1 else "cost",
            )
            model = facade.get_model(scenario)
            # ten small trees: threads cost more than they save, and so does room for a million leaves each
            model._rf_opts.update(n_jobs=1, max_leaf_nodes=LEAVES)
            selector = facade.get_config_selector(scenario, retrain_after=self.retrain_after)
            selector._get_x_best = partial(_best_predicted, selector)
            self.inner = facade(
                scenario,
                model=model,
                acquisition_maximizer=_in_one_order(facade.get_acquisition_maximizer(scenario)),
                config_selector=selector,
                multi_objective_algorithm=parego.ParEGO(scenario) if len(self.goal.objectives) > 1 else None,
                logging_level=False,
            )
        self._trials: dict[Choice, Any] = {}

    def suggest(self) -> Suggestion | None:
        self._events.append(None)
        return self._suggest()

    def _suggest(self) -> Suggestion | None:
        try:
            trial = self.inner.ask()
        except (StopIteration, exceptions.ConfigurationSpaceExhaustedException):
            return None
        choice = tuple(int(trial.config[name]) for name in self.names)
        self._trials[choice] = trial
        return Suggestion(choice)

    def report(self, suggestion: Suggestion, cost: Cost | None, own: bool) -> None:
        if cost is not None:
            self._events.append((suggestion.choice, cost))
            self._tell(suggestion.choice, cost)

    def _tell(self, choice: Choice, cost: Cost) -> None:
        trial = self._trials.get(choice)
        if trial is None:
            values = dict(zip(self.names, choice, strict=True))
            trial = history.TrialInfo(spaces.Configuration(self.config_space, values), seed=0)
        self.inner.tell(trial, history.TrialValue(list(cost) if isinstance(cost, tuple) else cost), save=False)

    def __getstate__(self) -> dict[str, Any]:
        """Without SMAC, which holds generators: a new one observes everything again."""
        return {name: value for name, value in vars(self).items() if name not in ("inner", "config_space", "_trials")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self._early is not None:
            return
        with self._own_randomness():
            self._begin_smac()
            for event in self._events:
                if event is None:
                    self._suggest()
                else:
                    self._tell(*event)


def _in_one_order(maximizer: Any) -> Any:
    """The starting points of its local search sorted: they come out of a set, in another order in each process."""
    local = maximizer._local_search
    points = local._get_init_points_from_previous_configs
    local._get_init_points_from_previous_configs = lambda *arguments: sorted(points(*arguments), key=_values)
    return maximizer


def _best_predicted(selector: Any, X: Any) -> tuple[Any, float]:
    """Of (n, d) configurations the one with the least predicted cost, as shipped, with one prediction in place of n."""
    costs = selector._model.predict_marginalized(X)[0][:, 0]
    return X[costs.argmin()], costs.min()


def _values(config: Any) -> tuple[float, ...]:
    return tuple(config.get_array())
