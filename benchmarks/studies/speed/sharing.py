"""Trainings an hour against how many run at the same time: on one device, and over all of them.

    python benchmarks/studies/speed/sharing.py [--device cpu] [--workers 1 2 4 8] [--together 2 4 8 2x4]
        [--trainings 16] [--rounds 3] [--json] [--record]

The same trainings (five cells in turn, each with a seed of its own) one at a time; by 1, 2, 4, … processes that share
one device; and together, by one process (2x4: by two) in which so many take turns. On a CPU the processes have 1, 2, 4,
… threads each as far as there are cores, two at least; on several GPUs as many on every one are measured too. All arms
take their turn in every round, in another order each; the ratio is the median over rounds of that to one at a time,
which has its own process too. What happens once a process (its start, the data's way to the device, a first short
training) is not counted; that the last trainings leave some of them idle is.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from evonas.core import environment
from evonas.core.types import Candidate, Evaluation
from evonas.execution.processes import Processes
from evonas.training.trainer import TorchTrainer
from studies.speed import results, train

BAR, AIM = 2.0, 6.0  # trainings an hour on one GPU, to one at a time
SHORT = 1e-6  # fidelity of a training of one epoch


@dataclass(frozen=True)
class Arm:
    """So many processes on each of so many devices; `threads` of each on a CPU (None: as evonas chooses them), and how
    many trainings take turns in it."""

    workers: int
    devices: int = 1
    threads: int | None = None
    together: int = 1

    @property
    def processes(self) -> int:
        return self.workers * self.devices


def arms(
    workers: Sequence[int], devices: int, cores: int | None, together: Sequence[tuple[int, int]] = ()
) -> list[Arm]:
    """The control first: one at a time, as it comes. `cores` where the device is a CPU; `together` are processes and
    trainings in each."""
    shared = [Arm(w, d, together=k) for d in sorted({1, devices}) for w, k in together]
    if cores is None:
        return list(dict.fromkeys([Arm(1), *(Arm(w, d) for d in sorted({1, devices}) for w in workers), *shared]))
    most = max(2, cores)
    return [Arm(1), *(Arm(w, 1, t) for w in workers for t in (1, 2, 4, 8, 16) if w * t <= most), *shared]


def processes_and_each(text: str) -> tuple[int, int]:
    """`4`: four together in one process; `2x4`: in each of two. Raises ValueError."""
    processes, _, each = text.rpartition("x")
    return int(processes or 1), int(each)


def trainings_an_hour(trainer: TorchTrainer, arm: Arm, genomes: Sequence[Any], number: int) -> float:
    """By the processes of an arm once they are warm."""
    devices = trainer.devices()[: arm.devices]
    own = [replace(trainer, device=d, threads=arm.threads) for d in devices for _ in range(arm.workers)]
    task = trainer.data.task
    with Processes(own, together=arm.together) as executor:
        done([executor.submit(Candidate(genomes[0], SHORT), task, 0) for _ in range(executor.slots)])
        start = time.perf_counter()
        done([executor.submit(Candidate(genomes[i % len(genomes)]), task, i) for i in range(number)])
        return 3600 * number / (time.perf_counter() - start)


def done(futures: Sequence[Future[Evaluation]]) -> None:
    """Wait for all. Raises RuntimeError where one failed."""
    for future in futures:
        if not future.result().ok:
            raise RuntimeError(future.result().error)


def measure(
    trainer: TorchTrainer,
    genomes: Sequence[Any],
    chosen: Sequence[Arm],
    number: int,
    rounds: int,
    seconds: float = float("inf"),
) -> list[dict]:
    """A row an arm, the control first. When so many seconds are over no other arm is begun."""
    start = time.perf_counter()
    found: dict[Arm, list[tuple[float, float]]] = {arm: [] for arm in chosen}
    for i in range(rounds):
        rates = {}
        for arm in random.Random(i).sample(list(chosen), len(chosen)):
            if arm == chosen[0] or time.perf_counter() - start < seconds:
                rates[arm] = trainings_an_hour(trainer, arm, genomes, number)
        for arm, rate in rates.items():
            found[arm].append((rate, rate / rates[chosen[0]]))
        if time.perf_counter() - start >= seconds:
            break
    rows = []
    for arm, measured in found.items():
        if not measured:
            continue
        ratio = statistics.median(ratio for _, ratio in measured)
        rows.append(
            {
                "devices": arm.devices,
                "workers": arm.workers,
                "threads": arm.threads or "as it comes",
                "together": arm.together,
                "n": len(measured),
                "trainings_an_hour": round(statistics.median(rate for rate, _ in measured)),
                "ratio": round(ratio, 3),
                "ratio_a_process": round(ratio / arm.processes, 3),
            }
        )
    return rows


def best_of(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The best ratio on one device by processes, and together in them, as far as there is one."""
    found: dict[str, float] = {}
    for row in rows:
        if row["devices"] == 1:
            name = "ratio_together" if row["together"] > 1 else "ratio_processes"
            found[name] = max(found.get(name, 0.0), row["ratio"])
    return found


