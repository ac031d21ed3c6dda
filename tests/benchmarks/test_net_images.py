"""The table of `net`: what is trained, in what order, and what its page and its memory make of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studies.net_images import changes, make, page, related
from studies.net_images.make import Training

from evonas.core.environment import processor
from evonas.core.errors import EvonasError
from evonas.encodings.net import NetEncoding
from evonas_benchmarks.run.problems import tabular_problem
from evonas_benchmarks.suites import load_suite
from evonas_benchmarks.tables import net_images, packaged

NET = NetEncoding()
NAMES = ("digits", "mnist", "addnist", "cifar10")
TASKS = {name: {"shape": [1, 8, 8], "classes": 10, "features": {}, "fingerprint": ""} for name in NAMES}
SOME = 30


def rows():
    """Wide networks are good for photographs, narrow ones for digits; shorter trainings show it dimly."""
    rng = np.random.default_rng(0)
    place = NET.space().names.index("width")
    for number, genome in enumerate(net_images.genomes()[:SOME]):
        for name in NAMES:
            worth = genome[place] / 64 if name == "cifar10" else 1 - genome[place] / 80
            for fidelity in net_images.FIDELITIES:
                value = 0.3 + 0.5 * worth + 0.1 * rng.random() / fidelity**0.5
                yield {
                    "data": name, "genome": number, "fidelity": fidelity, "val_accuracy": value,
                    "val_loss": 1 - value, "train_accuracy": value, "images": 100, "seconds": fidelity,
                }  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("table") / "t.parquet"
    about = {"tasks": TASKS, "versions": {"evonas": "0"}, "processor": "some"}
    net_images.write(list(rows()), about, path)
    return path


def test_the_genomes_are_distinct_build_everywhere_and_begin_with_the_portfolio():
    genomes = net_images.genomes()
    assert len(set(genomes)) == net_images.GENOMES
    assert all(NET.canonical(genome) == genome for genome in genomes)
    portfolio = [NET.canonical(genome) for genome in NET.portfolio(page_task())]
    assert genomes[0] == portfolio[0]
    assert set(genomes[: len(portfolio)]) == set(portfolio)
    assert genomes == net_images.genomes()


def page_task():
    from evonas.core.types import Task

    return Task("colour", (3, 32, 32), 10)


def test_stopped_anywhere_all_sets_have_the_same_genomes():
    assert make.work(["a", "b"], 2) == [
        Training("a", 0, 0), Training("b", 0, 0), Training("a", 1, 0), Training("b", 1, 0),
    ]  # fmt: skip


def test_what_was_written_is_read(file):
    found = net_images.table_of(net_images.read(file), net_images.about(file)["tasks"])
    assert len(found.genomes) == SOME
    assert set(found.entries) == set(NAMES)
    first = next(iter(rows()))
    assert found.values("digits", "1/9 val_accuracy")[0] == pytest.approx(first["val_accuracy"])
    assert found.entry("digits").task.input_shape == (1, 8, 8)
    with pytest.raises(EvonasError, match="cannot be read"):
        net_images.read(file.parent / "none.parquet")


def test_what_shares_a_source_does_not_teach(file):
    """Without MNIST's own sets only digits and photographs are left for AddNIST."""
    table = net_images.table_of(net_images.read(file), TASKS)
    place = NET.space().names.index("width")
    first, second = (table.genomes[i][place] for i in page.suggested(table, "addnist")[:2])
    assert {first < 32, second < 32} == {True, False}
    first, second = (table.genomes[i][place] for i in page.suggested(table, "cifar10")[:2])
    assert first < 32
    assert second < 32


def test_the_page_says_what_ranks_and_what_is_worth_trying(file):
    table = net_images.table_of(net_images.read(file), TASKS)
    text = page.page(table, net_images.about(file))
    assert "30 genomes (of 160: not finished yet)" in text
    assert "| digits * |" in text
    assert "| mean |" in text
    assert "nan" not in text


