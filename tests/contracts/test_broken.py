"""Each break of a contract is caught, by the inherited tests and by the check before a search."""

import random
import zlib
from dataclasses import replace

import numpy as np
import pytest

from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Task
from evonas.encodings.cell import CellEncoding
from evonas.encodings.check import check_encoding
from evonas.search.evolution import Evolution
from evonas.testing import EncodingContract, Mirrored, RankerContract, SearcherContract
from evonas_surrogates.boosting import BoostingSurrogate
from evonas_surrogates.process import ProcessSurrogate
from tests.toys import on

TASK = Task("contract", (1, 8, 8), 3)


class Unhashable(CellEncoding):
    def mutate(self, genome, rng):  # pyright: ignore[reportIncompatibleMethodOverride]
        return [genome]


class GlobalRandom(CellEncoding):
    def mutate(self, genome, rng):
        return super().mutate(genome, np.random.default_rng(random.getrandbits(32)))


class ChangingNames(CellEncoding):
    def features(self, genome):
        return {genome: 1.0}


class Restless(CellEncoding):
    def canonical(self, genome):
        return self.mutate(genome, np.random.default_rng(0))


class WrongLogits(CellEncoding):
    def build(self, genome, task):
        return super().build(genome, Task(task.name, task.input_shape, task.n_classes + 1))


class Raising(CellEncoding):
    def build(self, genome, task):
        raise ZeroDivisionError("no network today")


class NoJSON(CellEncoding):
    def sample(self, rng):  # pyright: ignore[reportIncompatibleMethodOverride]
        return frozenset([1])


class Words(CellEncoding):
    def features(self, genome):  # pyright: ignore[reportIncompatibleMethodOverride]
        return {"genome": genome}


class Gappy(CellEncoding):
    def features(self, genome):
        return {"size": float("nan")}


class Infinite(CellEncoding):
    def features(self, genome):
        return {"size": float("inf")}


class Foreign(CellEncoding):
    def portfolio(self, task):
        return ["of another space"]


class Twice(CellEncoding):
    def portfolio(self, task):
        return [*super().portfolio(task), super().portfolio(task)[0]]


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (Unhashable, "test_genomes_are_immutable_values"),
        (GlobalRandom, "test_global_randomness_is_left_alone"),
        (ChangingNames, "test_features_are_numbers_of_stable_names"),
        (Infinite, "test_features_are_numbers_of_stable_names"),
        (Gappy, "test_features_are_numbers_of_stable_names"),
        (Restless, "test_canonical_is_idempotent"),
        (WrongLogits, "test_networks_give_logits_and_take_gradients"),
        (Twice, "test_what_is_tried_first_are_different_networks"),
    ],
)
def test_a_broken_encoding_fails_its_test(broken, test):
    case = type("Case", (EncodingContract,), {"encoding": broken()})()
    with pytest.raises((AssertionError, TypeError, ValueError)):
        getattr(case, test)()


def test_gaps_in_features_are_allowed_where_they_are_meant():
    type("Case", (EncodingContract,), {"encoding": Gappy(), "gaps": True})().test_features_are_numbers_of_stable_names()


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (Unhashable, r"'Unhashable' breaks the contract: mutate\('\|.*not hashable"),
        (ChangingNames, "features.*other names"),
        (Restless, "canonical.*whose own canonical form is another one"),
        (WrongLogits, r"build\('\|.*\(2, 4\).*not logits of shape \(2, 3\)"),
        (Raising, r"build\('\|.*raised ZeroDivisionError: no network today"),
        (NoJSON, "JSON does not keep"),
        (Words, "gave something that is no number"),
        (Infinite, "gave an infinite number"),
        (Foreign, r"features\('of another space'\) raised .*; portfolio\(\) names that genome: let it name genomes of"),
    ],
)
def test_the_check_before_a_search_names_the_genome(broken, says):
    with pytest.raises(EvonasError, match=says) as error:
        check_encoding(broken(), TASK, np.random.default_rng(0))
    assert "\n" not in str(error.value)


def test_the_check_lets_a_good_encoding_pass():
    check_encoding(CellEncoding(width=4), TASK, np.random.default_rng(0))


class Uneven(CellEncoding):
    """Three networks in four are none."""

    def portfolio(self, task):
        return []

    def build(self, genome, task):
        if zlib.crc32(genome.encode()) % 4:
            raise RuntimeError("too deep")
        return super().build(genome, task)


@pytest.mark.parametrize("seed", range(6))
def test_the_check_leaves_single_networks_that_break_to_the_search(seed):
    check_encoding(Uneven(width=4), TASK, np.random.default_rng(seed))


class Forgetful(Evolution):
    def expect(self, candidates):
        pass


class Stateful(Evolution):
    def ask(self, n, rng):
        return super().ask(n, np.random.default_rng())


class Repeating:
    def __init__(self, context):
        self.encoding = context.encoding

    def ask(self, n, rng):
        return [Candidate((0,) * self.encoding.length)] * n

    def tell(self, evaluations):
        pass


class Inventive(Evolution):
    """Names parents that it made up."""

    def breed(self, rng):
        return Candidate(self.encoding.sample(rng), parents=(self.encoding.sample(rng),), origin="mutated")


class Untruthful(Evolution):
    def propose(self, n, rng):
        return [replace(candidate, origin="sampled") for candidate in super().propose(n, rng)]


