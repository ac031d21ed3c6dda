"""The pages of an archive's runs: each run's report, kept until there is something new, and the list of all.

No code that a run names is run here, for a page may be asked for at any time, in the process that searches: what only
the encoding knows (the drawing, the memory) is in the report that a search writes at its end, which is shown then.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from evonas.app.belongings import Belongings, forget
from evonas.app.folders import owner_of, results_folder
from evonas.app.live.compare import side_by_side
from evonas.app.live.listing import Listing, figure
from evonas.app.results import recorded_goal, summary, write_report
from evonas.app.underway import underway
from evonas.core.errors import EvonasError
from evonas.core.figures import duration
from evonas.core.pages import META
from evonas.memory.archive import Archive, RunRecord
from evonas.memory.locks import status

PAUSE = 3.0  # seconds at least between two reports of a run that goes on
SHARE = 0.05  # of a core at most that is spent on them
KEPT = 8  # pages; one is 2 MB


@dataclass(frozen=True)
class Page:
    """HTML, of which state of a run it is, and until when no other is made.

    `filed`: it is from the run's folder, where anybody may have written it, and may have less than our own pages.
    """

    version: str
    html: str
    until: float
    filed: bool = False


class Pages:
    """Of one archive. Raises EvonasError where a run that is asked for is not in it.

    With `deletes` runs may be deleted, after a page has asked; otherwise nothing can be changed.
    """

    def __init__(self, archive: Archive, pause: float = PAUSE, share: float = SHARE, deletes: bool = False):
        self._archive, self._pause, self._share, self.deletes = archive, pause, share, deletes
        self._made: dict[str, Page] = {}
        self._listing = Listing(archive)
        self._lock = Lock()

    def state(self, run: str) -> dict[str, Any]:
        """What a page asks for every few seconds: the `version` of the report that it would get now, the run's
        `status`, and the trials that are running."""
        record, version = self._now(run)
        made = self._made.get(run) if record.status == "running" else None
        running, note = underway(self._archive, run) if record.status == "running" else ([], "")
        running = [_shown(one) for one in running]
        return {
            "version": made.version if made and time.monotonic() < made.until else version,
            "status": record.status,
            "trials": int(version.partition(" ")[0]),
            "running": running,
            "note": note,
        }

    def report(self, run: str) -> Page:
        """The page of a run."""
        with self._lock:  # one at a time; who waits gets what the other one made
            record, version = self._now(run)
            made = self._made.get(run)
            waits = made is not None and record.status == "running" and time.monotonic() < made.until
            if made is None or (made.version != version and not waits):
                begun = time.thread_time()
                filed = self._filed(record)
                html = self._report(record) if filed is None else filed
                spent = time.thread_time() - begun if made else 0.0  # the first one also loads what all need
                pause = max(self._pause, spent / self._share)
                made = Page(version, _living(html, version, run), time.monotonic() + pause, filed is not None)
                self._made.pop(run, None)
                self._made[run] = made
                while len(self._made) > KEPT:
                    self._made.pop(next(iter(self._made)))
            return made

    def runs(self) -> str:
        """The page of all runs, the newest first."""
        rows = self._listing.rows()
        return self._framed("runs.html", _version_of(rows), rows=rows, deletes=self.deletes)

    def compared(self, names: Sequence[str]) -> str:
        """The page of some runs side by side."""
        return self._framed("compare.html", _version_of(self._listing.rows()), **side_by_side(self._archive, names))

    def asked(self, names: Sequence[str]) -> str:
        """The page that asks whether runs are to be deleted."""
        counts = self._archive.counts()
        owned = {name: Belongings.of(self._archive.run(name)) for name in self._chosen(names)}
        rows = [
            {"name": name, "trials": counts.get(name, 0), "folder": str(has) if has.files else ""}
            for name, has in owned.items()
        ]
        return self._framed("delete.html", "", script=False, rows=rows, folders=any(row["folder"] for row in rows))

    def deleted(self, names: Sequence[str], folders: bool) -> str:
        """Delete runs, and what evonas wrote into their folders where that is wanted; the page that says so."""
        owned = {name: Belongings.of(self._archive.run(name)) for name in self._chosen(names)}
        done, failed = forget(self._archive, owned, folders)
        for name in owned:
            self._made.pop(name, None)
        return self._framed("delete.html", "", script=False, done=[*done, *failed])

    def _chosen(self, names: Sequence[str]) -> Sequence[str]:
        if not names:
            raise EvonasError("no run was marked; go back and mark those that you mean")
        return list(dict.fromkeys(names))

    def _framed(self, name: str, version: str, script: bool = True, **values: Any) -> str:
        css = files("evonas.report").joinpath("report.css").read_text(encoding="utf-8") + _asset("live.css")
        assets = {"css": _markup(css), "js": _markup(_asset("live.js")) if script else ""}
        return _template(name).render(where=self._archive.where, version=version, **assets, **values)

    def runs_state(self) -> dict[str, Any]:
        return {"version": _version_of(self._listing.rows())}

    def _now(self, run: str) -> tuple[RunRecord, str]:
        """The run's record, with the status that it really has, and of which state a report made now would be."""
        record = self._archive.run(run)
        record = replace(record, status=status(self._archive, run, record.status))
        return record, f"{self._archive.counts(run).get(run, 0)} {record.status}"

    def _filed(self, record: RunRecord) -> str | None:
        """The report that a search wrote at its end."""
        if record.status == "done":
            folder = results_folder(record.name, record.config.get("out"))
            if owner_of(folder) == record.name and (folder / "report.html").exists():
                return (folder / "report.html").read_text(encoding="utf-8")
        return None

    def _report(self, record: RunRecord) -> str:
        trials, goal = self._archive.trials(record.name), recorded_goal(record)
        values = summary(record, goal, trials, record.status) | dict(record.result or {})
        with TemporaryDirectory() as made:
            path = write_report(record, goal, trials, values, None, self._archive, Path(made))
            return path.read_text(encoding="utf-8")


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    """A running trial, in words, and its curve: [share that is done, accuracy] after each epoch."""
    last = one["curve"][-1] if one["curve"] else None
    return {
        **one,
        "time": "" if one["seconds"] is None else duration(one["seconds"]),
        "part": f"{100 * one['fidelity']:.0f} %" if one["fidelity"] < 1 else "",
        "done": f"{100 * last[0]:.0f} %" if last else "",
        "learned": figure("train_accuracy", last[2]) if last else "",
        "curve": [[share, accuracy] for share, _, accuracy in one["curve"]],
    }


def _living(html: str, version: str, run: str) -> str:
    """The report with what keeps it up to date."""
    html = html.replace(META, "", 1)  # the server's own policy lets it ask for news
    before, body, after = html.partition("<body>")
    inside, end, rest = after.rpartition("</body>")
    strip = _template("strip.html").render(version=version, run=run)
    head = before.replace("</head>", f"<style>{_asset('live.css')}</style></head>")
    return f"{head}{body}\n{strip}{inside.lstrip()}<script>{_asset('live.js')}</script>{end}{rest}"


def _version_of(rows: Any) -> str:
    return sha256(repr(rows).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _template(name: str) -> Any:
    from jinja2 import Environment, FunctionLoader

    return Environment(
        loader=FunctionLoader(_asset), autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).get_template(name)


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)


def _asset(name: str) -> str:
    return files("evonas.app.live").joinpath(name).read_text(encoding="utf-8")


def message(text: str) -> str:
    """A page of one line."""
    return f"<!doctype html><meta charset=utf-8><title>evonas</title><p>{escape(text)}</p>"
