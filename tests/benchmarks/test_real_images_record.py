"""Recording whole systems: what is run in which order, what is refused, and that it goes on where it was."""

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from types import MappingProxyType

import numpy as np
import pytest
from studies.real_images import measured, plan, record, rows, sets, systems

from evonas.core.environment import processor
from evonas.core.errors import EvonasError
from evonas.domains.images.made import making, registry

RNG = np.random.default_rng(0)
HERE = processor()


def row(name, system, seed=0, accuracy=0.9, budget=240.0, **others):
    return {
        "set": name,
        "system": system,
        "seed": seed,
        "budget": budget,
        "full": False,
        "test_accuracy": accuracy,
        "tested": 1000,
        "wall_seconds": budget,
        "cpu_seconds": budget,
        "processor": HERE,
        **({"fixed": True} if system in plan.FIXED else {}),
        **others,
    }


def network(n, size=4):
    """An .npz file's arrays: three classes."""
    y = np.arange(n) % 3
    x = RNG.integers(0, 256, (n, size, size, 1), dtype=np.uint8)
    return {"x_train": x, "y_train": y, "x_test": x[:9], "y_test": y[:9]}


@pytest.fixture
def say(tmp_path, monkeypatch, capsys):
    """Runs record.py with two systems that take no time; what it printed, and what it ended with."""
    ran = []

    def system(name, accuracy):
        def run(data, seconds, seed):
            ran.append((data.name, name, seed, len(data.y)))
            if accuracy is None:
                raise accuracy_error
            return {"test_accuracy": accuracy}

        return run

    accuracy_error = RuntimeError("out of luck")
    made = {"one": system("one", 0.5), "two": system("two", 0.6), "broken": system("broken", None)}
    monkeypatch.setattr(systems, "SYSTEMS", MappingProxyType(made))
    np.savez(tmp_path / "data.npz", **network(60))

    def run(*words, sets=f"small=npz:{tmp_path / 'data.npz'}", where=tmp_path / "rows.jsonl"):
        ran.clear()
        given = ["record.py", "--sets", sets, "--rows", str(where), "--learned", "30", "--seconds", "5", *words]
        monkeypatch.setattr(sys, "argv", given)
        ended = ""
        try:
            record.main()
        except SystemExit as error:
            ended = str(error.code)
        return list(ran), capsys.readouterr(), ended

    return run


def test_a_recording_goes_on_where_it_was(say, tmp_path):
    assert say("--systems", "one,two")[0] == [("small", "one", 0, 30), ("small", "two", 0, 30)]
    assert say("--systems", "one,two", "--seeds", "0,1")[0] == [("small", "one", 1, 30), ("small", "two", 1, 30)]
    lines = rows.read(tmp_path / "rows.jsonl")
    assert {rows.key(line) for line in lines} == {
        ("small", seed, 5.0, False, system) for system in ("one", "two") for seed in (0, 1)
    }
    for line in lines:
        assert (line["learned"], line["tested"], line["processor"]) == (30, 9, HERE)
        assert line["wall_seconds"] >= 0
        assert line["cpu_seconds"] >= 0
        assert line["commit"]
        assert line["versions"]["torch"]


def test_all_images_are_learned_from_if_that_is_said(say, tmp_path):
    assert say("--systems", "one", "--full")[0] == [("small", "one", 0, 60)]
    (line,) = rows.read(tmp_path / "rows.jsonl")
    assert line["full"]


def test_a_system_that_breaks_does_not_end_the_recording(say):
    ran, said, ended = say("--systems", "broken,one")
    assert [name for _, name, *_ in ran] == ["broken", "one"]
    assert "out of luck" in said.err
    assert ended.startswith("record: 1 rows could not be made")
    assert [name for _, name, *_ in say("--systems", "broken,one")[0]] == ["broken"]


def test_a_block_is_of_one_processor(say, tmp_path):
    file = tmp_path / "rows.jsonl"
    other = "another processor, 64 cores"
    rows.append(file, [row("small", "one", seed, budget=5.0, processor=other) for seed in (0, 1)])
    ran, _, ended = say("--systems", "one,two")
    assert not ran
    assert "the block (small, seed 0, 5 s) was begun on another processor, 64 cores, and this is" in ended
    assert "\n" not in ended
    assert [one[:3] for one in say("--systems", "one,two", "--anew")[0]] == [("small", "one", 0), ("small", "two", 0)]
    assert Counter(line["processor"] for line in rows.read(file)) == {HERE: 2, other: 1}  # seed 1 is whole
    assert not say("--systems", "one", "--seeds", "1")[0]


