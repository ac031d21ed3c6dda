"""Whether a front's latencies hold: its members exported, and timed again by another process.

    python benchmarks/studies/speed/front_latency.py [--data digits npz:fashion_mnist.npz] [--images 6000] [--trials 30]
        [--epochs 3] [--seeds 3] [--json] [--record]

A real search each (`evonas search --objectives val_accuracy,latency_ms`), at most so many images of a set in all;
`evonas export RUN --all` trains every member of its front and writes it; a process that has not searched loads each
(`evonas.load`) and measures it as a search does (the shortest but five of 50 runs of one image, one thread), in an
order drawn at random. The figure is Kendall's τ of the front's own `latency_ms` with those, the mean over searches.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau

import evonas
from evonas.core import environment
from evonas.training.latency import milliseconds
from studies.speed import results

BAR, AIM = 0.8, 0.9


def command(*arguments: str) -> None:
    """Raises RuntimeError with what it said, where it failed."""
    act = "from evonas.app.cli import main; main()"
    run = subprocess.run([sys.executable, "-c", act, *arguments], capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"evonas {' '.join(arguments)}: {run.stdout[-500:]}{run.stderr[-1500:]}")


def timed(folders: list[Path]) -> dict[str, float]:
    """What the other process does: milliseconds of the network in each folder, by its name."""
    order = np.random.default_rng(0).permutation(len(folders))
    networks = {folders[i].name: evonas.load(folders[i]) for i in order}
    return {name: milliseconds(network.model, network.input_shape) for name, network in networks.items()}


def again(folders: list[Path]) -> dict[str, float]:
    run = subprocess.run(
        [sys.executable, __file__, "--time", *map(str, folders)], capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout.splitlines()[-1])


def few(data: str, images: int, folder: Path) -> str:
    """A data set of at most so many training and a sixth as many test images, the first of each."""
    if not data.startswith("npz:"):
        return data
    path = Path(data.removeprefix("npz:"))
    with np.load(path, allow_pickle=False) as arrays:
        kept = {name: arrays[name][: images if "train" in name else images // 6] for name in arrays.files}
    np.savez(folder / path.name, **kept)
    return f"npz:{folder / path.name}"


def search(data: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """A row: the front's latencies, in milliseconds, by the search and `again`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = ["--archive", str(folder / "archive.db")]
        spec = few(data, options.images, folder)
        command("search", "--data", spec, "--objectives", "val_accuracy,latency_ms", "--trials", str(options.trials),
                "--epochs", str(options.epochs), "--seed", str(seed), "--name", "front", "--out", str(folder / "out"),
                "--quiet", *archive)  # fmt: skip
        command("export", "front", "--all", "--out", str(folder / "all"), *archive)
        front = json.loads((folder / "out" / "result.json").read_text(encoding="utf-8"))["front"]
        found = again(sorted((folder / "all").glob("trial-*")))
        first = [member["metrics"]["latency_ms"] for member in front]
        # a member's place is its trial's in the order in which they were told, from 1: the folder's name
        second = [found[f"trial-{member['trial'] + 1}"] for member in front]
    return {
        "data": Path(data.partition(":")[2]).stem or data,
        "seed": seed,
        "members": len(front),
        "by the search": first,
        "again": second,
        "tau": float(kendalltau(first, second).statistic),  # type: ignore[attr-defined]
        "difference": statistics.median(abs(a - b) / b for a, b in zip(first, second, strict=True)),
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    rows = [search(data, seed, options) for data in options.data for seed in range(options.seeds)]
    taus = {data: statistics.mean(r["tau"] for r in rows if r["data"] == data) for data in {r["data"] for r in rows}}
    return {
        "tau": min(taus.values()),
        "by_data": taus,
        "rows": rows,
        "hardware": results.hardware("cpu"),
        "versions": environment.versions(),
    }


COLUMNS = {
    "data": "{data}",
    "seed": "{seed}",
    "members": "{members}",
    "latency_ms, lowest to highest": "{range}",
    "Kendall's τ": "**{tau:.2f}**",
    "median relative difference": "{difference:.0%}",
}


def text(found: dict[str, Any]) -> str:
    means = ", ".join(f"{data} **{tau:.2f}**" for data, tau in sorted(found["by_data"].items()))
    rows = [
        {**row, "range": f"{min(row['by the search']):.2f} to {max(row['by the search']):.2f}"} for row in found["rows"]
    ]
    return (
        "Members of a front, exported and timed again by another process: Kendall's τ of `latency_ms` with that of the "
        f"search, mean over searches: {means} (bar {BAR:g}, aim {AIM:g}).\n\n{results.table(rows, COLUMNS)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["digits"], help="digits, npz:FILE, …")
    parser.add_argument("--images", type=int, default=6000, help="of a file at most")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--record", action="store_true", help="write its section of benchmarks/results/speed.md")
    parser.add_argument("--time", nargs="+", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.time:
        print(json.dumps(timed(options.time)))
        return
    found = measure(options)
    print(json.dumps(found) if options.json else text(found))
    if options.record:
        results.record("Latencies of a front", "cpu", text(found))


if __name__ == "__main__":
    main()
