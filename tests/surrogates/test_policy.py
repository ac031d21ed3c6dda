"""The learned generator: what it proposes, what it learns from, and what it was taught before a search."""

import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest

from evonas.core.errors import EvonasError
from evonas.core.goals import Goal, Objective
from evonas.core.space import Gene, Space
from evonas.core.types import Candidate, Evaluation, Task
from evonas.encodings.categorical import CategoricalEncoding
from evonas.encodings.net import NetEncoding
from evonas.execution.processes import Serial
from evonas.search.loop import Budget, generator, replay, run
from evonas.search.methods import make_method
from evonas.search.screening import Screened
from evonas_surrogates.autoregressive import Autoregressive
from evonas_surrogates.generator import learn, optimizer_of, teach
from evonas_surrogates.meta import MetaSurrogate
from evonas_surrogates.policy import PolicySearch, _standardized
from tests.toys import TASK, Digits, on, total


@dataclass(frozen=True)
class Spaced(Digits):
    """Says what there is to choose."""

    length: int = 8

    def space(self) -> Space:
        return Space(tuple(Gene(f"gene{i}", tuple(range(self.base))) for i in range(self.length)), tuple, list)


def drawn(network, n=400, seed=0, task=(), heat=1.0):
    return network.draw(np.tile(np.array(task), (n, 1)), np.random.default_rng(seed), heat)


def log_likelihood(network, choices):
    import torch

    with torch.no_grad():
        log, _ = network.said(torch.from_numpy(choices), torch.zeros(len(choices), 0))
    return log.numpy()


# --- the distribution


def test_untrained_all_choices_are_alike_and_all_genes_have_their_own():
    space = Space((Gene("a", (1, 2)), Gene("b", ("x", "y", "z")), Gene("c", (0,))), tuple, list)
    choices = drawn(Autoregressive(space), 3000)
    for gene, size in enumerate(space.sizes):
        np.testing.assert_allclose(np.bincount(choices[:, gene], minlength=size) / 3000, 1 / size, atol=0.03)


def test_what_it_draws_is_as_often_as_it_says():
    space = Spaced(length=3, base=2).space()
    network = Autoregressive(space)
    rng, optimizer = np.random.default_rng(0), optimizer_of(network)
    some = rng.integers(2, size=(40, 3))
    for _ in range(5):
        learn(network, optimizer, np.zeros(0), some, rng.normal(size=40))
    every = np.array(list(np.ndindex(2, 2, 2)))
    said = np.exp(log_likelihood(network, every))
    assert said.sum() == pytest.approx(1, abs=1e-5)
    assert np.ptp(said) > 0.1
    places = drawn(network, 8_000) @ [4, 2, 1]
    np.testing.assert_allclose(np.bincount(places, minlength=8) / 8_000, said, atol=0.02)
    hot = np.bincount(drawn(network, 8_000, heat=100.0) @ [4, 2, 1], minlength=8) / 8_000
    np.testing.assert_allclose(hot, 1 / 8, atol=0.02)


def test_it_learns_that_two_genes_go_together():
    network = Autoregressive(Spaced(length=2, base=3).space())
    every = np.array(list(np.ndindex(3, 3)))
    alike = np.where(every[:, 0] == every[:, 1], 1.0, -1.0)  # no gene by itself says anything
    optimizer = optimizer_of(network)
    for _ in range(20):
        learn(network, optimizer, np.zeros(0), every, alike)
    choices = drawn(network)
    assert (choices[:, 0] == choices[:, 1]).mean() > 0.6


def test_a_gene_without_an_effect_takes_its_first_choice_and_counts_for_nothing():
    space = NetEncoding().space()
    network = Autoregressive(space)
    choices = drawn(network)
    stages, growth = space.names.index("stages"), space.names.index("growth")
    one = space.genes[stages].choices.index(1)
    assert set(choices[choices[:, stages] == one, growth]) == {0}
    assert set(choices[choices[:, stages] != one, growth]) != {0}
    of_one = choices[choices[:, stages] == one][:1]
    other = of_one.copy()
    other[0, growth] = 1
    assert log_likelihood(network, of_one) == log_likelihood(network, other)


def test_too_many_choices_are_one_line():
    with pytest.raises(EvonasError, match="the genes have 5,000 choices together.*at most 4,000.*evolution"):
        Autoregressive(Space((Gene("a", tuple(range(5000))),), tuple, list))


