"""Commands that only read leave no archive where there was none."""

import pytest
from typer.testing import CliRunner

from evonas.app.cli import app
from evonas.core.errors import EvonasError

ANSWERED = ("runs list", "runs list --json", "runs gc", "memory list", "memory list --json")
REFUSED = (
    "runs show first",
    "runs delete first --yes",
    "runs move first elsewhere",
    "report first",
    "watch",
    "watch first",
    "export first",
    "predict first x.npy",
    "resume first",
    "memory forget digits --yes",
    "surrogate fit model.safetensors --encoding cell",
)


def said(command, cwd):
    done = CliRunner().invoke(app, [*command.split(), "--archive", str(cwd / "typo.db")])
    return done.output, done.exception


@pytest.mark.parametrize("command", ANSWERED)
def test_an_empty_answer_makes_no_archive(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output, error = said(command, tmp_path)
    assert error is None
    assert output.startswith("[]") or "typo.db" in output or "nothing" in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", REFUSED)
def test_a_refusal_makes_no_archive(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, error = said(command, tmp_path)
    assert isinstance(error, EvonasError), error
    assert list(tmp_path.iterdir()) == []


def test_a_fresh_default_archive_has_no_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("EVONAS_ARCHIVE", str(tmp_path / "of" / "mine.db"))
    assert f"no runs yet in {tmp_path / 'of' / 'mine.db'}" in CliRunner().invoke(app, ["runs", "list"]).output
    assert list(tmp_path.iterdir()) == []
