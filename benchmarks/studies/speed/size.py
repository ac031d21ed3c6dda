"""What large things cost: an archive of a million evaluations, a search of many trials, a folder of many pictures.

    python benchmarks/studies/speed/size.py [--evaluations 1000000] [--trials 100000] [--learned 3000]
        [--pictures 100000] [--only archive,trials,pictures] [--record]

Each in a process of its own. Seconds are of this process's CPU unless they say otherwise, so that a busy machine counts
less; memory is what a process grew by after its imports. The control of a search's last trials are its own first ones.
`--record` writes the sections of benchmarks/results/speed.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.goals import VAL_ACCURACY
from evonas.core.types import Candidate, Evaluation, Task
from evonas.encodings.cell import CellEncoding
from evonas.encodings.macro import MacroEncoding
from evonas.execution.processes import Serial
from evonas.memory.archive import Archive, RunRecord
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method
from studies.speed import results

RUNS, TASKS, GENOMES = 1000, 20, 5000
TASK = Task("null", (3, 32, 32), 10)
MB = 1e6


def resident() -> float:
    """MB that this process holds now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() / MB


def most() -> float:
    """MB that it held at most. `getrusage` would tell of the process that started this one too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / MB


@contextmanager
def measured(row: dict[str, Any], name: str):
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    row[name], row[f"{name}_wall"] = time.process_time() - cpu, time.perf_counter() - wall


# --- an archive


def fill(path: Path, evaluations: int) -> None:
    """So many of 1,000 runs on 20 tasks, as a search would have written them."""
    archive = Archive(path)
    for r in range(RUNS):
        task = Task(f"task-{r % TASKS}", (3, 32, 32), 10, {}, f"fingerprint-{r % TASKS}")
        archive.add_run(RunRecord(f"run-{r}", task, "cell", "evolution", seed=r))
    archive.close()
    encoding, rng = CellEncoding(), np.random.default_rng(0)
    genomes = [json.dumps(encoding.sample(rng)) for _ in range(GENOMES)]

    def rows():
        for k in range(evaluations):
            r, n = k % RUNS, k // RUNS
            value = (r * 31 + n * 17) % 1000 / 1000
            figures = {"val_accuracy": value, "val_loss": 1 - value, "params": 83706, "flops": 1392736, "seconds": 0.72}
            genome = genomes[(r * 7919 + n * 31) % GENOMES]
            yield r + 1, n, n, genome, 1.0, "[]", json.dumps(figures), 0.7, 0.7 * n, "ok", "offspring"

    columns = "run_id,number,after,genome,fidelity,parents,metrics,seconds,elapsed,status,origin"
    with sqlite3.connect(path) as connection:
        connection.executemany(f"insert into evaluations({columns}) values({','.join('?' * 11)})", rows())
    connection.close()


def of_archive(path: Path) -> dict[str, Any]:
    """Opened, and what a ranker would learn from it."""
    from evonas_surrogates import recall, source_data

    row: dict[str, Any] = {"megabytes": path.stat().st_size / MB}
    before = resident()
    with measured(row, "opened"):
        archive = Archive(path)
        row["runs"] = len(archive.runs())
    with measured(row, "history"):
        new = Task("new", (3, 32, 32), 10, {}, "fingerprint-new")
        found = source_data.read(archive, "cell", new, VAL_ACCURACY, most=recall.TRAININGS)
    return {**row, "rows": len(found.y), "grown": most() - before, "peak": most()}


# --- a search of many trials


def null(candidate: Candidate, task: Task, seed: int) -> Evaluation:
    """Takes no time; wide, deep networks are good, and the rest is chance that the genome decides."""
    numbers = [gene for gene in candidate.genome if isinstance(gene, int)]
    chance = hash(candidate.genome) % 1000 / 1000  # of numbers: the same in every process
    return Evaluation(candidate, {"val_accuracy": float(np.tanh(sum(numbers) / 200) * 0.9 + 0.1 * chance)})


class Tenths:
    """A callback: CPU and memory at the end of each tenth."""

    def __init__(self, trials: int):
        self.every, self.count = trials // 10, 0
        self.cpu, self.memory = [time.process_time()], [resident()]

    def told(self, trial: Any) -> None:
        self.count += 1
        if self.count % self.every == 0:
            self.cpu.append(time.process_time())
            self.memory.append(resident())

    def started(self, *_: Any) -> None: ...
    def asked(self, *_: Any) -> None: ...
    def ended(self, *_: Any) -> None: ...


def of_trials(method: str, trials: int) -> dict[str, Any]:
    encoding, tenths = MacroEncoding(), Tenths(trials)
    with tempfile.TemporaryDirectory() as folder:
        store = Archive(Path(folder) / "archive.db")
        store.add_run(RunRecord("run", TASK, "macro", method))
        searcher = make_method(method, SearchContext(encoding, task=TASK))
        run(searcher, Serial(null), TASK, seed=0, budget=Budget(trials), store=store, callbacks=[tenths])
        assert store.counts() == {"run": trials}
    each = np.diff(tenths.cpu) / tenths.every * 1000
    return {
        "method": method,
        "trials": trials,
        "first": each[0],
        "last": each[-1],
        "ratio": each[-1] / each[0],
        "grown": tenths.memory[-1] - tenths.memory[1],
    }


# --- many pictures


def draw(folder: Path, pictures: int) -> None:
    """Of ten classes, 32 × 32, as JPEG files."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for kind in range(10):
        (folder / str(kind)).mkdir(parents=True)
    for k in range(pictures):
        shade = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(shade).resize((32, 32)).save(folder / str(k % 10) / f"{k}.jpg")


