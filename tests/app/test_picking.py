"""A search whose result is a front: what `result.json`, terminal and report say of it, and any of it exported."""

import json
import re
from types import SimpleNamespace

import pytest

import evonas
from evonas.app import exporting
from evonas.app.picking import front_of, lines, pick
from evonas.app.results import recorded_goal
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal
from evonas.core.types import Candidate, Evaluation, Trial
from evonas.domains.images import images_from_arrays
from evonas.memory.archive import Archive
from evonas.training import profile
from tests.app.test_limits import blobs, options
from tests.commands import evonas as command

TWO = Goal.parse("val_accuracy,params")


def made(*metrics):
    return [Trial("run", i, i, Evaluation(Candidate(i), found)) for i, found in enumerate(metrics)]


def two(*pairs):
    return made(*({"val_accuracy": accuracy, "params": params} for accuracy, params in pairs))


FRONT = two((0.5, 10), (0.9, 100), (0.85, 30), (0.8, 90))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("front")
    given = {"encoding": "cell(width=4)", "method": "nsga2", "objectives": "val_accuracy,params", "trials": 6}
    result = evonas.search(*blobs(), **options(folder, "params<=12000", **given))
    return SimpleNamespace(folder=folder, result=result, given={"archive": str(folder / "a.db")}, said=[])


def again(found, out, **more):
    said: list[str] = []
    data = images_from_arrays(*blobs(), name="memory")
    return exporting.export("run", out, data=data, say=said.append, **found.given, **more), said


def test_the_result_holds_the_front(found):
    values = json.loads((found.folder / "out" / "result.json").read_text())
    record, trials = Archive(found.folder / "a.db").run("run"), Archive(found.folder / "a.db").trials("run")
    front = recorded_goal(record).front(trials)
    assert [one["place"] for one in values["front"]] == list(range(1, len(front) + 1))
    assert [one["trial"] for one in values["front"]] == [trial.number for trial in front]
    assert [one["metrics"] for one in values["front"]] == [dict(trial.evaluation.metrics) for trial in front]
    assert [one["best"] for one in values["front"]] == [True] + [False] * (len(front) - 1)
    assert sum(one["knee"] for one in values["front"]) == 1
    assert all(one["within_limits"] and one["fidelity"] == 1.0 for one in values["front"])
    assert (values["front"][0]["trial"], values["front"][0]["genome"]) == (values["best_trial"], values["genome"])
    assert 0 < values["hypervolume"]["value"] <= 1
    assert len(values["hypervolume"]["reference"]) == len(values["hypervolume"]["ideal"]) == 2
    report = (found.folder / "out" / "report.html").read_text()
    assert f"evonas export run --archive {found.folder / 'a.db'} --out FOLDER --pick {len(front)}" in report


def test_the_best_is_the_runs_own_and_nothing_is_trained(found, tmp_path):
    for which in ("best", "1", 1):
        result, said = again(found, tmp_path / f"own{which}", pick=which, formats=("safetensors",))
        assert not any(line.startswith("training") for line in said)
        assert result["genome"] == json.loads(json.dumps(found.result["genome"]))


def test_all_of_them_are_trained_once_and_found_again(found, tmp_path):
    data, said = images_from_arrays(*blobs(), name="memory"), []
    results = exporting.export_front("run", tmp_path / "all", data=data, say=said.append, **found.given)
    front = found.result["front"]
    assert len(results) == len(front) > 1
    assert sum(line.startswith("training") for line in said) == len(front) - 1  # one is the run's own
    for result, member in zip(results, front, strict=True):
        assert result.folder.parent == tmp_path / "all"
        assert result["metrics"] == member["metrics"]
        assert profile.count_params(result.load().model) == member["metrics"]["params"]
    numbers = [int(re.sub(r"trial-", "", result.folder.name)) for result in results]
    trials = [one.evaluation for one in Archive(found.folder / "a.db").trials("run")]
    assert [trials[number - 1].metrics["params"] for number in numbers] == [one["metrics"]["params"] for one in front]
    before = len(said)
    exporting.export_front("run", tmp_path / "all", data=data, say=said.append, **found.given)
    assert not any(line.startswith("training") for line in said[before:])
    last = front[-1]
    limit = f"params<={last['metrics']['params']}"
    result, more = again(found, results[-1].folder, pick=limit, formats=("safetensors",))
    assert (result["metrics"], result["trial"]) == (last["metrics"], numbers[-1])
    assert not any(line.startswith("training") for line in more)


