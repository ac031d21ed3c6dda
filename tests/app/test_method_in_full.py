"""What a run searched with is recorded and shown in full, the screening's options included."""

from evonas.app.config import SearchConfig
from evonas.app.job import prepare
from evonas.report.facts import run_facts
from evonas.search.methods import recorded_method


def test_a_runs_method_is_recorded_and_shown_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"data": "digits", "train_size": 60, "archive": str(tmp_path / "a.db"), "method": "aging"}
    job = prepare(SearchConfig.make({**options, "surrogate": "boosting(pool=4)"}))
    full = "aging+boosting(pool=4, explore=0.05, refine=3)"
    assert (job.record.method, job.record.surrogate) == ("aging", "boosting(pool=4)")  # as it was given
    assert SearchConfig.make(job.record.config, recorded=True).method_spec == full  # what a resumed run searches with
    assert dict(run_facts(vars(job.record), {}))["method"] == full


def test_a_run_from_before_is_shown_as_it_was_recorded():
    assert recorded_method("evolution", "meta", {}) == "evolution+meta"
    assert recorded_method("random", "none", {}) == "random"