def of_pictures(folder: Path, pictures: int) -> dict[str, Any]:
    """From the command to the first training."""
    from evonas.app.config import SearchConfig
    from evonas.app.job import Interrupted, carry_out
    from evonas.app.preparation import prepare

    class Until(Tenths):
        """Stops the search, as Ctrl-C does, where the first training would begin."""

        def asked(self, *_: Any) -> None:
            raise KeyboardInterrupt

    row: dict[str, Any] = {"pictures": pictures}
    options = {"data": f"folder:{folder}", "trials": 1, "archive": str(folder.parent / "archive.db")}
    before = resident()
    with measured(row, "seconds"), suppress(Interrupted):
        carry_out(prepare(SearchConfig.make({**options, "out": str(folder.parent / "out")})), [Until(10)])
    return {**row, "each": 1000 * row["seconds"] / pictures, "grown": most() - before}


def alone(work: Callable[..., dict[str, Any]], *words: Any) -> dict[str, Any]:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        row = pool.submit(work, *words).result()
    print(row, flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluations", type=int, default=1_000_000)
    parser.add_argument("--trials", type=int, default=100_000, help="of evolution")
    parser.add_argument("--learned", type=int, default=3_000, help="of evolution+meta")
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--only", default="archive,trials,pictures")
    parser.add_argument("--record", action="store_true", help="write benchmarks/results/speed.md")
    options = parser.parse_args()
    only = options.only.split(",")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "archive" in only:
            fill(folder / "large.db", options.evaluations)
            row = {**alone(of_archive, folder / "large.db"), "evaluations": options.evaluations}
            show("A large archive", ARCHIVE, [row], OF_ARCHIVE, options.record)
        if "trials" in only:
            rows = [alone(of_trials, "evolution", options.trials), alone(of_trials, "evolution+meta", options.learned)]
            show("A search of many trials", TRIALS, rows, OF_TRIALS, options.record)
        if "pictures" in only:
            draw(folder / "pictures", options.pictures)
            rows = [alone(of_pictures, folder / "pictures", options.pictures)]
            show("A folder of many pictures", PICTURES, rows, OF_PICTURES, options.record)


ARCHIVE = (
    "Evaluations of 1,000 runs on 20 tasks; a ranker's history is the sample that a search begins with. CPU seconds."
)
OF_ARCHIVE = {
    "evaluations": "{evaluations:,}",
    "file": "{megabytes:,.0f} MB",
    "opened, runs listed (bar 1 s)": "{opened:.3f} s",
    "history (bar 10 s)": "{history:.1f} s",
    "rows of it": "{rows:,}",
    "memory grew by": "{grown:,.0f} MB",
    "the process at most (bar 1,074 MB)": "{peak:,.0f} MB",
}
TRIALS = "On a task that takes no time, encoding `macro`, with the archive; CPU milliseconds a trial."
OF_TRIALS = {
    "method": "{method}",
    "trials": "{trials:,}",
    "first tenth": "{first:.2f} ms",
    "last tenth": "{last:.2f} ms",
    "ratio (bar 1.3; with the memory: 40 ms)": "{ratio:.2f}",
    "memory grew by (bar 200 MB)": "{grown:,.0f} MB",
}
PICTURES = "JPEG files of 32 × 32 pixels in ten folders: from the command to the first training. CPU seconds."
OF_PICTURES = {
    "pictures": "{pictures:,}",
    "first training after": "{seconds:.1f} s",
    "each": "{each:.2f} ms",
    "memory grew by": "{grown:,.0f} MB",
}


def show(title: str, said: str, rows: list[dict[str, Any]], columns: dict[str, str], record: bool) -> None:
    body = f"{said}\n\n{results.table(rows, columns)}"
    print(f"## {title}\n\n{body}\n", flush=True)
    if record:
        results.record(title, "cpu", body)


if __name__ == "__main__":
    main()
