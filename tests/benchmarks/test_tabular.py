"""The tables agree with the packages that carry them; bad tables are named."""

import csv
import io
import pickle
from itertools import pairwise, product

import numpy as np
import pandas as pd
import pytest

from evonas.core.errors import EvonasError
from evonas.core.types import Candidate
from evonas.execution.processes import Serial
from evonas.search.baselines import LocalSearch, RandomSearch
from evonas.search.loop import Budget, run
from evonas_benchmarks.baselines.earlier_mean import EarlierMean
from evonas_benchmarks.run.problems import earlier_rows
from evonas_benchmarks.tables import Columns, from_frame, graph_cell, table
from evonas_benchmarks.tables.frames import read_frame
from evonas_benchmarks.tables.graph_cell import ALL_LINKS, OPERATIONS, GraphCellEncoding
from evonas_benchmarks.tables.pickled import Numbers
from tests.toys import on

pytest.importorskip("nas_bench_graph", reason="the tables come with the extra bench")


@pytest.fixture(scope="module")
def cells():
    return table("nasbench201")


@pytest.fixture(scope="module")
def graphs():
    return table("nasbench-graph")


def test_cells_have_the_known_optima(cells):
    best = {task.name: 100 * np.nanmax(cells.values(task)) for task in cells.tasks}
    assert len(cells.genomes) == 6466
    assert best == pytest.approx({"cifar10": 91.607, "cifar100": 73.493, "ImageNet16-120": 46.733}, abs=0.001)


