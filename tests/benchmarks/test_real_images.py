"""The comparison of whole systems: rows that go on where they were, and a page that says what is in them."""

import json
import sys

import numpy as np
import pytest
from studies.real_images import page, record, systems

from evonas.domains.images import images_from_arrays

RNG = np.random.default_rng(0)


def row(name, system, seed, accuracy, budget=240.0):
    return {
        "set": name,
        "system": system,
        "seed": seed,
        "budget": budget,
        "test_accuracy": accuracy,
        "commit": "abc",
        "processor": "a processor",
        "versions": {"torch": "1"},
    }


ROWS = [row("a", "evonas", s, 0.9 + 0.01 * s) for s in range(3)]
ROWS += [row("a", "resnet8", s, 0.8 + 0.02 * s) for s in range(3)]
ROWS += [row("b", "evonas", 0, 0.95), row("b", "resnet8", 0, 0.9), row("b", "random", 0, 0.95)]


def test_ratios_of_errors_are_paired_by_set_and_seed():
    found = page.page(ROWS)
    assert "| a | 91.00 (3) | – | 82.00 (3) |" in found
    assert "| resnet8 | 0.50 (0.50 to 0.50) | 2 | 4 |" in found
    assert "| random | 1.00 (1.00 to 1.00) | 1 | 1 |" in found
    assert "abc" in found


def test_a_recording_goes_on_where_it_was(tmp_path, monkeypatch):
    ran = []

    def system(data, seconds, seed):
        ran.append((data.name, seed, len(data.y)))
        return {"test_accuracy": 0.5, "seconds": seconds}

    y = np.arange(60) % 3
    x = RNG.integers(0, 256, (60, 4, 4, 1), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y, x_test=x[:9], y_test=y[:9])
    monkeypatch.setattr(systems, "SYSTEMS", {"one": system, "two": system})
    rows = tmp_path / "rows.jsonl"
    words = ["record.py", "--sets", f"small=npz:{tmp_path / 'data.npz'}", "--systems", "one,two", "--rows", str(rows)]
    words += ["--images", "30", "--seconds", "5"]
    for seeds in ("0", "0,1"):
        monkeypatch.setattr(sys, "argv", [*words, "--seeds", seeds])
        record.main()
    assert ran == [("small", 0, 30)] * 2 + [("small", 1, 30)] * 2
    lines = [json.loads(line) for line in rows.read_text().splitlines()]
    assert {(line["system"], line["seed"], line["budget"]) for line in lines} == {
        (system, seed, 5.0) for system in ("one", "two") for seed in (0, 1)
    }
    assert all(line["commit"] and line["versions"] for line in lines)


@pytest.mark.parametrize("name", ["resnet8", "resnet20", "resnet18", "mobilenet_v3_small"])
def test_a_fixed_network_takes_images_of_any_channels(name):
    import torch

    from evonas.core.types import Task

    for shape in ((2, 28, 28), (3, 32, 32)):
        network = systems.build_fixed(name, Task("t", shape, 7)).eval()
        assert network(torch.zeros(2, *shape)).shape == (2, 7)


def test_resnet8_is_the_one_of_78_042_parameters():
    from evonas.core.types import Task

    network = systems.build_fixed("resnet8", Task("t", (3, 32, 32), 10))
    assert sum(p.numel() for p in network.parameters()) == 78_042


def test_a_fixed_network_is_tried_with_both_recipes():
    y = np.arange(120) % 3
    x = RNG.integers(0, 120, (120, 6, 6, 1))
    for i, label in enumerate(y):
        x[i, :, 2 * label : 2 * label + 2] += 100
    data = images_from_arrays(x.astype(np.uint8), y, name="blobs")
    found = systems.fixed("resnet8")(data, 1.0, 0)
    assert set(found["val_accuracies"]) == {"True", "False"}
    assert found["varied"] == (found["val_accuracies"]["True"] > found["val_accuracies"]["False"])
    assert found["test_accuracy"] > 0.5
