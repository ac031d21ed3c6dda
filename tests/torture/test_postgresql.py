"""A shared archive in PostgreSQL: several searches at once, connections that are cut, a server that starts anew."""

import random
import socket
import threading
import time

import pytest
import sqlalchemy as sa
from sqlalchemy import event

import evonas
from evonas.app.job import resume
from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation, Trial
from evonas.domains.evaluator import OwnEvaluator
from evonas.memory import connections
from evonas.memory.archive import Archive, RunRecord
from tests.postgresql import PASSWORD
from tests.torture import late, shared, toy
from tests.torture.counted import counted
from tests.torture.processes import Zygote
from tests.toys import TASK

SECONDS = 0.01  # of a trial


@pytest.fixture(scope="module")
def searches():
    with Zygote("tests.torture.shared") as zygote:
        yield zygote


def kept(url, name):
    archive = Archive(url)
    try:
        return toy.what(archive.trials(name))
    finally:
        archive.close()


@counted("Searches of several processes at once in one PostgreSQL database", quick=0, share=3, full=20)
def test_several_at_once(times, tally, tmp_path, searches, server):
    """They begin in an empty one, so that they make its tables at once too."""
    for seed in times:
        url, number, processes = server.empty(), 150, 4
        started = [searches.start(url, f"r{i}", seed + i, number, 0.0, cwd=tmp_path) for i in range(processes)]
        for one in started:
            assert [int(line) for line in one.finish().split()] == list(range(number))
        for i in range(processes):
            assert kept(url, f"r{i}") == shared.searched(f"r{i}", seed + i, number)
        archive = Archive(url)
        assert archive.counts() == {f"r{i}": number for i in range(processes)}
        assert [row["runs"] for row in archive.summary()] == [processes]
        archive.close()
        tally(tried=processes)


@counted("Connections to PostgreSQL cut while a search writes", quick=0, share=20, full=200, part=25)
def test_connections_that_are_cut(times, tally, tmp_path, searches, server):
    url, moments, cut = server.empty(), random.Random(times[0]), 0
    number = 40 * len(times)
    search = searches.start(url, "run", 5, number, SECONDS, cwd=tmp_path)
    while cut < len(times):
        time.sleep(moments.uniform(0.02, 0.4))
        assert not search.complained
        assert len(search.said.split()) < number, "it has ended: give it more trials"
        cut += bool(server.cut())
    said = search.finish()
    assert [int(line) for line in said.split()] == list(range(number))
    assert kept(url, "run") == shared.searched("run", 5, number)
    tally("went on", tried=cut)


@counted("PostgreSQL stopped and started while a search writes", quick=0, share=3, full=20)
def test_a_server_that_starts_anew(times, tally, tmp_path, searches, server):
    for seed in times:
        url, moments, number = server.empty(), random.Random(seed), 300
        search = searches.start(url, "run", seed, number, SECONDS, cwd=tmp_path)
        deadline = time.monotonic() + 20
        while not search.said:
            assert time.monotonic() < deadline, search.complained
            time.sleep(0.01)
        time.sleep(moments.uniform(0.0, 0.3))
        server.stop()
        time.sleep(moments.uniform(0.0, 1.0))
        before = search.said.split()
        assert len(before) < number, "it has ended: give it more trials"
        server.start()
        assert [int(line) for line in search.finish().split()] == list(range(number))
        assert kept(url, "run") == shared.searched("run", seed, number)
        tally("went on")