def test_a_graph_cell_is_canonical_by_the_rule_of_the_benchmark():
    """Of every shape, on a third of all operations: the package's own hash of ours is that of the original."""
    from nas_bench_graph import Arch

    chosen = [ops for i, ops in enumerate(product(OPERATIONS, repeat=4)) if i % 3 == 0]
    for links in ALL_LINKS:
        for operations in chosen[:: 1 + len(ALL_LINKS) // 4]:
            ours = graph_cell.canonical((links, operations))
            expected = Arch(list(links), list(operations)).valid_hash()
            assert Arch(list(ours[0]), list(ours[1])).hash_arch() == expected
            assert graph_cell.canonical(ours) == ours


@pytest.mark.slow
def test_every_graph_cell_is_canonical_by_the_rule_of_the_benchmark():
    from nas_bench_graph import Arch

    for links, operations in product(ALL_LINKS, product(OPERATIONS, repeat=4)):
        ours = graph_cell.canonical((links, operations))
        assert Arch(list(ours[0]), list(ours[1])).hash_arch() == Arch(list(links), list(operations)).valid_hash()


@pytest.mark.parametrize("task", ["cora", "proteins"])
def test_graph_values_are_those_of_the_package(graphs, task):
    from nas_bench_graph import Arch, light_read

    raw = light_read(task)
    values, tests = graphs.values(task), graphs.values(task, "test_accuracy")
    assert np.isfinite(values).sum() == len(raw)
    for row in range(0, len(values), 97):
        links, operations = graphs.genomes[row]
        found = raw.get(Arch(list(links), list(operations)).hash_arch())
        assert (
            np.isnan(values[row])
            if found is None
            else (values[row], tests[row]) == (found["valid_perf"], found["perf"])
        )


def test_graph_features_are_the_same_for_isomorphic_cells_and_complete():
    encoding, rng = GraphCellEncoding(), np.random.default_rng(0)
    names = list(encoding.features(encoding.sample(rng)))
    for _ in range(200):
        genome = encoding.mutate(encoding.sample(rng), rng)
        features = encoding.features(genome)
        assert list(features) == names
        assert features == encoding.features(encoding.canonical(genome))
    assert len(set(names)) == len(names)


def test_a_mutation_always_changes_a_graph_cell():
    encoding, rng = GraphCellEncoding(), np.random.default_rng(0)
    genomes = [encoding.sample(rng) for _ in range(300)]
    assert all(encoding.mutate(genome, rng) != genome for genome in genomes)


def test_proteins_has_its_own_space_and_what_is_not_there_is_absent(graphs):
    rng = np.random.default_rng(0)
    small, evaluate = graphs.encoding_of("proteins"), graphs.evaluator("proteins")
    task = graphs.entry("proteins").task
    found = [evaluate(Candidate(small.sample(rng)), task, 0).status for _ in range(200)]
    assert found.count("ok") >= 190
    assert evaluate(Candidate(((0, 1, 2, 3), ("gat",) * 4)), task, 0).status == "absent"
    assert evaluate(Candidate(((0, 1, 2, 3), ("skip",) * 4)), task, 0).status == "absent"


def test_noise_is_one_seed_of_the_table_and_the_same_each_time(cells):
    noisy, mean = cells.evaluator("cifar10", noise=True), cells.evaluator("cifar10")
    task, candidate = cells.tasks[0], Candidate(cells.genomes[6000])
    seen = [noisy(candidate, task, seed).metrics["val_accuracy"] for seed in range(40)]
    assert seen == [noisy(candidate, task, seed).metrics["val_accuracy"] for seed in range(40)]
    seeds = cells.entry("cifar10").columns["val_accuracy"][6000]
    seeds = seeds[~np.isnan(seeds)]
    assert set(seen) == set(seeds)
    assert mean(candidate, task, 0).metrics["val_accuracy"] == pytest.approx(seeds.mean())


def test_recorded_seconds_are_returned_not_spent(cells):
    evaluation = cells.evaluator("cifar10")(Candidate(cells.genomes[5]), cells.tasks[0], 0)
    assert evaluation.seconds > 100
    assert "seconds" not in evaluation.metrics
    for task in cells.tasks:
        for metric in cells.entry(task).columns:
            assert np.isfinite(cells.values(task, metric)).all(), "also where a cell has fewer seeds than others"


def test_a_pickle_that_names_another_class_is_refused():
    with pytest.raises(pickle.UnpicklingError, match="not allowed"):
        Numbers(io.BytesIO(pickle.dumps(print))).load()


FRAME = pd.DataFrame({"a": [1, 2, 1, 2], "b": list("xxyy"), "acc": [0.1, 0.2, 0.3, None], "s": [9.0, 8, 7, 6]})


def test_a_users_table():
    made = from_frame(FRAME, ["a", "b"], {"t": "acc", "u": Columns("s", maximize=False, seconds="s")})
    assert made.genomes == [(1, "x"), (2, "x"), (1, "y"), (2, "y")]
    assert made.scores("u").tolist() == [-9, -8, -7, -6]
    evaluate = made.evaluator("t")
    assert evaluate(Candidate((1, "y")), made.tasks[0], 0).metrics == {"acc": 0.3}
    assert evaluate(Candidate((2, "y")), made.tasks[0], 0).status == "absent"
    assert evaluate(Candidate((3, "y")), made.tasks[0], 0).status == "absent"
    quickest = made.evaluator("u")(Candidate((1, "y")), made.tasks[1], 0)
    assert (quickest.metrics, quickest.seconds) == ({"s": 7.0}, 7.0)
    outcome = run(RandomSearch(on(made.encoding)), Serial(evaluate), made.tasks[0], seed=0, budget=Budget(10))
    assert sorted(t.evaluation.status for t in outcome.trials) == ["absent", "ok", "ok", "ok"]


@pytest.mark.parametrize(
    ("frame", "genes", "column", "said"),
    [
        (FRAME, ["a", "c"], "acc", "no column 'c'"),
        (FRAME, ["a", "b"], "nope", "no column 'nope'"),
        (FRAME, ["a"], "acc", "twice"),
        (FRAME, ["a", "s"], "b", "holds 'x'"),
        (FRAME, ["a", "acc"], "s", "no gene in row 4"),
        (FRAME, [], "s", "needs genes"),
    ],
)
def test_a_bad_table_is_named(frame, genes, column, said):
    with pytest.raises(EvonasError, match=said):
        from_frame(frame, genes, {"t": column})


def test_local_search_climbs_and_starts_again(cells):
    searcher = LocalSearch(on(cells.encoding))
    outcome = run(searcher, Serial(cells.evaluator("cifar100")), cells.tasks[1], seed=1, budget=Budget(200))
    starts = [t for t in outcome.trials if not t.evaluation.candidate.parents]
    genomes = [t.evaluation.candidate.genome for t in outcome.trials]
    assert len(set(genomes)) == 200
    assert 1 < len(starts) < 40
    values = {t.evaluation.candidate.genome: t.evaluation.metrics["val_accuracy"] for t in outcome.trials}
    parents = [t.evaluation.candidate.parents[0] for t in outcome.trials if t.evaluation.candidate.parents]
    for before, after in pairwise(parents):
        assert (
            after == before
            or values[after] > values[before]
            or after in {s.evaluation.candidate.genome for s in starts}
        )


def test_earlier_mean_asks_for_the_best_of_the_earlier_tasks_first(cells):
    rows = [earlier_rows(cells, i, task, 500, seed=3) for i, task in enumerate(["cifar10", "cifar100"])]
    searcher = EarlierMean(on(cells.encoding), first=5)
    searcher.learn(rows)
    first = searcher.ask(5, np.random.default_rng(0))
    values = dict(zip(cells.genomes, cells.values("ImageNet16-120"), strict=True))
    assert np.mean([values[c.genome] for c in first]) > np.quantile(cells.values("ImageNet16-120"), 0.98)
    assert {(c.origin, c.parents) for c in searcher.ask(20, np.random.default_rng(1))} == {("warm start", ())}


ODD = ("None", "nan", "NA", "null", "inf", "N/A", "NaN", "-", "1e5", "")


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_choice_may_be_called_anything(tmp_path, ending):
    path = tmp_path / f"mine{ending}"
    frame = pd.DataFrame({"norm": ODD, "width": range(10), "scale": [0.5, *range(1, 9), np.inf], "acc": 0.1})
    if ending == ".csv":
        frame.to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC)
    else:
        frame.to_parquet(path)
    table = from_frame(read_frame(path, ["norm", "width", "scale"]), ["norm", "width", "scale"], {"t": "acc"})
    assert table.genomes == list(zip(ODD, range(10), [0.5, *map(float, range(1, 9)), np.inf], strict=True))
    assert [type(value) for value in table.genomes[0]] == [str, int, float]


