"""From one search to the next: what is remembered, what is left out, and files that are none."""

import math
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.ensemble import HistGradientBoostingRegressor

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.genomes import feature_row as row
from evonas.core.goals import VAL_ACCURACY
from evonas.core.ranks import normal_scores
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.encodings.cell import CellEncoding
from evonas.execution.processes import Serial
from evonas.memory.archive import Archive, RunRecord
from evonas.search.baselines import RandomSearch
from evonas.search.evolution import AgingEvolution, Evolution
from evonas.search.loop import Budget, run
from evonas.search.screening import Screened
from evonas.search.several import pareto_scores
from evonas_surrogates import modelfile, plainfile, pretrained, source_data, transfer
from evonas_surrogates.boosting import BoostingSurrogate
from evonas_surrogates.forest import Forest, boosted
from evonas_surrogates.meta import MetaSurrogate

ENCODING = CellEncoding()
DIGITS, USPS = Task("digits", (1, 8, 8), 10, {}, "a1 b2 c3"), Task("usps", (1, 16, 16), 10, {}, "d4 e5 f6")
CONTEXT = SearchContext(ENCODING, task=DIGITS, encoding_name="cell")


def worth(genome, task=DIGITS):
    """Convolutions on the edges to the output help; a little differently on each task."""
    features = ENCODING.features(genome)
    value = features["live nor_conv_3x3"] + 0.7 * features["live nor_conv_1x1"] - 0.2 * features["count avg_pool_3x3"]
    return 0.5 + 0.05 * value + (0.02 * features["count skip_connect"] if task is USPS else 0.0)


def evaluate(candidate, task, seed):
    return Evaluation(candidate, {"val_accuracy": worth(candidate.genome, task)}, 0.0)


def remembered(tmp_path, tasks=(DIGITS, USPS), n=60):
    archive = Archive(tmp_path / "a.db")
    for task in tasks:
        archive.add_run(RunRecord(f"on-{task.name}", task, "cell", "random"))
        run(
            RandomSearch(CONTEXT),
            Serial(evaluate),
            task,
            seed=1,
            budget=Budget(n),
            store=archive,
            name=f"on-{task.name}",
        )
    return archive


def test_normal_scores():
    np.testing.assert_allclose(normal_scores(np.array([3.0, 1.0, 2.0])), [0.869, -0.869, 0], atol=1e-3)
    failed = normal_scores(np.array([0.5, np.nan, 0.9]))
    assert failed[1] < failed[0] < failed[2]
    assert normal_scores(np.array([2.0, 2.0])).tolist() == [0, 0]
    assert normal_scores(np.array([np.nan, np.nan])).tolist() == [0, 0]
    assert len(normal_scores(np.array([]))) == 0


def test_the_forest_predicts_as_the_models_it_was_made_of():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 8)).round(1)
    X[rng.random(X.shape) < 0.1] = np.nan
    models: list[HistGradientBoostingRegressor] = [boosted(X, np.nan_to_num(X[:, i]), trees=30) for i in range(4)]
    forest = Forest.of(models[:1]).joined(Forest.of(models[1:]))
    expected = np.stack([model.predict(X) for model in models], axis=1)
    np.testing.assert_allclose(forest.predict(X), expected, atol=1e-9)
    np.testing.assert_allclose(forest.only([2, 0]).predict(X), expected[:, [2, 0]], atol=1e-9)


@pytest.mark.parametrize(("features", "seen"), [(1, 1), (4, 4), (20, 4), (40, 4), (200, 20)])
def test_a_split_sees_a_tenth_of_the_features_and_four_at_least(features, seen):
    X = np.random.default_rng(0).random((30, features))
    model = boosted(X, X[:, 0], trees=1)
    assert int(model.max_features * features + 1e-9) == seen


