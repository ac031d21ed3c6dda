"""The report in a real browser that reaches no network."""

import html
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from evonas.core.goals import Goal, metric
from evonas.core.types import Candidate, Evaluation, Trial
from evonas.report import figure, write_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine: nothing to open it in"),
]

# Runs in the page, once all is drawn: what a person would do with it.
WHEN_DRAWN = """<script>
const wait = setInterval(() => {
  if (!document.documentElement.dataset.drawn) return;
  clearInterval(wait);
  %s
}, 20);
</script>"""


@pytest.fixture
def opened(tmp_path, run, encoding):
    """The DOM of a report after its script ran, and what the console said."""

    def open_report(trials, width=800, **options):
        path = tmp_path / "report.html"
        write_report(path, **{"run": run, "trials": trials, "encoding": encoding, **options})
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        flags += ["--proxy-server=http://127.0.0.1:9", f"--user-data-dir={tmp_path / 'profile'}"]
        flags += ["--enable-logging=stderr", "--virtual-time-budget=8000", "--dump-dom", f"--window-size={width},800"]
        done = subprocess.run([str(BROWSER), *flags, path.as_uri()], capture_output=True, text=True, timeout=120)
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "software WebGL" not in line]
        return done.stdout, [line for line in said if "GL Driver" not in line]

    return open_report


def drawn(dom: str) -> int:
    found = re.search(r'<html[^>]* data-drawn="(\d+)"', dom)
    assert found, "the script did not come to its end"
    assert len(re.findall(r'<div class="plot js-plotly-plot', dom)) == int(found[1])
    assert dom.count('class="main-svg"') >= int(found[1])
    return int(found[1])


def cells(dom: str) -> list[list[str]]:
    body = re.search(r'<table id="trials">.*?<tbody>(.*?)</tbody>', dom, re.S)
    assert body
    rows = re.findall(r"<tr.*?</tr>", body[1], re.S)
    return [[html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)] for row in rows]


def test_every_plot_is_drawn_with_every_trial(opened, make_trials):
    trials = make_trials(30, failed=0.2, fidelities=(0.5, 1.0))
    guest = figure([{"x": [1, 2], "y": [1, 2], "marker": {"color": "accent"}}], {"xaxis": {"title": "predicted"}})
    dom, said = opened(trials, sections=[("Predicted", guest)])
    assert said == []
    assert drawn(dom) == 3
    progress = dom[dom.index('id="progress"') : dom.index('id="tradeoff"')]
    assert len(re.findall(r'<path class="point"', progress)) == len(trials) + 1  # the best is marked once more
    assert "predicted" in dom


def test_a_section_that_cannot_be_drawn_takes_no_other_plot_with_it(opened, make_trials):
    whole = figure([{"x": np.arange(3), "y": [1.0, float("nan"), 2.0]}])
    broken = figure([None])  # type: ignore[reportArgumentType]
    dom, said = opened(make_trials(3, failed=0), sections=[("bad", broken), ("good", whole)])
    assert dom.count("This plot could not be drawn") - dom.count("`This plot could not be drawn") == 1
    assert dom.count('<g class="points"') >= 3
    assert len(said) == 1


def test_the_table_has_the_words_of_python_and_starts_with_the_best(opened, make_trials):
    trials = make_trials(20, failed=0.2)
    rows = cells(opened(trials)[0])
    ok = sorted((t for t in trials if t.evaluation.ok), key=lambda t: -t.evaluation.metrics["val_accuracy"])
    names = ["val_accuracy", "val_loss", "params", "flops", "seconds", "peak_memory_mb"]
    expected = [[metric(name).text(t.evaluation.metrics[name]) for name in names] for t in ok]
    assert [row[1:-1] for row in rows[: len(ok)]] == expected
    assert [row[0] for row in rows[: len(ok)]] == [str(t.number + 1) for t in ok]
    assert all(row[-1].startswith("failed: OutOfMemoryError: <b>no</b>") for row in rows[len(ok) :])


def test_headings_sort_and_switches_redraw(opened, make_trials):
    click = """document.querySelectorAll("#trials th")[3].click();
    document.querySelector("#progress-switch button:last-child").click();
    document.querySelectorAll("#tradeoff-switch button")[1].click();"""
    dom, said = opened(make_trials(40, failed=0), sections=[("", WHEN_DRAWN % click)])
    assert said == []
    sizes = [float(row[3].removesuffix(" k")) for row in cells(dom)]
    assert sizes == sorted(sizes)
    assert len(sizes) == 25
    titles = re.findall(r'class="[xy]title"[^>]*>([^<]+)<', dom)
    assert titles == ["seconds", "validation accuracy (%)", "FLOPs", "validation accuracy (%)"]