def test_a_row_that_had_not_the_processor_to_itself_is_not_kept():
    record.refuse_starved(row("a", "one", wall_seconds=100.0, cpu_seconds=95.0))
    record.refuse_starved(row("a", "one", wall_seconds=1.0, cpu_seconds=0.1))  # a second is what files take
    with pytest.raises(EvonasError, match=r"0\.50 of a core.*--busy"):
        record.refuse_starved(row("a", "one", wall_seconds=100.0, cpu_seconds=50.0))


def test_what_is_missing_is_said_and_not_run(say):
    ran, said, ended = say("--plan", "--shorter", "", "--seeds", "0")
    assert not ran
    assert not ended
    first, last = said.out.splitlines()
    assert first == f"small, seed 0, 5 s: {', '.join([plan.OURS, *plan.FIXED, *plan.OTHERS])}"
    assert last == f"8 rows are missing, about {(4 * 3.2 + 4) * 5 / 3600:.1f} hours"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--systems", "three"), "no system 'three'; there are 'broken', 'one', 'two'"),
        (("--seeds", "a"), "--seeds 'a' is no list of numbers"),
        (("--sets", "nothing"), "no set 'nothing'; there are 'addnist'"),
        (("--sets", "kmnist"), "kmnist_10k.npz is needed; give --images FOLDER"),
        (("--sets", "sudoku"), "sudoku is made by evonas; give --root FOLDER"),
    ],
)
def test_bad_options_are_one_line(say, words, error):
    ran, _, ended = say(*words)
    assert not ran
    assert error in ended
    assert "\n" not in ended


@pytest.mark.skipif(find_spec("optuna") is not None, reason="Optuna is installed")
def test_optuna_is_asked_for_before_hours_have_passed(say):
    ran, _, ended = say("--seeds", "0", "--shorter", "")
    assert not ran
    assert 'pip install "evonas[peers]"' in ended


def test_a_line_that_is_no_row_is_named(tmp_path):
    file = tmp_path / "rows.jsonl"
    rows.append(file, [row("a", "one")])
    file.write_text(file.read_text() + '{"set": "a", "sys')
    with pytest.raises(EvonasError, match="line 2 of .* is no row"):
        rows.read(file)


# --- the plan


def recorded(works):
    """Rows of all works, of which resnet20 is the best fixed network."""
    return [row(w.set, w.system, w.seed, 0.95 if w.system == "resnet20" else 0.9, w.budget) for w in works]


def planned(had, seeds: Sequence[int] = plan.ALL_SEEDS, shorter=(72.0, 144.0)):
    return plan.planned(had, sets.SETS, seeds, 240.0, shorter)


def test_the_plan_goes_by_seed_then_by_set_all_systems_of_a_block_together():
    works = planned([])
    blocks = [rows.block(work.row) for work in works]
    assert blocks == sorted(blocks, key=blocks.index)  # each block in one piece
    main = [block for block in dict.fromkeys(blocks) if block[2] == 240]
    assert main == [(name, seed, 240.0, False) for seed in range(5) for name in sets.SETS]
    assert [work.system for work in works[:5]] == [plan.OURS, *plan.FIXED]
    assert len(set(works)) == len(works)


def test_each_system_has_its_seeds():
    counts = Counter(work.system for work in planned([]) if work.budget == 240)
    assert counts[plan.OURS] == counts["random"] == 5 * 8
    assert counts["optuna-tpe"] == counts["evonas without memory"] == 3 * 8
    assert {counts[name] for name in plan.FIXED} == {8}
    assert counts[plan.BEST] == 4 * 8
    assert {counts[name] for name in plan.ABLATIONS} == {3 * 4}
    shorter = Counter((work.system, work.budget) for work in planned([]) if work.budget < 240)
    assert shorter == {("evonas", 72.0): 3 * 8, ("evonas", 144.0): 3 * 8}


def test_the_best_fixed_network_goes_on_when_all_are_recorded():
    seed0 = planned([], seeds=[0])
    assert plan.BEST in {work.system for work in planned(recorded(seed0[:-30]))}
    works = planned(recorded(seed0))
    assert Counter(work.system for work in works if work.seed == 3) == {"evonas": 8, "random": 8, "resnet20": 8}
    assert plan.missing(works, recorded(works)) == []


