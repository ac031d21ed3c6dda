"""What a search says, where: for people, for programs, and in a file; before its first training and after its last."""

import json
import logging
import re

import pytest

from evonas.app import plan
from evonas.app.config import SearchConfig
from evonas.app.logfile import logged
from evonas.app.preparation import prepare
from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation, Trial
from evonas.domains.domain import FinalTraining
from tests.commands import evonas

SMALL = ("--trials", "2", "--epochs", "1", "--surrogate", "none", "--train-size", "60", "--encoding", "cell(width=4)")
STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} "


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("said")
    return folder, evonas("search", *SMALL, "--name", "said", "--json", "--log", "run.log", cwd=folder)


def test_for_programs_the_result_alone_is_on_standard_output(finished):
    folder, done = finished
    result = json.loads(done.stdout)
    assert result["run"] == "said"
    assert result["folder"] == str(folder / "runs" / "said")
    assert {"model.safetensors", "report.html"} <= set(result["files"])
    left = json.loads((folder / "runs" / "said" / "result.json").read_text())
    assert {name: result[name] for name in left} == left
    assert "trial 2/2" in done.stderr


def test_it_says_what_it_will_do_and_what_it_does_after_the_last_trial(finished):
    lines = finished[1].stderr.splitlines()
    places = [
        next(i for i, line in enumerate(lines) if re.search(pattern, line))
        for pattern in (
            r"^2 trainings of 1 epoch, about [\d.]+ \w+ each, then the best in full: about [\d.]+ \w+ in all$",
            r"^trial 1/2",
            r"^ended after 2 trials",
            r"^training the best network in full, about [\d.]+ \w+; then the test set once, report and files$",
        )
    ]
    assert places == sorted(places)


def test_the_log_has_every_line_with_its_time(finished):
    lines = (finished[0] / "run.log").read_text().splitlines()
    assert all(re.match(STAMP, line) for line in lines)
    said = [re.sub(STAMP, "", line) for line in lines]
    assert said[0].startswith("evonas search --trials 2")
    assert any(line.startswith("trial 2/2") for line in said)
    assert said[-1].startswith("results in runs")


def test_a_resumed_run_appends_and_a_quiet_one_logs_too(finished):
    folder, first = finished
    done = evonas("resume", "said", "--json", "--quiet", "--log", "run.log", cwd=folder)
    assert json.loads(done.stdout)["genome"] == json.loads(first.stdout)["genome"]
    assert done.stderr == ""
    lines = (folder / "run.log").read_text().splitlines()
    assert re.sub(STAMP, "", lines[0]).startswith("evonas search")
    assert any("evonas resume said" in line for line in lines)


def test_what_ends_a_search_is_in_the_log(tmp_path):
    done = evonas("search", "--data", "didgits", "--log", "run.log", cwd=tmp_path, ok=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert (tmp_path / "run.log").read_text().splitlines()[-1].endswith(done.stderr.strip().removeprefix("evonas: "))


def test_a_log_that_cannot_be_written_is_said_before_anything(tmp_path):
    done = evonas("search", "--log", "no/where.log", cwd=tmp_path, ok=False)
    assert done.returncode == 2
    assert "--log 'no/where.log' cannot be written" in done.stderr
    assert not (tmp_path / "archive.db").exists()


def test_warnings_reach_both_the_log_and_the_error_stream_and_passwords_neither_log(tmp_path, capsys):
    with logged(tmp_path / "a.log", "evonas search --archive postgresql://me:secret@host/db"):
        logging.getLogger("evonas.anything").warning("something is odd")
    assert capsys.readouterr().err == "something is odd\n"
    text = (tmp_path / "a.log").read_text()
    assert "something is odd" in text
    assert "me:***@host" in text
    assert not logging.getLogger("evonas").handlers


def test_an_unexpected_error_is_in_the_log_with_its_traceback(tmp_path):
    with pytest.raises(RuntimeError), logged(tmp_path / "a.log", "evonas search"):
        raise RuntimeError("no disk")
    assert "Traceback" in (tmp_path / "a.log").read_text()
    with pytest.raises(EvonasError), logged(tmp_path / "b.log", "evonas search"):
        raise EvonasError("no such run")
    assert "Traceback" not in (tmp_path / "b.log").read_text()


def job(tmp_path, **options):
    values = {"train_size": 60, "epochs": 2, "surrogate": "none", "encoding": "cell(width=4)", "trials": 3, **options}
    return prepare(SearchConfig.make({"archive": tmp_path / "archive.db", "out": tmp_path / "r", **values}))


def trial(number, seconds, fidelity=1.0):
    found = Evaluation(Candidate("x", fidelity), {"val_accuracy": 0.5}, seconds)
    return Trial("run", number, number, found, 10.0)


def test_what_is_left_is_foreseen_by_the_trials_so_far(tmp_path):
    told = [trial(0, 20.0), trial(1, 10.0, 0.5)]  # 20 seconds for a whole one, both
    (line,) = plan.before(job(tmp_path, trials=12), told)
    assert line == "10 trainings of 2 epochs, about 20 s each, then the best in full: about 4 min in all"
    (line,) = plan.before(job(tmp_path, trials=12, workers=4), told)
    assert line.endswith("about 70 s in all")
    (line,) = plan.before(job(tmp_path, trials=None, seconds=40), told)
    assert line == "trainings of 2 epochs, about 20 s each, then the best in full: about 50 s in all"
    (line,) = plan.before(job(tmp_path, trials=12, method="halving"), told)
    assert "at most about 20 s each" in line


def test_a_deadline_says_its_timetable_and_how_long_the_final_training_is(tmp_path):
    prepared = job(tmp_path, trials=None, epochs=None, deadline=60)
    assert prepared.timetable is not None
    assert plan.before(prepared, []) == [prepared.timetable.words()]
    assert plan.after(prepared, [trial(0, 1.0)], FinalTraining("x", 40.0, None, ("y",))) == [
        "training the 2 best networks for 40 s; then the test set once, report and files"
    ]
    assert plan.after(prepared, [], None) == []
