"""The built-in parts pass the contracts that plug-in authors inherit."""

import random
from typing import Any

import pytest
from deap import base, tools
from torch import nn

from evonas.core.goals import Objective
from evonas.core.plugins import make
from evonas.core.trust import given
from evonas.core.types import Task
from evonas.encodings.categorical import CategoricalEncoding
from evonas.encodings.cell import CellEncoding
from evonas.encodings.macro import MacroEncoding
from evonas.encodings.series import SeriesEncoding
from evonas.encodings.toolbox import ToolboxEncoding
from evonas.search.baselines import LocalSearch, RandomSearch
from evonas.search.evolution import AgingEvolution, Evolution, nsga2
from evonas.search.halving import SuccessiveHalving
from evonas.search.methods import make_method
from evonas.search.mixture import MixtureSearch
from evonas.search.reference_points import ReferencePointEvolution
from evonas.search.screening import Screened
from evonas.testing import EncodingContract, RankerContract, SearcherContract
from evonas_surrogates.boosting import BoostingSurrogate
from evonas_surrogates.meta import MetaSurrogate
from evonas_surrogates.process import ProcessSurrogate
from tests.toys import on


class TestCell(EncodingContract):
    encoding = CellEncoding(width=4)


class TestCellAsPublished(EncodingContract):
    encoding = CellEncoding(width=4, cells=2, pruned=False)
    task = Task("colour", (3, 16, 16), 5)


class TestMacro(EncodingContract):
    encoding = MacroEncoding()


class TestSeries(EncodingContract):
    encoding = SeriesEncoding()
    task = Task("series", (2, 24), 3)


class TestSeriesOfOneValue(EncodingContract):
    encoding = SeriesEncoding()
    task = Task("points", (1, 1), 2)


class Perceptron(CategoricalEncoding):
    genes = {"hidden": (4, 8, 16), "act": ("relu", "tanh"), "bias": (True, False)}  # noqa: RUF012

    def build(self, genome, task):
        named = self.named(genome)
        act = nn.ReLU() if named["act"] == "relu" else nn.Tanh()
        inputs = task.input_shape[0] * task.input_shape[1] * task.input_shape[2]
        first = nn.Linear(inputs, named["hidden"], bias=named["bias"])
        return nn.Sequential(nn.Flatten(), first, act, nn.Linear(named["hidden"], task.n_classes))


class TestCategorical(EncodingContract):
    encoding = Perceptron()


def widths(genome, task):
    return Perceptron().build((4 * (1 + int(genome[0])), "relu", True), task)


def gene():
    return random.randint(0, 3)


def toolbox():
    box: Any = base.Toolbox()
    box.register("gene", gene)
    box.register("individual", tools.initRepeat, list, box.gene, 5)
    box.register("mutate", tools.mutUniformInt, low=0, up=3, indpb=0.4)
    box.register("mate", tools.cxTwoPoint)
    return box


class TestToolbox(EncodingContract):
    encoding = ToolboxEncoding(toolbox(), widths)


class TestExample(EncodingContract):
    given("examples/custom_encoding.py:Chain")
    encoding = make("evonas.encodings", "examples/custom_encoding.py:Chain")


def with_genes(encoding):
    """The contract's space, which says what there is to choose."""
    encoding.space = CategoricalEncoding(
        {f"gene{i}": tuple(range(encoding.base)) for i in range(encoding.length)}
    ).space
    return encoding


class TestEvolution(SearcherContract):
    def make_searcher(self, encoding):
        return Evolution(on(encoding))


class TestNSGA2(SearcherContract):
    def make_searcher(self, encoding):
        return nsga2(on(encoding))


class TestNSGA3(SearcherContract):
    def make_searcher(self, encoding):
        return ReferencePointEvolution(on(encoding, Objective("val_accuracy"), Objective("params", maximize=False)))


class TestAging(SearcherContract):
    def make_searcher(self, encoding):
        return AgingEvolution(on(encoding))


class TestHalving(SearcherContract):
    def make_searcher(self, encoding):
        return SuccessiveHalving(on(encoding), eta=2, rungs=2)


class TestRandom(SearcherContract):
    def make_searcher(self, encoding):
        return RandomSearch(on(encoding))


class TestLocal(SearcherContract):
    def make_searcher(self, encoding):
        return LocalSearch(on(encoding))


class TestScreened(SearcherContract):
    def make_searcher(self, encoding):
        return Screened(on(encoding), AgingEvolution(on(encoding)), MetaSurrogate())


class TestBayes(SearcherContract):
    def make_searcher(self, encoding):
        return make_method("bayes", on(encoding))


class TestBayesWithTheMemory(SearcherContract):
    def make_searcher(self, encoding):
        return make_method("bayes+meta", on(encoding))


class TestBayesByThompsonSampling(SearcherContract):
    def make_searcher(self, encoding):
        return make_method("bayes(acquisition=thompson)", on(encoding))


@pytest.mark.thorough
class TestBayesOfALargeSpaceByThompsonSampling(SearcherContract):
    def make_searcher(self, encoding):
        return make_method("bayes(acquisition=thompson, whole=0)+meta", on(encoding))


class TestMixture(SearcherContract):
    """Sources by themselves."""

    def make_searcher(self, encoding):
        return MixtureSearch(on(encoding), "evolution,random")


@pytest.mark.thorough
class TestMixtureOfAll(SearcherContract):
    def make_searcher(self, encoding):
        return MixtureSearch(on(with_genes(encoding)))


@pytest.mark.thorough
class TestMixtureFromScratch(SearcherContract):
    def make_searcher(self, encoding):
        return make_method("mixture(sources='evolution,maximizer,random')", on(encoding))


@pytest.mark.thorough
class TestMixtureWithTheMemory(SearcherContract):
    def make_searcher(self, encoding):
        return make_method("mixture+meta(pool=4, refine=1)", on(with_genes(encoding)))


class TestPolicy(SearcherContract):
    def make_searcher(self, encoding):
        return make_method("policy", on(with_genes(encoding)))


@pytest.mark.thorough
class TestPolicyWithTheMemory(SearcherContract):
    def make_searcher(self, encoding):
        return make_method("policy+meta(pool=2, refine=0)", on(with_genes(encoding)))


class TestBayesOfALargeSpace(SearcherContract):
    """As if it could not be looked at whole."""

    def make_searcher(self, encoding):
        return make_method("bayes(whole=0)", on(encoding))


class TestScreenedFromScratch(SearcherContract):
    def make_searcher(self, encoding):
        return Screened(on(encoding), RandomSearch(on(encoding)), BoostingSurrogate())


class TestScreenedForSeveralObjectives(SearcherContract):
    def make_searcher(self, encoding):
        searcher = nsga2(on(encoding))
        return Screened(on(encoding, *searcher.goal.objectives), searcher, [MetaSurrogate(), MetaSurrogate()])


class TestMeta(RankerContract):
    def make_ranker(self):
        return MetaSurrogate(trees=20)


class TestProcess(RankerContract):
    def make_ranker(self):
        return ProcessSurrogate()


class TestBoosting(RankerContract):
    def make_ranker(self):
        return BoostingSurrogate()
