"""Everything that waits for a GPU, in one go of at most nine minutes.

    python benchmarks/studies/speed/on_gpu.py --images cifar10.npz --published nb201.npz [--device cuda] [--record]
                                              [--out on-gpu] [--only train sharing …]
    python benchmarks/studies/speed/on_gpu.py --quick --device cpu       # a trial of the script

The GPU tests, then the scripts of this folder, what matters most first. Each stage is a process group of its own that
is ended when its time is over; all limits together are less than nine minutes, and a clock over the whole shortens the
last ones where that is not enough. What a stage said (`train.txt`) grows while it runs; its exit code, seconds and
figures (`train.json`) and the table of all (`summary.md`) are written when it has ended, each file at once: whoever
interrupts loses the stage that runs, and no other. A stage whose data are missing is left out in words.

Nothing is fetched. The data are under 60 MB: `--images` of CIFAR-10 as JPEG bytes or arrays, `--published` as
`nb201.py` says. With `--record` every stage writes its section of benchmarks/results/speed.md; the folder has a copy.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evonas.core.errors import EvonasError
from evonas.training.devices import find_device
from studies.speed import results
from studies.speed.on_gpu_stages import Stage, stages

TOTAL = 535.0  # seconds of the whole
GRACE = 3.0  # seconds that a stage has to end in once it is told to
WORTH = 5.0  # a stage is not begun with less of the whole time left
HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@dataclass
class Ended:
    """A stage that is over. `outcome`: done, failed, out of time, interrupted, or left out, with the reason in `why`;
    `exit` is the code of the process; `figures` what the script measured."""

    name: str
    outcome: str
    limit: float
    seconds: float = 0.0
    exit: int | None = None
    why: str = ""
    command: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


class Go:
    """One run over the stages, which leaves all it finds in `folder` as soon as it has it; the `page` that stages
    record in, too: from a machine that is lent perhaps only this folder comes back."""

    def __init__(self, folder: Path, total: float = TOTAL, page: Path | None = None):
        self.folder, self.end, self.page = folder, time.monotonic() + total, page
        self.found: list[Ended] = []
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, chosen: Sequence[Stage]) -> list[Ended]:
        """Raises KeyboardInterrupt, with what was found written, where the run is interrupted."""
        for stage in chosen:
            limit = min(stage.limit, self.end - time.monotonic())
            if stage.missing:
                self._keep(Ended(stage.name, "left out", stage.limit, why=f"without {stage.missing}"))
            elif limit < min(WORTH, stage.limit):
                self._keep(Ended(stage.name, "left out", stage.limit, why="the whole time was over"))
            else:
                self._one(stage, limit)
        return self.found

    def _one(self, stage: Stage, limit: float) -> None:
        path, start = self.folder / f"{stage.name}.txt", time.monotonic()
        outcome, code = "interrupted", None
        try:
            with path.open("wb") as output, _group(stage.command, output) as process:
                try:
                    code = process.wait(limit)
                    outcome = "failed" if code else "done"
                except subprocess.TimeoutExpired:
                    outcome = "out of time"
        finally:
            seconds = round(time.monotonic() - start, 2)
            said = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
            command = " ".join(map(str, stage.command))
            self._keep(Ended(stage.name, outcome, round(limit, 2), seconds, code, "", command, figures(said)))

    def _keep(self, ended: Ended) -> None:
        self.found.append(ended)
        _write(self.folder / f"{ended.name}.json", json.dumps(asdict(ended), indent=1) + "\n")
        _write(self.folder / "summary.md", summary(self.found))
        if self.page is not None:
            _write(self.folder / self.page.name, self.page.read_text(encoding="utf-8"))
        print(f"{ended.name}: {ended.outcome}{f' ({ended.why})' * bool(ended.why)}, {ended.seconds:.0f} s", flush=True)


@contextmanager
def _group(command: Sequence[str], output: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with all it has started: what sharing.py spawns must not go on beside the next stage."""
    paths = [str(ROOT), str(ROOT / "surrogates"), str(ROOT / "benchmarks"), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=ROOT, start_new_session=True
    )
    try:
        yield process
    finally:
        for told in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, told)
            except ProcessLookupError:  # it is over, and nothing of it is left
                break
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                continue
        process.wait()


def figures(said: str) -> dict[str, Any]:
    """What a script measured: the last line that is a JSON object; or pytest's counts; empty where there is neither."""
    for line in reversed(said.splitlines()):
        if line.startswith("{"):
            try:
                return json.loads(line)
            except ValueError:
                continue
        if counts := re.findall(r"(\d+) (passed|failed|skipped|errors?)\b", line):
            return {name: int(number) for number, name in counts}
    return {}


def summary(found: Sequence[Ended]) -> str:
    """A table in Markdown: numbers that stand at the top of a stage's figures are its result, bars and aims among
    them."""
    lines = ["| stage | outcome | seconds | limit | figures |", "| --- | --- | --- | --- | --- |"]
    for one in found:
        said = "; ".join(f"{name} {text}" for name, value in one.figures.items() if (text := _number(value))) or "–"
        outcome = f"{one.outcome}: {one.why}" if one.why else one.outcome
        lines.append(f"| {one.name} | {outcome} | {one.seconds:.0f} | {one.limit:.0f} | {said} |")
    return "\n".join(lines) + "\n"


def _number(value: Any) -> str:
    """A number, or a few of them; of anything else nothing."""
    values = value if isinstance(value, (list, tuple)) else [value]
    if len(values) > 3 or not all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in values):
        return ""
    return " to ".join(f"{each:g}" for each in values)


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


def absolute(path: str) -> Path:
    """The stages run in the repository, wherever this was called."""
    return Path(path).expanduser().absolute()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, or cpu with --quick")
    parser.add_argument("--quick", action="store_true", help="digits, sizes of seconds: a trial of the script")
    parser.add_argument("--images", type=absolute, help="npz of CIFAR-10: arrays, or JPEG bytes")
    parser.add_argument("--published", type=absolute, help="npz of NAS-Bench-201's accuracies, see nb201.py")
    parser.add_argument("--out", type=Path, default=Path("on-gpu"), help="a folder for what was found")
    parser.add_argument("--only", nargs="+", help="only these stages")
    parser.add_argument("--total", type=float, default=TOTAL, help="seconds of the whole")
    parser.add_argument("--record", action="store_true", help="each stage writes its section of results/speed.md")
    options = parser.parse_args()
    if options.quick and options.record:
        parser.error("--quick is a trial and is not recorded; leave one of --quick and --record out")
    chosen = stages(HERE, options)
    names = [stage.name for stage in chosen]
    if unknown := set(options.only or names) - set(names):
        parser.error(f"no stage {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    try:
        find_device(options.device)  # asks whether it is there, and takes no memory on it
    except EvonasError as error:
        parser.error(str(error))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)  # a machine that is handed back ends what runs so
    go = Go(options.out, options.total, results.FILE if options.record else None)
    try:
        go.run([stage for stage in chosen if stage.name in (options.only or names)])
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        print(summary(go.found))
    sys.exit(int(any(ended.outcome in ("failed", "out of time") for ended in go.found)))


if __name__ == "__main__":
    main()