def test_hours_are_of_what_was_measured():
    work = plan.Work("usps", 1, 240.0, "resnet8")
    assert plan.seconds(work, []) == 3.2 * 240
    assert plan.seconds(work, [row("kmnist", "resnet8", budget=60.0, wall_seconds=240.0)]) == 4 * 240


# --- the sets


def test_sets_lie_in_a_folder_or_are_made(tmp_path):
    np.savez(tmp_path / "usps.npz", **network(30))
    found = sets.sources("usps,sudoku,mine=npz:x.npz", tmp_path, tmp_path / "root")
    assert found == {"usps": "", "sudoku": "", "mine": "npz:x.npz"}
    data = sets.load("usps", found["usps"], tmp_path, None, 20)
    assert (data.name, len(data.y), len(data.y_test)) == ("usps", 20, 9)
    for _ in range(2):  # it is made, and then found
        data = sets.load("sudoku", found["sudoku"], None, tmp_path / "root", 50, size=90)
        assert (data.name, data.x.shape, len(data.y_test)) == ("sudoku", (50, 9, 9, 10), 20)
        assert data.x_val is None
    with pytest.raises(EvonasError, match="holds 'Sudoku', made as"):
        sets.load("sudoku", "", None, tmp_path / "root", 50)


def test_images_of_both_parts_may_be_learned_from(tmp_path):
    folder, _ = making.make(registry.made_set("words"), tmp_path, images=90)
    data = sets.load("words", f"npy:{folder}", None, None, None)
    assert len(data.y) == 90 + 30


def test_a_missing_or_ambiguous_file_is_named(tmp_path):
    with pytest.raises(EvonasError, match=r"has 0 files cifar10\*\.npz, not one; there is no \.npz file"):
        sets.sources("cifar10", tmp_path, None)
    for name in ("cifar10.npz", "cifar10_jpeg.npz"):
        np.savez(tmp_path / name, **network(9))
    with pytest.raises(EvonasError, match=r"has 2 files .* 'cifar10\.npz', 'cifar10_jpeg\.npz'"):
        sets.sources("cifartile", tmp_path, tmp_path / "root")


# --- what a row says of where it comes from


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_commit_with_changes_is_marked_but_for_what_is_recorded(tmp_path):
    results, code = tmp_path / "benchmarks" / "results" / "rows.jsonl", tmp_path / "code.py"
    results.parent.mkdir(parents=True)
    for path in (results, code):
        path.write_text("1")
    own = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*own, "commit", "-qm", "Begin"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    plain = measured.commit(results.parent)
    assert plain.isalnum()
    results.write_text("2")
    assert measured.commit(results.parent) == plain
    code.write_text("2")
    assert measured.commit(results.parent) == plain + "+"


def test_threads_are_limited_and_given_back():
    import torch

    before = torch.get_num_threads()
    with measured.threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_a_watch_counts_both_clocks():
    watch = measured.Watch()
    while watch.seconds()["cpu_seconds"] < 0.05:
        sum(range(10_000))
    found = watch.seconds()
    assert found["wall_seconds"] >= 0.04
    assert json.dumps(found)


def test_a_row_by_own_time_says_so_and_says_nothing_of_deadlines(monkeypatch):
    monkeypatch.setattr(time, "monotonic", time.process_time)
    by = measured.origin()
    assert by["processor"] == HERE + measured.OWN_TIME
    some = [row("a", "evonas"), row("a", "evonas", 1, processor=by["processor"])]
    assert measured.on_the_wall(some) == some[:1]
    measured.by_own_time(["is", "not", "begun", "again"])


@pytest.mark.thorough
def test_waiting_takes_none_of_a_process_s_own_time(tmp_path):
    script = tmp_path / "waits.py"
    script.write_text(
        "import sys, time\n"
        "from studies.real_images.measured import Watch, by_own_time\n"
        "by_own_time(sys.argv)\n"
        "watch = Watch()\n"
        "time.sleep(3)\n"
        "print(sys.argv[1:], watch.seconds()['wall_seconds'] < 1)\n"
    )
    done = subprocess.run([sys.executable, script, "--a", "b"], capture_output=True, text=True, check=True)
    assert done.stdout == "['--a', 'b'] True\n"
