"""What a report of many trials weighs, and how long a browser takes to open it.

    python benchmarks/studies/speed/report.py [--trials 1000,100000] [--rounds 5] [--record]

The trials have genomes and figures as a search of images with the encoding `net` leaves them. Chromium is headless and
has no GPU: seconds are from the beginning of the page to the first picture after the last plot was drawn, the median
and the worst of the rounds, each with a profile of its own; what else the machine does counts. `--record` writes the
section of benchmarks/results/speed.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from statistics import median
from threading import Thread
from typing import Any

import numpy as np

from evonas.core.goals import VAL_ACCURACY, Goal
from evonas.core.pages import META
from evonas.core.types import Candidate, Evaluation, Origin, Task, Trial
from evonas.encodings.net import NetEncoding
from evonas.report.page import write_report
from studies.speed import results

MOST, SECONDS = 6.0, 3.0  # MB of a report of 1,000 trials; to open any
PATIENCE = 120.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
TASK = Task("photos", (3, 32, 32), 10)
ORIGINS: tuple[Origin, ...] = ("mutated", "crossed", "sampled")
TOLD = """<script>{
  const plots = () => document.documentElement.dataset.drawn;
  const tell = () => fetch(`/told?${performance.now()},${plots()}`);
  const look = () => plots() ? requestAnimationFrame(() => setTimeout(tell)) : setTimeout(look, 5);
  look();
}</script>"""


def trials(number: int) -> list[Trial]:
    """One in fifty failed; accuracies rise slowly, and a larger network is a little better."""
    encoding, rng, found = NetEncoding(), np.random.default_rng(0), []
    pool = [encoding.sample(rng) for _ in range(min(number, 5000))]
    for k in range(number):
        genome, cost = pool[int(rng.integers(len(pool)))], float(rng.lognormal(11, 1))
        accuracy = float(np.clip(0.5 + 0.3 * k / number + 0.02 * np.log10(cost) + rng.normal(0, 0.05), 0, 1))
        figures = {"val_accuracy": accuracy, "val_loss": 2 * (1 - accuracy), "params": round(cost), "seconds": 4.2}
        figures |= {"train_accuracy": accuracy, "flops": round(31 * cost), "model_kb": cost / 250, "images": 11520}
        figures["peak_memory_mb"] = 12 + cost / 1e5
        parents = (pool[int(rng.integers(len(pool)))],)
        candidate = Candidate(genome, origin=ORIGINS[k % 3], parents=parents)
        evaluation = Evaluation(candidate, figures, 4.2)
        if k % 50 == 7:
            evaluation = Evaluation.failure(candidate, "diverged: the validation loss is no number", 1.0)
        found.append(Trial("many", k, k, evaluation, 4.2 * (k + 1)))
    return found


def written(folder: Path, number: int) -> tuple[Path, float]:
    """The report, and how long it took to write: seconds of this process."""
    many, path = trials(number), folder / f"{number}.html"
    goal = Goal((VAL_ACCURACY,))
    run = {"name": "many", "task": vars(TASK), "encoding": "net", "method": "evolution", "surrogate": "meta", "seed": 0}
    run |= {
        "config": {},
        "versions": {},
        "command": "",
        "device": "",
        "created": "2025-01-01T00:00:00",
        "status": "done",
    }
    best: Any = goal.best(many)
    values = {"genome": best.evaluation.candidate.genome, "metrics": dict(best.evaluation.metrics), "trials": number}
    start = time.process_time()
    write_report(path, run=run, trials=many, result=values, encoding=NetEncoding(), goal=goal, sections=[], export=None)
    return path, time.process_time() - start


def opened(path: Path, browser: str) -> tuple[float, int]:
    """Seconds until the page is drawn, and how many plots it has."""
    page = path.read_text(encoding="utf-8").replace(META, "", 1)  # which forbids to tell anybody
    told: Queue[str] = Queue()
    before, _, after = page.rpartition("</body>")
    served = f"{before}{TOLD}</body>{after}".encode()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Page, served, told))
    Thread(target=server.serve_forever, daemon=True).start()
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        flags += [f"--user-data-dir={profile}", "--window-size=1200,900", "--remote-debugging-port=0"]
        address = f"http://127.0.0.1:{server.server_port}/"
        process = subprocess.Popen([browser, *flags, address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            milliseconds, plots = told.get(timeout=PATIENCE).split(",")
        finally:
            process.terminate()
            process.wait()
            server.shutdown()
    return float(milliseconds) / 1000, int(plots)


class _Page(BaseHTTPRequestHandler):
    """The page for whoever asks, and what it tells."""

    def __init__(self, page: bytes, told: Queue[str], *args: Any):
        self._page, self._told = page, told
        super().__init__(*args)

    def do_GET(self) -> None:
        if self.path.startswith("/told?"):
            self._told.put(self.path.partition("?")[2])
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self._page if self.path == "/" else b"")

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", default="1000,100000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        parser.error(f"no browser on this machine; install one of {', '.join(BROWSERS)}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number in map(int, given.trials.split(",")):
            path, seconds = written(Path(folder), number)
            rounds = [opened(path, browser) for _ in range(given.rounds)]
            row = {"trials": number, "mb": path.stat().st_size / 1e6, "written": seconds, "plots": rounds[0][1]}
            seconds = [one for one, _ in rounds]
            rows.append({**row, "opened": median(seconds), "worst": max(seconds)})
            print(rows[-1], flush=True)
    table = results.table(
        rows,
        {
            "trials": "{trials:,}",
            f"file (bar {MOST:g} MB)": "{mb:.1f} MB",
            "written in": "{written:.1f} s",
            "plots": "{plots}",
            f"opened in, median of {given.rounds} (bar {SECONDS:g} s)": "{opened:.2f} s",
            "worst": "{worst:.2f} s",
        },
    )
    print(table)
    if given.record:
        version = subprocess.run([browser, "--version"], capture_output=True, text=True).stdout.split()
        said = "The report of a search with the encoding `net`, in headless Chromium " + next(
            (word for word in version if word[:1].isdigit()), ""
        )
        load = f"The machine's load was {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, the browser's own included."
        results.record("A report of many trials", "cpu", f"{said}, without a GPU. {load}\n\n{table}")


if __name__ == "__main__":
    main()
