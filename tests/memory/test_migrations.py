"""An archive of the version before opens, whole, and goes on; what cannot be written is read as it is."""

import logging
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation, Trial
from evonas.memory import archive_io
from evonas.memory.archive import Archive, RunRecord

V1 = Path(__file__).with_name("archive_v1.sql").read_text(encoding="utf-8")
PASSWORD = "s3cr/et:x"


@pytest.fixture
def old(tmp_path):
    """An archive as version 1 left it."""
    return _old(tmp_path / "v1.db")


def _old(path, *changes):
    connection = sqlite3.connect(path)
    connection.executescript(V1)
    for change in changes:
        connection.execute(*change)
    connection.commit()
    connection.close()
    return path


def rows(path, table):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    return [dict(zip(columns, row, strict=True)) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")]


def shape(path):
    """Every table's columns, keys and indexes, however their SQL is written."""
    engine = sa.create_engine(f"sqlite:///{path}")
    inspector: Any = sa.inspect(engine)
    found = {
        table: (
            [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in inspector.get_columns(table)],
            inspector.get_pk_constraint(table)["constrained_columns"],
            [(f["constrained_columns"], f["referred_table"], f["options"]) for f in inspector.get_foreign_keys(table)],
            sorted(u["column_names"] for u in inspector.get_unique_constraints(table)),
            sorted((i["name"], i["column_names"]) for i in inspector.get_indexes(table)),
        )
        for table in inspector.get_table_names()
    }
    with engine.connect() as connection:
        made = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")
        return found, sorted(made.scalars())


def test_it_becomes_what_a_new_one_is_and_loses_nothing(old, tmp_path, caplog):
    before = {table: rows(old, table) for table in ("tasks", "runs", "evaluations")}
    with caplog.at_level(logging.WARNING):
        archive = Archive(old)
    Archive(tmp_path / "new.db").make()
    assert shape(old) == shape(tmp_path / "new.db")
    for table, had in before.items():
        assert [{name: row[name] for name in had[0]} for row in rows(old, table)] == had
    assert [t.evaluation.candidate.origin for t in archive.trials()] == ["unknown"] * 7
    assert [t.run for t in archive.trials(encoding="cell")] == ["first"] * 3
    assert archive.run("second").task.domain == "images"
    assert caplog.messages == [
        f"{str(old)!r} was written by an earlier evonas; it is brought up to date, and a copy is kept: "
        f"{str(old) + '.v1.bak'!r}"
    ]
    assert {table: rows(f"{old}.v1.bak", table) for table in before} == before
    caplog.clear()
    Archive(old)
    assert not caplog.messages
    archive.append(Trial("first", 3, 3, Evaluation(Candidate("x", origin="mutated"), {"val_accuracy": 1.0})))
    assert archive.trials("first")[-1].evaluation.candidate.origin == "mutated"
    assert archive.delete_run("first") == 4


def test_passwords_that_the_version_before_kept_are_gone(tmp_path):
    url = f"postgresql://me:{PASSWORD}@host/db"
    change = (
        "UPDATE runs SET command = ?, config = json_set(config, '$.archive', ?)",
        (f"evonas --archive {url}", url),
    )
    archive = Archive(_old(tmp_path / "a.db", change))
    record = archive.run("first")
    assert record.command == "evonas --archive postgresql://me:***@host/db"
    assert record.config["archive"] == "postgresql://me:***@host/db"
    assert record.config["train_size"] == 100
    archive.close()
    assert PASSWORD not in str(rows(tmp_path / "a.db", "runs"))


def test_ids_that_a_run_may_remember_do_not_come_again(tmp_path):
    """Run 'second' began when 3 evaluations were there; they were deleted before the archive was migrated."""
    changes = [("DELETE FROM evaluations",), ("UPDATE runs SET mark = 3 WHERE name = 'second'",)]
    archive = Archive(_old(tmp_path / "a.db", *changes))
    archive.append(Trial("first", 0, 0, Evaluation(Candidate("x"), {})))
    assert archive.as_of(archive.run("second").mark).trials() == []


def test_several_processes_at_once_migrate_once(old):
    start = threading.Barrier(6)
    found = []

    def begin():
        start.wait()
        found.append(len(Archive(old).trials()))

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [7] * 6
    assert len(list(old.parent.glob("*.bak*"))) == 1


def test_a_migration_that_breaks_off_leaves_the_archive_as_it_was(old, monkeypatch):
    def half(connection):
        connection.exec_driver_sql("DROP TABLE evaluations")
        raise KeyboardInterrupt

    before = list(sqlite3.connect(old).iterdump())
    monkeypatch.setattr("evonas.memory.migrations._STEPS", {1: half})
    with pytest.raises(KeyboardInterrupt):
        Archive(old)
    assert list(sqlite3.connect(old).iterdump()) == before


def test_merging_an_older_archive_leaves_it_as_it_is(old, tmp_path):
    before = old.read_bytes()
    source = archive_io.open_existing(str(old))
    assert archive_io.absorb(Archive(tmp_path / "b.db"), archive_io.rows(source)).trainings == 7
    with pytest.raises(EvonasError, match="cannot be written"):
        source.add_run(source.run("first"))
    assert old.read_bytes() == before
    assert not list(tmp_path.glob("v1.db?*"))


READS = """
import os, sys
from evonas.core.errors import EvonasError
from evonas.memory.archive import Archive
os.setgroups([]); os.setgid(65534); os.setuid(65534)
archive = Archive(sys.argv[1])
print(len(archive.trials()), archive.trials()[0].evaluation.candidate.origin)
try:
    archive.update_run("first", status="done")
except EvonasError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can play another user")
@pytest.mark.parametrize("version", [1, 2])
def test_another_users_archive_is_read(open_folder, version):
    """Neither the file nor its folder may be changed."""
    path = _old(open_folder / "v1.db")
    if version == 2:
        Archive(path).close()
    open_folder.chmod(0o755)
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", READS, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[0] == "7 unknown"
    assert said[1].startswith(f"the archive {str(path)!r} cannot be written; ")
    assert path.read_bytes() == before


def test_a_parquet_file_of_the_version_before(tmp_path):
    """`memory export` of the version before wrote format 1, without the columns that are new."""
    from pyarrow import parquet

    archive = Archive(_old(tmp_path / "a.db"))
    archive_io.write_parquet(archive, tmp_path / "m.parquet")
    table = parquet.read_table(tmp_path / "m.parquet").drop_columns(["origin", "traceback", "task_domain", "signature"])
    parquet.write_table(table.replace_schema_metadata({"evonas": "1"}), tmp_path / "v1.parquet")
    new = Archive(tmp_path / "b.db")
    assert archive_io.absorb(new, archive_io.read_parquet(tmp_path / "v1.parquet")).trainings == 7
    assert new.trials() == archive.trials()
    assert [run.task for run in new.runs()] == [run.task for run in archive.runs()]
    assert [t.run for t in new.trials(encoding="macro")] == ["second"] * 4
    again = archive_io.absorb(new, archive_io.rows(archive))
    assert (again.trainings, again.known) == (0, 7)


def test_origins_tracebacks_and_domains_travel(tmp_path):
    archive = Archive(_old(tmp_path / "a.db"))
    task = archive.run("first").task
    series = type(task)("hearts", (2, 100), 2, {}, "", "series")
    signature = {"features": ["a", "b"], "genes": {"a": [1, [2]]}}
    archive.add_run(RunRecord("third", series, "cell", "aging", seed=2**63 - 1, signature=signature))
    candidate = Candidate("x", parents=("y",), origin="crossed")
    archive.append(Trial("third", 0, 0, Evaluation.failure(candidate, "no", traceback='File "\udcff.py", line 3')))
    archive_io.write_parquet(archive, tmp_path / "m.parquet")
    new = Archive(tmp_path / "b.db")
    archive_io.absorb(new, archive_io.read_parquet(tmp_path / "m.parquet"))
    for store in (archive, new):
        (trial,) = store.trials("third")
        assert trial.evaluation.candidate == candidate
        assert trial.evaluation.traceback == 'File "\\udcff.py", line 3'
        run = store.run("third")
        assert (run.task, run.seed, run.signature) == (series, 2**63 - 1, signature)
