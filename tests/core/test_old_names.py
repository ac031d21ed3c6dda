"""What was public before the engine's files had rooms still works, and means the same.

A whole package of that time is run in tests/app/test_old_plugins.py.
"""

import importlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

NAMES = {
    "evonas": "search load __version__",
    "evonas.types": "VAL_ACCURACY Callback Candidate Encoding Evaluation Evaluator G Objective Ranker Searcher Status "
    "Store Task Trial",
    "evonas.errors": "EvonasError NameTaken choices",
    "evonas.testing": "EncodingContract SearcherContract RankerContract Mirrored generator",
    "evonas.tasks": "Images Split images_from_arrays load_images same_data split",
    "evonas.loop": "Budget Executor Outcome generator replay run",
    "evonas.clusters": "DaskExecutor Pool RayExecutor",
    "evonas.archive": "Archive RunRecord default_archive",
    "evonas.config": "SearchConfig",
    "evonas.evolution": "AgingEvolution Evolution",
    "evonas.executors": "Serial",
    "evonas.job": "carry_out go_on prepare prepare_resume resume search",
    "evonas.encodings.categorical": "CategoricalEncoding Genome",
    "evonas.encodings.cell": "CellEncoding EDGES OPERATIONS cell_string live parse",
    "evonas.encodings.macro": "MacroEncoding",
    "evonas.encodings.toolbox": "ToolboxEncoding",
    "evonas.training.trainer": "Finished TorchTrainer",
    "evonas_benchmarks.tabular": "Columns Entry Lookup Table from_frame mean_over_seeds table",
}
MOVED = (
    "evonas.archive",
    "evonas.clusters",
    "evonas.config",
    "evonas.evolution",
    "evonas.executors",
    "evonas.job",
    "evonas.loop",
    "evonas.tasks",
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("module", NAMES)
def test_a_public_module_has_its_names(module):
    found = importlib.import_module(module)
    assert [name for name in NAMES[module].split() if not hasattr(found, name)] == []


@pytest.mark.parametrize("module", MOVED)
def test_a_moved_module_says_where_its_names_are_now(module):
    for name in NAMES[module].split():
        with pytest.warns(DeprecationWarning, match=rf"{name} from (evonas\.[a-z_.]+)$") as said:
            old = getattr(importlib.import_module(module), name)
        home = str(said[0].message).rpartition(" from ")[2]
        new = getattr(importlib.import_module(home), name)
        # searchers by their old module's name take an encoding too
        assert new is old or (module == "evonas.evolution" and issubclass(old, new))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ["Evolution", "AgingEvolution"])
def test_searchers_are_made_of_an_encoding_as_before(name):
    import evonas.evolution
    from evonas.core.context import SearchContext
    from evonas.core.goals import Goal
    from evonas.testing import Mirrored
    from evonas.types import Objective

    small, old = Objective("params", False), getattr(evonas.evolution, name)
    assert old is getattr(evonas.evolution, name)
    for made in (old(Mirrored(), (small,), population=5), old(Mirrored(), objectives=[small], population=5)):
        assert (made.goal, made.population) == (Goal((small,)), 5)
    assert str(old(Mirrored()).goal) == "val_accuracy"
    assert old(SearchContext(Mirrored()), population=4).population == 4
    genomes = [old(source).ask(1, np.random.default_rng(3)) for source in (Mirrored(), SearchContext(Mirrored()))]
    assert genomes[0] == genomes[1] != []


def test_the_words_are_made_as_before():
    from evonas.types import VAL_ACCURACY, Candidate, Evaluation, Objective, Task, Trial

    assert (VAL_ACCURACY.name, VAL_ACCURACY.maximize, str(VAL_ACCURACY)) == ("val_accuracy", True, "val_accuracy")
    smaller = Objective("params", False)
    assert str(smaller) == "-params"
    assert [smaller.value({"params": 3}), smaller.value({})] == [-3.0, float("-inf")]
    task = Task("mine", (1, 8, 8), 2, {"classes": 2.0}, "abc")
    assert (task.features, task.fingerprint) == ({"classes": 2.0}, "abc")
    candidate = Candidate((1, 2), 0.5, ((1, 1),))
    evaluation = Evaluation(candidate, {"val_accuracy": 0.5}, 1.5, "ok", None)
    assert evaluation.ok
    assert Evaluation.failure(candidate, "no memory", 2.0).error == "no memory"
    trial = Trial("run", 0, 0, evaluation, 3.0)
    assert (trial.evaluation.candidate.parents, trial.elapsed) == (((1, 1),), 3.0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_loop_over_a_pool_runs_as_the_docs_had_it():
    from evonas.clusters import Pool
    from evonas.loop import Budget, run
    from evonas.types import Task
    from tests.app.written_before import InOrder

    with ThreadPoolExecutor(1) as threads:
        executor = Pool(first_gene, workers=1, executor=threads)
        outcome = run(InOrder(None), executor, Task("toy", (0, 0, 0), 0), seed=0, budget=Budget(trials=4))
    assert [trial.evaluation.candidate.genome for trial in outcome.trials] == [(2, 2), (2, 3), (2, 4), (3, 2)]
    assert outcome.trials[3].evaluation.metrics["val_accuracy"] == 0.3


def first_gene(candidate, task, seed):
    from evonas.types import Evaluation

    return Evaluation(candidate, {"val_accuracy": candidate.genome[0] / 10}, 0.1)


def test_a_table_of_ones_own_is_made_as_before():
    pd = pytest.importorskip("pandas")
    from evonas.types import Candidate
    from evonas_benchmarks.tabular import Columns, from_frame

    frame = pd.DataFrame({"depth": [1, 1, 2, 2], "width": [8, 16, 8, 16], "error": [0.4, 0.3, 0.2, 0.1]})
    table = from_frame(frame, ["depth", "width"], {"mine": Columns("error", maximize=False)})
    assert np.argmax(table.scores("mine")) == 3
    evaluation = table.evaluator("mine")(Candidate((2, 8)), table.tasks[0], 0)
    assert (evaluation.status, evaluation.metrics["error"]) == ("ok", 0.2)


def test_a_toolbox_and_the_contracts_are_used_as_before():
    import random

    from deap import base, tools

    from evonas.encodings.toolbox import ToolboxEncoding
    from evonas.testing import EncodingContract

    toolbox = base.Toolbox()
    toolbox.register("individual", lambda: [random.randint(0, 3) for _ in range(5)])
    toolbox.register("mate", tools.cxTwoPoint)
    toolbox.register("mutate", tools.mutUniformInt, low=0, up=3, indpb=0.5)
    encoding = ToolboxEncoding(toolbox, build=lambda genome, task: None)  # pyright: ignore[reportArgumentType]

    class TestMine(EncodingContract):
        pass

    TestMine.encoding = encoding
    assert len(TestMine().genomes(0)) > 0
