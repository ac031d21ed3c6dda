"""The live page in a real browser: it follows a run, and no script complains."""

import html
import re
import shutil
import subprocess
import time
from threading import Thread
from typing import Any

import pytest

pytest.importorskip("starlette", reason="not installed: pip install 'evonas[live]'")
pytest.importorskip("uvicorn", reason="not installed: pip install 'evonas[live]'")

from evonas.app.live.pages import Pages
from evonas.app.live.server import Server, serving
from evonas.app.results import summary, write_report
from evonas.app.underway import Underway, curves_of
from evonas.core.goals import Goal
from evonas.core.pages import META
from evonas.core.types import Candidate, Trial
from evonas.memory.archive import Archive, RunRecord
from evonas.memory.locks import sole_owner
from evonas.training.watching import teller
from tests.toys import TASK, total

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine: nothing to open it in"),
]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--enable-logging=stderr", "--window-size=390,800", "--dump-dom"]


def trial(number, run="first"):
    return Trial(run, number, number, total(Candidate((number % 4, 1, 1, 1, 1, 1)), TASK, 0), number + 1.0)


@pytest.fixture
def archive(tmp_path):
    store = Archive(tmp_path / "archive.db")
    for name in ("before", "first"):
        store.add_run(RunRecord(name, TASK, "toys", "random"))
    store.update_run("before", status="done")
    with sole_owner(store, "first"):
        store.append(trial(0))
        yield store


@pytest.fixture
def opened(tmp_path):
    """The DOM of an address after so many seconds of the page's time, and what the console said; `meanwhile` happens
    once the page has asked for news."""

    def open_page(server: Server, address: str, meanwhile=lambda: None, seconds=20):
        def when_asked():
            end = time.monotonic() + 60
            while not server._asked and time.monotonic() < end:
                time.sleep(0.001)
            meanwhile()

        thread = Thread(target=when_asked)
        thread.start()
        flags = [*FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--virtual-time-budget={1000 * seconds}"]
        done = subprocess.run([str(BROWSER), *flags, address], capture_output=True, text=True, timeout=120)
        thread.join()
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "software WebGL" not in line]
        return done.stdout, [line for line in said if "GL Driver" not in line]

    return open_page


