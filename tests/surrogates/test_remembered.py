"""Genomes of earlier tasks that are tried first: which, in what order, and which are forgotten."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evonas.app.deadline import remembered
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.genomes import feature_row
from evonas.core.optional import canonical_form
from evonas.core.types import Task
from evonas.encodings.make import make_encoding
from evonas.encodings.net import NetEncoding
from evonas.memory.archive import Archive
from evonas.search.baselines import RandomSearch
from evonas.search.screening import Screened
from evonas_surrogates import modelfile
from evonas_surrogates.meta import MetaSurrogate
from evonas_surrogates.remembered import best_for_all, completed, relative

NET = NetEncoding()
GENOMES = [NET.canonical(NET.sample(np.random.default_rng(seed))) for seed in range(60)]
X = np.array([feature_row(NET.features(genome)) for genome in GENOMES])
NAMES = tuple(sorted(NET.features(GENOMES[0])))
WIDTH, BLOCK = NET.space().names.index("width"), NET.space().names.index("block")
TASKS = {"letters": ["ink"], "drawn": ["ink", "paper"], "photographs": ["camera"]}
CONTEXT = SearchContext(NET, task=Task("new", (1, 8, 8), 10, {}, "a1"), encoding_name="net")


def worth(genome, task):
    """Wide networks are good for photographs, narrow ones for what is drawn."""
    return genome[WIDTH] / 64 if task == "photographs" else 1 - genome[WIDTH] / 64


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    groups = np.repeat(np.array(list(TASKS)), len(GENOMES))
    y = [worth(genome, task) for task in TASKS for genome in GENOMES]
    fitted = MetaSurrogate().fit(np.tile(X, (len(TASKS), 1)), np.array(y), groups, feature_names=NAMES)
    path = tmp_path_factory.mktemp("model") / "net.safetensors"
    tasks = {name: {"name": name, "fingerprint": "", "sources": sources} for name, sources in TASKS.items()}
    results = {task: {("no", "genome"): 9.0} | {one: worth(one, task) for one in GENOMES} for task in TASKS}
    modelfile.save(fitted, path, encoding="net", objective="val_accuracy", tasks=tasks, results=results)
    return path


def recalled(model, tmp_path, **options):
    store = Archive(tmp_path / "empty.db")
    return MetaSurrogate.recall(replace(CONTEXT, store=store), model=str(model), **options)


def test_the_first_two_suit_unlike_tasks(model, tmp_path):
    ranker = recalled(model, tmp_path)
    first, second = ranker.suggestions(2)
    assert first[WIDTH] < 32 < second[WIDTH]  # two of three tasks want a narrow one
    assert len(set(ranker.suggestions(100))) == len(set(GENOMES)), "what the encoding does not know is passed over"


def test_what_shares_a_source_is_forgotten_with_it(model, tmp_path):
    assert recalled(model, tmp_path, forget="ink").names_ == ["photographs"]
    assert recalled(model, tmp_path, forget="drawn, camera").names_ == ["letters"]
    assert recalled(model, tmp_path, forget="ink,camera").suggestions(3) == []
    with pytest.raises(EvonasError, match="no earlier task 'pen' to forget; there are 'camera'"):
        recalled(model, tmp_path, forget="pen")
    with pytest.raises(EvonasError, match="'pen' to forget; none is remembered with this encoding"):
        MetaSurrogate.recall(replace(CONTEXT, store=Archive(tmp_path / "none.db"), encoding_name="macro"), forget="pen")
    with pytest.raises(EvonasError, match="names no tasks"):
        MetaSurrogate(forget=3)  # type: ignore[arg-type]


def test_a_search_begins_with_the_baseline_and_what_is_remembered(model, tmp_path):
    portfolio = tuple(NET.portfolio(CONTEXT.task))
    screened = Screened(CONTEXT, RandomSearch(CONTEXT), recalled(model, tmp_path))
    first = remembered(screened, replace(CONTEXT, first=portfolio[:4]))
    assert first[:2] == portfolio[:2]  # the fixed baseline, and what suits the shape of the images
    assert list(first[2:]) == list(screened.suggestions(4))[:2]
    assert remembered(RandomSearch(CONTEXT), replace(CONTEXT, first=portfolio)) == portfolio
    forgetful = Screened(CONTEXT, RandomSearch(CONTEXT), recalled(model, tmp_path, forget="ink,camera"))
    assert remembered(forgetful, replace(CONTEXT, first=portfolio)) == portfolio
    assert remembered(screened, replace(CONTEXT, first=portfolio[:1])) == portfolio[:1]


@given(st.lists(st.lists(st.floats(-3, 3), min_size=3, max_size=3), min_size=1, max_size=12), st.integers(0, 14))
def test_each_adds_most_to_those_before(rows, n):
    scores = np.array(rows)
    chosen = best_for_all(scores, n)
    assert len(chosen) == len(set(chosen)) == min(n, len(scores))
    for k, one in enumerate(chosen):
        before = scores[chosen[:k]].max(0) if k else np.full(3, -np.inf)
        gains = [np.maximum(scores[i], before).mean() for i in range(len(scores)) if i not in chosen[:k]]
        assert np.maximum(scores[one], before).mean() == max(gains)


def test_what_was_measured_counts_and_what_was_not_takes_its_place_by_prediction():
    results = np.array([[0.5, np.nan], [0.9, np.nan], [np.nan, np.nan], [0.7, np.nan]])
    predicted = np.array([[1.0, -1.0], [2.0, 3.0], [1.5, 0.0], [0.0, 1.0]])
    found = completed(results, predicted)
    assert found[[0, 1, 3], 0].tolist() == [0.5, 0.9, 0.7]
    assert 0.7 < found[2, 0] < 0.9  # between those that are predicted around it, by order
    assert found[:, 1].tolist() == predicted[:, 1].tolist()


def test_every_task_counts_by_its_own_range():
    found = relative(np.array([[0.1, 99.0, 3.0], [0.2, 90.0, 3.0], [0.3, 50.0, 3.0]]))
    assert found.max(0).tolist() == [0, 0, 0]
    assert np.median(found, axis=0).tolist() == [-1, -1, 0]


@pytest.mark.parametrize("name", ["cell", "net"])
def test_what_is_shipped_is_of_todays_encoding(name, tmp_path, caplog):
    encoding = make_encoding(name)
    context = SearchContext(encoding, task=CONTEXT.task, store=Archive(tmp_path / "empty.db"), encoding_name=name)
    ranker = MetaSurrogate.recall(context)
    assert not caplog.records
    assert len(ranker.names_) >= 3
    genome = encoding.sample(np.random.default_rng(0))
    assert ranker.feature_names_ == sorted(encoding.features(genome))
    suggested = ranker.suggestions(5)
    assert len(suggested) == (5 if name == "net" else 0)
    assert all(canonical_form(encoding)(one) == one for one in suggested)
