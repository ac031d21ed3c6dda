"""The report as a file."""

import re

import pytest

from evonas.core.goals import Goal, Objective
from evonas.core.types import Candidate, Evaluation, Trial
from evonas.report import figure, write_report


@pytest.fixture
def page(tmp_path, run, encoding):
    """Writes a report and reads it back."""

    def write(trials, **options):
        path = tmp_path / "report.html"
        write_report(path, **{"run": run, "trials": trials, "encoding": encoding, **options})
        assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
        return path.read_text(encoding="utf-8")

    return write


def visible(html: str) -> str:
    body = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_it_needs_nothing_from_outside_and_stays_small(page, make_trials):
    html = page(make_trials(40))
    own = re.sub(r'<script type="text/plain" id="plotly">.*?</script>', "", html, flags=re.S)
    assert not re.search(r"(src|href)=\"(?!data:)|@import|url\(", own)
    assert len(html) < 2_500_000
    assert len(own) < 60_000


def test_headline_command_seed_and_versions(page, make_trials):
    trials = make_trials(20, failed=0.2)
    result = {"test_accuracy": 0.9833, "val_accuracy": 0.98, "params": 120_000, "flops": 3.2e6, "seconds": 75.0}
    text = visible(page(trials, result={**result, "best_trial": 3, "reason": "the budget is spent"}))
    for words in ("98.33 %", "98.00 %", "120 k", "3.20 M", "1 min 15 s", "seed 7", "torch 2.15.0", "images 1437.0"):
        assert words in text
    assert "evonas search --data digits --name &#39;a &amp; b&#39;" in text
    assert "not finished" not in text
    assert trials[3].evaluation.candidate.genome in text


def test_an_unfinished_run_says_so(page, make_trials):
    assert "This run is not finished" in visible(page(make_trials(3, failed=0)))


def test_nothing_but_failures(page, make_trials):
    html = page(make_trials(3, failed=1))
    assert "No trial has succeeded" in visible(html)
    assert "&lt;b&gt;no&lt;/b&gt; room" in html
    assert 'class="drawing"' not in html


def test_no_trial_at_all(page):
    assert "No trial has ended yet" in visible(page([]))


def test_absent_architectures_are_no_trials(page, make_trials):
    absent = Trial("run", 9, 9, Evaluation(Candidate("nowhere"), {}, 0.0, "absent"))
    assert "nowhere" not in page([*make_trials(2), absent])


def test_an_almost_empty_record_is_enough(tmp_path, make_trials):
    write_report(tmp_path / "r.html", run={}, trials=make_trials(2, failed=0))
    text = visible((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "How it was made" in text
    assert "None" not in text


def test_what_users_wrote_is_escaped_everywhere(page, run):
    evil = '</script><img src=x onerror="alert(1)">'
    good = Evaluation(Candidate(evil), {"val_accuracy": 0.5, evil: 1.0})
    trials = [Trial("r", 0, 0, good), Trial("r", 1, 1, Evaluation.failure(Candidate((evil,)), evil))]
    html = page(trials, run={**run, "name": evil, "command": evil, "versions": {evil: evil}, "config": {evil: [evil]}})
    assert "<img" not in re.sub(r'<script type="text/plain" id="plotly">.*?</script>', "", html, flags=re.S)


def test_an_encoding_that_cannot_draw_costs_only_the_drawing(page, make_trials):
    class Broken:
        def graph(self, genome):
            raise RuntimeError("no")

    html = page(make_trials(3, failed=0), encoding=Broken())
    assert "<svg" not in html
    assert "The best architecture" in visible(html)


def test_genomes_that_went_through_json_are_drawn(page):
    class Tuples:
        def graph(self, genome):
            assert isinstance(genome, tuple)
            return [("in", "out", f"wide {hash(genome) != 0}")]

    trial = Trial("r", 0, 0, Evaluation(Candidate((1, (2,))), {"val_accuracy": 0.5}))
    assert "wide True" in page([trial], encoding=Tuples())
    assert "wide True" in page([], result={"genome": [1, [2]]}, encoding=Tuples())


def test_other_objectives_and_sections(page, make_trials):
    html = page(
        make_trials(5, failed=0),
        goal=Goal((Objective("val_loss", maximize=False),)),
        sections=[("Predicted & measured", "<p id='own'>here</p>" + figure([{"y": [1, 2], "name": "</script>"}]))],
    )
    assert "Validation loss against cost" in visible(html)
    assert "Predicted &amp; measured" in html
    assert "<p id='own'>here</p>" in html
    assert '</script>"' not in html


def test_several_objectives_have_a_front(page, make_trials):
    trials = make_trials(30, failed=0.2)
    goal = Goal.parse("val_accuracy,params")
    text = visible(page(trials, goal=goal, export="evonas export brisk-otter --out FOLDER"))
    table = text[text.index("The Pareto front") : text.index("No trial beats one of these")]
    assert "The front dominates" in table
    assert "evonas export brisk-otter --out FOLDER --pick 1" in table
    assert "--pick" not in visible(page(trials, goal=goal))
    for found in goal.front(trials):
        assert found.evaluation.candidate.genome in table
        assert goal.first.metric.text(found.evaluation.metrics["val_accuracy"]) in table
    assert "The Pareto front" not in visible(page(trials))


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path, make_trials):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(IsADirectoryError):
        write_report(tmp_path / "report.html", run={}, trials=make_trials(2))
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