def test_the_evaluator_leads_it_beyond_what_it_imitates():
    network = Autoregressive(Spaced(length=6, base=4).space())
    mediocre = np.random.default_rng(0).integers(3, size=(200, 6))  # the best choice of each gene is not among them
    teach(network, np.zeros((1, 0)), mediocre, mediocre.sum(1)[:, None] / 3, lambda some: some.sum(1)[:, None] / 3, 0)
    assert drawn(network).sum(1).mean() > mediocre.sum(1).max()


# --- the search


def best(method, seed, trials=40, encoding=None):
    searcher = make_method(method, on(encoding or Spaced()))
    trials = run(searcher, Serial(total), TASK, seed=seed, budget=Budget(trials)).trials
    return max(trial.evaluation.metrics["val_accuracy"] for trial in trials)


def test_it_finds_better_ones_than_random_search():
    assert min(best("policy", seed) for seed in range(3)) > max(best("random", seed) for seed in range(3))


def test_it_says_what_it_proposes_and_proposes_something_else_each_time():
    searcher = PolicySearch(on(Spaced(length=2, base=4)))  # ten networks
    asked = [candidate for k in range(4) for candidate in searcher.ask(3, generator(0, k))]
    assert len({candidate.genome for candidate in asked}) == len(asked) == 10
    assert {candidate.origin for candidate in asked} <= {"policy", "sampled"}
    assert "policy" in {candidate.origin for candidate in asked}


def test_told_together_or_one_by_one_is_the_same():
    rng = np.random.default_rng(1)
    results = [total(Candidate(Spaced().sample(rng)), TASK, 0) for _ in range(12)]
    together, one_by_one = PolicySearch(on(Spaced())), PolicySearch(on(Spaced()))
    together.tell(results)
    for result in results:
        one_by_one.tell([result])
    assert together.ask(5, generator(0, 0)) == one_by_one.ask(5, generator(0, 0))


@pytest.mark.parametrize("method", ["policy", "policy+meta(pool=4)"])
def test_a_resumed_search_goes_on_as_it_would_have(method):
    whole = run(make_method(method, on(Spaced())), Serial(total), TASK, seed=3, budget=Budget(14)).trials
    again = make_method(method, on(Spaced()))
    replay(again, whole[:9], 3)
    rest = [again.ask(1, generator(3, 9))[0]]
    assert rest[0] == whole[9].evaluation.candidate


def test_a_failure_is_learned_from_and_a_lost_worker_is_not():
    good = [total(Candidate((i % 4,) * 8), TASK, 0) for i in range(4)]
    searchers = [PolicySearch(on(Spaced())) for _ in range(3)]
    bad = Candidate((3, 3, 3, 3, 0, 0, 0, 0))
    more = [[], [Evaluation.failure(bad, "worker died")], [Evaluation.failure(bad, "NaN loss")]]
    for searcher, evaluations in zip(searchers, more, strict=True):
        searcher.tell([*good, *evaluations])
    shares = [log_likelihood(searcher._policy()[0], np.array([bad.genome])) for searcher in searchers]
    assert shares[0] == shares[1] > shares[2]


def test_a_limit_comes_before_the_objective():
    goal = Goal.parse("val_accuracy", ["params<=1"])
    searcher = PolicySearch(replace(on(Spaced()), goal=goal))
    searcher.tell([total(Candidate((first, 3, 3, 3, 3, 3, 3, first)), TASK, 0) for first in (3, 2, 1, 0)])
    assert searcher._scores().argsort().tolist() == [0, 1, 3, 2]  # 3 and 2 break it, and of the others 1 is better


def test_what_it_cannot_search_is_one_line():
    with pytest.raises(EvonasError, match=r"'Digits' has no space\(\) of genes.*another method: evolution"):
        make_method("policy", on(Digits()))
    with pytest.raises(EvonasError, match="a policy searches for one objective"):
        make_method("policy", on(Spaced(), Objective("val_accuracy"), Objective("params", maximize=False)))
    with pytest.raises(EvonasError, match=r"small_first=4\): nobody counts the parameters of 'Spaced'"):
        make_method("policy(small_first=4)", on(Spaced()))


def test_small_ones_first():
    context = replace(on(Spaced()), costs=lambda genome, names: {"params": float(sum(genome))})

    def first(method):
        trials = run(make_method(method, context), Serial(total), TASK, seed=0, budget=Budget(6)).trials
        return np.mean([sum(trial.evaluation.candidate.genome) for trial in trials])

    assert first("policy(small_first=6)") < first("policy") - 2


def test_few_epochs_first():
    """What another one trained for less is lifted to what more would have given it."""
    searcher = make_method("halving(searcher='policy', rungs=2, eta=2)", on(Spaced()))
    trials = run(searcher, Serial(total), TASK, seed=0, budget=Budget(30)).trials
    assert {trial.evaluation.candidate.fidelity for trial in trials} == {0.5, 1.0}
    assert {"policy", "promoted"} <= {trial.evaluation.candidate.origin for trial in trials}


