"""Limits of a whole search: kept by all that is trained, recorded, obeyed on resume, said in the result."""

import json
from typing import Any

import numpy as np
import pytest

import evonas
from evonas.app.config import SearchConfig
from evonas.app.deadline import remembered
from evonas.app.exporting import export
from evonas.app.job import resume
from evonas.app.limits import within
from evonas.app.preparation import prepare
from evonas.app.results import recorded_goal
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal
from evonas.core.optional import HasPortfolio
from evonas.core.types import Task
from evonas.domains.images import images_from_arrays
from evonas.encodings.net import NetEncoding
from evonas.memory.archive import Archive
from evonas.search.baselines import RandomSearch
from evonas.search.limits import Costs
from evonas.training import profile

NET = NetEncoding()


def blobs(n=90, size=6, classes=3):
    """Which third is bright."""
    rng, y = np.random.default_rng(0), np.arange(n) % classes
    x = rng.integers(0, 120, (n, size, size, 1))
    for i, label in enumerate(y):
        x[i, :, label * size // classes : (label + 1) * size // classes] += 100
    return x.astype(np.uint8), y


def options(folder, *limits, **further):
    places = {"archive": folder / "a.db", "out": folder / "out", "name": "run", "device": "cpu", "surrogate": "none"}
    return {**places, "epochs": 1, "limits": list(limits), **further}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits")
    given = {"encoding": "cell(width=4)", "method": "random", "trials": 7}
    return folder, evonas.search(*blobs(), **options(folder, "params<=6000", "model_kb<=40", **given))


def trials(folder):
    return [trial.evaluation for trial in Archive(folder / "a.db").trials("run")]


def test_it_ends_with_a_network_that_keeps_them_and_loads(found):
    folder, result = found
    assert len(trials(folder)) == result["trials"] == 7
    for one in trials(folder):
        assert one.ok
        assert one.metrics["params"] <= 6000
        assert one.metrics["model_kb"] <= 40
    loaded = result.load()
    assert profile.count_params(loaded.model) == result["params"] <= 6000
    assert (folder / "out" / "model.safetensors").stat().st_size < 44 * 1024
    assert loaded.predict(blobs()[0]).shape == (90,)


def test_the_result_and_the_report_say_so(found):
    folder, result = found
    written = json.loads((folder / "out" / "result.json").read_text())
    assert written["limits"] == [
        {"limit": "params<=6000", "value": result["params"], "kept": True},
        {"limit": "model_kb<=40", "value": result["model_kb"], "kept": True},
    ]
    assert written["passed_over"] > 0
    note = f"{written['passed_over']:,} networks that break a limit were passed over and not trained"
    assert note in written["notes"]
    report = (folder / "out" / "report.html").read_text()
    assert f"params&lt;=6000 ({result['params']}, kept)" in report
    assert f"{written['passed_over']:,} networks that break one were not trained" in report


def test_they_are_recorded_and_a_search_that_goes_on_obeys_them(found):
    folder, result = found
    record = Archive(folder / "a.db").run("run")
    assert record.config["limits"] == ["params<=6000", "model_kb<=40"]
    assert recorded_goal(record) == Goal.parse("val_accuracy", record.config["limits"])
    before = trials(folder)
    again = resume("run", archive=str(folder / "a.db"), data=images_from_arrays(*blobs(), name="memory"), trials=9)
    after = trials(folder)
    assert after[:7] == before
    assert len(after) == 9
    assert all(one.metrics["params"] <= 6000 for one in after)
    assert again["passed_over"] >= result["passed_over"]


def test_what_is_tried_first_was_made_to_fit(found):
    folder, _ = found
    first = [one.candidate for one in trials(folder) if one.candidate.origin == "warm start"]
    assert 2 <= len(first) <= 4
    assert trials(folder)[0].candidate == first[0]


def test_where_nothing_fits_it_ends_with_the_nearest_which_is_marked(tmp_path):
    result = evonas.search(*blobs(), **options(tmp_path, "params<=10", encoding="cell(width=2)", trials=3))
    assert result["trials"] == 1
    assert "10,000 networks in a row break one" in result["reason"]
    assert result["limits"] == [{"limit": "params<=10", "value": result["params"], "kept": False}]
    assert f"over the limit: params {result['params']} breaks params<=10" in result["notes"]
    assert profile.count_params(result.load().model) == result["params"]


def test_a_limit_on_latency_is_measured_once_for_each_network(tmp_path):
    result = evonas.search(*blobs(), **options(tmp_path, "latency_ms<=60000", trials=2))
    value = next(one["value"] for one in result["limits"])
    assert value in [one.metrics["latency_ms"] for one in trials(tmp_path)]
    assert result["limits"][0]["kept"]


def test_where_all_are_too_slow_until_the_time_is_over_the_nearest_is_trained(tmp_path):
    result = evonas.search(*blobs(), **options(tmp_path, "latency_ms<=0.00001", seconds=1.0))
    measured = trials(tmp_path)
    assert result["trials"] == 0
    assert {one.status for one in measured} == {"absent"}
    assert result["passed_over"] == len(measured) > 0
    nearest = min(measured, key=lambda one: one.metrics["latency_ms"])
    assert result["genome"] == nearest.candidate.genome
    assert result["notes"][-2].startswith("over the limit: latency_ms ")
    assert result.load() is not None
    data = images_from_arrays(*blobs(), name="memory")
    again = export("run", tmp_path / "again", archive=str(tmp_path / "a.db"), data=data, again=True)
    assert again["genome"] == result["genome"]


@pytest.mark.parametrize(
    ("further", "says"),
    [
        ({"limits": ["paramz<=3"]}, "--limit paramz<=3: no evaluation of images has 'paramz', but .*'params'"),
        ({"limits": ["macs<=3"]}, "no evaluation of images has 'macs'"),
        ({"limits": ["params<3"]}, "cannot read the limit 'params<3'; write for example params<=200000"),
        ({"limits": ["params<=10", "params>=20"]}, "params<=10 and params>=20 contradict one another"),
        ({"limits": ["test_accuracy>=0.9"]}, "the test set is touched once"),
        ({"limits": "flops<=nan"}, "cannot read the limit"),
        (
            {"limits": ["params<=9000"], "ensemble": 3, "deadline": 60, "epochs": None},
            "--ensemble 3 and --limit params",
        ),
        ({"limits": [3]}, "--limit 3 is not valid"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(tmp_path, further, says):
    given = {**options(tmp_path, trials=2), **further}
    given = {key: value for key, value in given.items() if value is not None}
    if "deadline" in given:
        del given["trials"]
    with pytest.raises(EvonasError, match=says) as error:
        prepare(SearchConfig.make({"data": "memory", **given}), data=images_from_arrays(*blobs()))
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_from_a_file_and_several_from_the_command_line(tmp_path):
    (tmp_path / "mine.toml").write_text('limits = ["params<=200_000", "val_accuracy>=0.9"]\n')
    config = SearchConfig.from_toml(tmp_path / "mine.toml", {})
    assert config.limits == ["params<=200_000", "val_accuracy>=0.9"]
    assert SearchConfig.make({"limits": "params<=5"}).limits == ["params<=5"]
    assert SearchConfig.make({}).limits == []


def accuracy(candidate, task, seed):
    return {"f1": float(candidate.genome[2]), "cost": float(candidate.genome[2])}


def test_an_evaluator_of_your_own_may_be_limited_in_whatever_it_returns(tmp_path):
    given = {**options(tmp_path, "cost<=32"), "objectives": "f1:max", "encoding": "net", "trials": 40}
    result = evonas.search(evaluator=accuracy, **{k: v for k, v in given.items() if k not in ("device", "epochs")})
    assert result["metrics"] == {"f1": 32.0, "cost": 32.0}
    assert result["limits"] == [{"limit": "cost<=32", "value": 32.0, "kept": True}]


class Remembering(RandomSearch[Any]):
    """A searcher whose memory knows large networks only."""

    def suggestions(self, n: int) -> list[Any]:
        return [NET.genome(width=64, depth=3, kernel="5x5"), NET.genome(width=48), NET.genome(width=16, stages=1)][:n]


def test_what_a_memory_suggests_is_made_to_fit():
    task, goal = Task("any", (1, 8, 8), 10), Goal.parse("val_accuracy", ["params<=9000"])
    costs = Costs(goal, ["params"], lambda genome, names: NET.costs(genome, task), NET)
    space, _ = within(NET, costs)
    assert isinstance(space, HasPortfolio)
    context = SearchContext(space, goal, task, first=(first := tuple(space.portfolio(task))))
    found = remembered(Remembering(context), context)
    assert len(found) == len(first)
    assert found[0] == first[0]
    assert NET.genome(width=16, stages=1) in found[2:5]
    assert all(costs.violation(genome) == 0 for genome in found)
    assert len(set(found[2:5]) - set(first)) >= 2


@pytest.mark.thorough
def test_a_deadline_under_limits(tmp_path):
    given = {**options(tmp_path, "params<=3000", "flops<=300000"), "deadline": 40}
    result = evonas.search(*blobs(300), **{key: value for key, value in given.items() if key != "epochs"})
    found = trials(tmp_path)
    assert found[0].candidate.origin == "warm start"
    assert all(one.metrics["params"] <= 3000 and one.metrics["flops"] <= 300_000 for one in found)
    assert result["params"] <= 3000
    assert result["flops"] <= 300_000
    assert [one["kept"] for one in result["limits"]] == [True, True]
    assert any(note.startswith("no test-time augmentation") for note in result["notes"])
    assert profile.count_params(result.load().model) == result["params"]