def test_picks():
    def number(text):
        return pick(text, TWO, FRONT, "run").number

    assert [number(text) for text in ("best", "1", 1, " 2 ", "3")] == [1, 1, 1, 2, 0]
    assert number("knee") == 2
    assert [number(text) for text in ("params<=100", "params<=30", "params<=29.5", "params>=20")] == [1, 2, 0, 1]
    assert number("val_accuracy>=0.9") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kne", "--pick 'kne' is none; give best, knee, a limit as 'params<=20000', or the places 1 to 3"),
        ("0", "--pick 0: the front of run 'run' has the places 1 to 3"),
        (4, "--pick 4: the front of run 'run' has the places 1 to 3"),
        ("params<=5", "no network of the front keeps it; the nearest is place 3, with params 10"),
        ("latency_ms<=5", "no network of the front has 'latency_ms', but .*'params'"),
        ("params<5", "cannot read the limit 'params<5'"),
        ("test_accuracy>=0.9", "the test set is touched once"),
    ],
)
def test_a_pick_that_is_none(text, says):
    with pytest.raises(EvonasError, match=says) as error:
        pick(text, TWO, FRONT, "run")
    assert "\n" not in str(error.value)


def test_nothing_to_pick_from_and_one():
    with pytest.raises(EvonasError, match="run 'a b' has no successful trial; go on with it: evonas resume 'a b'"):
        pick("best", TWO, [], "a b")
    assert pick("knee", TWO, two((0.5, 1)), "run").number == 0
    with pytest.raises(EvonasError, match="has the place 1 alone"):
        pick(2, TWO, two((0.5, 1)), "run")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"pick": "knee", "trial": 2, "out": "x"}, "--pick knee and --trial 2 exclude one another"),
        ({"pick": "knee"}, "nothing to write: give --format, or --out FOLDER, or both"),
        ({"pick": "9", "out": "x"}, "--pick 9: the front of run 'run' has the place"),
    ],
)
def test_what_a_user_may_get_wrong(found, more, says):
    with pytest.raises(EvonasError, match=says):
        exporting.export("run", **more, **found.given)


def test_a_folder_has_no_front(found):
    folder = str(found.folder / "out")
    with pytest.raises(EvonasError, match="--pick knee takes a network of a run: give the run's name, not the folder"):
        exporting.export(folder, "x", pick="knee", **found.given)
    with pytest.raises(EvonasError, match="--all trains the networks of a run: give the run's name, not the folder"):
        exporting.export_front(folder, "x", **found.given)


def test_the_lines_at_the_end():
    values = {"objectives": [{"name": "val_accuracy", "maximize": True}, {"name": "params", "maximize": False}]}
    values |= front_of(TWO, FRONT)
    head, best, knee, one, every = lines(values, "evonas export run")
    assert head == "front: 3 networks, which dominate 73.6 % between the worst and the ideal"
    assert best == "  1: validation accuracy 90.00 %, parameters 100 (best)"
    assert knee == "  2: validation accuracy 85.00 %, parameters 30 (knee)"
    assert one == "take one: evonas export run --out FOLDER --pick knee, a place as 2, or a limit as 'params<=…'"
    assert every == "all of them: evonas export run --out FOLDER --all"
    assert lines(values, None) == [head, best, knee]
    assert lines({"objectives": values["objectives"]}, "evonas export run") == []


@pytest.mark.thorough
def test_from_the_command_line(tmp_path):
    words = (
        "--encoding",
        "cell(width=2)",
        "--epochs",
        "1",
        "--train-size",
        "60",
        "--device",
        "cpu",
        "--surrogate",
        "none",
    )
    words = ("search", "--name", "mine", "--method", "random", "--trials", "3", *words)
    said = command(*words, "--objectives", "val_accuracy,params", cwd=tmp_path).stdout
    assert "front: " in said
    assert re.search(r"all of them: evonas export mine (--archive \S+ )?--out FOLDER --all", said)
    for given, says in (
        (("--all",), "--all writes a folder for each network: give --out FOLDER"),
        (("--all", "--out", "x", "--pick", "knee"), "--all and --pick exclude one another"),
        (("--all", "--out", "x", "--again"), "--all and --again exclude one another"),
    ):
        done = command("export", "mine", *given, cwd=tmp_path, ok=False)
        assert (done.returncode, says in done.stderr) == (2, True)
    done = command("export", "mine", "--all", "--out", "all", "--format", "safetensors", cwd=tmp_path)
    folders = done.stdout.split()
    assert len(folders) == len(json.loads((tmp_path / "runs" / "mine" / "result.json").read_text())["front"])
    assert all((tmp_path / folder / "model.safetensors").exists() for folder in folders)
    command(*words[:2], "single", *words[3:], cwd=tmp_path)
    done = command("export", "single", "--pick", "knee", "--out", "x", cwd=tmp_path, ok=False)
    assert "--pick knee: run 'single' has one objective and no front; give --pick best or --trial N" in done.stderr
