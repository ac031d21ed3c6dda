"""The script that waits for a GPU: what it has found is there, however a later stage ends."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from studies.speed import on_gpu
from studies.speed.on_gpu import Go, figures
from studies.speed.on_gpu_stages import KINDS, Stage, stages

from tests.training.nets import arrays

FIGURES = {"ratio": 5.5, "bar": [5, 10.5], "rows": [], "cuda": True, "data": "digits", "none": None}
MEASURED = f"print('warming up'); print({json.dumps(FIGURES)!r})"
SLEEPS = "import time; print('begun', flush=True); time.sleep(60)"


def stage(name: str, code: str, limit: float = 20.0, missing: str = "") -> Stage:
    return Stage(name, limit, [sys.executable, "-c", code], missing)


def left(folder: Path, name: str) -> dict:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def test_each_stage_leaves_what_it_found(tmp_path):
    go = Go(tmp_path)
    go.run(
        [stage("good", MEASURED), stage("bad", "raise SystemExit('no device')"), stage("never", "", missing="--images")]
    )
    good, bad, never = (left(tmp_path, name) for name in ("good", "bad", "never"))
    assert (good["outcome"], good["exit"], good["figures"]) == ("done", 0, FIGURES)
    assert (tmp_path / "good.txt").read_text().startswith("warming up\n")
    assert (bad["outcome"], bad["exit"], bad["figures"]) == ("failed", 1, {})
    assert (tmp_path / "bad.txt").read_text() == "no device\n"
    assert (never["outcome"], never["why"]) == ("left out", "without --images")
    rows = (tmp_path / "summary.md").read_text().splitlines()[2:]
    assert [row.split(" | ")[:2] for row in rows] == [
        ["| good", "done"],
        ["| bad", "failed"],
        ["| never", "left out: without --images"],
    ]
    assert rows[0].endswith("| ratio 5.5; bar 5 to 10.5 |")


def test_the_page_that_stages_record_in_comes_back_too(tmp_path):
    page = tmp_path / "speed.md"
    page.write_text("before\n", encoding="utf-8")
    records = f"open({str(page)!r}, 'a', encoding='utf-8').write('measured\\n')"
    Go(tmp_path / "out", page=page).run([stage("good", records), stage("bad", "raise SystemExit(3)")])
    assert (tmp_path / "out" / "speed.md").read_text(encoding="utf-8") == "before\nmeasured\n"


def test_a_stage_that_runs_out_of_its_time_is_ended_with_all_it_started(tmp_path):
    pid = tmp_path / "pid"
    spawns = (
        "import pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(pid)!r}).write_text(str(child.pid)); print('begun', flush=True); time.sleep(60)"
    )
    start = time.monotonic()
    Go(tmp_path).run([stage("long", spawns, limit=2.0), stage("next", MEASURED)])
    assert time.monotonic() - start < 20
    assert (left(tmp_path, "long")["outcome"], left(tmp_path, "long")["exit"]) == ("out of time", None)
    assert (tmp_path / "long.txt").read_text() == "begun\n"
    assert left(tmp_path, "next")["figures"]["ratio"] == 5.5
    assert over(int(pid.read_text()))


def over(pid: int) -> bool:
    """Whether a process has ended: an orphan of ours may wait for init to take its exit code."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.1)
    return False


def test_an_interrupted_run_leaves_what_was_measured_before(tmp_path):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    calls = f"import os, signal, time; os.kill({os.getpid()}, signal.SIGUSR1); time.sleep(60)"
    try:
        with pytest.raises(KeyboardInterrupt):
            Go(tmp_path).run([stage("first", MEASURED), stage("second", calls), stage("third", MEASURED)])
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert left(tmp_path, "first")["figures"]["ratio"] == 5.5
    assert left(tmp_path, "second")["outcome"] == "interrupted"
    assert not (tmp_path / "third.json").exists()
    assert "| second | interrupted |" in (tmp_path / "summary.md").read_text()