@pytest.mark.parametrize(
    ("column", "row"),
    [('a\nb\n""\nx', None), ("a\nb\n\nx", 3), ("1\n2\n\n4", 3), ("1\nnan\n3\n4", 2), ("true\nFalse\n\n0", 3)],
)
def test_a_hole_is_found_and_named(tmp_path, column, row):
    fields = column.split("\n")
    (tmp_path / "mine.csv").write_text("gene,n,acc\n" + "".join(f"{f},{i},{i}\n" for i, f in enumerate(fields)))
    frame = read_frame(tmp_path / "mine.csv", ["gene", "n"])
    if row is None:
        assert [genome[0] for genome in from_frame(frame, ["gene", "n"], {"t": "acc"}).genomes] == ["a", "b", "", "x"]
        return
    with pytest.raises(EvonasError, match=f"no gene in row {row}"):
        from_frame(frame, ["gene", "n"], {"t": "acc"})


def test_holes_of_parquet_files_are_found_whatever_their_type(tmp_path):
    for holes in (["a", None], pd.array([1, None], dtype="Int64"), [1.5, np.nan], pd.Categorical(["a", None])):
        pd.DataFrame({"gene": holes, "acc": [0.1, 0.2]}).to_parquet(tmp_path / "mine.parquet")
        with pytest.raises(EvonasError, match="no gene in row 2"):
            from_frame(read_frame(tmp_path / "mine.parquet", ["gene"]), ["gene"], {"t": "acc"})


def test_truth_values_and_numbers_of_a_file_are_what_they_look_like(tmp_path):
    (tmp_path / "mine.csv").write_text("skip,width,rate,mixed,acc\nTrue,8,1e-3,8,0.1\nfalse,16,1,None,0.2\n")
    genes = ["skip", "width", "rate", "mixed"]
    table = from_frame(read_frame(tmp_path / "mine.csv", genes), genes, {"t": "acc"})
    assert table.genomes == [(True, 8, 0.001, "8"), (False, 16, 1.0, "None")]
    assert [type(value) for value in table.genomes[1]] == [bool, int, float, str]