def test_history_leaves_the_target_out_by_content_and_not_only_by_name(tmp_path):
    archive = remembered(tmp_path)
    renamed = Task("something-else", (1, 8, 8), 10, {}, DIGITS.fingerprint)
    assert set(source_data.read(archive, "cell", renamed).groups) == {"usps"}
    namesake = Task("digits", (1, 8, 8), 10, {}, "99 88 77")
    assert set(source_data.read(archive, "cell", namesake).groups) == {"digits", "usps"}
    rows = source_data.read(archive, "cell", renamed)
    assert (
        rows.X.shape
        == (60, len(rows.feature_names))
        == (60, len(ENCODING.features(ENCODING.sample(np.random.default_rng(0)))))
    )
    assert len(source_data.read(archive, "macro", renamed).y) == 0


def test_of_each_genome_the_best_fidelity_counts_and_seeds_are_averaged(tmp_path):
    archive = Archive(tmp_path / "a.db")
    genome = ENCODING.canonical("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|")
    for run_name, fidelity, value in (("a", 0.5, 0.1), ("b", 1.0, 0.6), ("c", 1.0, 0.8), ("d", 1.0, math.nan)):
        archive.add_run(RunRecord(run_name, USPS, "cell", "random"))
        failed = math.isnan(value)
        candidate = Candidate(genome, fidelity)
        evaluation = Evaluation.failure(candidate, "x") if failed else Evaluation(candidate, {"val_accuracy": value})
        archive.append(Trial(run_name, 0, 0, evaluation))
    rows = source_data.read(archive, "cell", DIGITS)
    assert rows.y.tolist() == [pytest.approx(0.7)]


def test_a_useful_earlier_task_is_trusted_and_a_misleading_one_is_not(tmp_path):
    rng = np.random.default_rng(0)
    genomes = list({ENCODING.canonical(ENCODING.sample(rng)) for _ in range(300)})
    X = np.array([row(ENCODING.features(g)) for g in genomes])
    y = np.array([worth(g) for g in genomes])
    ranker = MetaSurrogate(trees=60).fit(
        np.tile(X, (3, 1)), np.concatenate([y, -y, rng.permutation(y)]), np.repeat(["twin", "liar", "noise"], len(y))
    )
    ranker.adapt(X[:25], y[:25] + 0.001 * rng.normal(size=25))
    trust = ranker.trust()
    assert max(trust, key=lambda name: trust[name]) == "twin"
    assert trust["liar"] < 0.1
    correlation: Any = spearmanr(ranker.predict(X[25:]), y[25:])
    assert correlation[0] > 0.9
    assert "3 earlier tasks" in ranker.describe()
    assert "trusting twin" in ranker.describe()


@pytest.mark.thorough
def test_memory_saves_trainings(tmp_path):
    archive = remembered(tmp_path, tasks=(USPS,), n=200)
    recalled = MetaSurrogate.recall(replace(CONTEXT, store=archive))

    def needed(seed, with_memory):
        """Trainings to a good network, and to the best there is."""
        ranker = BoostingSurrogate()
        if with_memory:
            ranker = recalled.without([name for name in recalled.names_ if "NAS-Bench" in name])
            assert ranker.names_ == ["usps"]
        searcher = Screened(CONTEXT, AgingEvolution(CONTEXT), ranker)
        found: list[float] = []

        def finding(candidate, task, seed):
            found.append(worth(candidate.genome, task))
            return evaluate(candidate, task, seed)

        goals = (0.75, 0.8 - 1e-9)

        def fits(candidate, elapsed):
            return max(found, default=0.0) < max(goals)

        run(searcher, Serial(finding), DIGITS, seed=seed, budget=Budget(60), fits=fits)
        return [next((i for i, value in enumerate(found) if value >= goal), 60) for goal in goals]

    with_memory, without = (np.array([needed(seed, memory) for seed in range(3)]) for memory in (True, False))
    good, best = np.median(with_memory, axis=0) / np.median(without, axis=0)
    assert good < 0.5
    assert best < 0.75
    assert with_memory[:, 1].max() < without[:, 1].min()


@pytest.mark.thorough
@pytest.mark.parametrize("make", [Evolution, AgingEvolution, RandomSearch])
def test_a_screened_search_resumes_exactly(make):
    def search(told=()):
        searcher = Screened(CONTEXT, make(CONTEXT), MetaSurrogate())
        return run(searcher, Serial(evaluate), DIGITS, seed=2, budget=Budget(30), trials=told).trials

    whole = search()
    assert [t.evaluation for t in search(whole[:17])] == [t.evaluation for t in whole]


