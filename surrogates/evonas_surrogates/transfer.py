"""The meta-surrogate's model: what every earlier task learned, and how far to trust it on this one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any, Self

import numpy as np
from scipy.stats import norm
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor

from evonas.core.errors import EvonasError
from evonas.core.options import at_least
from evonas.core.ranks import normal_scores
from evonas_surrogates.forest import Forest, boosted
from evonas_surrogates.posterior import MOST, Inputs, Posterior, prior_draw

LEAST_ROWS = 5  # an earlier task with fewer results that differ teaches nothing
REFERENCE = 2000  # rows that say how source models and features are spread
LEAF_TREES = 350  # that say how alike two genomes are
NEAR_COPIES = 0.95  # tasks with this slope on one another or more agree wholly
STEEP = 8  # power of a smaller slope's share of it: with one of .7 they hardly agree
UNCHOSEN = 2  # first trainings that no source model chooses, where earlier tasks disagree
CACHED = 256  # of the rows learned last, in a process
TRUSTED = 0.02  # a source model below this share of the trust is not mentioned


class TransferModel(BaseEstimator):
    """Gradient-boosted source models of earlier tasks, stacked by what the target's results say (see `posterior.py`).

    One boosted model, the source model, learns the ranks within each earlier task. On a new task, the target, every
    source model's prior weight is what leaving one earlier task out found it worth; with each result the weights, the
    residual and the uncertainty are the posterior's. Where earlier tasks disagree none of them chooses the first one or
    two trainings, so that later ones can be compared with these. Where they agree the first are a portfolio: each is
    the best that some source model has to offer over those before.

    Rows beyond `max_rows` a task are left out at random; NaN targets are failures and rank last; NaN features are
    allowed; an earlier task of fewer than five results, or of equal ones, is left out.

    Args:
        portfolio: how many trainings are chosen so where earlier tasks agree; fewer the less they do.
        max_rows: of an earlier task.
        trees: of a source model.
        seed: of the source models.
    """

    def __init__(self, portfolio: int = 24, max_rows: int = 20_000, trees: int = 100, seed: int = 0):
        self.portfolio = at_least(0, portfolio=portfolio)
        self.max_rows = at_least(LEAST_ROWS, max_rows=max_rows)
        self.trees = at_least(1, trees=trees)
        self.seed = at_least(0, seed=seed)

    # --- from earlier tasks

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: Sequence[Any] | np.ndarray,
        feature_names: Sequence[str] | None = None,
    ) -> Self:
        """Learn a source model from each earlier task: (n, d) features, (n,) targets, (n,) the task of each row."""
        X, y, groups = np.asarray(X, dtype=float), np.asarray(y, dtype=float), np.asarray(groups)
        if X.ndim != 2 or not len(X) == len(y) == len(groups):
            raise EvonasError(f"fit wants X (n, d), y (n,), groups (n,); got {X.shape}, {y.shape}, {groups.shape}")
        self.feature_names_ = None if feature_names is None else list(feature_names)
        self.names_: list[str] = []
        self.sizes_: list[int] = []  # trainings behind each source model
        self.described_: dict[str, Mapping[str, float]] = {}  # the descriptors of those tasks that are known
        samples: list[tuple[np.ndarray, np.ndarray]] = []
        models = []
        for name in dict.fromkeys(groups.tolist()):
            rows = np.flatnonzero(groups == name)
            rng = np.random.default_rng([self.seed, len(self.names_)])
            rows = np.sort(rng.choice(rows, self.max_rows, replace=False)) if len(rows) > self.max_rows else rows
            values = y[rows]
            if len(rows) < LEAST_ROWS or len(np.unique(values[np.isfinite(values)])) < 2:
                continue
            scores = normal_scores(values)
            models.append(_source_model(X[rows], scores, self.seed, self.trees))
            self.names_.append(str(name))
            self.sizes_.append(int((groups == name).sum()))
            few = rng.permutation(len(rows))[:REFERENCE]
            samples.append((X[rows][few], scores[few]))
        self.forest_ = Forest.of(models)
        reference = np.concatenate([X[:0], *(sample for sample, _ in samples)])
        predicted = self.forest_.predict(reference)
        self._standardize(reference[-REFERENCE * 4 :], predicted[-REFERENCE * 4 :])
        ends = np.cumsum([len(scores) for _, scores in samples])[:-1]
        own = np.split(predicted / self.source_scale_, ends) if samples else []
        self.weight_ = _learned_weight([(V, scores) for V, (_, scores) in zip(own, samples, strict=True)])
        return self._forget()

    def with_sources(self, other: TransferModel) -> Self:
        """This one with another's source models added. Raises EvonasError where the other's features are others.

        Without source models of its own it takes over the other's idea of how features are spread.
        """
        mine, theirs = self.feature_names_, other.feature_names_
        if mine is not None and theirs is not None and mine != theirs:
            odd = sorted(set(mine) ^ set(theirs)) or mine
            raise EvonasError(f"the models to add know other features ({odd[0]!r}, say); make them again")
        if not self.names_:
            self.center_, self.scale_, self.feature_names_ = other.center_, other.scale_, theirs
        both = len(self.names_) + len(other.names_)
        weights = self.weight_ * len(self.names_) ** 2 + other.weight_ * len(other.names_) ** 2
        self.weight_ = weights / max(both, 1) ** 2
        self.names_ = [*self.names_, *other.names_]
        self.sizes_ = [*self.sizes_, *other.sizes_]
        self.described_ = {**other.described_, **self.described_}
        self.source_scale_ = np.concatenate([self.source_scale_, other.source_scale_])
        self.forest_ = self.forest_.joined(other.forest_)
        return self._forget()

    def without(self, names: Sequence[str]) -> Self:
        """This one, its source models of these tasks forgotten."""
        kept = [i for i, name in enumerate(self.names_) if name not in names]
        if len(kept) < len(self.names_):
            self.weight_ *= len(self.names_) / max(len(kept), 1)
            self.names_ = [self.names_[i] for i in kept]
            self.sizes_ = [self.sizes_[i] for i in kept]
            self.source_scale_ = self.source_scale_[kept]
            self.forest_ = self.forest_.only(kept)
        return self._forget()

    # --- on the task at hand

    def adapt(self, X: np.ndarray, y: np.ndarray) -> Self:
        """All results of the target so far: (n, d) features and (n,) targets."""
        X, y = self._checked(X), np.asarray(y, dtype=float)
        if not len(y):
            return self._forget()
        # without source models features are scaled, and shares chosen, by the first so many results: every one would be
        # dear, and says little
        settled = max((n for n in _SCHEDULE if n <= len(y)), default=0)
        if not self.names_ and (self.center_ is None or settled != self._scaled_by):
            self._standardize(X[:settled] if settled else X)
            self._scaled_by, self.posterior_ = settled, None
        goes_on = self._goes_on(X)
        rows, z = self._rows_of_results(X, goes_on), normal_scores(y)
        chosen = None
        if not self.names_ and 0 < settled < len(y):
            key = (X[:settled].tobytes(), y[:settled].tobytes())
            if self._settled is None or self._settled[0] != key:
                early = Posterior(rows[:settled], normal_scores(y[:settled]), self.weight_)
                self._settled = (key, early.chosen)
            chosen = self._settled[1]
        self.posterior_ = Posterior(rows, z, self.weight_, chosen, before=self.posterior_ if goes_on else None)
        self._observed, self._observed_rows, self._observed_scores = X, rows, z
        self._believed = None
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n,) scores, higher is better."""
        return self.predict_with_deviation(X)[0]

    def predict_with_deviation(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) scores, higher is better, and their (n,) standard deviations."""
        X = self._checked(X)
        if self.center_ is None:  # neither earlier tasks nor results
            mean, deviation = np.zeros(len(X)), np.ones(len(X))
        elif self.posterior_ is None:
            V = self._rows(X).sources
            mean = self.weight_ * V.sum(1)
            deviation = np.sqrt(1.0 + V.var(1)) if V.shape[1] else np.ones(len(X))
        else:
            mean, deviation = self.posterior_.predict(self._rows(X))
        return mean, deviation

    def acquire(self, X: np.ndarray, pending: np.ndarray | None = None) -> np.ndarray:
        """(n,) how much each is worth training next, given (m, d) on their way; all alike where none is to be chosen.

        Where earlier tasks disagree the first one or two are the search's own: results that the source models chose are
        all from what these call good, and say little of whether they are right. Where earlier tasks agree, first what a
        genome adds to the best that each source model has been offered; of near copies, what they predict alone: a few
        results are no reason to doubt it. Later the expected improvement on the best result (Jones et al. 1998,
        J. Global Optimization 13) by the next *result*: what no feature says of a network counts as chance, and chance
        is worth taking too. Those on their way count as results that came as predicted (the kriging believer:
        Ginsbourger, Le Riche & Carraro 2010), so that their neighbours are not asked for as well.
        """
        X = self._checked(X)
        observed = 0 if self._observed is None else len(self._observed)
        waiting = 0 if pending is None else len(pending)
        agreement = min(1.0, self.weight_ * len(self.names_) / NEAR_COPIES) ** STEEP
        if len(self.names_) > 1 and observed + waiting < round(UNCHOSEN * (1 - agreement)):
            return np.zeros(len(X))
        if not self.names_ or observed + waiting >= self.portfolio * agreement:
            if self.posterior_ is None:
                return self.predict(X)
            mean, deviation = self._believing(pending).predict(self._rows(X))
            return _log_improvement(mean - self.posterior_.best, np.hypot(deviation, self.posterior_.noise))
        V = self._rows(X).sources
        had = [self._observed_rows.sources] if self._observed_rows is not None else []
        if pending is not None and waiting:
            had.append(self._rows(self._checked(pending)).sources)
        best = np.maximum(np.concatenate(had).max(0), 0.0) if had else np.zeros(V.shape[1])
        adds = np.maximum(V, best).mean(1) + 0.3 * self.predict(X)
        return agreement * self.weight_ * V.sum(1) + (1 - agreement) * adds

    def draw_scores(self, X: np.ndarray, rng: np.random.Generator, pending: np.ndarray | None = None) -> np.ndarray:
        """(n,) scores by one draw from the posterior, of what a network is worth without the chance in its result; time
        and memory grow with n². Those on their way count as for `acquire`, once there are results."""
        X = self._checked(X)
        if self.posterior_ is not None:
            return self._believing(pending).draw(self._rows(X), rng)
        if self.names_:
            return prior_draw(self._rows(X), self.weight_, rng)
        return rng.normal(size=len(X))  # neither earlier tasks nor results

    def views(self, X: np.ndarray) -> np.ndarray:
        """(n, t) what each source model says of (n, d) features, spread about one."""
        return self.forest_.predict(self._checked(X)) / self.source_scale_

    def descriptors(self) -> list[Mapping[str, float]]:
        """Of each source model its task's; empty where they are not known."""
        return [self.described_.get(name, {}) for name in getattr(self, "names_", ())]

    def trust(self) -> dict[str, float]:
        """Earlier task -> its share of the trust, 0 to 1, most trusted first."""
        t = len(self.names_)
        weights = np.full(t, self.weight_) if self.posterior_ is None else self.posterior_.source_weights()
        positive = np.maximum(weights, 0)
        shares = positive / positive.sum() if positive.sum() > 0 else positive
        by_name: dict[str, float] = {}
        for name, share in zip(self.names_, shares, strict=True):
            by_name[name] = by_name.get(name, 0.0) + float(share)
        return dict(sorted(by_name.items(), key=lambda item: -item[1]))

    def earlier_tasks(self) -> dict[str, int]:
        """Earlier task -> how many trainings of it are known."""
        found: dict[str, int] = {}
        for name, size in zip(getattr(self, "names_", ()), getattr(self, "sizes_", ()), strict=True):
            found[name] = found.get(name, 0) + size
        return found

    def describe(self) -> str:
        """One line: what is known, and what of it is trusted now."""
        if not getattr(self, "names_", None):
            return "no earlier tasks with this encoding are remembered; learning from scratch"
        tasks = len(set(self.names_))
        trusted = ", ".join(
            f"{name} {share:.2f}".replace("0.", ".") for name, share in self.trust().items() if share > TRUSTED
        )
        known = f"{tasks} earlier task{'s' if tasks > 1 else ''}, {sum(self.sizes_):,} trainings"
        return f"{known}; trusting {trusted or 'none of them'}"

    # --- inside

    def _believing(self, pending: np.ndarray | None) -> Posterior:
        """The posterior, with (m, d) on their way as if they had come as predicted; made once for a choice."""
        assert self.posterior_ is not None
        if pending is None or not len(pending):
            return self.posterior_
        pending = self._checked(pending)
        key = pending.tobytes()
        if self._believed is None or self._believed[0] != key:
            assert self._observed_rows is not None
            assert self._observed_scores is not None
            new = self._rows(pending)
            rows, z = self._observed_rows.followed_by(new), self.posterior_.predict(new)[0]
            z = np.concatenate([self._observed_scores, z])
            self._believed = key, Posterior(rows, z, self.weight_, self.posterior_.chosen, before=self.posterior_)
        return self._believed[1]

    def _forget(self) -> Self:
        """Without results of the task at hand."""
        self.posterior_: Posterior | None = None
        self._settled: tuple[Any, Any] | None = None
        self._scaled_by = -1
        self._observed: np.ndarray | None = None
        self._observed_rows: Inputs | None = None
        self._observed_scores: np.ndarray | None = None
        self._believed: tuple[bytes, Posterior] | None = None
        return self

    def _standardize(self, X: np.ndarray, predicted: np.ndarray | None = None) -> None:
        """Center and scale features and source models by a sample; without one, wait for results."""
        self.center_: np.ndarray | None = None
        self.scale_ = np.ones(X.shape[1] if X.ndim == 2 else 0)
        self.source_scale_ = np.ones(len(self.names_))
        if not len(X):
            return
        with np.errstate(all="ignore"):
            known = np.isfinite(X).any(0)
            center = np.where(known, np.nanmean(np.where(known, X, 0.0), 0), 0.0)
            deviation = np.nanstd(np.where(known, X, 0.0), 0)
        self.center_ = np.nan_to_num(center)
        self.scale_ = np.where(deviation > 1e-9, deviation, np.inf)  # a constant feature says nothing
        if predicted is not None:
            self.source_scale_ = np.maximum(predicted.std(0), 1e-6)

    def _rows(self, X: np.ndarray) -> Inputs:
        """What the posterior sees of (n, d) features."""
        assert self.center_ is not None
        leaves = self.forest_.leaves(X)
        trees = np.unique(np.linspace(0, leaves.shape[1] - 1, LEAF_TREES).astype(int)) if leaves.shape[1] else []
        features = np.nan_to_num((X - self.center_) / self.scale_, posinf=0.0, neginf=0.0)
        return Inputs(self.forest_.sums(leaves) / self.source_scale_, leaves[:, trees], features)

    def _goes_on(self, X: np.ndarray) -> bool:
        """Whether the results that were there before are the first of these."""
        if self.posterior_ is None or self._observed is None:
            return False
        return np.array_equal(X[: len(self._observed)], self._observed, equal_nan=True)

    def _rows_of_results(self, X: np.ndarray, goes_on: bool) -> Inputs:
        """What the posterior sees of them; results that were there before are not looked at anew."""
        if not goes_on or self._observed is None or self._observed_rows is None:
            return self._rows(X)
        return self._observed_rows.followed_by(self._rows(X[len(self._observed) :]))

    def _checked(self, X: np.ndarray) -> np.ndarray:
        if not hasattr(self, "names_"):
            self.fit(np.zeros((0, np.shape(X)[1])), np.zeros(0), np.zeros(0))
        return np.asarray(X, dtype=float)


