"""The live page: only for who has its address, only to look, and true while the run goes on."""

import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

pytest.importorskip("starlette", reason="not installed: pip install 'evonas[live]'")
pytest.importorskip("uvicorn", reason="not installed: pip install 'evonas[live]'")

import evonas
from evonas.app.belongings import Belongings, forget
from evonas.app.garbage import garbage
from evonas.app.live.pages import Pages
from evonas.app.live.server import serving
from evonas.app.underway import Underway, curves_folder, curves_of, underway
from evonas.core.errors import EvonasError
from evonas.core.pages import META
from evonas.core.types import Candidate, Evaluation, Trial
from evonas.memory.archive import Archive, RunRecord
from evonas.memory.locks import sole_owner
from evonas.training.watching import teller
from tests.app.test_limits import blobs, options
from tests.commands import evonas as evonas_command
from tests.toys import TASK, Digits, total

PATHS = ("", "state", "compare?run=first", "run/first/", "run/first/state")


def trial(number, *genome, run="first"):
    return Trial(run, number, number, total(Candidate(genome), TASK, 0), number + 1.0)


@pytest.fixture
def archive(tmp_path):
    """One run that goes on in this process, with a trial; one that was done."""
    store = Archive(tmp_path / "archive.db")
    for name in ("before", "first"):
        store.add_run(RunRecord(name, TASK, "toys", "random", config={"out": str(tmp_path / name)}))
    store.update_run("before", status="done", result={"metrics": {"val_accuracy": 0.5}, "test_accuracy": 0.25})
    with sole_owner(store, "first"):
        store.append(trial(0, 1, 1, 1, 1, 1, 1))
        yield store


@pytest.fixture
def server(archive):
    with serving(Pages(archive)) as server:
        yield server