def test_a_clock_over_the_whole_shortens_the_last_stages(tmp_path):
    found = Go(tmp_path, total=7.0).run([stage("a", SLEEPS, 1.0), stage("b", SLEEPS, 1.0), stage("c", SLEEPS, 60.0)])
    assert [one.outcome for one in found] == ["out of time"] * 2 + ["left out"]
    assert found[2].why == "the whole time was over"
    found = Go(tmp_path, total=0.8).run([stage("a", SLEEPS, 0.9)])
    assert found[0].outcome == "left out"
    found = Go(tmp_path, total=6.0).run([stage("a", SLEEPS, 0.5), stage("b", MEASURED, 60.0)])
    assert found[1].outcome == "done"
    assert 5 <= found[1].limit < 6


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("{'not': 'json'}\n{\"a\": 1}\nexit handler\n", {"a": 1}),
        (
            "...s\n3 failed, 12 passed, 1 skipped, 1 error in 8.21s\n",
            {"failed": 3, "passed": 12, "skipped": 1, "error": 1},
        ),
        ("Traceback\nRuntimeError: {1}\n", {}),
        ("", {}),
    ],
)
def test_figures_are_what_was_said_last(said, found):
    assert figures(said) == found


def options(**given) -> argparse.Namespace:
    usual = {"device": "cuda", "quick": False, "images": None, "published": None, "record": False}
    return argparse.Namespace(**{**usual, **given})


def test_all_limits_are_less_than_nine_minutes():
    limits = [one.limit for one in stages(on_gpu.HERE, options())]
    assert sum(limits) <= on_gpu.TOTAL < 540 - on_gpu.GRACE


def test_the_tests_that_need_a_gpu_lie_where_they_are_looked_for():
    folder = on_gpu.ROOT / "tests"
    others = set(folder.rglob("*.py")) - {Path(__file__)}
    marked = {path.parent for path in others if "mark.gpu" in path.read_text(encoding="utf-8")}
    assert marked == {on_gpu.ROOT / stages(on_gpu.HERE, options())[0].command[-1]}


def test_every_script_is_told_the_device_and_whether_to_record(tmp_path):
    images, published = tmp_path / "cifar10.npz", tmp_path / "nb201.npz"
    images.touch()
    published.touch()
    found = {one.name: one for one in stages(on_gpu.HERE, options(images=images, published=published, record=True))}
    assert list(found) == ["tests", *KINDS]
    for name in KINDS:
        command = list(found[name].command)
        assert command[1] == str(on_gpu.HERE / f"{name}.py")
        assert command[2:5] == ["--device", "cuda", "--json"]
        assert command[-1] == "--record"
        assert found[name].missing in ("", f"{name}.py")
    assert f"npz:{images}" in found["train"].command
    assert str(published) in found["nb201"].command


def test_what_has_no_data_is_left_out_in_words(tmp_path):
    found = {one.name: one.missing for one in stages(on_gpu.HERE, options(images=tmp_path / "none.npz"))}
    assert found["train"] == "--images"
    assert found["nb201"] == "--images and --published"
    assert found["tests"] == found["first_step"] == ""
    assert stages(tmp_path, options(quick=True, device="cpu"))[1].missing == "train.py"


@pytest.mark.thorough
def test_a_trial_of_the_whole_script(tmp_path):
    """On the CPU, its two stages that start no further processes."""
    x, y = arrays(320, channels=3, size=32)
    np.savez(tmp_path / "images.npz", x_train=x, y_train=y, x_test=x[:32], y_test=y[:32])
    codes = np.array([[i // 5**k % 5 for k in range(6)] for i in range(15625)])[-40:]
    names = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
    values = {"arch": codes, "ops": names, "datasets": ["cifar10"], "val12": np.arange(40.0)[:, None]}
    np.savez(tmp_path / "published.npz", rep_idx=np.arange(40), **values)
    data = ["--images", str(tmp_path / "images.npz"), "--published", str(tmp_path / "published.npz")]
    command = [sys.executable, on_gpu.__file__, "--quick", "--device", "cpu", "--out", str(tmp_path / "out"), *data]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([".", "surrogates", "benchmarks"])}
    run = subprocess.run([*command, "--only", "breakdown", "nb201"], capture_output=True, text=True, env=env)
    assert run.returncode == 0, run.stdout + run.stderr
    assert 0 < left(tmp_path / "out", "breakdown")["figures"]["share_of_ceiling"] < 1
    assert len(left(tmp_path / "out", "nb201")["figures"]["rows"]) == 2
    assert "| nb201 | done |" in run.stdout
