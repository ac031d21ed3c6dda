import math
import sqlite3
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from evonas.core.errors import EvonasError
from evonas.core.genomes import freeze, plain
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.memory.archive import SCHEMA_VERSION, Archive, RunRecord, default_archive

TASK = Task("digits", (1, 8, 8), 10, {"images": 1797.0, "strange": math.nan}, "00ff")
genes = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=10,
)


@pytest.fixture
def archive(place):
    made = Archive(place)
    yield made
    made.close()


def record(name="run", **values):
    return RunRecord(name, TASK, **{"encoding": "cell(width=8)", "method": "aging", **values})


def trial(number, genome=("a", 1), run="run", **values):
    return Trial(run, number, number, Evaluation(Candidate(genome), {"val_accuracy": 0.5}, 1.5, **values), 2.0)


@given(
    genome=genes, parents=st.lists(genes, max_size=2).map(tuple), loss=st.floats(allow_nan=False, allow_infinity=False)
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_goes_in_comes_out(archive, genome, parents, loss):
    run = f"run-{len(archive.runs())}"
    archive.add_run(record(run))
    trials = [
        Trial(run, 0, 0, Evaluation(Candidate(genome, 0.25, parents), {"val_loss": loss, "params": 12}, 0.1), 0.5),
        Trial(run, 1, 1, Evaluation.failure(Candidate(genome), "ValueError: no", 2.0), 0.75),
    ]
    for one in trials:
        archive.append(one)
    assert archive.trials(run) == trials


def test_a_metric_that_is_no_number_stays_none(archive):
    archive.add_run(record())
    archive.append(Trial("run", 0, 0, Evaluation(Candidate(1), {"val_loss": math.nan, "flops": math.inf}, 0.1)))
    metrics = archive.trials("run")[0].evaluation.metrics
    assert math.isnan(metrics["val_loss"])
    assert math.isnan(metrics["flops"])


def test_runs_come_back_whole(archive):
    given_record = archive.add_run(
        record(config={"trials": 3}, versions={"torch": "2"}, device="cpu", command="evonas")
    )
    found = archive.run("run")
    assert found.task.features["images"] == 1797.0
    assert math.isnan(found.task.features["strange"])
    assert found.task.input_shape == (1, 8, 8)
    assert (found.config, found.versions, found.created) == ({"trials": 3}, {"torch": "2"}, given_record.created)
    archive.update_run("run", status="done", result={"test_accuracy": 0.99})
    assert archive.run("run").status == "done"
    assert archive.run("run").result == {"test_accuracy": 0.99}


def test_trials_by_encoding_and_task(archive):
    archive.add_run(record())
    archive.add_run(record("other", encoding="macro"))
    archive.append(trial(0))
    archive.append(trial(0, run="other"))
    assert [t.run for t in archive.trials(encoding="cell")] == ["run"]
    assert [t.run for t in archive.trials(task="digits")] == ["run", "other"]
    assert archive.trials(task="mnist") == []
    assert archive.counts() == {"run": 1, "other": 1}


def test_other_encodings_trials_are_not_fetched(archive, place):
    """Of 50,000 trials of another encoding none leaves the database when a search asks for its own."""
    archive.add_run(record("foreign", encoding="macro(width=3)"))
    archive.add_run(record("own"))
    with archive.writing() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49999) "
            'INSERT INTO evaluations (run_id, number, "after", genome, fidelity, parents, metrics, seconds, elapsed, '
            "status) SELECT 1, i, i, '[1, 2]', 1.0, '[]', '{\"val_accuracy\": 0.5}', 1.0, 1.0, 'ok' FROM n"
        )
    for number in range(3):
        archive.append(trial(number, run="own"))
    archive.close()
    fetched = []

    def count(connection, _):
        connection.row_factory = lambda _, row: fetched.append(row) or row

    def count_all(connection, cursor, *_):
        fetched.extend([None] * max(0, cursor.rowcount))  # -1 of SQLite's

    if archive.file is not None:
        event.listen(sa.Engine, "connect", count)
    event.listen(sa.Engine, "after_cursor_execute", count_all)
    try:
        fresh = Archive(place)
        fetched.clear()
        assert [t.run for t in fresh.trials(encoding="cell")] == ["own"] * 3
        assert 3 <= len(fetched) < 20
    finally:
        event.remove(sa.Engine, "after_cursor_execute", count_all)
        if archive.file is not None:
            event.remove(sa.Engine, "connect", count)