def test_two_objectives_are_drawn_with_steps_and_limits(opened, make_trials):
    trials, goal = make_trials(40, failed=0.2), Goal.parse("val_accuracy,params", ["params<=100000"])
    hover = """const place = document.getElementById("front-0");
    const curveNumber = place.data.findIndex((trace) => trace.name === "the front");
    Plotly.Fx.hover(place, [{curveNumber, pointNumber: 0}]);"""
    dom, said = opened(trials, goal=goal, sections=[("", WHEN_DRAWN % hover)])
    assert said == []
    assert drawn(dom) == 4
    front = dom[dom.index('id="front-0"') : dom.index('id="hypervolume"')]
    good = [t.evaluation for t in trials if t.evaluation.ok]
    assert len(re.findall(r'<path class="point"', front)) == len(good)
    assert "≤ 100 k" in front
    assert "over a limit" in front
    label = re.search(r'<g class="hoverlayer">(.*?)</g></g>', front, re.S)
    assert label
    assert goal.front(trials)[0].evaluation.candidate.genome[:20] in html.unescape(label[1])


def test_three_objectives_are_drawn_in_pairs(opened, make_trials):
    dom, said = opened(make_trials(30, failed=0.2), goal=Goal.parse("val_accuracy,params,val_loss"))
    assert said == []
    assert drawn(dom) == 6
    places = [dom.index(f'id="front-{i}"') for i in range(3)]
    parts = [dom[a:b] for a, b in zip(places, [*places[1:], dom.index('id="hypervolume"')], strict=True)]
    titles = [re.findall(r'class="[xy]title"[^>]*>([^<]+)<', part) for part in parts]
    accuracy, loss = "validation accuracy (%)", "validation loss (nats)"
    assert titles == [["parameters", accuracy], [loss, accuracy], [loss, "parameters"]]
    assert "front of all objectives" in dom[dom.index('id="tradeoff"') :]


def test_hovering_shows_a_hostile_genome_as_text(opened):
    evil = "<img src=x onerror=\"document.title='caught'\"></script><b>"
    trials = [Trial("r", i, i, Evaluation(Candidate(f"{evil}{i}"), {"val_accuracy": 0.5 + i / 10})) for i in range(3)]
    hover = "Plotly.Fx.hover('progress', [{curveNumber: 0, pointNumber: 1}]);"
    dom, said = opened(trials, sections=[("", WHEN_DRAWN % hover)])
    assert said == []
    assert "caught</title>" not in dom
    label = re.search(r'<g class="hoverlayer">(.*?)</g></g>', dom, re.S)
    assert label
    assert "&lt;img src=x" in label[1]
    assert "60.00 %" in label[1]


@pytest.mark.parametrize(("n", "failed", "plots"), [(0, 0.0, 0), (1, 0.0, 2), (3, 1.0, 1), (5000, 0.05, 2)])
def test_from_no_trial_to_five_thousand(opened, make_trials, n, failed, plots):
    dom, said = opened(make_trials(n, failed=failed))
    assert said == []
    assert drawn(dom) == plots


@pytest.mark.parametrize("best_is_largest", [True, False])
def test_what_the_front_names_is_whole_and_a_phone_need_not_scroll_sideways(opened, make_trials, best_is_largest):
    found = []
    for trial, accuracy in zip(make_trials(3, failed=0, fidelities=(0.43,)), (0.9, 0.8, 0.7), strict=True):
        params = 9e4 * accuracy if best_is_largest else 2e4 / accuracy
        metrics = {**trial.evaluation.metrics, "val_accuracy": accuracy, "params": params, "model_kb": 512.0}
        found.append(replace(trial, evaluation=replace(trial.evaluation, metrics=metrics)))
    measure = """const place = document.getElementById("front-0"), {_offset, _length} = place._fullLayout.xaxis;
    const left = place.getBoundingClientRect().left + _offset;
    const names = [...place.querySelectorAll(".textpoint")].map((one) => one.getBoundingClientRect());
    const inside = names.filter((one) => one.left >= left && one.right <= left + _length);
    const edge = document.documentElement.clientWidth, outside = (one) => one.getBoundingClientRect().right > edge;
    const parts = [...document.querySelectorAll("main > *, main dl *, main button, main p, main .plot")];
    const wider = parts.filter(outside).map((one) => one.outerHTML), cut = names.length - inside.length;
    document.documentElement.dataset.measured = `${cut} of ${names.length > 0}, ${wider}`;"""
    goal = Goal.parse("val_accuracy,params")
    dom, said = opened(found, width=500, goal=goal, sections=[("", WHEN_DRAWN % measure)])
    assert said == []
    assert 'data-measured="0 of true, "' in dom
    assert "after 43 % of a training" in dom
    assert any("512 kB" in row for row in cells(dom))
