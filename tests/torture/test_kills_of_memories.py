"""Memories killed on their way from archive to archive: all of them come in, or none."""

import random
import time
from contextlib import suppress
from dataclasses import replace

import pytest
import sqlalchemy as sa

from evonas.core.errors import EvonasError
from evonas.memory import archive_io, schema
from evonas.memory.archive import Archive, RunRecord
from tests.torture import toy
from tests.torture.counted import counted
from tests.torture.processes import KILLED
from tests.toys import TASK

ROWS = 3000


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """An archive with many trials, the same as Parquet, and the trials."""
    folder = tmp_path_factory.mktemp("others")
    archive = Archive(folder / "others.db")
    archive.add_run(toy.RECORD)
    trials = toy.search(ROWS // 10, length=8)
    for name in [toy.NAME, *(f"run-{i}" for i in range(9))]:
        if name != toy.NAME:
            archive.add_run(RunRecord(name, TASK, "toy", "evolution", seed=5))
        filled(archive, name, trials)
    archive_io.write_parquet(archive, folder / "others.parquet")
    return folder


def filled(archive, name, trials):
    """Many at once: a commit each takes a while."""
    with archive.writing() as connection:
        run = connection.execute(sa.select(schema.runs.c.id).where(schema.runs.c.name == name)).scalar_one()
        rows = [{"run_id": run, **schema.values_of(replace(trial, run=name))} for trial in trials]
        connection.execute(sa.insert(schema.evaluations), rows)


@counted("SIGKILL to evonas memory import, merge, export", quick=0, share=21, full=99, part=33)
def test_memories_killed_on_their_way(times, tally, tmp_path, commands, others):
    moments, wanted = random.Random(times[0]), counts(others / "others.db")
    lasts = dict.fromkeys(("import", "merge", "export"), 1.0)
    for number in times:
        folder, what = tmp_path / str(number), ("import", "merge", "export")[number % 3]
        folder.mkdir()
        words = {"import": others / "others.parquet", "merge": others / "others.db", "export": folder / "out.parquet"}
        archive = folder / "archive.db" if what != "export" else others / "others.db"

        def start(what=what, words=words, folder=folder, archive=archive):
            return commands.start("memory", what, words[what], cwd=folder, EVONAS_ARCHIVE=str(archive))

        while start().kill(after=moments.uniform(0.0, lasts[what])) != KILLED:
            for path in (*folder.glob("archive.db*"), *folder.glob("*.parquet")):  # it was quicker
                path.unlink()
        if what == "export":
            out = folder / "out.parquet"
            assert not out.exists() or sum(1 for _ in archive_io.read_parquet(out)) == ROWS
        else:
            assert counts(archive) in ({}, wanted), "a part of it came in"
        began = time.monotonic()
        start().finish()
        lasts[what] = time.monotonic() - began
        assert counts(archive) == wanted
        tally(f"{what}: all or nothing")


def counts(path):
    with suppress(EvonasError):
        return Archive(path, read_only=True).counts()
    return {}