@counted("PostgreSQL gone for longer than a search waits", quick=0, share=2, full=10)
def test_a_server_that_stays_away(times, tally, tmp_path, server, monkeypatch):
    """One line that says how to go on; then it goes on to what it would have been."""
    for seed in times:
        url, moment = server.empty(), random.Random(seed).randint(3, 20)
        options = {"archive": url, "out": str(tmp_path / f"{seed}"), "name": "run", "seed": seed, "callbacks": ()}
        stopped = threading.Event()

        def score(candidate, task, seed, told=[], moment=moment, stopped=stopped):  # noqa: B006
            told.append(candidate)
            if len(told) == moment and not stopped.is_set():
                server.stop()
                stopped.set()
            return late.score(candidate, task, seed)

        monkeypatch.setattr(connections, "PATIENCE", 1.0)
        with pytest.raises(EvonasError) as raised:
            evonas.search(evaluator=score, encoding=late.Late(), trials=25, method="evolution+boosting", **options)
        server.start()
        monkeypatch.undo()
        line = str(raised.value)
        assert "cannot write to the archive 'postgresql+psycopg://me:***@" in line
        assert line.endswith("see to its server, then: evonas resume run")
        assert "\n" not in line
        assert PASSWORD not in line
        assert len(kept(url, "run")) == moment - 1
        resume("run", archive=url, data=OwnEvaluator.of(score), encoding=late.Late(), callbacks=())
        file = {**options, "archive": str(tmp_path / f"{seed}.db"), "out": str(tmp_path / f"{seed}-file")}
        evonas.search(evaluator=score, encoding=late.Late(), trials=25, method="evolution+boosting", **file)
        assert kept(url, "run") == kept(file["archive"], "run")
        tally("one line, and resumed")


@counted("A host that takes the connection and says nothing", quick=0, share=1, full=2)
def test_a_host_that_says_nothing(times, tally):
    for _ in times:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            began = time.monotonic()
            with pytest.raises(EvonasError) as raised:
                Archive(f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/one")
        assert time.monotonic() - began < 30
        assert PASSWORD not in str(raised.value)
        assert "\n" not in str(raised.value)
        tally("one line")


@counted("A trial whose commit was not heard of", quick=0, share=5, full=50)
def test_a_commit_that_was_not_heard_of(times, tally, server):
    """The connection is lost between the commit and its answer: the trial is there, and is not written twice."""
    for number in times:
        archive = Archive(server.empty())
        archive.add_run(RunRecord("run", TASK, "toy", "evolution"))
        lost = []

        def after(connection, lost=lost, archive=archive):
            if not lost:
                driver = connection.connection.driver_connection
                driver.commit()
                driver.execute("SELECT 1")  # so that the commit that follows has to ask the server
                lost.append(server.cut())

        event.listen(archive._engine, "commit", after)
        trial = Trial("run", number, 0, Evaluation(Candidate((1, "x")), {"val_accuracy": 0.25}, 1.5), 0.1 + number)
        archive.append(trial)
        assert lost == [1]
        assert archive.trials("run") == [trial]
        with pytest.raises(Exception, match="unique"):  # another one by that number is no second try of it
            archive.append(Trial("run", number, 0, Evaluation(Candidate((2, "x")), {}, 1.5), 0.2 + number))
        archive.close()
        tally("there once")


@counted("A run that begins while another's trial is being committed", quick=0, share=3, full=20)
def test_what_a_run_may_remember_is_all_there_when_it_begins(times, tally, server):
    for seed in times:
        url = server.empty()
        archive, other = Archive(url), Archive(url)
        archive.add_run(RunRecord("old", TASK, "toy", "evolution"))
        trial = Trial("old", 0, 0, Evaluation(Candidate((1,)), {"val_accuracy": 0.5}), 0.0)
        marks = []
        begin = threading.Thread(
            target=lambda other=other, marks=marks: marks.append(
                other.add_run(RunRecord("new", TASK, "toy", "evolution")).mark
            )
        )
        with archive.writing() as connection:  # as `append`, up to its commit
            archive.append(Trial("old", 7, 0, trial.evaluation, 0.0)) if seed % 2 else None
            from evonas.memory import schema

            connection.execute(sa.insert(schema.evaluations), {"run_id": 1, **schema.values_of(trial)})
            begin.start()
            begin.join(0.2 + 0.1 * random.Random(seed).random())
        begin.join(20)
        ids = archive._read(sa.select(schema.evaluations.c.id), lambda row: row["id"])
        assert marks == [max(ids)]
        archive.close()
        other.close()
        tally("it waits")
