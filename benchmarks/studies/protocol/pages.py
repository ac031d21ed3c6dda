"""Recorded results: from the folders of finished benchmark runs to tables, plots and the sentences that they allow.

Nothing is typed: every figure, name of a winner and command comes from the benchmark runs and from `runs.jsonl` beside
them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas_benchmarks.analysis import reading, summary
from evonas_benchmarks.analysis.grids import grid, mean_regret, signed
from evonas_benchmarks.analysis.ranking import ranking, reference_trials, speed_up
from evonas_benchmarks.analysis.statistics import Paired, against
from evonas_benchmarks.pages import plot_files
from evonas_benchmarks.pages.plots import ordered, overall_plots
from evonas_benchmarks.pages.text import figure, how_made, markdown, meaning, milliseconds, ratio, short
from evonas_benchmarks.run.folder import IDENTITY
from evonas_benchmarks.suites.suite import load_suite
from studies.protocol import curve_store, several, targets, transfer_ablation

FIRST = ("regret", "ranks")  # of the plots, in the room's README
SHOWN = re.compile(r"(<!-- recorded: .*? -->\n).*?(<!-- /recorded -->)", re.DOTALL)
MADE = "Written by `python benchmarks/studies/protocol/record.py`; nobody types here."


def write(out: Path, results: Path, suites: Sequence[str], ours: str, peers: Sequence[str]) -> list[Path]:
    """A page a suite, one on the memory, the overview; and, in the README beside the folder, what comes first there.

    Raises EvonasError where there is nothing to write.
    """
    results.mkdir(parents=True, exist_ok=True)
    written, overview, first = [], [], []
    for suite in suites:
        if (out / suite / IDENTITY).is_file():
            text, short_text, shortest = suite_page(out / suite, results, ours, peers)
            written.append(_put(results / f"{suite}.md", text))
            overview.append(short_text)
            first.append(shortest)
    text, short_text = transfer_ablation.page(out, results, suites, ours)
    if text:
        written.append(_put(results / "memory.md", f"{text}\n\n{MADE}"))
        overview.append(short_text)
        first.append(short_text)
    for suite, method in several.SUITES.items():
        if (out / suite / IDENTITY).is_file():
            written.append(_put(results / f"{suite}.md", suite_page(out / suite, results, method, peers)[0]))
    if text := several.page(out, peers):
        written.append(_put(results / "several.md", f"{text}\n\n{MADE}"))
    if text := targets.page(out, ours):
        written.append(_put(results / "goals.md", f"{text}\n\n{MADE}"))
    for folder in sorted(path.parent for path in out.glob(f"*/*/{IDENTITY}")):  # corrupted transfer, transfer ablation
        curve_store.keep(results / f"{folder.relative_to(out)}.parquet", folder, reading.read_curves(folder))
    if not written:
        raise EvonasError(f"{str(out)!r} holds no run to write about; leave --write out to make one")
    written.append(_put(results / "README.md", _overview(results, overview)))
    room = results.parent / "README.md"
    if room.is_file() and SHOWN.search(text := room.read_text(encoding="utf-8")):
        written.append(_put(room, SHOWN.sub(lambda found: f"{found[1]}{_front(results, first)}{found[2]}", text)))
    return written


def _put(path: Path, text: str) -> Path:
    path.write_text(text.rstrip() + "\n", encoding="utf-8")
    return path


# --- a suite


def suite_page(folder: Path, results: Path, ours: str, peers: Sequence[str]) -> tuple[str, str, str]:
    """The page, what the overview shows of it, and what the room's README shows."""
    curves = reading.read_curves(folder)
    runs, suite = reading.read_runs(folder), reading.read_suite(folder)
    made = summary.summarize(curves, suite, reading.read_failed(folder), runs)
    name, methods = suite["name"], ordered(curves)
    drawn = _draw(results, name, curves)
    board = _board(curves, made, methods)
    overall, by_task = _verdicts(curves, made, ours, peers)
    verdicts = [*overall, *by_task]
    tasks = [f"### {task}\n\n{_task_table(found, made, methods)}" for task, found in made["tasks"].items()]
    counts = sorted({found["seeds"] for one in made["tasks"].values() for found in one.values()})
    seeds = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    lead = (
        f"{load_suite(name).description}. {made['trials']} trials; {seeds} seeds, as in the table. "
        "Searched on validation; test is the incumbent's"
        f"{'' if curves.test.notna().any() else ', and the package of this table carries none'}."
    )
    head = f"{lead}\n\n{drawn}\n\n{board}\n\n{_note(suite)}\n\n" + "\n".join(f"- {sentence}" for sentence in verdicts)
    parts = [
        f"# {name}",
        head,
        "## Task by task",
        *tasks,
        "## Peers, and how each is run",
        _peers([method for method in methods if method in peers]),
        "## How it was made",
        how_made(made["failed_runs"], runs),
        _curves_file(results, folder, curves),
        MADE,
    ]
    title = f"## [{name}]({name}.md)"
    front = f"{title}\n\n{lead}\n\n{_shown(drawn, FIRST)}\n\n{board}\n\n" + "\n".join(f"- {one}" for one in overall)
    return "\n\n".join(part for part in parts if part), f"{title}\n\n{head}", front


