"""Metrics of a user's own in a whole search: objectives and limits, recorded and replayed; latency by the table."""

import re

import pytest

import evonas
from evonas.app.config import SearchConfig
from evonas.app.exporting import export
from evonas.app.job import resume
from evonas.app.preparation import prepare
from evonas.core import trust
from evonas.core.errors import EvonasError
from evonas.core.own_metrics import split_name
from evonas.domains.images import images_from_arrays
from evonas.memory.archive import Archive
from evonas.training import profile
from tests.app.test_limits import blobs, options, trials
from tests.commands import evonas as command

SEARCH = {"encoding": "cell(width=4)", "method": "random", "trials": 4}
MINE = """
calls = []

def energy(genome, task):
    return 10.0 + len(task.input_shape) + str(genome).count("conv")

def memory(network):
    assert not network.training
    return sum(p.numel() for p in network.parameters()) / 1000

def spread(trained):
    return max(float(p.detach().abs().max()) for p in trained.parameters())

class Board:
    def __init__(self, volts=5):
        self.volts = volts

    def __call__(self, genome):
        return self.volts * 2

def broken(genome):
    raise ValueError("no board")

def text(network):
    return "much"

def never(trained):
    return float("nan")

def always(genome):
    return 7
"""


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine")
    (folder / "mine.py").write_text(MINE)
    return folder


def convolutions(genome, task):
    return 1.0 + str(genome).count("conv")


@pytest.mark.thorough
def test_functions_are_objectives_and_limits_and_are_recorded_and_replayed(tmp_path):
    seen = []

    def counted(network):
        seen.append(network.training)
        return float(profile.count_params(network))

    own = {"convolutions": convolutions, "counted": counted, "widest": lambda trained: float(len(str(trained)))}
    given = {**SEARCH, "objectives": "val_accuracy,convolutions:min", "metrics": own}
    result = evonas.search(*blobs(), **options(tmp_path, "convolutions<=3", "counted<=6500", **given))
    found = trials(tmp_path)
    kept = [one for one in found if one.ok]
    assert len(kept) == result["trials"] == 4
    for one in kept:
        assert one.metrics["convolutions"] == convolutions(one.candidate.genome, None) <= 3
        assert one.metrics["counted"] == one.metrics["params"] <= 6500
        assert one.metrics["widest"] > 0
    over = [one for one in found if not one.ok]
    assert all(one.status == "absent" and one.metrics["counted"] > 6500 for one in over)
    networks = {one.candidate.genome for one in found}
    assert len(seen) == 1 + len(networks)  # tried once before the search, then once a network
    assert not any(seen)
    assert result["passed_over"] >= len(over)
    assert {one["limit"]: one["kept"] for one in result["limits"]} == {"convolutions<=3": True, "counted<=6500": True}
    record = Archive(tmp_path / "a.db").run("run")
    assert [text.split("=")[0] for text in record.config["metrics"]] == ["convolutions", "counted", "widest"]
    data = images_from_arrays(*blobs(), name="memory")
    place = {"archive": str(tmp_path / "a.db"), "data": data}
    with pytest.raises(EvonasError, match="the metric 'counted' was an object, which is gone; give it again: metrics="):
        resume("run", trials=5, **place)
    resume("run", trials=5, metrics=own, **place)
    assert trials(tmp_path)[: len(found)] == found
    assert export("run", tmp_path / "taken", pick="convolutions<=3", metrics=own, **place)["genome"] is not None


@pytest.mark.thorough
def test_from_the_command_line_and_a_file(mine):
    words = (
        "search",
        "--data",
        "digits",
        "--train-size",
        "60",
        "--epochs",
        "1",
        "--device",
        "cpu",
        "--surrogate",
        "none",
    )
    words += ("--encoding", "cell(width=2)", "--method", "random", "--trials", "2", "-q")
    further = ("--metric", "mine.py:energy", "--metric", "volts=mine.py:Board(volts=3)", "--metric", "mine.py:spread")
    command(*words, "--name", "a", *further, "--objectives", "val_accuracy,energy:min,volts:min", cwd=mine)
    found = [trial.evaluation.metrics for trial in Archive(mine / "archive.db").trials("a")]
    assert all(one["energy"] >= 13 and one["volts"] == 6 and one["spread"] > 0 for one in found)
    done = command("resume", "a", "--trials", "3", cwd=mine)
    assert "objective 'volts' was 6 in all 3 trials and decided nothing: leave it out" in done.stdout
    (mine / "mine.toml").write_text(f'metrics = ["{mine}/mine.py:memory"]\nobjectives = "val_accuracy,memory:min"\n')
    (mine / "other.toml").write_text(f'metrics = "{mine}/mine.py:always"\n')
    refused = command(words[0], "other.toml", *words[1:], "--name", "b", cwd=mine, ok=False)
    assert refused.returncode == 2
    assert "names code that is no installed plug-in" in refused.stderr
    assert "--trust" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    command("--trust", words[0], "mine.toml", *words[1:], "--name", "c", cwd=mine)
    trust.trust_everything(False)
    assert all("memory" in trial.evaluation.metrics for trial in Archive(mine / "archive.db").trials("c"))


