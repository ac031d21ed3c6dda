"""The archive in PostgreSQL."""

import pytest
import sqlalchemy as sa

from evonas.core.errors import EvonasError, NameTaken
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.memory import archive_io
from evonas.memory.archive import Archive, RunRecord
from tests.postgresql import PASSWORD

TASK = Task("digits", (1, 8, 8), 10, {"x": float("nan")}, "00ff")


def fill(archive, name, encoding="cell(width=4)", **values):
    archive.add_run(RunRecord(name, TASK, encoding, "aging", **values))
    candidate = Candidate((1, "a"), 0.5, ((2, "b"),), "mutated")
    archive.append(Trial(name, 0, 0, Evaluation(candidate, {"val_accuracy": 0.5, "val_loss": float("nan")}, 1.0), 2.0))
    archive.append(Trial(name, 1, 1, Evaluation.failure(candidate, "no", 1.0, "Traceback …"), 3.0))


def test_it_is_a_store_like_the_other(url, tmp_path):
    places = Archive(url), Archive(tmp_path / "a.db")
    for archive in places:
        fill(archive, "one", seed=2**63 - 1, config={"archive": url}, command=f"evonas search --archive {url}")
        fill(archive, "two", "macro")
        with pytest.raises(NameTaken):
            archive.add_run(RunRecord("one", TASK, "cell", "aging"))
        mark = archive.run("two").mark
        archive.delete_run("one")
        fill(archive, "three")
        assert archive.as_of(mark).trials() == []
        assert [t.run for t in archive.trials(encoding="cell", task="digits")] == ["three"] * 2
    postgres, sqlite = places
    assert repr(postgres.trials()) == repr(sqlite.trials())
    assert repr([{**row, "last": ""} for row in postgres.summary()]) == repr(
        [{**row, "last": ""} for row in sqlite.summary()]
    )
    assert postgres.counts() == {"two": 2, "three": 2}


def test_its_password_is_nowhere(url, tmp_path):
    archive = Archive(url)
    fill(archive, "one", config={"archive": url}, command=f"evonas search --archive {url}")
    assert f":{PASSWORD}@" not in archive.where + repr(archive.runs())
    archive_io.write_parquet(archive, tmp_path / "m.parquet")
    assert f":{PASSWORD}@".encode() not in (tmp_path / "m.parquet").read_bytes()
    with pytest.raises(EvonasError) as caught:
        archive.run("nobody")
    assert ":***@" in str(caught.value)
    with pytest.raises(EvonasError) as caught:
        Archive(url.replace(PASSWORD, "hidden"))
    assert "hidden" not in str(caught.value)


def test_memories_travel_to_it_and_back(url, tmp_path):
    here, there, back = Archive(tmp_path / "a.db"), Archive(url), Archive(tmp_path / "b.db")
    fill(here, "one", seed=3)
    archive_io.absorb(there, archive_io.rows(here))
    archive_io.absorb(back, archive_io.rows(there))
    assert repr(back.trials()) == repr(here.trials())
    assert repr(back.runs()) == repr(here.runs())


def test_an_archive_of_the_version_before(url, caplog):
    archive = Archive(url)
    fill(archive, "one", "cell(width=4)", config={"trials": 3}, command=f"evonas search --archive {url}")
    had = archive.trials()
    with archive.writing() as connection:  # as version 1 had it
        for table, column in (
            ("tasks", "domain"),
            ("runs", "encoding_name"),
            ("runs", "signature"),
            ("evaluations", "origin"),
        ):
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.exec_driver_sql("ALTER TABLE evaluations DROP COLUMN traceback")
        connection.exec_driver_sql("ALTER TABLE runs ALTER COLUMN seed TYPE INTEGER")
        connection.execute(sa.text("UPDATE runs SET command = :c"), {"c": f"evonas search --archive {url}"})
        connection.exec_driver_sql("UPDATE evonas SET schema_version = 1")
    archive.close()
    with pytest.raises(EvonasError, match="written by an earlier evonas"):
        Archive(url, read_only=True)
    archive = Archive(url)
    assert len(caplog.messages) == 1
    assert PASSWORD not in caplog.text
    assert PASSWORD not in archive.run("one").command
    assert [t.evaluation.metrics for t in archive.trials(encoding="cell")][1] == had[1].evaluation.metrics
    assert [t.evaluation.candidate.origin for t in archive.trials()] == ["unknown", "unknown"]
    fill(archive, "two", seed=2**63 - 1)
    assert archive.run("two").seed == 2**63 - 1
