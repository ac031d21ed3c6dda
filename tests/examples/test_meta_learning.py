"""Meta-learning: from three tasks to a fourth."""

import runpy
from pathlib import Path

import pytest

from evonas.memory.archive import Archive

EXAMPLE = Path(__file__).parents[2] / "examples" / "meta_learning.py"


@pytest.mark.thorough
def test_what_three_tasks_taught_is_applied_to_a_fourth(tmp_path, capsys):
    result = runpy.run_path(str(EXAMPLE))["main"](str(tmp_path), trials=5)
    said = capsys.readouterr().out
    assert all(f"{task}: best" in said for task in ("digits", "turned", "negative"))
    assert result["genome"] is not None
    assert "digits" in result["memory"][0]
    archive = Archive(tmp_path / "archive.db")
    assert {run.name for run in archive.runs()} >= {"meta-digits", "meta-turned", "meta-negative"}
    origins = [trial.evaluation.candidate.origin for trial in archive.trials(result["run"])]
    assert set(origins) & {"policy", "maximized", "warm start"}
    report = (tmp_path / "found" / "report.html").read_text(encoding="utf-8")
    assert "Random search would have needed" in report  # what it would have cost from scratch