def test_a_set_is_split_the_same_way_each_time(tmp_path):
    one, other = (net_images.small_split("chess", tmp_path, tmp_path / "made") for _ in range(2))
    np.testing.assert_array_equal(one.x_train, other.x_train)
    assert (len(one.x_train), len(one.x_val)) == (3000, 1500)
    known = {image.tobytes() for image in one.x_train}
    assert not known & {image.tobytes() for image in one.x_val}
    with pytest.raises(EvonasError, match=r"needs usps\.npz"):
        net_images.small_split("usps", tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data", "digit"], "no data set 'digit'"),
        (["--genomes", "0"], "--genomes 0 is not valid"),
        (["--genomes", "3"], "a part of the table would take the place of the whole"),
    ],
)
def test_what_will_not_do_is_said_before_anything_is_trained(tmp_path, monkeypatch, capsys, options, said):
    places = ["--images", str(tmp_path), "--made", str(tmp_path), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["make", *places, *options])
    assert make.main() == 2
    assert said in capsys.readouterr().err


@pytest.mark.thorough
def test_a_small_table_is_made_and_gone_on_with(tmp_path):
    (tmp_path / "out").mkdir()
    lengths = {"images": {"digits": 900}, "seconds": {processor(): {"digits": 0.9}}}
    (tmp_path / "out" / make.LENGTHS).write_text(json.dumps(lengths))
    command = [
        sys.executable, make.__file__, "--images", str(tmp_path), "--made", str(tmp_path / "made"), "--data", "digits",
        "--out", str(tmp_path / "out"), "--table", str(tmp_path / "t.parquet"), "--genomes",
    ]  # fmt: skip
    for genomes in ("1", "2"):
        subprocess.run([*command, genomes], check=True, stdout=subprocess.DEVNULL)
    found = net_images.read(tmp_path / "t.parquet")
    assert found["genome"].tolist() == [0, 0, 0, 1, 1, 1]
    assert np.isfinite(found["val_accuracy"]).all()
    assert net_images.about(tmp_path / "t.parquet")["lengths"] == lengths
    assert len(net_images.about(tmp_path / "t.parquet")["tasks"]["digits"]["fingerprint"].split()) == 64


def test_the_suite_s_memory_leaves_out_what_shares_a_source(file, tmp_path, monkeypatch):
    made = net_images.table_of(net_images.read(file), TASKS)
    monkeypatch.setitem(packaged.TABLES, "net-images", lambda: made)
    monkeypatch.setitem(packaged.TASKS, "net-images", NAMES)
    found: Any = tabular_problem(load_suite("net-images"), "addnist", 0)
    assert [one.task for one in found.earlier] == ["digits", "cifar10"]
    assert all(len(one.y) == SOME for one in found.earlier)


def test_what_each_choice_changes():
    """Of every gene all choices but the baseline's; a training that diverged is said, and no mean of it is taken."""
    own = NET.named(NET.genome())
    assert {gene for gene, _ in changes.changes()} == set(NET.genes)
    assert all(NET.genes[gene][place] != own[gene] for gene, place in changes.changes())
    lines: dict[changes.Training, dict[str, Any]] = {}
    for one in changes.work(("digits", "chess")):
        worse = one.gene == "block"
        lines[one] = {"val_accuracy": 0.5 + 0.01 * one.seed - 0.2 * worse, "images": 400 if worse else 800}
    lines[changes.Training("digits", "lr", NET.genes["lr"].index(2.0))] = {"error": "diverged"}
    text = changes.page(lines, {"versions": {"evonas": "0"}, "processor": "some"})
    assert "| baseline |" in text
    assert "52.0 ± 1.6" in text
    assert "| block | plain | -22.0 | -22.0 | -22.0 | 0.50 |" in " ".join(text.split())
    assert "| lr | 2.0 | diverged | -2.0 | -2.0 | 1.00 |" in " ".join(text.split())


def test_what_is_said_of_earlier_tasks_is_held_beside_what_they_were_worth(tmp_path):
    """Of the table that comes with evonas; what is made of the same digits teaches nothing."""
    table = net_images.net_images()
    one = related.judged(table, "multnist")
    assert len(one.helped) == 10
    assert float(str(one.row()[1])) > 0.9
    assert "| multnist | 10 | 0.9" in related.page([one], 150)