def test_ids_are_not_given_twice(archive):
    """A run remembers what was there when it began, and not what came after something was deleted."""
    archive.add_run(record("old"))
    for number in range(3):
        archive.append(trial(number, run="old"))
    mark = archive.add_run(record("resumed")).mark
    archive.delete_run("old")
    archive.add_run(record("later"))
    archive.append(trial(0, run="later"))
    assert archive.as_of(mark).trials() == []


def test_numbers_of_numpy_are_numbers(archive):
    archive.add_run(record())
    genome = (np.int64(3), np.str_("relu"), (np.float32(0.5), np.bool_(True)), np.array([1, 2]))
    metrics = {"f1": np.float32(0.25), "loss": np.float64("nan"), "n": np.int8(7)}
    seconds: Any = np.float32(2)
    archive.append(Trial("run", 0, 0, Evaluation(Candidate(genome, parents=((np.int64(1),),)), metrics, seconds)))
    (found,) = archive.trials()
    assert found.evaluation.candidate.genome == (3, "relu", (0.5, True), (1, 2))
    assert found.evaluation.candidate.parents == ((1,),)
    assert found.evaluation.metrics["f1"] == 0.25
    assert math.isnan(found.evaluation.metrics["loss"])
    assert [type(v) for v in plain(genome)] == [int, str, tuple, tuple]


@pytest.mark.parametrize("genome", [{1, 2}, object(), b"bytes"])
def test_a_genome_that_is_no_json_is_named(archive, genome):
    archive.add_run(record())
    with pytest.raises(EvonasError, match=f"trial 3 cannot be stored: .*{type(genome).__name__}"):
        archive.append(trial(3, genome=genome))
    assert archive.trials() == []


def test_a_users_encoding_is_found_wherever_its_file_is(archive):
    for name, spec in (("one", "mine.py:Mine"), ("two", "/home/me/mine.py:Mine(width=4)"), ("three", "mine.py:Other")):
        archive.add_run(record(name, encoding=spec))
        archive.append(trial(0, run=name))
    assert [t.run for t in archive.trials(encoding="/elsewhere/mine.py:Mine")] == ["one", "two"]


def test_as_of_does_not_see_what_came_later(archive):
    archive.add_run(record())
    archive.append(trial(0))
    mark = archive.add_run(record("second")).mark
    archive.append(trial(1))
    assert [t.number for t in archive.as_of(mark).trials()] == [0]
    assert [t.number for t in archive.trials()] == [0, 1]


def test_deleting_a_run_forgets_its_trials_and_an_orphaned_task(archive):
    archive.add_run(record())
    archive.append(trial(0))
    assert archive.delete_run("run") == 1
    assert archive.runs() == []
    assert archive.trials() == []
    archive.add_run(record())  # the name is free again
    archive.append(trial(0))
    assert len(archive.trials("run")) == 1


def test_a_name_is_taken_once(archive):
    archive.add_run(record())
    with pytest.raises(EvonasError, match="'run' is in the archive already.*evonas resume run"):
        archive.add_run(record())


def test_an_unknown_run_lists_the_choices(archive):
    with pytest.raises(EvonasError, match="no runs yet"):
        archive.run("x")
    archive.add_run(record())
    with pytest.raises(EvonasError, match="no run named 'x'.*'run'"):
        archive.run("x")
    with pytest.raises(EvonasError, match="'x' to append"):
        archive.append(trial(0, run="x"))


