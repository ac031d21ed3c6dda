"""What was public before the engine's files had rooms still works, and means the same.

A whole package of that time is run in tests/app/test_old_plugins.py.
"""

import ast
import importlib
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("evonas", "benchmarks/evonas_benchmarks", "surrogates/evonas_surrogates")
STAYED = {
    "evonas": "search load __version__",
    "evonas.types": "VAL_ACCURACY Callback Candidate Encoding Evaluation Evaluator G Objective Ranker Searcher Status "
    "Store Task Trial",
    "evonas.errors": "EvonasError NameTaken choices",
    "evonas.testing": "EncodingContract SearcherContract RankerContract Mirrored few generator inherited seeds some",
    "evonas.encodings.categorical": "CategoricalEncoding Genome",
    "evonas.encodings.cell": "CellEncoding EDGES OPERATIONS cell_string live parse",
    "evonas.encodings.macro": "MacroEncoding",
    "evonas.encodings.toolbox": "ToolboxEncoding",
    "evonas.training.trainer": "Finished TorchTrainer",
    "evonas_surrogates.boosting": "BoostingSurrogate",
    "evonas_surrogates.meta": "MetaSurrogate",
}
MOVED = {
    "evonas.archive": "Archive RunRecord default_archive freeze",
    "evonas.callbacks": "LiveDisplay PlainLines Progress watchers",
    "evonas.cli": "QuietOption app export list_plugins main report resume search",
    "evonas.clusters": "DaskExecutor Pool RayExecutor",
    "evonas.config": "SearchConfig",
    "evonas.drawing": "Edge draw draw_architecture",
    "evonas.environment": "PACKAGES cores gpus processor threads versions",
    "evonas.evolution": "AgingEvolution Evolution nsga2",
    "evonas.exchange": "Absorbed COLUMNS FORMAT Row absorb open_existing read_parquet rows write_parquet",
    "evonas.executors": "Serial",
    "evonas.fidelity": "at_full",
    "evonas.halving": "SuccessiveHalving halving",
    "evonas.job": "DEFAULT_TRIALS carry_out go_on make_encoding prepare prepare_resume resume search",
    "evonas.loop": "Budget Executor Outcome generator replay run",
    "evonas.methods": "make_method make_ranker",
    "evonas.plugins": "available kind load_files loaded_files loaded_modules make plain_name resolve split_spec",
    "evonas.report.words": "NOTHING count duration percent",
    "evonas.results": "Result check_folder counted finish summary write_report",
    "evonas.runs": "ArchiveOption print_table runs_app runs_delete runs_list runs_show",
    "evonas.screening": "AT_RANDOM ELITE FIRST Screened WIDER pareto_scores",
    "evonas.seen": "BREEDING_PATIENCE PATIENCE Seen",
    "evonas.stopping": "Curve DEVIATIONS EarlyStopping Hopeless LEAST REVIEWS",
    "evonas.tasks": "Images Split images_from_arrays load_images same_data split",
    "evonas.tasks.arrays": "TEST_SEED TEST_SHARE images_from_arrays",
    "evonas.tasks.descriptors": "COMPRESSED SUBSAMPLE describe",
    "evonas.tasks.fingerprint": "SAME SKETCH fingerprint overlap same_data",
    "evonas.tasks.images": "Images Split",
    "evonas.tasks.sources": "DEFAULT_SIZE TORCHVISION digits from_folder from_npz from_torchvision load_images",
    "evonas.tasks.splitting": "MOST_VALIDATION VALIDATION_SHARE split stratified",
    "evonas.training.export": "FORMAT Network load save",
    "evonas_benchmarks.baselines": "EarlierMean LocalSearch RandomSearch",
    "evonas_benchmarks.claims": "assert_better",
    "evonas_benchmarks.compare": "Comparison budget_rows compare verdict",
    "evonas_benchmarks.genes": "OrderedGenes",
    "evonas_benchmarks.graph_cell": "ALL_LINKS GraphCell GraphCellEncoding Links NODES OPERATIONS Operations PROTEINS "
    "canonical check first_numbering",
    "evonas_benchmarks.graph_features": "DEPTHS FAMILIES MESSAGES SETS SHAPES features",
    "evonas_benchmarks.misled": "Misled Negated Shuffled",
    "evonas_benchmarks.packaged": "GRAPHS NASBENCH201 TABLES TASKS fcnet hpobench nasbench201 nasbench_graph "
    "small_images",
    "evonas_benchmarks.ranking": "Ranking SpeedUp profile ranking reference_trials speed_up",
    "evonas_benchmarks.small_images": "MEASURED cells encoding halve read small_images small_split trainer",
    "evonas_benchmarks.statistics": "ALPHA Paired against among_best enough fewest_seeds holm interval intervals "
    "leaders mean paired signed_rank winner",
    "evonas_benchmarks.summary": "COLUMNS SHARES all_seeds at_looks at_seconds common_trials first grid mean_regret "
    "milestones of_methods seconds_levels signed "
    "read_curves read_failed read_runs read_suite summarize table write",
    "evonas_benchmarks.tabular": "Columns Entry Lookup Table from_frame mean_over_seeds table",
    "evonas_benchmarks.within": "Within",
    "evonas_benchmarks.wrappers": "Delayed Failing Noisy Permuted wrapped",
    "evonas_surrogates.history": "Make Rows rows same_task",
    "evonas_surrogates.section": "memory recalled",
    "evonas_surrogates.sources": "Source read",
}
FROM_CONTEXTS = (
    "AgingEvolution",
    "Evolution",
    "LocalSearch",
    "RandomSearch",
    "Screened",
    "SuccessiveHalving",
    "halving",
)