COLUMNS = {
    "devices": "{devices}",
    "processes a device": "{workers}",
    "threads of each": "{threads}",
    "together in each": "{together}",
    "trainings an hour": "{trainings_an_hour:,}",
    "ratio to one at a time": "**{ratio:.2f}**",
    "ratio a process": "{ratio_a_process:.2f}",
    "n": "{n}",
}


def text(found: dict[str, Any]) -> str:
    cpu = found["device"] == "cpu"
    columns = {title: form for title, form in COLUMNS.items() if title != ("devices" if cpu else "threads of each")}
    best = ", ".join(f"{name[6:]} {ratio:.2f} ×" for name, ratio in best_of(found["rows"]).items())
    bar = "" if cpu else f" (bar {BAR:g}, aim {AIM:g})"
    return (
        f"**{found['data']}**, {found['images']:,} images, {found['epochs']} epochs, batch {found['batch_size']}; "
        f"{found['trainings']} trainings an arm, median of {found['rounds']} rounds. The best way to share one "
        f"device makes **{found['ratio']:.2f} ×** the trainings of one at a time{bar}: {best}.\n\n"
        f"{results.table(found['rows'], columns)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits", help="digits, npz:FILE, …")
    parser.add_argument("--train-size", type=int, help="train on so many images only")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, help="images a step: 64, on a GPU 256")
    parser.add_argument("--device", default="cpu", help="cpu, cuda (one, and all there are), cuda:0")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8], help="processes a device")
    parser.add_argument(
        "--together", type=processes_and_each, nargs="+", default=[(1, 2), (1, 4), (1, 8), (2, 4)], metavar="K, WxK"
    )
    parser.add_argument("--trainings", type=int, default=16, help="of each arm in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no further arm after so many")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--record", action="store_true", help="write its section of benchmarks/results/speed.md")
    options = parser.parse_args()
    cpu = options.device == "cpu"
    setting = train.setting(options.data, options.device, options.batch or (64 if cpu else 256), options.train_size)
    cells = [network for network in setting.networks if network.kind == "cell"]
    trainer = train.make_trainer(replace(setting, epochs=options.epochs))
    chosen = arms(options.workers, len(trainer.devices()), environment.cores() if cpu else None, options.together)
    rows = measure(trainer, [cell.genome for cell in cells], chosen, options.trainings, options.rounds, options.seconds)
    found = {
        "ratio": max(row["ratio"] for row in rows if row["devices"] == 1),
        **best_of(rows),
        "device": options.device,
        "data": setting.data.task.name,
        "images": len(setting.data.y_train),
        "epochs": options.epochs,
        "batch_size": setting.batch_size,
        "trainings": options.trainings,
        "rounds": options.rounds,
        "rows": rows,
        "hardware": results.hardware(options.device),
        "versions": environment.versions(),
    }
    print(json.dumps(found) if options.json else text(found))
    if options.record:
        results.record("Many trainings", options.device, text(found), waiting=WAITING)


WAITING = (
    f"Trainings an hour by processes that share a GPU, or together in one, to one at a time: bar {BAR:g} ×, aim "
    f"{AIM:g} ×; and over several GPUs. `python benchmarks/studies/speed/sharing.py --device cuda --data "
    "npz:cifar10.npz --epochs 2 --trainings 32 --record` measures it."
)

if __name__ == "__main__":
    main()