class Wordy(Evolution):
    def propose(self, n, rng):
        return [replace(candidate, origin="made") for candidate in super().propose(n, rng)]


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (Inventive, "test_says_where_a_candidate_came_from"),
        (Untruthful, "test_says_where_a_candidate_came_from"),
        (Wordy, "test_says_where_a_candidate_came_from"),
        (Forgetful, "test_what_is_pending_is_not_asked_again"),
        (Stateful, "test_the_same_history_gives_the_same_search"),
        (Repeating, "test_exhausts_a_small_space"),
    ],
)
def test_a_broken_searcher_fails_its_test(broken, test):
    case = type("Case", (SearcherContract,), {"make_searcher": lambda self, encoding: broken(on(encoding))})()
    with pytest.raises(AssertionError):
        getattr(case, test)()


class Accumulating(BoostingSurrogate):
    def fit(self, X, y, groups):
        self.rows = []
        return super().fit(X, y, groups)

    def adapt(self, X, y):
        self.rows.append((X, y))
        return super().adapt(np.concatenate([x for x, _ in self.rows]), np.concatenate([y for _, y in self.rows]))


class Shuffling(BoostingSurrogate):
    def predict(self, X):
        return np.random.default_rng().permutation(super().predict(X))


class Blind(BoostingSurrogate):
    def predict(self, X):
        return np.full(len(X), np.nan)


class UpsideDown(BoostingSurrogate):
    def predict(self, X):
        return -super().predict(X)


class Column(BoostingSurrogate):
    def predict(self, X):
        return super().predict(X)[:, None]


class Comparing(BoostingSurrogate):
    """Scores are places among those asked about."""

    def predict(self, X):
        return super().predict(X).argsort().argsort() / max(len(X), 1)


class FailuresFirst(BoostingSurrogate):
    def adapt(self, X, y):
        return super().adapt(X, np.nan_to_num(y, nan=9.0))


class Grudging(BoostingSurrogate):
    """What it was told once stays, whatever it is fitted from then."""

    def fit(self, X, y, groups):
        return self

    def adapt(self, X, y):
        return super().adapt(X, y) if len(y) else self


class Silent(BoostingSurrogate):
    def adapt(self, X, y):  # pyright: ignore[reportIncompatibleMethodOverride]
        super().adapt(X, y)


class Needy(BoostingSurrogate):
    def predict(self, X):
        return self.model_.predict(X)  # pyright: ignore[reportOptionalMemberAccess]


class Overwriting(BoostingSurrogate):
    def adapt(self, X, y):
        np.nan_to_num(y, copy=False)
        return super().adapt(X, y)


class Fastidious(BoostingSurrogate):
    def fit(self, X, y, groups):
        assert np.isfinite(y).all(), "no failures, please"
        return super().fit(X, y, groups)


class Talkative(BoostingSurrogate):
    def describe(self):
        return "I know\na lot"


class Waiting(BoostingSurrogate):
    def acquire(self, X, pending):
        return self.predict(X) - np.linalg.norm(X - np.mean(pending, axis=0), axis=1)


class Scattering(ProcessSurrogate):
    """As if each score were drawn by itself."""

    def draw_scores(self, X, rng, pending=None):
        scores, deviations = self.predict_with_deviation(X)
        return rng.normal(scores, deviations)


class Sure(ProcessSurrogate):
    def draw_scores(self, X, rng, pending=None):
        return self.predict(X)


class Unlike(BoostingSurrogate):
    def __init__(self, least: int = 8, trees: int = 60, seed: int = 0):
        super().__init__(least, trees, int(np.random.default_rng().integers(2**31)))


class Rooted(BoostingSurrogate):
    def __getstate__(self):
        return {**vars(self), "model_": None}


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (Accumulating, "test_adapt_starts_anew_each_time"),
        (Shuffling, "test_equal_input_gives_equal_scores"),
        (Blind, "test_scores_are_finite_numbers"),
        (Needy, "test_scores_are_finite_numbers"),
        (Column, "test_scores_are_finite_numbers"),
        (UpsideDown, "test_learns_from_the_task_at_hand"),
        (Comparing, "test_a_score_is_the_genomes_own"),
        (FailuresFirst, "test_failures_are_no_good_results"),
        (Grudging, "test_adapt_starts_anew_each_time"),
        (Grudging, "test_fit_starts_anew_each_time"),
        (Silent, "test_learning_returns_the_ranker_itself"),
        (Overwriting, "test_arguments_are_left_alone"),
        (Fastidious, "test_earlier_tasks_of_all_sizes_at_once"),
        (Talkative, "test_says_in_one_line_what_it_knows"),
        (Waiting, "test_what_is_worth_training_next"),
        (Scattering, "test_what_it_draws_is_what_it_believes"),
        (Sure, "test_what_it_draws_is_what_it_believes"),
        (Unlike, "test_another_one_by_its_parameters"),
        (Rooted, "test_travels"),
    ],
)
def test_a_broken_ranker_fails_its_test(broken, test):
    case = type("Case", (RankerContract,), {"make_ranker": lambda self: broken()})()
    with pytest.raises((AssertionError, AttributeError, TypeError, RuntimeError, ValueError)):
        getattr(case, test)()


def test_mirrored_is_a_space():
    assert Mirrored().canonical((3, 1, 0, 0)) == (0, 0, 1, 3)