@pytest.mark.parametrize("module", STAYED)
def test_a_public_module_has_its_names(module):
    found = importlib.import_module(module)
    assert [name for name in STAYED[module].split() if not hasattr(found, name)] == []


@pytest.mark.parametrize("module", MOVED)
def test_a_moved_module_says_where_its_names_are_now(module):
    if module.startswith("evonas_benchmarks"):
        pytest.importorskip("pandas")
    for name in MOVED[module].split():
        with pytest.warns(DeprecationWarning, match=rf"{module}.{name} has moved; import \w+ from [\w.]+$") as said:
            old = getattr(importlib.import_module(module), name)
        assert said[0].filename == __file__  # Python shows it to whose line it is
        called, _, home = str(said[0].message).rpartition("import ")[2].partition(" from ")
        new = getattr(importlib.import_module(home), called)
        if name in FROM_CONTEXTS:  # by the old name they take an encoding too
            assert issubclass(old, new)
        else:
            assert old is new or old.__wrapped__ is new


def test_every_old_name_of_a_module_is_tested():
    """And a contract in pyproject.toml lists it, so that no module of ours imports it."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    docs = {file: ast.get_docstring(ast.parse(file.read_text())) or "" for file in files}
    aliases = {import_name(file) for file, doc in docs.items() if doc.startswith("Moved to ")}
    assert aliases <= set(MOVED)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    forbidden = {name for one in contracts for name in one.get("forbidden_modules", ())}
    below = {name for name in aliases if name.rpartition(".")[0] in aliases}  # forbidden with the package
    assert aliases - below == forbidden - {"evonas.errors", "evonas.types"}


def import_name(file):
    return (
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        .removeprefix("benchmarks.")
        .removeprefix("surrogates.")
        .removesuffix(".__init__")
    )


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


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_wraps_a_searcher_is_made_as_before():
    from evonas.evolution import Evolution, nsga2
    from evonas.halving import SuccessiveHalving, halving
    from evonas.screening import Screened
    from evonas.search.evolution import AgingEvolution
    from evonas.testing import Mirrored
    from evonas.types import Objective, Task
    from evonas_surrogates.boosting import BoostingSurrogate

    accuracy, small = Objective("val_accuracy"), Objective("params", False)
    searcher, task = Evolution(Mirrored()), Task("toy", (0, 0, 0), 2)
    screened = Screened(searcher, BoostingSurrogate(), Mirrored(), task, 8, objectives=(small,))
    assert (screened.searcher, screened.pool, screened.goal.first) == (searcher, 8, small)
    tried = SuccessiveHalving(searcher, small, 4)
    assert (tried.searcher, tried.eta, len(tried.fidelities), tried.goal.first) == (searcher, 4, 3, small)
    assert SuccessiveHalving(searcher, rungs=2).goal.first == accuracy
    named = halving(Mirrored(), (small,), searcher="aging", rungs=2)
    assert (type(named.searcher), named.goal.first) == (AgingEvolution, small)
    assert nsga2(Mirrored(), (accuracy, small)).goal.objectives == (accuracy, small)
    for one in (screened, tried, named):
        assert one.ask(1, np.random.default_rng(0)) != []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ["RandomSearch", "LocalSearch"])
def test_random_and_local_search_are_made_of_an_encoding_as_before(name):
    import evonas_benchmarks.baselines as old
    from evonas.testing import Mirrored
    from evonas.types import Objective

    made = getattr(old, name)(Mirrored(), objectives=(Objective("params", False),))
    assert str(made.goal) == "-params"
    assert made.ask(1, np.random.default_rng(0)) != []


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
