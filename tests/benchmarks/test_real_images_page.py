"""The page of whole systems: ratios paired by seed, the control, what was to be reached, and what is refused."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies.real_images import bars, less_time, page, plan, rank_correlation, ratios, rows, sections

from evonas.core.errors import EvonasError

ORIGIN = {"processor": "a processor, 2 cores", "commit": "abc", "versions": {"torch": "1"}}


def row(name, system, seed=0, accuracy=0.9, budget=240.0, **others):
    searched = system not in plan.FIXED
    return {
        "set": name,
        "system": system,
        "seed": seed,
        "budget": budget,
        "full": False,
        "test_accuracy": accuracy,
        "tested": 1000,
        "learned": 10_000,
        "wall_seconds": 0.98 * budget,
        "cpu_seconds": 0.95 * budget,
        **({"usable_seconds": 0.03 * budget, "known": ["chess", "words"]} if searched else {}),
        **({} if searched else {"fixed": True}),
        **ORIGIN,
        **others,
    }


SETS = ("addnist", "usps")
ROWS = [row(name, "evonas", seed, 0.96 - 0.001 * seed) for name in SETS for seed in range(3)]
ROWS += [row(name, "resnet8", seed, 0.92 - 0.002 * seed) for name in SETS for seed in range(3)]
ROWS += [row("addnist", "resnet20", 0, 0.98), row("usps", "resnet20", 0, 0.60)]  # better on one, worse on average
ROWS += [row(name, "random", seed, 0.92) for name in SETS for seed in range(3)]
ROWS += [row(name, "evonas without memory", seed, 0.955) for name in SETS for seed in range(2)]
ROWS += [row("addnist", "evonas without rungs", 0, 0.92)]


def line(text, *starts):
    """The cells of the one line of a table whose first cells begin so."""
    lines = [[cell.strip() for cell in one.strip("|").split("|")] for one in text.splitlines() if one.startswith("|")]
    (found,) = [cells for cells in lines if all(cell.startswith(s) for cell, s in zip(cells, starts, strict=False))]
    return found


def test_accuracies_stand_with_their_seeds():
    found = page.page(ROWS)
    assert line(found, "evonas", "95.90") == ["evonas", "95.90 (3)", "95.90 (3)"]
    assert line(found, "resnet20", "98") == ["resnet20", "98.00 (1)", "60.00 (1)"]


def test_the_control_is_the_one_network_with_the_lowest_geometric_mean_error():
    known = ratios.control(ROWS)
    assert known is not None
    assert known.name == "resnet8"
    assert known.means == {"resnet8": pytest.approx(0.08), "resnet20": pytest.approx(math.sqrt(0.02 * 0.4))}
    assert known.sets == SETS
    only = [*ROWS, row("kmnist", "resnet8", 0, 0.1)]  # the others are not recorded there
    assert getattr(ratios.control(only), "sets", None) == SETS
    assert ratios.control([row("usps", "evonas")]) is None


def test_ratios_to_the_control_are_paired_by_set_and_seed():
    found = page.page(ROWS)
    assert "### Against the best fixed network, resnet8" in found
    by_seed = [0.040 / 0.080, 0.041 / 0.082, 0.042 / 0.084]
    assert by_seed == pytest.approx([0.5] * 3)
    assert line(found, "usps", "4.10") == ["usps", "4.10", "8.20", "0.50 (0.50 to 0.50)", "3"]
    assert line(found, "geometric mean")[3:] == ["**0.50 (0.50 to 0.50)**", "6"]


def test_other_systems_and_parts_left_out_have_ratios_too():
    found = page.page(ROWS)
    others = found[found.index("### Against the others") : found.index("### What each part")]
    assert line(others, "other") == ["other", "geometric mean", "pairs", *SETS]
    by_seed = "0.51 (0.50 to 0.53)"  # .5, .5125 and .525 on either set
    assert line(others, "random") == ["random", "**0.51 (0.50 to 0.52)**", "6", by_seed, by_seed]
    assert line(others, "evonas without memory")[2] == "4"
    assert line(others, "resnet20")[2:] == ["2", "2.00 (one pair)", "0.10 (one pair)"]
    parts = found[found.index("### What each part") : found.index("### The challenge's score")]
    assert line(parts, "evonas without rungs")[1:] == ["**0.50 (one pair)**", "1", "0.50 (one pair)"]


def test_the_challenge_counts_from_the_published_benchmark():
    assert sections.score(0.9208, 92.08) == pytest.approx(0)
    assert sections.score(1.0, 45.56) == pytest.approx(10)
    assert sections.score(0.5, 92.08) == -10  # -53 without the floor
    found = page.page([row("addnist", "evonas", 0, 0.9604), row("usps", "evonas")])
    scores = found[found.index("### The challenge's score") :]
    assert line(scores, "evonas") == ["evonas", "5.00 (1)"]
    assert line(scores, "published best") == ["published best, accuracy¹", "97.9 %"]
    assert "¹ Others' hardware, full-size data" in scores
    assert "score" not in page.page([row("usps", "evonas")])


def test_a_block_of_two_processors_is_refused(tmp_path, monkeypatch):
    mixed = [*ROWS, row("usps", "optuna-tpe", 2, processor="another, 4 cores")]
    with pytest.raises(
        EvonasError, match=r"the block \(usps, seed 2, 240 s\) is of 2 processors: a processor, 2 cores"
    ):
        page.page(mixed)
    page.page([*ROWS, row("usps", "optuna-tpe", 3, processor="another, 4 cores")])  # a block of its own
    with pytest.raises(EvonasError, match=r"the block \(usps, seed 2, 240 s\) learns from 10,000 and from 500 images"):
        page.page([*ROWS, row("usps", "optuna-tpe", 2, learned=500)])
    rows.append(tmp_path / "rows.jsonl", mixed)
    monkeypatch.setattr(sys, "argv", ["page.py", "--rows", str(tmp_path / "rows.jsonl")])
    with pytest.raises(SystemExit, match=r"page: the block \(usps"):
        page.main()
    assert not (tmp_path / "rows.md").exists()


def test_the_page_lies_beside_its_rows(tmp_path, monkeypatch, capsys):
    words = ["page.py", "--rows", str(tmp_path / "rows.jsonl"), "--candidates", str(tmp_path / "candidates.jsonl")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit, match="holds no rows; make some with record.py"):
        page.main()
    rows.append(tmp_path / "rows.jsonl", ROWS)
    page.main()
    assert capsys.readouterr().out == f"{tmp_path / 'rows.md'}\n"
    assert (tmp_path / "rows.md").read_text(encoding="utf-8") == page.page(ROWS)


# --- the memory


def test_less_time_with_the_memory_is_held_beside_all_of_it_without():
    short = [row(name, "evonas", seed, accuracy, 72.0) for name in SETS for seed, accuracy in ((0, 0.91), (1, 0.91))]
    longer = [row(name, "evonas", seed, 0.964, 144.0) for name in SETS for seed in range(2)]
    found = less_time.section([*ROWS, *short, *longer])
    assert line(found, "set") == [
        "set",
        "evonas, 72 s",
        "evonas, 144 s",
        "evonas, 240 s",
        "evonas without memory, 240 s",
    ]
    assert line(found, "usps") == ["usps", "91.00 (2)", "96.40 (2)", "95.90 (3)", "95.50 (2)"]
    assert line(found, "ratio of errors")[1:3] == ["2.00 (2.00 to 2.00)", "0.80 (0.80 to 0.80)"]
    assert "- addnist, usps: 2 earlier tasks, chess, words" in found
    assert reached([*ROWS, *short, *longer], "seconds that do") == ["144: errors 0.80 (0.80 to 0.80)", "bar"]
    assert reached([*ROWS, *short], "seconds that do")[1] == "no"  # 240 s with it do what 240 s without do: no gain


def test_blocks_of_other_processors_are_no_pairs():
    elsewhere = [row("usps", "evonas", 0, 0.91, 72.0, processor="another, 4 cores")]
    assert less_time.against([*ROWS, *elsewhere], 72.0) is None
    assert less_time.against([*ROWS, row("usps", "evonas", 0, 0.91, 72.0)], 72.0) is not None


def test_a_memory_that_knew_nothing_is_said():
    nothing = [{**one, "known": []} if one["set"] == "usps" else one for one in ROWS]
    found = less_time.section(nothing)
    assert "- usps: no earlier task: evonas and evonas without memory are the same system" in found
    assert "- addnist: 2 earlier tasks, chess, words" in found


# --- what was to be reached


def reached(found, figure, candidates=()):
    """(value, reached) of a figure."""
    cells = line(bars.table(found, candidates), figure)
    return [cells[1], cells[4]]


def test_what_is_not_recorded_says_so():
    found = bars.table([row("usps", "evonas")], ())
    assert found.count(bars.MISSING) == 8
    assert reached(ROWS, "cifartile") == [bars.MISSING, ""]


@pytest.mark.parametrize(("accuracy", "says"), [(0.96, "aim"), (0.945, "bar"), (0.93, "no")])
def test_the_bar_against_the_control(accuracy, says):
    found = [row(name, "evonas", seed, accuracy) for name in SETS for seed in range(3)]
    found += [row(name, "resnet8", seed, 0.92 + 0.001 * seed) for name in SETS for seed in range(3)]
    assert reached(found, "errors by those of the best fixed network, resnet8")[1] == says


def test_a_set_that_lies_wholly_above_is_named():
    found = [row("usps", "evonas", seed, 0.90) for seed in range(3)]
    found += [row("usps", "resnet8", seed, 0.92 + 0.001 * seed) for seed in range(3)]
    assert reached(found, "sets whose ratio lies wholly above") == ["usps", "no"]
    assert reached(found[:1] + found[3:4], "sets whose ratio lies wholly above") == ["none", "aim"]  # no interval
    assert reached(ROWS, "sets whose ratio lies wholly above") == ["none", "aim"]


def test_random_search_is_beaten_only_beyond_chance():
    ours = [row(name, "evonas", seed, 0.93) for name in SETS for seed in range(2)]
    even = [row(name, "random", seed, accuracy) for name in SETS for seed, accuracy in ((0, 0.88), (1, 0.94))]
    assert reached([*ours, *even], "errors by those of random search")[1] == "no"  # .76, from .58 to 1.17
    assert reached(ROWS, "errors by those of random search")[1] == "aim"


def test_deadlines_count_by_the_longest_search():
    over = [*ROWS, row("usps", "random", 4, wall_seconds=252.0, usable_seconds=48.0)]
    assert reached(ROWS, "longest search") == ["0.980", "aim"]
    assert reached(over, "longest search") == ["1.050", "no"]
    assert reached(over, "something usable") == ["0.200", "no"]
    assert line(sections.times(over), "240", "1") == [
        "240",
        "1",
        "18",
        "1.050",
        "20.0 %",
        "0.90 to 0.97",
        "random on usps, seed 4, 240 s",
    ]


def test_full_size_sets_stand_beside_published_figures():
    found = [*ROWS, row("cifartile", "evonas", 0, 0.70, 1800.0, full=True, learned=60_000)]
    assert reached(found, "cifartile") == ["70.00", "bar"]
    text = page.page(found)
    cells = ["cifartile", "evonas", "0", "1800", "60,000", "70.00", "4.49", "45.56", "92.3"]
    assert line(text, "cifartile", "evonas") == cells
    assert "| cifartile" not in text[: text.index("## All training images")].partition("## 240")[2]


def test_the_order_that_a_search_sees_is_held_beside_long_trainings():
    seen = [(0.1, 0.5), (0.1, 0.6), (0.3, 0.55), (0.3, 0.7)]  # what was trained longer comes first
    made = [
        {"set": "usps", "seed": 0, "budget": 240.0, "fidelity": f, "seen": s, "test_accuracy": t, **ORIGIN}
        for (f, s), t in zip(seen, (0.7, 0.8, 0.9, 0.95), strict=True)
    ]
    assert rank_correlation.correlation(made) == pytest.approx(1)
    assert rank_correlation.correlation([{**one, "test_accuracy": 1 - one["test_accuracy"]} for one in made]) == -1
    assert math.isnan(rank_correlation.correlation([{**one, "test_accuracy": 0.5} for one in made]))
    assert reached(ROWS, "rank correlation", made) == ["1.00, searches: 1", "aim"]
    assert line(page.page(ROWS, made), "usps", "0") == ["usps", "0", "240", "4", "1.00"]


# --- intervals


groups = st.lists(st.lists(st.floats(-2, 2), min_size=1, max_size=5), min_size=1, max_size=8)


@given(groups)
def test_an_interval_lies_within_what_was_seen(logs):
    found = ratios.ratio(logs)
    assert found is not None
    assert (found.sets, found.pairs) == (len(logs), sum(map(len, logs)))
    least, most = math.exp(min(map(min, logs))) - 1e-9, math.exp(max(map(max, logs))) + 1e-9
    assert least <= found.value <= most
    if found.pairs > 1:
        assert least <= found.low <= found.high <= most


def test_an_interval_is_as_wide_as_theory_has_it():
    """Of one set with many seeds: 1.96 standard errors to both sides."""
    logs = np.random.default_rng(0).normal(-0.5, 0.3, 400)
    found = ratios.ratio([logs.tolist()])
    assert found is not None
    margin = 1.96 * logs.std() / math.sqrt(len(logs))
    assert np.log([found.low, found.high]) == pytest.approx([logs.mean() - margin, logs.mean() + margin], abs=0.004)


def test_no_error_at_all_is_half_an_image():
    assert ratios.errors([row("usps", "evonas", 0, 1.0)]) == {"evonas": {"usps": {0: 0.0005}}}
