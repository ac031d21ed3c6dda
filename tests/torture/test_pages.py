"""Texts of anybody's in pages and model cards: shown as they are, never as elements; and a page asks for nothing."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from evonas.app.card import card
from evonas.app.live.pages import Pages, message
from evonas.app.results import Result, report_again
from evonas.core.goals import Goal
from evonas.core.pages import POLICY, picture_source
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.memory.archive import Archive, RunRecord
from evonas.report import write_report
from tests.torture.html_parts import Parts
from tests.torture.reading_files import CLASS, GENOMES, QUALITY, RESULT, SPEC

MARK = "9f2c"
EVIL = (
    f"</script><script>{MARK}()</script><img src=//evil.example/x.png onerror={MARK}()>"
    f"</title></style></pre></textarea><svg onload={MARK}()>--><a href='javascript:{MARK}()'>x</a>"
    f"\"' onmouseover={MARK}() x='\u2028{{{{ {MARK} }}}}<body></body></head>"
)


def check(html: str, *, policy: bool = True) -> Parts:
    """Nothing of the text has become anything else than text; it is there, though."""
    parts = Parts(html)
    for tag, attributes in parts.tags:
        assert MARK not in tag
        assert not any(MARK in name or "evil" in name for name in attributes), (tag, attributes)
    assert parts.handlers == []
    assert parts.fetched == []
    for script, (_, attributes) in zip(parts.scripts, [one for one in parts.tags if one[0] == "script"], strict=True):
        if attributes.get("type") == "application/json":
            json.loads(script)
            assert "<" not in script
        else:
            assert MARK not in script
    assert MARK not in "".join(parts.styles)
    assert parts.policy == (POLICY if policy else "")
    return parts


def hostile_result() -> dict:
    quality = {**QUALITY, "classes": [{**CLASS, "name": EVIL}, {**CLASS, "name": f"{EVIL}2"}], "never": [EVIL]}
    mistake = {"position": 1, "class": EVIL, "answer": EVIL, "confidence": 0.9, "name": EVIL}
    pictures = ["https://evil.example/x.png", "//evil.example", 'data:image/png;base64,AA"><script>', "javascript:x"]
    quality["mistakes"] = [{**mistake, "picture": one} for one in pictures]
    examples = {"shape": [8, 8, 1], "of": 2, "smaller": False, "frame": "pad", "classes": {EVIL: pictures}}
    training = {**RESULT["trainings"][0], "recipe": {EVIL: EVIL}}
    texts = dict.fromkeys(("reason", "time", "against", "device", "memory", "task", "encoding", "method"), EVIL)
    limits = [{"limit": EVIL, "value": 1.0, "kept": True}]
    return {**RESULT, **texts, "quality": quality, "examples": examples, "trainings": [training], "limits": limits}


@pytest.fixture
def archive(tmp_path):
    made = Archive(tmp_path / "a.db")
    config = {
        "objectives": "val_accuracy,params",
        "out": str(tmp_path / "out"),
        "loss": EVIL,
        "data": EVIL,
        EVIL: [EVIL],
    }
    for name in (EVIL, "plain"):
        task = Task(EVIL, (1, 8, 8), 2, {EVIL: 1.0}, EVIL)
        texts = {"device": EVIL, "command": EVIL, "versions": {EVIL: EVIL}, "config": config}
        made.add_run(RunRecord(name, task, SPEC if name == "plain" else EVIL, EVIL, EVIL, **texts))
        for i, genome in enumerate((GENOMES[0], EVIL, (EVIL, 1))):
            made.append(
                Trial(name, i, i, Evaluation(Candidate(genome), {"val_accuracy": i / 4, "params": 3.0 - i, EVIL: 1.0}))
            )
        made.append(Trial(name, 3, 3, Evaluation.failure(Candidate(EVIL), f"ValueError: {EVIL}\n{EVIL}")))
        made.update_run(name, status="done", result={"run": name, **hostile_result()})
    return made


def test_a_report(archive, tmp_path):
    parts = check(report_again(archive, "plain", str(tmp_path / "out")).read_text())
    shown = "".join(parts.texts)
    assert shown.count(EVIL) >= 8  # as it was written: data, failures, classes, mistakes, …
    sources = [attributes["src"] for tag, attributes in parts.tags if tag == "img"]
    assert len(sources) == 8
    assert set(sources) == {"data:,"}


def test_a_report_of_a_record_alone(tmp_path):
    trials = [Trial("r", 0, 0, Evaluation(Candidate(EVIL), {"val_accuracy": 0.5, EVIL: 2.0}))]
    run = {
        "name": EVIL,
        "task": {"name": EVIL, "features": {EVIL: EVIL}},
        "encoding": EVIL,
        "seed": EVIL,
        "status": EVIL,
    }
    goal = Goal.parse("val_accuracy,x:min")
    write_report(tmp_path / "r.html", run=run, trials=trials, result=hostile_result(), goal=goal, export=EVIL)
    check((tmp_path / "r.html").read_text())


def test_live_pages(archive, tmp_path):
    """The server's header has their policy (tests/app/test_live.py)."""
    pages = Pages(archive)
    assert EVIL in "".join(check(pages.runs(), policy=False).texts)
    assert EVIL in "".join(check(pages.compared([EVIL, "plain"]), policy=False).texts)
    for name in (EVIL, "plain"):
        check(pages.report(name).html, policy=False)
        json.dumps(pages.state(name))
    report_again(archive, "plain", str(tmp_path / "out"))
    check(Pages(archive).report("plain").html, policy=False)  # which is the one on the disk, but for its policy
    assert EVIL in "".join(check(message(EVIL), policy=False).texts)