def test_a_metric_that_never_gives_a_figure_is_said(mine):
    given = {**SEARCH, "trials": 2, "metrics": [f"{mine}/mine.py:never"], "objectives": "val_accuracy,never:min"}
    result = evonas.search(
        *blobs(),
        **options(
            mine,
            **given,
        ),
    )
    assert "objective 'never' had no figure in any of 2 trials: leave it out" in result["notes"]
    assert [one["best"] for one in result["front"]] == [True]
    assert result["hypervolume"] is None
    assert result["front"][0]["metrics"]["never"] is None


def test_latency_by_the_table_is_a_limit_and_an_objective(tmp_path):
    given = {**SEARCH, "objectives": "val_accuracy,latency_table_ms"}
    result = evonas.search(*blobs(), **options(tmp_path, "latency_table_ms<=500", **given))
    found = trials(tmp_path)
    assert [one.status for one in found] == ["ok"] * 4
    assert all(0 < one.metrics["latency_table_ms"] <= 500 for one in found)
    assert "latency_ms" not in found[0].metrics
    assert result["limits"][0]["kept"]


def check(mine, **further):
    given = {**options(mine / "nothing", trials=2), **SEARCH, "data": "memory", **further}
    prepare(SearchConfig.make(given), data=images_from_arrays(*blobs()))


@pytest.mark.parametrize(
    ("further", "says"),
    [
        ({"objectives": "f1"}, "no metric named 'f1' to search for; there are .*f1:max or f1:min"),
        ({"objectives": "f1:max"}, "--objectives f1: no evaluation of images has 'f1', but .*--metric FILE.py:f1"),
        ({"objectives": "val_accuracy,val_accuracy"}, "objective 'val_accuracy' is named twice"),
        ({"objectives": "val_accuracy,macs"}, "--objectives -macs: no evaluation of images has 'macs'"),
        ({"limits": ["joules<=3"]}, "--limit joules<=3: no evaluation of images has 'joules', but .*FILE.py:joules"),
        ({"metrics": ["MINE:missing"]}, "has no 'missing'; it has"),
        ({"metrics": ["nowhere.py:energy"]}, "no file 'nowhere.py'"),
        ({"metrics": ["energy"]}, "no metric named 'energy'; give 'module:attribute'"),
        ({"metrics": ["MINE:energy", "energy=MINE:memory"]}, "--metric energy is named twice"),
        ({"metrics": ["params=MINE:energy"]}, "evonas has a metric 'params' of its own"),
        ({"metrics": ["MINE:broken"]}, r"the metric 'broken' raised ValueError: no board \(mine.py, line 22\)"),
        ({"metrics": ["MINE:text"]}, "the metric 'text' gave a str, not a number"),
        ({"metrics": ["MINE:calls"]}, "--metric calls is a list; give a function"),
        ({"metrics": ["MINE:Board(amps=3)"]}, "metric '.*MINE:Board' has no option 'amps'; there are 'volts'"),
        ({"metrics": [3]}, "--metric 3 is not valid"),
        ({"metrics": ["MINE:always"], "objectives": "val_accuracy,always"}, "say whether more of yours is better"),
    ],
)
def test_bad_input_is_one_line(mine, further, says):
    file = f"{mine}/mine.py"
    given = {
        key: [str(one).replace("MINE", file) if one != 3 else one for one in value]
        if isinstance(value, list)
        else value
        for key, value in further.items()
    }
    trust.given(*(split_name(str(one))[1] for one in given.get("metrics", ())))
    with pytest.raises(EvonasError, match=says.replace("MINE", re.escape(file))) as error:
        check(mine, **given)
    assert "\n" not in str(error.value)
    assert not (mine / "nothing").exists()


def score(candidate, task, seed):
    return {"f1": 0.5}


def test_an_evaluator_of_ones_own_returns_its_metrics_itself(tmp_path):
    given = {"archive": tmp_path / "a.db", "out": tmp_path / "out", "encoding": "net", "trials": 2, "surrogate": "none"}
    with pytest.raises(EvonasError, match="--metric convolutions: nothing is measured where an evaluator of your own"):
        evonas.search(evaluator=score, objectives="f1:max", metrics={"convolutions": convolutions}, **given)