@pytest.mark.thorough
def test_screening_a_searcher_of_a_users_own():
    class Mine:
        def ask(self, n, rng):
            return [Candidate(ENCODING.sample(rng)) for _ in range(n)]

        def tell(self, evaluations):
            pass

    searcher = Screened(CONTEXT, Mine(), BoostingSurrogate(), explore=0.0)
    trials = run(searcher, Serial(evaluate), DIGITS, seed=0, budget=Budget(60)).trials
    values = [t.evaluation.metrics["val_accuracy"] for t in trials]
    assert np.mean(values[30:]) > np.mean(values[:8]) + 0.05
    genomes = [ENCODING.canonical(t.evaluation.candidate.genome) for t in trials]
    assert len(set(genomes)) == 60


def test_the_first_trainings_are_a_portfolio():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    ranker = MetaSurrogate(trees=60).fit(
        np.tile(X, (2, 1)), np.concatenate([X[:, 0], X[:, 1]]), np.repeat(["first", "second"], 400)
    )
    chosen = [0, 1]
    assert (ranker.acquire(X, X[:1]) == 0).all()  # two tasks that disagree: first the search's own
    for _ in range(4):
        scores = ranker.acquire(X, X[chosen])
        scores[chosen] = -np.inf
        chosen.append(int(scores.argmax()))
    assert X[chosen[2:], 0].max() > 1.5
    assert X[chosen[2:], 1].max() > 1.5


def test_a_view_is_learned_once_in_a_process_and_anew_from_other_rows():
    X = np.random.default_rng(0).normal(size=(60, 3))
    first, again = (transfer._source_model(X.copy(), X[:, 0].copy(), 0, 10) for _ in range(2))
    assert first is again
    others = [(X, X[:, 1], 0, 10), (X + 1, X[:, 0], 0, 10), (X, X[:, 0], 1, 10), (X, X[:, 0], 0, 11)]
    assert all(transfer._source_model(*other) is not first for other in others)
    for seed in range(transfer.CACHED):
        transfer._source_model(X[:5], X[:5, 0], seed, 1)
    assert transfer._source_model(X, X[:, 0], 0, 10) is not first  # forgotten by now


def test_earlier_tasks_that_agree_and_one_alone_choose_from_the_first_training():
    X = np.random.default_rng(0).normal(size=(200, 3))
    for copies in (1, 3):
        ranker = MetaSurrogate(trees=60).fit(
            np.tile(X, (copies, 1)), np.tile(X[:, 0], copies), np.repeat(range(copies), 200)
        )
        assert X[ranker.acquire(X).argmax(), 0] > 1.5


def test_pareto_scores():
    values = np.array([[1.0, 0.0], [0.0, 1.0], [0.4, 0.4], [0.3, 0.3]])
    scores = pareto_scores(values)
    assert scores[3] == scores.min()
    assert set(np.argsort(-scores)[:3]) == {0, 1, 2}


def test_the_shipped_model_ranks_cells_and_knows_its_own_data_sets():
    model = pretrained.find("cell", DIGITS, VAL_ACCURACY)
    assert model is not None
    conv = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    nothing = "|none~0|+|none~0|none~1|+|none~0|none~1|avg_pool_3x3~2|"
    scores = model.predict(np.array([row(ENCODING.features(g)) for g in (conv, nothing)]))
    assert scores[0] > scores[1] + 1
    on_cifar = pretrained.find("cell", Task("cifar10_jpeg_full", (3, 32, 32), 10), VAL_ACCURACY)
    assert on_cifar is not None
    assert [name.split(" ")[0] for name in on_cifar.names_] == ["CIFAR-100", "ImageNet16-120"]
    assert pretrained.find("macro", DIGITS, VAL_ACCURACY) is None