def test_the_page_follows_the_run(archive, opened):
    watching = Underway(archive, "first")
    watching.note("trusting <b>nobody</b>")
    watching.asked(1, Candidate((3, 1, 1, 1, 1, 1), 0.5))

    def goes_on():
        archive.append(trial(1))
        watching.told(trial(1))
        watching.asked(2, Candidate(("<i>",)))

    with curves_of(archive, "first") as folder, serving(Pages(archive, pause=0.0, share=1.0)) as server:
        tell: Any = teller(folder, ("<i>",))
        tell(0.5, 1.0, 0.5)
        tell(0.79, 0.5, 0.9)
        dom, said = opened(server, server.page("first"), goes_on)
    assert said == []
    assert 'data-version="2 running"' in dom
    assert re.search(r'<html[^>]* data-drawn="[1-9]', dom)
    assert "first is running: 2 trials" in dom
    strip = dom.partition("</aside>")[0]
    assert "trusting &lt;b&gt;nobody" in strip
    cells = [html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", strip)]
    assert cells[1:4] == ["", "79 %", cells[3]]
    assert re.fullmatch(r'<svg .*<polyline points="50.0,15.0 79.0,3.8"></polyline></svg>90.00 %', cells[3])
    assert cells[4:] == ['["<i>"]']


def test_its_reader_stays_where_he_was(archive, opened, monkeypatch):
    from evonas.app.live import pages

    asset = pages._asset
    read = """if (performance.getEntriesByType("navigation")[0].type !== "reload") {
      for (const one of document.querySelectorAll("details")) one.open = !one.open;
      scrollTo(0, 700);
    }
    setInterval(() => { document.documentElement.dataset.y = Math.round(scrollY); }, 100);"""
    monkeypatch.setattr(pages, "_asset", lambda name: asset(name) + read * (name == "live.js"))
    with serving(Pages(archive, pause=0.0, share=1.0)) as server:
        before, _ = opened(server, server.page("first"))
        server._asked.clear()
        after, said = opened(server, server.page("first"), lambda: archive.append(trial(1)))
    assert said == []
    assert [page.count('data-version="2 running"') for page in (before, after)] == [0, 1]
    places = [re.findall(r'data-y="(\d+)"|<details( open="")?>', page) for page in (before, after)]
    assert places[0] == places[1]
    assert ("700", "") in places[1]


def test_a_paused_page_stays_as_it_is(archive, opened, monkeypatch):
    from evonas.app.live import pages

    asset = pages._asset
    press = 'document.getElementById("live-pause").click();'
    monkeypatch.setattr(pages, "_asset", lambda name: asset(name) + press * (name == "live.js"))
    with serving(Pages(archive, pause=0.0, share=1.0)) as server:
        dom, said = opened(server, server.page("first"), lambda: archive.append(trial(1)))
    assert said == []
    assert 'data-version="1 running"' in dom
    assert "first is running: 2 trials" in dom
    assert 'aria-pressed="true">Go on with updates' in dom


def test_a_page_whose_server_has_ended_says_so(archive, opened):
    server = Server(Pages(archive))
    server.start()
    dom, _ = opened(server, server.page("first"), server.stop, seconds=40)
    assert "No more news: the server has ended. This is the last state; evonas watch first shows it anew." in dom


def test_the_list_sorts_filters_and_follows(archive, opened, monkeypatch):
    from evonas.app.live import pages

    asset = pages._asset
    do = """document.querySelector("#runs th button").click();
    const field = document.getElementById("live-filter"); field.value = "fir"; field.oninput();"""
    monkeypatch.setattr(pages, "_asset", lambda name: asset(name) + do * (name == "live.js"))
    with serving(Pages(archive)) as server:
        dom, said = opened(server, server.address, lambda: archive.append(trial(1)))
    assert said == []
    rows = re.findall(r"<tr( hidden=\"\")?><td><input [^>]*> <a [^>]*>(\w+)</a></td><td>\w+</td><td[^>]*>(\d)", dom)
    assert rows == [("", "first", "2"), (' hidden=""', "before", "0")]
    # the order of the first click was kept, for the second one, of the page that was loaded again, turned it
    assert re.search(r'<th scope="col" aria-sort="descending"><button type="button">run<', dom)


def test_a_run_is_deleted_when_a_browser_has_been_asked_and_says_yes(archive, opened, monkeypatch):
    from evonas.app.live import pages

    asset = pages._asset
    mark = """document.querySelector('[value="before"]').checked = true;
    document.querySelector('[formaction="delete"]').click();"""
    monkeypatch.setattr(pages, "_asset", lambda name: asset(name) + mark * (name == "live.js"))
    with serving(Pages(archive, deletes=True)) as server:
        dom, said = opened(server, server.address)
        assert said == []
        assert "<strong>before</strong>: 0 trials" in dom
        assert len(archive.runs()) == 2
        press = "<script>document.forms[0]?.requestSubmit();</script></form>"
        monkeypatch.setattr(
            pages, "_asset", lambda name: asset(name).replace("</form>", press * (name == "delete.html"))
        )
        dom, said = opened(server, f"{server.address}delete?run=before")
    assert said == []
    assert "before: 0 trials forgotten" in dom
    assert [record.name for record in archive.runs()] == ["first"]


def test_runs_side_by_side(archive, opened):
    archive.append(trial(0, run="before"))
    with serving(Pages(archive)) as server:
        dom, said = opened(server, f"{server.address}compare?run=first&run=before", lambda: archive.append(trial(1)))
    assert said == []
    assert dom.count("<polyline") == 2
    assert ">2 trials</text>" in dom


def test_a_report_from_a_folder_is_shown_and_cannot_delete(tmp_path, opened):
    """What is done is the file that a search wrote; a script in it, anybody's, is kept from all but its own page."""
    archive, folder = Archive(tmp_path / "archive.db"), tmp_path / "evil"
    archive.add_run(RunRecord("evil", TASK, "toys", "random", config={"out": str(folder)}))
    archive.append(trial(0, "evil"))
    archive.update_run("evil", status="done", result={"metrics": {}})
    deed = """<script>(async () => {
      const base = new URL("../../", location), body = new URLSearchParams({ run: "evil" });
      const tries = [fetch(base + "delete", { method: "POST", body }), fetch(base + "delete?run=evil")];
      const tried = await Promise.allSettled(tries);
      document.documentElement.dataset.tried = tried.map((one) => one.status).join();
    })();</script>"""
    goal = Goal.parse("val_accuracy")
    record, trials = archive.run("evil"), archive.trials("evil")
    write_report(record, goal, trials, summary(record, goal, trials, "done"), None, archive, folder)
    report = folder / "report.html"
    report.write_text(report.read_text(encoding="utf-8").replace(META, "").replace("</body>", f"{deed}</body>"))
    (folder / "result.json").write_text('{"run": "evil"}')
    with serving(Pages(archive, deletes=True)) as server:
        dom, _ = opened(server, server.page("evil"))
    assert 'data-tried="rejected,rejected"' in dom
    assert re.search(r'<html[^>]* data-drawn="[1-9]', dom)
    assert "evil is done: 1 trial" in dom
    assert [run.name for run in archive.runs()] == ["evil"]
