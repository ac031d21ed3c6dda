"""How far latency by the table of operations (`latency_table_ms`) is from that of whole networks (`latency_ms`).

    python benchmarks/studies/speed/latency_table.py [--device cpu] [--networks 10] [--seed 0] [--json] [--record]

Random networks of `net`, `cell` and `macro` for 3×32×32 images and ten classes. The table begins empty; half of the
networks fill it, then each of all is predicted and measured as a search measures it (the shortest but five of 50
runs), in one order drawn at random over the encodings, so that what else the machine does meets all alike. It is also
measured a second time: two measurements of one network differ too, and no prediction can be nearer than they are to
each other.
On a CPU a third figure is the median of the thread's own time, which does not grow with the machine's other work as the
wall's does: where the two differ much, the machine was busy.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau
from torch import nn

from evonas.core import environment
from evonas.core.types import Task
from evonas.encodings.make import make_encoding
from evonas.training.building import build, seeded
from evonas.training.devices import threads_of_torch
from evonas.training.latency import milliseconds
from evonas.training.latency_table import LatencyTable

ENCODINGS = ("net", "cell", "macro")
TASK = Task("images", (3, 32, 32), 10)


def measure(device: str, networks: int, seed: int) -> list[dict[str, Any]]:
    """A row for each network: its `encoding`, and milliseconds by the `table`, `measured`, and measured `again`."""
    rng = np.random.default_rng(seed)
    drawn = [
        (name, encoding.sample(rng), encoding)
        for name, encoding in ((name, make_encoding(name)) for name in ENCODINGS)
        for _ in range(networks)
    ]
    order = rng.permutation(len(drawn))
    table, rows = LatencyTable(device), []
    for place in [*order[: len(order) // 2], *order]:
        name, genome, encoding = drawn[place]
        with seeded(0):
            network = build(encoding, genome, TASK)
        by_table = table.milliseconds(network, TASK.input_shape)
        times = [milliseconds(network, TASK.input_shape, device) for _ in range(2)]
        row = {"encoding": name, "table": by_table, "measured": times[0], "again": times[1]}
        rows.append({**row, "own": own_time(network) if device == "cpu" else times[0]})
    return rows[len(order) // 2 :]


def own_time(network: nn.Module, repeats: int = 50) -> float:
    """Milliseconds of the thread that computes, for one image: the median."""
    images, times = torch.zeros(1, *TASK.input_shape), []
    with threads_of_torch(1), torch.inference_mode():
        network.eval()
        for _ in range(repeats + 10):
            start = time.thread_time()
            network(images)
            times.append(time.thread_time() - start)
    return 1000 * statistics.median(times[-repeats:])


def tau(one: np.ndarray, other: np.ndarray) -> float:
    """Kendall's."""
    found: Any = kendalltau(one, other)
    return float(found.statistic)


def summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each encoding and of all: Kendall's tau, the median relative error, the median ratio; and how two measurements
    of one network agree."""
    found = []
    for name in (*ENCODINGS, "all"):
        some = [row for row in rows if name in (row["encoding"], "all")]
        table, measured, again, own = (
            np.array([r[key] for r in some]) for key in ("table", "measured", "again", "own")
        )
        found.append(
            {
                "encoding": name,
                "networks": len(some),
                "fastest": float(measured.min()),
                "slowest": float(measured.max()),
                "tau": tau(table, measured),
                "error": float(np.median(abs(table - measured) / measured)),
                "ratio": float(np.median(table / measured)),
                "tau_own": tau(table, own),
                "error_own": float(np.median(abs(table - own) / own)),
                "tau_again": tau(again, measured),
                "error_again": float(np.median(abs(again - measured) / measured)),
            }
        )
    return found


COLUMNS = {
    "encoding": "{encoding}",
    "networks": "{networks}",
    "latency_ms": "{fastest:.2f} to {slowest:.2f}",
    "Kendall's τ": "{tau:.2f}",
    "median relative error": "{error:.0%}",
    "table / measured": "{ratio:.2f}",
    "τ to the thread's own time": "{tau_own:.2f}",
    "error to it": "{error_own:.0%}",
    "τ of two measurements": "{tau_again:.2f}",
    "their relative difference": "{error_again:.0%}",
}


def text(found: Sequence[dict[str, Any]]) -> str:
    from studies.speed import results

    every, load = found[-1], os.getloadavg()[0]
    return (
        f"`latency_table_ms` against `latency_ms` (the shortest but five of 50 runs, one "
        "image of 3×32×32, one thread): over "
        f"{every['networks']} random networks Kendall's τ is **{every['tau']:.2f}** and the median relative error "
        f"**{every['error']:.0%}** (to the thread's own time {every['tau_own']:.2f} and {every['error_own']:.0%}); "
        f"two measurements of one network have τ {every['tau_again']:.2f} and differ by {every['error_again']:.0%}."
        f" Load of the machine: {load:.1f} on {environment.cores()} cores, this script's own share included."
        f"\n\n{results.table(found, COLUMNS)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu, cuda")
    parser.add_argument("--networks", type=int, default=10, help="of each encoding")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--record", action="store_true", help="write its section of benchmarks/results/speed.md")
    options = parser.parse_args()
    found = summary(measure(options.device, options.networks, options.seed))
    print(json.dumps(found) if options.json else text(found))
    if options.record:
        from studies.speed import results

        results.record("Latency by the table", options.device, text(found), waiting=WAITING)


WAITING = (
    "Kendall's τ and relative error of `latency_table_ms` against `latency_ms`. "
    "`python benchmarks/studies/speed/latency_table.py --device cuda --record` measures it."
)

if __name__ == "__main__":
    main()