def test_a_model_file_and_what_is_none(tmp_path, monkeypatch):
    X = np.random.default_rng(0).normal(size=(40, 3))
    model = MetaSurrogate(trees=10).fit(X, X[:, 0], ["t"] * 40, feature_names=["a", "b", "c"])
    path = tmp_path / "m.safetensors"
    modelfile.save(model, path, encoding="mine", objective="val_accuracy", tasks={})
    loaded, said = modelfile.load(path, encoding="mine")
    np.testing.assert_allclose(loaded.predict(X), model.predict(X))
    assert said["encoding"] == "mine"
    with pytest.raises(EvonasError, match="of encoding 'mine', not 'cell'"):
        modelfile.load(path, encoding="cell")
    (tmp_path / "text.safetensors").write_text("nothing")
    with pytest.raises(EvonasError, match="is no safetensors file"):
        modelfile.load(tmp_path / "text.safetensors")
    with zipfile.ZipFile(tmp_path / "zip.safetensors", "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(EvonasError, match="is no safetensors file"):
        modelfile.load(tmp_path / "zip.safetensors")
    plainfile.save(tmp_path / "other.safetensors", "something", {"a": X})
    with pytest.raises(EvonasError, match=r"no meta-surrogate"):
        modelfile.load(tmp_path / "other.safetensors")
    monkeypatch.setattr(modelfile, "LARGEST", 100)
    with pytest.raises(EvonasError, match="and a meta-surrogate at most 100"):
        modelfile.load(path)
    other = MetaSurrogate(trees=10).fit(X, X[:, 0], ["t"] * 40, feature_names=["a", "b", "d"])
    with pytest.raises(EvonasError, match="know other features"):
        model.with_sources(other)


def test_a_model_file_of_the_version_before_predicts_as_then():
    """`MetaSurrogate(trees=12, seed=3)` of three made-up tasks, fitted by evonas 0.1.0 (f8765e2), in format 2."""
    path = Path(__file__).with_name("model_v2.safetensors")
    model, _ = modelfile.load(path, encoding="cell")
    assert model.earlier_tasks() == {"twin": 214, "noisy": 214, "liar": 214}
    assert modelfile.without_target(path, "cell", Task("other", (1, 8, 8), 2, {}, "aa bb"))[0].names_ == [
        "noisy",
        "liar",
    ]
    conv = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    nothing = "|none~0|+|none~0|none~1|+|none~0|none~1|avg_pool_3x3~2|"
    X = np.array([row(ENCODING.features(genome)) for genome in (conv, nothing)])
    mean, deviation = model.adapt(X, np.array([1.0, 0.5])).predict_with_deviation(X)
    np.testing.assert_allclose(mean, [0.56421795, -0.53105614], atol=1e-7)
    np.testing.assert_allclose(deviation, [0.57188407, 0.55440146], atol=1e-7)
    assert model.trust() == pytest.approx({"noisy": 0.538186309, "twin": 0.461813691, "liar": 0.0})


def test_earlier_tasks_of_any_size():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30_000, 4))
    y = X[:, 0].copy()
    X[::7, 2] = np.nan
    y[::11] = np.nan
    groups = np.array(["large"] * 29_900 + ["small"] * 20 + ["one"] * 1 + ["constant"] * 79)
    y[groups == "constant"] = 0.5
    ranker = MetaSurrogate(trees=20, max_rows=2000).fit(X, y, groups)
    assert ranker.names_ == ["large", "small"]
    assert np.isfinite(ranker.predict(X[:50])).all()


def test_from_scratch_it_learns_however_its_results_come():
    """One at a time, as a search with one worker tells them, or all at once: the same model, and one that ranks."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3)) * (1.0, 50.0, 0.01)
    y = X[:, 0] + X[:, 1] / 50
    one_by_one, at_once = MetaSurrogate(), MetaSurrogate()
    for n in range(1, 31):
        one_by_one.adapt(X[:n], y[:n])
    at_once.adapt(X[:30], y[:30])
    assert one_by_one.predict(X[30:]) == pytest.approx(at_once.predict(X[30:]), abs=1e-9)
    correlation: Any = spearmanr(one_by_one.predict(X[30:]), y[30:])
    assert correlation[0] > 0.7