def test_two_writers_at_once_lose_nothing(place):
    Archive(place).add_run(record("one"))
    Archive(place).add_run(record("two"))

    def write(run):
        own = Archive(place)
        for number in range(100):
            own.append(trial(number, run=run))

    threads = [threading.Thread(target=write, args=(run,)) for run in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Archive(place).counts() == {"one": 100, "two": 100}


def test_several_searches_that_begin_at_once_make_one_archive(place):
    start = threading.Barrier(8)

    def begin(number):
        start.wait()
        Archive(place).add_run(record(str(number)))

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {run.name for run in Archive(place).runs()} == set("01234567")
    assert [row["runs"] for row in Archive(place).summary()] == [8], "their data set is there more than once"


def test_a_foreign_database_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "f.db") as connection:
        connection.execute("create table songs (title text)")
    before = (tmp_path / "f.db").read_bytes()
    with pytest.raises(EvonasError, match=r"no evonas archive.*--archive"):
        Archive(tmp_path / "f.db")
    assert (tmp_path / "f.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["f.db"]
    (tmp_path / "t.db").write_text("this is a text, " * 100)
    with pytest.raises(EvonasError, match="not a database"):
        Archive(tmp_path / "t.db")


def test_a_newer_archive_is_refused(archive, place):
    with archive.writing() as connection:
        connection.exec_driver_sql("update evonas set schema_version = 99")
    with pytest.raises(EvonasError, match=f"schema version 99, this evonas knows up to {SCHEMA_VERSION}"):
        Archive(place)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(EvonasError, match="is a folder"):
        Archive(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(EvonasError, match="cannot make a folder"):
        Archive(tmp_path / "file" / "a.db")
    with pytest.raises(EvonasError, match="nosuchdb"):
        Archive("nosuchdb://host/x")


def test_the_default_place(monkeypatch):
    monkeypatch.setenv("EVONAS_ARCHIVE", "/somewhere/mine.db")
    assert default_archive() == "/somewhere/mine.db"
    monkeypatch.delenv("EVONAS_ARCHIVE")
    assert default_archive().endswith("archive.db")


@given(genes)
def test_a_plain_genome_stays_the_very_same(genome):
    assert plain(genome) is genome


def test_freeze():
    assert freeze([1, ["a", [None]], "bc"]) == (1, ("a", (None,)), "bc")


@pytest.mark.parametrize("replaced", [False, True])
def test_a_removed_archive_is_saved_by_whoever_writes_to_it(tmp_path, replaced):
    path = tmp_path / "a.db"
    archive = Archive(path)
    archive.add_run(RunRecord("a", TASK, "cell", "aging"))
    archive.append(trial(0, run="a"))
    for file in tmp_path.glob("a.db*"):
        file.unlink()
    if replaced:
        Archive(path).make()
    for _ in range(2):  # once saved it is saved
        with pytest.raises(EvonasError, match=r"removed or replaced .* all that it held is in '.*a\.db\.saved'"):
            archive.append(trial(1, run="a"))
    assert [one.number for one in Archive(tmp_path / "a.db.saved").trials("a")] == [0]
    assert not (tmp_path / "a.db.saved1").exists()


def test_to_open_it_again_takes_no_locks_away(tmp_path):
    """Closing a file takes away all locks of its process: another process would remove the log under the first."""
    archive = Archive(tmp_path / "a.db")
    archive.add_run(record())
    again = Archive(tmp_path / "a.db")
    again.close()
    last = "import sys; from evonas.memory.archive import Archive; Archive(sys.argv[1]).close()"
    subprocess.run([sys.executable, "-c", last, str(tmp_path / "a.db")], check=True)
    assert (tmp_path / "a.db-wal").exists()


def test_an_archive_of_which_only_the_log_is_left_is_damaged(tmp_path):
    archive = Archive(tmp_path / "a.db")
    archive.add_run(record())
    (tmp_path / "a.db").write_bytes(b"")
    with pytest.raises(EvonasError, match="damaged: it is empty, and its log is not"):
        Archive(tmp_path / "a.db")
