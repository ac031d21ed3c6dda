"""Seconds from the command `evonas search` to its first trained step and its first recorded evaluation.

    python benchmarks/studies/speed/first_step.py [--device cpu] [--data digits] [--repeats 5] [--json] [--record]

Every search is a new process with an empty archive and otherwise the command's own defaults. The control is a process
that imports torch and does no more, in turn with it: what no search on torch gets below. One of each is started before
that and not counted, so that the files are in the system's cache. The process stamps the clock where a step of the
trainer, and an append to the archive, has returned; then it ends.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

BAR, AIM = 15.0, 8.0  # seconds to the first step on a GPU


def searching(arguments: Sequence[str]) -> None:
    """What the new process does: the command, and a line of JSON with the time of day of what was waited for."""
    from evonas.app import cli
    from evonas.memory import archive
    from evonas.training import steps

    times: dict[str, float] = {}

    def stamped(act: Callable[..., Any], name: str, after: Callable[[], object]) -> Callable[..., Any]:
        def acting(*args: Any, **kwargs: Any) -> Any:
            result = act(*args, **kwargs)
            if name not in times:
                after()
                times[name] = time.time()
            return result

        return acting

    def wait() -> None:
        import torch

        if torch.cuda.is_initialized():
            torch.cuda.synchronize()

    def end() -> None:
        print(json.dumps({**times, "evaluation": time.time()}), flush=True)
        os._exit(0)

    for step in (steps.Step, steps.GraphedStep):
        step.__call__ = stamped(step.__call__, "step", wait)
    archive.Archive.append = stamped(archive.Archive.append, "evaluation", end)
    sys.argv = ["evonas", *arguments]
    cli.main()


def first(arguments: Sequence[str]) -> dict[str, float]:
    """Seconds of a new search to its first `step` and `evaluation`. Raises RuntimeError with what it said otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        out = ["--quiet", "--archive", f"{folder}/archive.db", "--out", f"{folder}/out"]
        command = [sys.executable, str(Path(__file__).absolute()), "--searching", "search", *arguments, *out]
        start = time.time()
        run = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    try:
        return {name: at - start for name, at in json.loads(run.stdout.splitlines()[-1]).items()}
    except (IndexError, ValueError):
        raise RuntimeError(f"no evaluation by {' '.join(command)}: {run.stderr or run.stdout}") from None


def importing(device: str) -> float:
    """Seconds of a new process that imports torch, and on a GPU makes a first number there."""
    act = "import torch" + ("" if device == "cpu" else "; torch.zeros(1, device='cuda').item()")
    start = time.time()
    subprocess.run([sys.executable, "-c", act], check=True)
    return time.time() - start


def measure(device: str, data: str, repeats: int, rest: Sequence[str]) -> dict[str, Any]:
    arguments = ["--device", device, "--data", data, *rest]
    found: list[dict[str, float]] = []
    for _ in range(repeats + 1):
        found.append({"torch": importing(device), **first(arguments)})
    medians = {name: statistics.median(one[name] for one in found[1:]) for name in ("torch", "step", "evaluation")}
    return {
        "seconds_to_first_step": round(medians["step"], 2),
        "seconds_to_first_evaluation": round(medians["evaluation"], 2),
        "seconds_of_torch_alone": round(medians["torch"], 2),
        "ratio": round(medians["step"] / medians["torch"], 2),
        "slowest_first_step": round(max(one["step"] for one in found[1:]), 2),
        "data": data.partition(":")[2].rpartition("/")[2] or data,
        "bar": BAR,
        "aim": AIM,
        "repeats": repeats,
    }


def text(found: dict[str, Any]) -> str:
    return (
        f"`evonas search --data {found['data']}`: the first trained step after "
        f"**{found['seconds_to_first_step']:.1f} s** (the slowest of {found['repeats']}: "
        f"{found['slowest_first_step']:.1f} s; bar on a GPU {found['bar']:g}, aim {found['aim']:g}), the first "
        f"evaluation after {found['seconds_to_first_evaluation']:.1f} s. A process that imports torch alone takes "
        f"{found['seconds_of_torch_alone']:.1f} s: the first step comes after {found['ratio']:.1f} × that. Medians of "
        f"{found['repeats']} new processes each, in turn."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits", help="digits, npz:FILE, …")
    parser.add_argument("--device", default="cpu", help="cpu, cuda")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--record", action="store_true", help="write its section of benchmarks/results/speed.md")
    options, rest = parser.parse_known_args()
    found = measure(options.device, options.data, options.repeats, rest)
    print(json.dumps(found) if options.json else text(found))
    if options.record:
        from studies.speed import results

        results.record("The first step", options.device, text(found), waiting=WAITING)


WAITING = (
    f"Seconds from the command to the first trained step: bar {BAR:g} s, aim {AIM:g} s. "
    "`python benchmarks/studies/speed/first_step.py --device cuda --record` measures it."
)

if __name__ == "__main__":
    if sys.argv[1:2] == ["--searching"]:
        searching(sys.argv[2:])
    else:
        main()