def ask(server, path="", *, method="GET", token=None, **headers):
    """Of the page below the token; its status, its headers, its text."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(method, f"/{server.token if token is None else token}/{path}", headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, text


def state(server, run="first"):
    status, _, text = ask(server, f"run/{run}/state")
    assert status == 200, text
    return json.loads(text)


def found_in(pattern: str, text: str) -> Any:
    """The groups of what a pattern finds, or the only one."""
    found = re.search(pattern, text, re.S)
    assert found, text[:300]
    return found.groups() if found.lastindex and found.lastindex > 1 else found[1]


def wait_until(true):
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:
        time.sleep(0.02)


def test_the_page_is_the_report_of_the_trials_so_far(server):
    status, headers, page = ask(server, "run/first/")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert "<h1>first</h1>" in page
    assert "This run is not finished" in page
    assert json.loads(found_in(r'id="data">(.*?)</script>', page))["genome"] == ["[1, 1, 1, 1, 1, 1]"]
    assert page.count("</body>") == 1
    assert 'data-version="1 running"' in page


def test_a_new_trial_is_news_and_the_next_page_has_it(archive):
    with serving(Pages(archive, pause=0.0, share=1.0)) as server:
        ask(server, "run/first/")
        before = state(server)
        archive.append(trial(1, 2, 2, 2, 2, 2, 2))
        wait_until(lambda: state(server)["version"] != before["version"])
        after = state(server)
        assert (before["version"], after["version"]) == ("1 running", "2 running")
        assert "[2, 2, 2, 2, 2, 2]" in ask(server, "run/first/")[2]


def test_a_report_is_made_again_after_a_pause_only(archive):
    pages = Pages(archive, pause=0.4, share=1.0)
    one = pages.report("first")
    archive.append(trial(1, 2, 2, 2, 2, 2, 2))
    assert pages.report("first") is one
    assert pages.state("first")["version"] == one.version  # nobody is told to fetch it before
    time.sleep(max(0.0, one.until - time.monotonic()))
    assert pages.state("first")["version"] == "2 running"
    assert pages.report("first").version == "2 running"


def test_what_has_not_changed_is_not_made_again(archive):
    pages = Pages(archive, pause=0.0, share=1.0)
    assert pages.report("first") is pages.report("first")


def test_without_the_token_there_is_nothing(server):
    for path, token in product(PATHS, ("", "wrong", "run", "%C3%BC", server.token[:-1], server.token + "x")):
        status, headers, text = ask(server, path, token=token)
        assert status == 403, (path, token)
        assert "first" not in text
        assert headers["Referrer-Policy"] == "no-referrer"
    assert {ask(server, path)[0] for path in PATHS} == {200}


def test_another_host_is_refused(server):
    """A name that its owner makes lead to this machine, once a browser has loaded a page of that name."""
    for host in (
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "",
        "[::1]:{port}",
        "0.0.0.0:{port}",
    ):
        assert ask(server, "run/first/", Host=host.format(port=server.port))[0] == 403, host


def test_this_host_by_its_name_is_served(server):
    assert ask(server, "run/first/state", Host=f"localhost:{server.port}")[0] == 200


def test_nothing_can_be_changed(server, archive):
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        assert ask(server, "run/first/", method=method)[0] == 405, method
    assert [record.name for record in archive.runs()] == ["before", "first"]


def post(server, body, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("POST", f"/{server.token}/delete", body, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_runs_are_deleted_after_asking_and_by_our_own_page_alone(archive, tmp_path):
    own = {"Sec-Fetch-Site": "same-origin"}
    (tmp_path / "before").mkdir()
    for name, text in {"result.json": '{"run": "before"}', "mine.txt": "kept"}.items():
        (tmp_path / "before" / name).write_text(text)
    with serving(Pages(archive)) as watching:  # evonas watch
        assert ask(watching, "delete?run=before")[0] == 404
        assert post(watching, "run=before", **own)[0] == 405
        assert "Delete those marked" not in ask(watching)[2]
    with serving(Pages(archive, deletes=True)) as server:
        assert "Delete those marked" in ask(server)[2]
        asked = ask(server, "delete?run=before&run=before")[2]
        assert "<strong>before</strong>: 0 trials" in asked
        assert f"{tmp_path / 'before'}: 0 kB in 1 file" in asked
        assert "no run was marked" in ask(server, "delete")[2]
        for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
            assert post(server, "run=before", **headers)[0] == 405
        assert post(server, "run=nosuch", **own)[0] == 404
        assert "is running, so nothing was deleted" in post(server, "run=before&run=first", **own)[1]
        assert [record.name for record in archive.runs()] == ["before", "first"]
        status, page = post(server, "run=before&folders=yes", **own)
    assert status == 200
    assert "before: 0 trials forgotten" in page
    assert "stays for mine.txt, not of this run" in page
    assert [record.name for record in archive.runs()] == ["first"]
    assert [path.name for path in (tmp_path / "before").iterdir()] == ["mine.txt"]


def test_what_cannot_be_removed_is_said_and_the_others_are(archive, tmp_path):
    for name in ("second", "third"):
        archive.add_run(RunRecord(name, TASK, "toys", "random", config={"out": str(tmp_path / name)}))
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(json.dumps({"run": name}))
    held = tmp_path / "second" / "report.html"
    held.write_text("")
    owned = {name: Belongings.of(archive.run(name)) for name in ("second", "third")}
    held.unlink()
    held.mkdir()
    (held / "mine.txt").write_text("kept")
    said, failed = forget(archive, owned, True)
    assert [line.partition(":")[0] for line in said] == ["second", "third"]
    assert len(failed) == 1
    assert re.fullmatch(r"second: cannot remove '.*report\.html': .*; remove it by hand", failed[0])
    assert not (tmp_path / "third").exists()


def test_a_report_from_a_folder_is_no_page_of_this_origin(archive, tmp_path, server):
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "result.json").write_text('{"run": "before"}')
    (tmp_path / "before" / "report.html").write_text("<head></head><body><script>alert()</script></body>")
    policies = {
        run: ask(server, f"run/{run}/")[1].get_all("Content-Security-Policy") or [] for run in ("before", "first")
    }
    assert "sandbox allow-scripts allow-downloads" in policies["before"]
    assert [len(policies[run]) for run in policies] == [2, 1]


def test_only_the_head_of_a_page(server):
    status, headers, text = ask(server, "run/first/", method="HEAD")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 100_000


def test_no_other_page_may_hold_read_or_keep_one(server):
    _, headers, _ = ask(server, "run/first/")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers


def test_it_listens_on_loopback_alone(server):
    assert server._socket.getsockname()[0] == "127.0.0.1"
    assert len(server.token) >= 32
    with serving(server._pages) as other:
        assert other.token != server.token


def test_a_run_that_is_none_is_named(server):
    status, _, text = ask(server, "run/%3Cb%3E/")
    assert status == 404
    assert "no run named" in text
    assert "<b>" not in text


def test_running_trials_and_for_how_long(server, archive):
    watching = Underway(archive, "first")
    watching.note("trusting  nobody")
    watching.asked(1, Candidate((3, 0, 0, 0, 0, 0), 0.5))
    watching.asked(2, Candidate((2, 0, 0, 0, 0, 0)))
    running = state(server)["running"]
    assert [(one["genome"], one["part"]) for one in running] == [
        ("[3, 0, 0, 0, 0, 0]", "50 %"),
        ("[2, 0, 0, 0, 0, 0]", ""),
    ]
    assert 0 <= running[0]["seconds"] < 60
    assert state(server)["note"] == "trusting nobody"
    watching.told(trial(1, 3, 0, 0, 0, 0, 0))
    assert len(state(server)["running"]) == 1
    watching.ended("the budget is spent")
    assert (state(server)["running"], state(server)["note"]) == ([], "the budget is spent")


def test_the_curves_of_running_trainings(archive, server):
    watching, genomes = Underway(archive, "first"), [(3, 0, 0, 0, 0, 0), (2, 0, 0, 0, 0, 0)]
    with curves_of(archive, "first") as folder:
        assert folder is not None
        for number, genome in enumerate(genomes, 1):
            watching.asked(number, Candidate(genome))
        tell: Any = teller(folder, genomes[0])
        for point in ((0.25, 2.0, 0.5), (0.5, 1.0, 0.75)):
            tell(*point)
        with open(next(folder.iterdir()), "a") as file:
            file.write("[0.75, ")  # not yet written to its end
        first, second = state(server)["running"]
        assert first["curve"] == [[0.25, 0.5], [0.5, 0.75]]
        assert (first["done"], first["learned"]) == ("50 %", "75.00 %")
        assert (second["curve"], second["done"], second["learned"]) == ([], "", "")
        watching.told(trial(1, *genomes[0]))
        watching.ended("the budget is spent")
        assert state(server)["running"] == []
        final: Any = teller(folder, genomes[1])
        final(0.1, 1.0, 0.9)
        (one,) = state(server)["running"]
        assert (one["genome"], one["time"], one["curve"]) == ("the final training", "", [[0.1, 0.9]])
    assert not folder.exists()
    assert state(server)["running"] == []


def test_curves_are_found_by_any_path_of_the_archive_and_go_with_the_run(archive, tmp_path):
    (tmp_path / "link.db").symlink_to(archive.file)
    folder = curves_folder(archive, "first")
    assert curves_folder(Archive(tmp_path / "link.db"), "first") == folder
    for run in ("first", "before"):  # of processes that were killed
        curves_folder(archive, run).mkdir(parents=True)
        tell: Any = teller(curves_folder(archive, run), (1,))
        tell(0.5, 1.0, 0.5)
    assert [one.what for one in garbage(archive)] == ["curves of before"]
    forget(archive, {"before": Belongings.of(archive.run("before"))}, False)
    assert not curves_folder(archive, "before").exists()
    assert folder.exists()


def test_a_search_says_how_far_its_trainings_have_come(tmp_path, monkeypatch):
    seen = []

    def looking(folder, genome):
        tell: Any = teller(folder, genome)

        def both(*point):
            tell(*point)
            seen.append(underway(Archive(tmp_path / "a.db"), "run")[0])

        return both

    monkeypatch.setattr("evonas.training.trainer.teller", looking)
    evonas.search(*blobs(), callbacks=(), **options(tmp_path, trials=1, encoding="cell(width=4)", epochs=2))
    assert [len(one["curve"]) for (one,) in seen] == [1, 2, 1, 2]  # of the trial, and of the final training
    assert [one["genome"] == "the final training" for (one,) in seen] == [False, False, True, True]
    assert seen[1][0]["curve"][1][0] > seen[0][0]["curve"][0][0] > 0


def test_what_is_said_ends_with_who_says_it(tmp_path):
    store = Archive(tmp_path / "archive.db")
    store.add_run(RunRecord("first", TASK, "toys", "random"))
    Underway(store, "first").note("nobody holds the lock")
    assert [path.name for path in tmp_path.glob("*.lock")] == []
    with sole_owner(store, "first"):
        Underway(store, "first").note("here")
        assert underway(store, "first") == ([], "here")
    assert underway(store, "first") == ([], "")
    assert Pages(store).state("first")["status"] == "interrupted"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"running": [1], "note": ""}', '{"note": ""}', '{"running": 3}', "\0"]
)
def test_half_a_word_is_none(tmp_path, text):
    from evonas.memory import locks

    store = Archive(tmp_path / "archive.db")
    with sole_owner(store, "first"):
        locks.say(store, "first", text)
        assert underway(store, "first") == ([], "")


def test_nobody_is_led_to_write_elsewhere(tmp_path):
    """Whoever may write beside a shared archive may put a link where the lock was."""
    from evonas.memory import locks

    store, other = Archive(tmp_path / "archive.db"), tmp_path / "other"
    other.write_text("as it was")
    (tmp_path / "archive.db@first.lock").symlink_to(other)
    locks.say(store, "first", "something")
    assert other.read_text() == "as it was"


def test_the_list_has_every_run_with_its_figures(server):
    _, _, page = ask(server)
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr><td>.*?</tr>", page)]
    assert [re.sub("<.*?>", "", row[0]).strip() for row in rows] == ["first", "before"]
    assert [row[1:6] for row in rows] == [
        ["running", "1", "", "33.33 % validation accuracy", ""],
        ["done", "0", "", "50.00 % validation accuracy", "25.00 %"],
    ]
    assert 'href="run/first/"' in page


def test_runs_side_by_side(server, archive):
    """Each line is the best so far of its run: at trial 2 of 3 the value of the second, until the end."""
    archive.append(trial(1, 3, 3, 3, 1, 1, 1))
    archive.append(trial(2, 0, 0, 0, 0, 0, 0))
    archive.append(trial(0, 3, 3, 3, 3, 3, 3, run="before"))
    status, _, page = ask(server, "compare?run=first&run=before")
    assert status == 200
    lines = re.findall(r'<polyline points="([^"]*)" .*?stroke-dasharray="([^"]*)"><title>(\w+)<', page)
    # of 6/18, 12/18 and 18/18 the best is at the top; three trials are the width of 1000
    assert lines == [
        ("333.3,320.0 666.7,320.0 666.7,160.0 1000.0,160.0", "none", "first"),
        ("333.3,0.0 333.3,0.0", "9 4", "before"),
    ]
    assert re.findall(r'text-anchor="end">([^<]+)<', page) == ["100.00 %", "66.67 %", "33.33 %", "3 trials"]
    cells = [re.sub("<.*?>", "", cell).strip() for cell in re.findall(r"<td>(.*?)</td>", page)]
    assert cells[:4] == ["first", "running", "3", "66.67 % validation accuracy"]
    assert "different data" not in page


def test_runs_that_cannot_be_compared_are_named(server, archive):
    archive.add_run(RunRecord("other", replace(TASK, name="<i>"), "toys", "random", config={"objectives": "params"}))
    page = ask(server, "compare?run=first&run=other")[2]
    assert "of different data" in page
    assert "searched for different things" in page
    assert "<i>" not in page
    for query, words in (("", "0 runs were chosen"), ("?run=none", "no run named")):
        status, _, text = ask(server, f"compare{query}")
        assert (status, words in text) == (404, True), text
    seven = "&".join(f"run={i}" for i in range(7))
    assert "7 runs were chosen; choose one to 6" in ask(server, f"compare?{seven}")[2]


def test_a_trial_changes_the_list(server, archive):
    before = ask(server, "state")[2]
    assert ask(server, "state")[2] == before
    archive.append(trial(1, 2, 2, 2, 2, 2, 2))
    assert ask(server, "state")[2] != before


def test_names_are_text(archive, server):
    archive.add_run(RunRecord("a<b>&?#% é", replace(TASK, name="<i>x"), "toys", "random"))
    page = ask(server)[2]
    assert "<b>" not in page
    assert "<i>" not in page
    (address,) = re.findall(r'href="(run/a[^"]*)"', page)
    status, _, text = ask(server, address)
    assert status == 200
    assert "<b>&" not in text


def test_what_a_search_wrote_at_its_end_is_shown_then(tmp_path):
    def score(candidate, task, seed):
        return {"f1": sum(candidate.genome)}

    options: dict[str, Any] = {
        "name": "own",
        "archive": str(tmp_path / "a.db"),
        "out": str(tmp_path / "out"),
        "objectives": "f1:max",
    }
    evonas.search(evaluator=score, encoding=Digits(), method="random", surrogate="none", trials=3, **options)
    store = Archive(tmp_path / "a.db")
    written = (tmp_path / "out" / "report.html").read_text()
    pages = Pages(store)
    strip = re.compile(r'<aside id="live".*?</aside>\n?|<script>"use strict";\n// Keeps a page.*?</script>', re.S)
    shown = strip.sub("", pages.report("own").html)
    assert re.sub("<style>#live.*?</style>", "", shown, flags=re.S) == written.replace(META, "")
    (tmp_path / "out" / "result.json").write_text('{"run": "another"}')
    (tmp_path / "out" / "report.html").write_text("of another run")
    assert "<h1>own</h1>" in Pages(store).report("own").html  # from the archive, if the folder is another's


def test_a_search_with_a_page(tmp_path, monkeypatch):
    """The address is printed once, the page is there while the search goes on, and gone after it."""
    (tmp_path / "mine.py").write_text(
        "import http.client, re\n"
        "from tests.toys import Digits as Space\n"
        "def score(candidate, task, seed):\n"
        "    port, path = re.search(r'127.0.0.1:(\\d+)(/\\S+)', open('said').read()).groups()\n"
        "    connection = http.client.HTTPConnection('127.0.0.1', int(port))\n"
        "    connection.request('GET', path + 'state')\n"
        "    open('answer', 'wb').write(connection.getresponse().read())\n"
        "    return {'f1': sum(candidate.genome)}\n"
    )
    words = ["--evaluator", "mine.py:score", "--encoding", "mine.py:Space", "--objectives", "f1:max", "--name", "mine"]
    from evonas.app import running

    printed = []
    monkeypatch.setattr(running, "print_line", lambda line, file=None: said(printed, tmp_path / "said", line))
    evonas_command(
        "search", *words, "--method", "random", "--surrogate", "none", "--trials", "2", "--live", cwd=tmp_path
    )
    (address,) = [line for line in printed if "http" in line]
    assert address.startswith("live, until the search ends: http://127.0.0.1:")
    found = json.loads((tmp_path / "answer").read_text())
    assert (found["status"], len(found["running"]), found["trials"]) == ("running", 1, 1)
    port = int(found_in(r":(\d+)/", address))
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/")


def said(printed, path, line):
    printed.append(line)
    path.write_text("\n".join(printed))


def test_an_open_page_gets_the_last_report(archive):
    with serving(Pages(archive)) as server:
        begun = time.monotonic()
        server.linger("first", 20)  # nobody looks
        assert time.monotonic() - begun < 1
        state(server)
        server.linger("first", 0.3)  # somebody does, but fetches nothing
        assert 0.25 < time.monotonic() - begun < 5
        ask(server, "run/first/")
        begun = time.monotonic()
        server.linger("first", 20)
        assert time.monotonic() - begun < 1


def test_a_port_that_is_taken_is_said_before_the_search(server, tmp_path):
    with pytest.raises(EvonasError, match=f"--port {server.port} cannot be used: Address already in use; give another"):
        serving(server._pages, server.port).__enter__()
    done = evonas_command("watch", "first", "--port", str(server.port), cwd=tmp_path, ok=False)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("watch",), "there is no run in .* to watch; begin one: evonas search --live"),
        (("watch", "first"), "no run named 'first'"),
        (("watch", "--port", "0"), "--port '0' is not valid"),
        (("search", "--port", "8080"), "--port 8080 is the live page's, and there is none; give --live too"),
        (("resume", "first", "--port", "8080"), "give --live too"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, words, error):
    done = evonas_command(*words, cwd=tmp_path, ok=False)
    assert done.returncode == 2
    assert re.search(error, done.stderr)
    assert len(done.stderr.splitlines()) == 1


def test_many_ask_at_once_and_one_report_is_made(archive, server):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ask(server, "run/first/")[0], range(16)))
    assert set(found) <= {200}
    assert len(server._pages._made) == 1


@pytest.mark.thorough
def test_watch_goes_on_until_it_is_told_to_end(archive, tmp_path):
    """A process of its own sees what this one does; the newest run where none is named."""
    env = {**os.environ, "EVONAS_ARCHIVE": str(tmp_path / "archive.db")}
    line = [sys.executable, "-m", "evonas.app.cli", "watch"]
    with ExitStack() as stack:
        watch = stack.enter_context(subprocess.Popen(line, env=env, stdout=subprocess.PIPE, text=True, cwd=tmp_path))
        stack.callback(watch.kill)
        assert watch.stdout is not None
        port, path = found_in(r"first: http://127.0.0.1:(\d+)(/\S+/run/first/)\n", watch.stdout.readline())
        watching = Underway(archive, "first")
        watching.asked(1, Candidate((3, 0, 0, 0, 0, 0)))
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
        connection.request("GET", f"{path}state")
        found = json.loads(connection.getresponse().read())
        assert (found["status"], found["trials"], len(found["running"])) == ("running", 1, 1)
        watch.send_signal(signal.SIGINT)
        assert "the page has ended" in watch.communicate(timeout=20)[0]
        assert watch.returncode == 0


@pytest.mark.parametrize("ended", ["running", "interrupted", "done"])
def test_no_code_of_a_run_is_run_and_nothing_random_is_drawn(archive, tmp_path, ended):
    """The server's thread stands beside a training, whose random numbers are global; an archive may be anybody's."""
    import torch

    from evonas.core import trust

    (tmp_path / "own.py").write_text(
        f"open({str(tmp_path / 'was_run')!r}, 'w')\nfrom tests.toys import Digits as Space\n"
    )
    spec = f"{tmp_path / 'own.py'}:Space"
    trust.given(spec)  # so that it would be run, if it were asked for
    config = {"out": str(tmp_path / "own"), "metrics": [f"energy={spec}"]}
    archive.add_run(RunRecord("own", TASK, spec, "random", config=config))
    archive.append(trial(0, 1, 1, 1, 1, 1, 1, run="own"))
    archive.update_run("own", status=ended)
    before = torch.get_rng_state(), random.getstate()
    pages = Pages(archive)
    assert "<h1>own</h1>" in pages.report("own").html
    pages.runs()
    pages.compared(["own"])
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()
    assert not (tmp_path / "was_run").exists()


def test_a_failed_trial_is_in_the_page(archive, server):
    archive.append(Trial("first", 1, 1, Evaluation.failure(Candidate((3,)), "MemoryError: no room", 0.1), 2.0))
    assert "MemoryError: no room" in ask(server, "run/first/")[2]