def _note(suite: Mapping[str, Any]) -> str:
    """What the figures of a board are; {} stands for any suite of one goal."""
    return (
        f"Regret is {meaning(suite)}: mean over tasks and seeds, with the 95 % bootstrap interval over seeds. "
        "**Bold**: the best, and all that are not worse than it beyond chance, of those with seeds enough to tell. "
        "Speed-up: trainings that random search needs for the same regret ÷ the method's. Comparisons are over the "
        "seeds that both methods have."
    )


def _draw(results: Path, name: str, curves: pd.DataFrame) -> str:
    """The overall plots as PNG in `results/plots`; returns the lines that show them."""
    written = plot_files.save_images(
        results / "plots", curves, overall_plots(curves), prefix=f"{name}-", endings=("png",)
    )
    return "\n".join(f"![{name}: {plot}](plots/{name}-{plot}.png)" for plot in written)


def _shown(drawn: str, names: Sequence[str]) -> str:
    """Of the lines that show plots, those of these names."""
    return "\n".join(line for line in drawn.splitlines() if any(line.endswith(f"-{name}.png)") for name in names))


def _board(curves: pd.DataFrame, made: Mapping[str, Any], methods: Sequence[str]) -> str:
    looks = made["milestones"]
    ranked = ranking(curves, made["trials"])
    speeds = speed_up(curves, made["trials"], looks)
    middle = max((look for look in looks if look <= max(1, made["trials"] // 3)), default=1)
    rows = []
    for method in methods:
        found = made["overall"].get(method)
        if found is None:
            continue
        speed = speeds.get(method, {}).get(middle)
        rows.append(
            [
                method,
                str(found["seeds"]),
                *(_bold(figure(found["regret"][str(look)]), found["among_best"][str(look)]) for look in looks),
                f"{ranked.ranks[method]:.2f}" if ranked and method in ranked.ranks else "",
                ratio(*speed) if speed else "",
            ]
        )
    head = ["method", "seeds", *(f"after {look}" for look in looks), "average rank", f"speed-up at {middle}"]
    given = reference_trials(curves)
    longer = f" For the speed-up random search was given {given:,} trials." if given > made["trials"] else ""
    friedman = (
        f"\n\nAverage ranks are over the {ranked.seeds} seeds that all ranked methods have"
        + (f"; Friedman p = {short(ranked.friedman)}." if np.isfinite(ranked.friedman) else ".")
        if ranked
        else ""
    )
    return markdown(head, rows) + friedman + longer


def _bold(text: str, best: bool) -> str:
    return f"**{text}**" if best and text else text


def _task_table(found: Mapping[str, Any], made: Mapping[str, Any], methods: Sequence[str]) -> str:
    last, rows = str(made["trials"]), []
    for method in [method for method in methods if method in found]:
        one = found[method]
        median, share = one["median_trials_to_best"], one["share_that_reached_best"]
        rows.append(
            [
                method,
                str(one["seeds"]),
                *(_bold(figure(one["regret"][look]), look == last and one["among_best"]) for look in _looks(made)),
                f"{median:g}" if median is not None else f"> {last}",
                f"{share:.0%}" if share is not None else "",
                figure(one["best"][last], 4),
                figure(one["test"][last], 4) or "–",
                milliseconds(one["median_overhead"]),
            ]
        )
    head = ["method", "seeds", *(f"after {look}" for look in _looks(made))]
    return markdown([*head, "trials to best (median)", "got there", "best found", "its test", "own ms a trial"], rows)


def _looks(made: Mapping[str, Any]) -> list[str]:
    """Few enough for a table of a task: early, middle, last."""
    looks = [look for look in made["milestones"] if look in (10, 50)]
    return [str(look) for look in sorted({*looks, made["trials"]})]


def _verdicts(
    curves: pd.DataFrame, made: Mapping[str, Any], ours: str, peers: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Where others are better than ours, overall and by task: beyond chance, and by the mean alone.

    By regret, and at the end by the test of what was found, where there is one.
    """
    trials, overall = made["trials"], mean_regret(curves, made["trials"])
    if ours not in overall:
        return [f"{ours} has not been run, so nothing is compared with it."], []
    by_look, by_task = [], []
    others = [method for method in overall if not method.endswith("+meta") and method != ours]
    for look in made["milestones"]:
        values = {method: -overall[method][:, look - 1] for method in [ours, *others]}
        by_look.append(f"After {look} trials, all tasks: {_sentence(against(values, ours), ours, peers)}")
    for task in made["tasks"]:
        found = grid(curves, task, "regret", trials)
        values = {method: -found[method][:, -1] for method in [ours, *others] if method in found}
        by_task.append(f"{task}, after {trials}: {_sentence(against(values, ours), ours, peers)}")
    tested, beaten = set(curves.task[curves.test.notna()]), []
    for task in [task for task in made["tasks"] if task in tested]:
        found = signed(curves, task, "test", trials)
        pairs = against({method: found[method][:, -1] for method in [ours, *others] if method in found}, ours)
        by_task.append(f"{task}, test of what was found after {trials}: {_sentence(pairs, ours, peers, ahead=False)}")
        if any(pair.verdict > 0 for pair in pairs.values()):
            beaten.append(task)
    if beaten:
        by_look.append(
            f"Test of what was found after {trials}: **others are better than {ours} on {', '.join(beaten)}**."
        )
    elif tested:
        by_look.append(f"Test of what was found after {trials}: no method is better than {ours} on any task.")
    return by_look, by_task


def _sentence(pairs: Mapping[str, Paired], ours: str, peers: Sequence[str], ahead: bool = True) -> str:
    """Who is better than ours beyond chance; and, with `ahead`, who by the mean alone."""
    better = [m for m, pair in pairs.items() if pair.verdict > 0]
    within = [m for m, pair in pairs.items() if pair.verdict == 0 and pair.mean > 1e-12]
    worse = [m for m, pair in pairs.items() if pair.verdict < 0]

    def named(methods: Sequence[str]) -> str:
        ranked = sorted(methods, key=lambda m: -pairs[m].mean)
        return ", ".join(
            f"{m}{' (peer)' if m in peers else ''} by {short(pairs[m].mean)} "
            f"({short(pairs[m].low)} to {short(pairs[m].high)}, {pairs[m].n} seeds)"
            for m in ranked
        )

    said = [f"**better than {ours}: {named(better)}**" if better else f"no method is better than {ours} beyond chance"]
    if ahead and within:
        said.append(f"ahead of it within chance: {named(within)}")
    return f"{'; '.join(said)}; it is better than {len(worse)} of {len(pairs)} beyond chance."


def _peers(names: Sequence[str]) -> str:
    lines = []
    for name in names:
        try:
            found = plugins.resolve("evonas.searchers", name)
        except EvonasError as error:
            lines.append(f"- `{name}`: {error}")
            continue
        text = inspect.getdoc(found)
        lines.append(f"- `{name}`: {' '.join((text or '').split('Args:')[0].split())}")
    said = "In brief; all that was done for them, and why, is in [docs/peers.md](../../docs/peers.md)."
    return f"{said}\n\n" + "\n".join(lines) if lines else "No peer has been run."


def _curves_file(results: Path, folder: Path, curves: pd.DataFrame) -> str:
    """Keep the curves as Parquet, and say what the file has."""
    path = curve_store.keep(results / f"{folder.name}.parquet", folder, curves)
    return (
        f"[{path.name}]({path.name}) has the trials at which the incumbent changed, with the columns of "
        "curves.parquet; `--restore` makes benchmark runs of them again."
    )


# --- the overview


def _overview(results: Path, parts: Sequence[str]) -> str:
    return "\n\n".join(["# Recorded results", *parts, "## All pages", _pages(results), PROTOCOL, MADE])


def _front(results: Path, parts: Sequence[str]) -> str:
    """What the room's README shows first: its links lead into the folder of the results."""
    text = "\n\n".join([*parts, _note({}), "Everything that was recorded:", _pages(results)])
    return re.sub(r"\]\((?!\w+:|\.\./)", f"]({results.name}/", text) + "\n\n"


def _pages(results: Path) -> str:
    others = [path for path in sorted(results.glob("*.md")) if path.name != "README.md"]
    titles = [(path, re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)) for path in others]
    return "\n".join(f"- [{title.group(1)}]({path.name})" for path, title in titles if title)


PROTOCOL = """## Protocol

All methods of a seed draw from the same stream and see the same rows of the earlier tasks, drawn by seed and task;
nothing of the target is seen but what is paid for. Seeds are the unit: intervals are percentile bootstrap intervals of
the mean over seeds, tests are Wilcoxon's signed-rank tests over paired seeds, two-sided, by Holm. A win is claimed
where test and interval both show it. How suites, regret and peers are defined: [the room's README](../README.md). Each
page ends with its commands, hardware and versions."""