_SCHEDULE = tuple(sorted({n for i in range(25) if (n := round(3 * 1.3**i)) <= MOST}))


def _source_model(X: np.ndarray, scores: np.ndarray, seed: int, trees: int) -> HistGradientBoostingRegressor:
    """One task's model, the same one for the same rows: the searches of a benchmark know the same earlier tasks."""
    rows = sha256(X.tobytes() + scores.tobytes()).digest()
    key, cached = (rows, X.shape, seed, trees), _cached()
    known = cached.pop(key, None)
    cached[key] = boosted(X, scores, seed, trees) if known is None else known
    while len(cached) > CACHED:
        cached.popitem(last=False)
    return cached[key]


@cache
def _cached() -> OrderedDict[Any, HistGradientBoostingRegressor]:
    """The source models made last, the latest at the end."""
    return OrderedDict()


def _log_improvement(above: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """(n,) the logarithm of the expected improvement: it tells hopeless ones apart too (Ament et al. 2023, NeurIPS)."""
    u = above / deviation
    near = np.maximum(u, -5.0)
    log = np.log(norm.pdf(near) + near * norm.cdf(near))
    tail = norm.logpdf(u) - 2 * np.log(np.maximum(-u, 1.0)) + np.log1p(-3 / np.maximum(u**2, 25.0))
    return np.log(deviation) + np.where(u > -5.0, log, tail)


def _learned_weight(samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """A source model's prior weight: the slope of each earlier task's scores on the mean of the others' predictions.

    `samples` are of each task: (n, t) predictions of the source models, (n,) scores.
    """
    t = len(samples)
    if t == 0:
        return 0.0
    if t == 1:
        return 0.5
    slopes = []
    for i, (sources, z) in enumerate(samples):
        mean = np.delete(sources, i, axis=1).mean(1)
        slopes.append(float(np.cov(mean, z)[0, 1] / max(mean.var(), 1e-9)))
    return float(np.clip(np.mean(slopes), 0.0, 1.0)) / t