def test_what_notebooks_show(tmp_path):
    values = {"run": EVIL, "genome": EVIL, "against": EVIL, "test_accuracy": EVIL}
    check(Result(tmp_path / EVIL.replace("/", "|"), values)._repr_html_(), policy=False)


def test_a_model_card():
    """Markdown may hold HTML: what a browser would make of it, with all that is code of evonas' own taken out."""
    network = {
        "task": EVIL,
        "encoding": EVIL,
        "class_names": [EVIL, "a`b", "c|d\n# e"],
        "input_shape": [EVIL],
        "domain": "images",
    }
    values = {
        **hostile_result(),
        "run": EVIL,
        "evonas": EVIL,
        "trial": EVIL,
        "seed": EVIL,
        "trials": EVIL,
        "notes": [f"learned from {EVIL}"],
    }
    text = card(values, network, ["safetensors", "torch.export", "onnx", "standalone"])
    _, front, body = text.split("---\n", 2)
    check(re.sub(r"```.*?```", "", body, flags=re.S), policy=False)
    assert "](" not in body.replace("]()", "")
    assert "# e" not in [line.strip() for line in body.splitlines()]
    assert unescape(body).count(f"{MARK}()") > 20
    names = [line for line in front.splitlines() if MARK in line]
    assert len(names) == 2
    assert json.loads(names[0].removeprefix("- name: ")) == EVIL


def test_a_page_of_benchmarks(tmp_path):
    pd = pytest.importorskip("pandas")
    from evonas_benchmarks.analysis import summary
    from evonas_benchmarks.pages.page import write_page
    from evonas_benchmarks.pages.plots import plots
    from evonas_benchmarks.run.comparison import Comparison

    rows = [
        {"suite": EVIL, "task": task, "method": method, "seed": seed, "trial": trial, "value": 0.5}
        | {"best": 0.5 + i / 10, "regret": 0.5 - i / 10 + seed / 100}
        | {"test": 0.5, "seconds": 1.0, "overhead": 0.1, "objective": EVIL, "maximize": True, "budget": 5, "own": 0.1}
        for task in (EVIL, "t")
        for i, method in enumerate((EVIL, "random"))
        for seed in range(3)
        for trial in range(1, 6)
    ]  # fmt: skip
    curves = pd.DataFrame(rows).astype({"task": "category", "method": "category"})
    suite = {
        "name": EVIL,
        "description": EVIL,
        "table": EVIL,
        "earlier": 3,
        "earlier_tasks": [EVIL],
        "wrappers": [EVIL],
    }
    command = {"command": EVIL, "hardware": EVIL, "versions": {EVIL: EVIL}, "description": EVIL}
    made = summary.summarize(curves, suite, {EVIL: EVIL}, [command])
    write_page(tmp_path / "report.html", curves, made, list(plots(curves)))
    parts = check((tmp_path / "report.html").read_text())
    assert "".join(parts.texts).count(EVIL) > 5
    shown = Comparison(Goal().first, 5, {(EVIL, 0): []})
    check(shown._repr_html_(), policy=False)


def test_a_picture_is_in_the_page_or_not_at_all():
    good = "data:image/png;base64,iVBORw0KGgo="
    assert picture_source(good) == good
    for bad in (
        "data:image/svg+xml;base64,AAAA",
        "data:text/html,x",
        f'{good}"',
        f" {good}",
        "http://x",
        None,
        3,
        [good],
    ):
        assert picture_source(bad) == "data:,"
