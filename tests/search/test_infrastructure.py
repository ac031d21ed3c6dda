"""A time limit or a dead worker says nothing of an architecture: a ranker does not learn it as a bad one."""

import numpy as np

from evonas.core.types import Candidate, Evaluation, Trial
from evonas.memory.archive import Archive, RunRecord
from evonas.search.baselines import RandomSearch
from evonas.search.screening import Screened
from evonas_surrogates import source_data
from tests.toys import TASK, Digits, on

GENOMES = [(i, 1, 2, 3, 0, 0) for i in range(3)]
EVALUATIONS = [
    Evaluation(Candidate(GENOMES[0]), {"val_accuracy": 0.5}),
    Evaluation.failure(Candidate(GENOMES[1]), "timeout: took longer than 1 s", 1.0),
    Evaluation.failure(Candidate(GENOMES[2]), "RuntimeError: too deep"),
]


class Remembering:
    """A ranker that keeps what it was last given."""

    def fit(self, X, y, groups):
        return self

    def adapt(self, X, y):
        self.y = y
        return self

    def predict(self, X):
        return np.zeros(len(X))


def test_in_the_search_that_it_happened_in():
    ranker = Remembering()
    searcher = Screened(on(Digits()), RandomSearch(on(Digits())), ranker)
    searcher.tell(EVALUATIONS)
    (candidate,) = searcher.ask(1, np.random.default_rng(0))
    np.testing.assert_equal(ranker.y, [0.5, np.nan])  # the failure that is the architecture's is kept
    assert candidate.genome not in GENOMES


def test_in_searches_that_remember_it(tmp_path):
    store = Archive(tmp_path / "a.db")
    store.add_run(RunRecord("a", TASK, "cell", "random"))
    last = ("avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3")
    cells = [f"|none~0|+|none~0|none~1|+|{operation}~0|none~1|none~2|" for operation in last]
    for number, (cell, one) in enumerate(zip(cells, EVALUATIONS, strict=True)):
        store.append(Trial("a", number, number, Evaluation(Candidate(cell), one.metrics, 1.0, one.status, one.error)))
    np.testing.assert_equal(source_data.read(store, "cell").y, [0.5, np.nan])
