"""Sections of the page: tables in Markdown, each empty where no row belongs in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean

from evonas_benchmarks.pages.text import markdown
from studies.real_images.measured import on_the_wall
from studies.real_images.plan import ABLATIONS, FIXED, OTHERS, OURS
from studies.real_images.ratios import Control, by_set, errors, ratio
from studies.real_images.rows import Row, block, words
from studies.real_images.sets import PUBLISHED, SETS, ordered

ORDER = (OURS, *FIXED, *OTHERS, *ABLATIONS)
LEAST_SCORE = -10.0  # as the challenge counts


def accuracies(rows: Sequence[Row]) -> str:
    """Mean test accuracies, systems by sets; how many seeds."""
    by, sets = values(rows, "test_accuracy"), ordered({row["set"] for row in rows}, SETS)
    lines = []
    for system in ordered(by, ORDER):
        cells = [by[system].get(name, []) for name in sets]
        lines.append([system, *(f"{100 * mean(cell):.2f} ({len(cell)})" if cell else "" for cell in cells)])
    return "Mean test accuracy, percent; in brackets how many seeds.\n\n" + markdown(["system", *sets], lines) + "\n"


def against_control(rows: Sequence[Row], known: Control) -> str:
    """Ours against the one best fixed network, set by set."""
    by, pairs = errors(rows), by_set(rows, OURS, known.name)
    overall = ratio(pairs.values())
    if overall is None:
        return ""
    lines = []
    for name in ordered(pairs):
        both = [f"{100 * mean(by[system][name].values()):.2f}" for system in (OURS, known.name)]
        lines.append([name, *both, str(ratio([pairs[name]])), str(len(pairs[name]))])
    lines.append(["geometric mean", "", "", f"**{overall}**", str(overall.pairs)])
    means = ", ".join(f"{name} {100 * value:.2f} %" for name, value in known.means.items())
    return (
        f"### Against the best fixed network, {known.name}\n\nThe fixed network with the lowest geometric mean error, "
        f"seed 0, over {', '.join(known.sets)}: {means}. Test errors in percent, means over seeds; ratios are paired "
        "by seed, below 1 evonas makes fewer errors.\n\n"
        + markdown(["set", f"{OURS}, errors", f"{known.name}, errors", "ratio", "seeds"], lines)
        + "\n"
    )


def against_others(rows: Sequence[Row]) -> str:
    return _ratios(rows, (*OTHERS, *FIXED), "### Against the others", "other")


def ablations(rows: Sequence[Row]) -> str:
    return _ratios(rows, ABLATIONS, "### What each part is worth", "without it")


def _ratios(rows: Sequence[Row], others: Sequence[str], title: str, head: str) -> str:
    found = {other: pairs for other in others if (pairs := by_set(rows, OURS, other))}
    if not found:
        return ""
    sets = ordered({name for pairs in found.values() for name in pairs})
    lines = []
    for other, pairs in found.items():
        each = [str(ratio([pairs[name]])) if name in pairs else "" for name in sets]
        lines.append([other, f"**{ratio(pairs.values())}**", str(sum(map(len, pairs.values()))), *each])
    said = "Test errors of evonas by those of the other, paired by seed; below 1 evonas makes fewer.\n\n"
    return f"{title}\n\n{said}{markdown([head, 'geometric mean', 'pairs', *sets], lines)}\n"


def score(accuracy: float, benchmark: float) -> float:
    """The challenge's, of a test accuracy (0 to 1) and a benchmark in percent: 0 is the benchmark, 10 no error."""
    return max(LEAST_SCORE, 10 * (100 * accuracy - benchmark) / (100 - benchmark))


