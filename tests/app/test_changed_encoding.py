"""An encoding whose file has changed since a run is named with what has changed, and nothing is trained."""

import subprocess
import sys
from pathlib import Path

import pytest

from evonas.app import job
from evonas.app.config import SearchConfig
from evonas.core import trust
from evonas.core.types import Candidate, Evaluation, Trial
from tests.app.test_paths import OWN


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('"act": ("relu", "tanh")', '"act": ("relu", "tanh"), "drop": (0, 1)', "the gene 'drop' is new"),
        ('("relu", "tanh")', '("relu",)', "the choice 'tanh' of gene 'act' is gone"),
    ],
)
def test_what_has_changed_is_said(tmp_path, monkeypatch, before, after, words):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "own.py"
    file.write_text(OWN)
    trust.given("own.py:Own")
    options = {"data": "digits", "train_size": 100, "encoding": "own.py:Own", "surrogate": "none", "name": "one"}
    prepared = job.prepare(SearchConfig.make({**options, "archive": "a.db"}))
    prepared.archive.add_run(prepared.record)
    prepared.archive.append(Trial("one", 0, 0, Evaluation(Candidate((4, "tanh")), {"val_accuracy": 0.5})))
    assert before in OWN
    file.write_text(OWN.replace(before, after))
    command = [str(Path(sys.executable).with_name("evonas")), "resume", "one", "--archive", "a.db", "--trust"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"of run 'one' has changed since: {words}; bring it back" in done.stderr.splitlines()[-1]
    assert len(prepared.archive.trials("one")) == 1