# --- with a memory


def remembering(encoding, wanted, seed=0, rows=150):
    """A ranker that knows tasks: of each the genomes near one that is wanted are good."""
    rng = np.random.default_rng(seed)
    genomes = [encoding.sample(rng) for _ in range(rows)]
    X = np.array([list(encoding.features(genome).values()) for genome in genomes])
    y = [[sum(a == b for a, b in zip(genome, one, strict=True)) for genome in genomes] for one in wanted]
    groups = np.repeat([f"task{i}" for i in range(len(wanted))], rows)
    return MetaSurrogate(trees=30).fit(np.tile(X, (len(wanted), 1)), np.concatenate(y), groups)


GENES = CategoricalEncoding({f"gene{i}": tuple("abcd") for i in range(6)})


def taught(ranker, task=TASK):
    searcher = PolicySearch(on(GENES, task=task))
    searcher.advised(ranker)
    return searcher


def test_with_a_memory_it_begins_with_what_was_good_before():
    ranker = remembering(GENES, ["abcdab", "abcdaa"])
    first = [candidate.genome for candidate in taught(ranker).ask(10, generator(0, 0))]
    alike = np.mean([sum(a == b for a, b in zip(genome, "abcdab", strict=True)) for genome in first])
    assert alike > 4  # by chance 1.5
    blank = [candidate.genome for candidate in PolicySearch(on(GENES)).ask(10, generator(0, 0))]
    assert np.mean([sum(a == b for a, b in zip(genome, "abcdab", strict=True)) for genome in blank]) < 3
    assert first == [candidate.genome for candidate in taught(ranker).ask(10, generator(0, 0))]


def test_it_is_the_ranker_beside_it_that_teaches_it_and_only_once():
    ranker = remembering(GENES, ["abcdab"])
    searcher = Screened(on(GENES), PolicySearch(on(GENES)), ranker, pool=2)
    assert isinstance(searcher.searcher, PolicySearch)
    assert searcher.searcher.preferences([tuple("abcdab")]) > PolicySearch(on(GENES)).preferences([tuple("abcdab")]) + 2
    first = searcher.searcher._policy()
    searcher.ask(2, generator(0, 0))
    assert searcher.searcher._policy() is first
    there = pickle.loads(pickle.dumps(searcher))
    assert there.ask(2, generator(0, 1)) == searcher.ask(2, generator(0, 1))


def test_descriptors_decide_which_earlier_task_a_new_one_is_like():
    ranker = remembering(GENES, ["aaaaaa", "bbbbbb", "aaaaaa", "bbbbbb"])
    ranker.described_ = {f"task{i}": {"size": float(i % 2)} for i in range(4)}

    def share_of_a(size):
        searcher = taught(ranker, Task("new", (), 0, {"size": size, "unheard of": 1.0}))
        return np.mean([list(one.genome).count("a") for one in searcher.ask(20, generator(0, 0))])

    assert share_of_a(0.0) > share_of_a(1.0) + 2


def test_descriptors_are_brought_to_one_scale():
    earlier = [{"a": 1.0, "b": 5.0, "c": 0.0}, {}, {"a": 3.0, "b": 5.0, "c": 2.0, "else": 1.0}]
    tasks, own = _standardized(earlier, {"a": 2.0, "b": 9.0, "c": 0.5, "unheard of": 1.0})  # b tells no two apart
    np.testing.assert_allclose(tasks, np.array([[-1, -1], [0, 0], [1, 1]]) / np.sqrt(2))
    np.testing.assert_allclose(own, np.array([0, -0.5]) / np.sqrt(2))
    _, far = _standardized(earlier, {"a": 1e9, "b": 9.0, "c": float("nan")})
    np.testing.assert_allclose(far, [1])  # no further away than what is known
    assert _standardized([{"a": 1.0}], {"a": 2.0})[1].shape == _standardized([], {"a": 2.0})[1].shape == (0,)


def test_results_outweigh_a_memory_that_is_wrong():
    ranker = remembering(GENES, ["aaaaaa"])
    searcher, found = taught(ranker), []

    def worth(candidate, task, seed):
        return Evaluation(candidate, {"val_accuracy": list(candidate.genome).count("d") / 6})

    for trial in run(searcher, Serial(worth), TASK, seed=0, budget=Budget(60)).trials:
        found.append(trial.evaluation.metrics["val_accuracy"])
    assert np.mean(found[:10]) < 0.2
    assert np.mean(found[-10:]) > 0.6