def scores(rows: Sequence[Row]) -> str:
    """The challenge's scores on sets with a published benchmark, mean over seeds."""
    by, sets = values(rows, "test_accuracy"), ordered({row["set"] for row in rows} & PUBLISHED.keys(), SETS)
    if not sets:
        return ""
    lines = []
    for system in ordered(by, ORDER):
        cells = [[score(one, PUBLISHED[name][0]) for one in by[system].get(name, [])] for name in sets]
        if any(cells):
            lines.append([system, *(f"{mean(cell):.2f} ({len(cell)})" if cell else "" for cell in cells)])
    for which, words_ in enumerate(("published ResNet-18, accuracy¹", "published best, accuracy¹")):
        lines.append([words_, *(f"{PUBLISHED[name][which]:g} %" for name in sets)])
    return (
        "### The challenge's score\n\n10 · (accuracy − benchmark) / (100 − benchmark), at least −10, accuracies in "
        "percent; the benchmark is the published ResNet-18.\n\n"
        + markdown(["system", *sets], lines)
        + "\n\n¹ Others' hardware, full-size data (45,000 training images, not 10,000), the challenge's own images; "
        "the sets here are made by the same recipes.\n"
    )


def full(rows: Sequence[Row]) -> str:
    """Full-size sets beside published figures."""
    some = [row for row in rows if row["full"]]
    lines = []
    for row in some:
        benchmark, best = PUBLISHED.get(row["set"], (None, None))
        known = (
            [f"{score(row['test_accuracy'], benchmark):.2f}", f"{benchmark:g}", f"{best:g}"] if benchmark else [""] * 3
        )
        accuracy = f"{100 * row['test_accuracy']:.2f}"
        lines.append(
            [row["set"], row["system"], str(row["seed"]), f"{row['budget']:g}", f"{row['learned']:,}", accuracy, *known]
        )
    if not lines:
        return ""
    head = [
        "set",
        "system",
        "seed",
        "seconds",
        "images",
        "accuracy",
        "score",
        "published ResNet-18¹",
        "published best¹",
    ]
    return (
        "## All training images, two cores\n\nTest accuracy, percent.\n\n"
        + markdown(head, lines)
        + "\n\n¹ Others' hardware, the challenge's own images.\n"
    )


def times(rows: Sequence[Row]) -> str:
    """Whether deadlines were kept, and when there was something to use: the worst rows of each budget."""
    lines, rows = [], on_the_wall(rows)
    for budget, cores in sorted({(row["budget"], row["full"]) for row in rows}):
        some = [row for row in rows if (row["budget"], row["full"]) == (budget, cores) and "usable_seconds" in row]
        if some:
            worst = max(some, key=lambda row: row["wall_seconds"])
            usable = max(row["usable_seconds"] for row in some) / budget
            cpu = [row["cpu_seconds"] / row["wall_seconds"] for row in some]
            where = f"{worst['system']} on {words(block(worst))}"
            figures = [
                f"{worst['wall_seconds'] / budget:.3f}",
                f"{100 * usable:.1f} %",
                f"{min(cpu):.2f} to {max(cpu):.2f}",
            ]
            lines.append([f"{budget:g}", "2" if cores else "1", str(len(some)), *figures, where])
    if not lines:
        return ""
    head = ["seconds", "cores", "searches", "wall ÷ budget", "usable after", "cpu ÷ wall", "the longest"]
    return "## Deadlines\n\nThe largest of all searches with that budget.\n\n" + markdown(head, lines) + "\n"


def made(rows: Sequence[Row]) -> str:
    """Commits, processors and versions of everything on the page."""
    commits = ordered({row["commit"] for row in rows}, ())
    processors = ordered({row["processor"] for row in rows}, ())
    versions = dict.fromkeys(", ".join(f"{k} {v}" for k, v in row["versions"].items()) for row in rows)
    dirty = " (+: with changes that were not committed)" if any(one.endswith("+") for one in commits) else ""
    return (
        "## How it was made\n\nRows by `python benchmarks/studies/real_images/record.py` and `rank_correlation.py`, "
        f"this page by `page.py` beside them; nobody types here. {len(rows)} rows; commits "
        f"{', '.join(commits)}{dirty}.\n\n" + "\n".join(f"- {one}" for one in [*processors, *versions]) + "\n"
    )


def values(rows: Sequence[Row], figure: str) -> Mapping[str, Mapping[str, list[float]]]:
    """system -> set -> the figure of each seed."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        found.setdefault(row["system"], {}).setdefault(row["set"], []).append(row[figure])
    return found
