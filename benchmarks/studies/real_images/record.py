"""Run whole systems on image sets, one row a set, system and seed; stopped whenever you like, it goes on where it was.

    python benchmarks/studies/real_images/record.py --sets addnist=npy:FOLDER,kmnist=npz:FILE --systems evonas,resnet8

Each row names the commit, the processor and the versions. One core: torch gets one thread. Nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROWS = Path(__file__).parents[2] / "results" / "real_images.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", required=True, help="NAME=SOURCE,… as `evonas search --data` takes it")
    parser.add_argument("--systems", default="evonas,resnet8")
    parser.add_argument("--seeds", default="0", help="comma-separated")
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--images", type=int, default=10_000, help="at most so many to learn from")
    parser.add_argument("--rows", type=Path, default=ROWS)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    from evonas.core.environment import processor, versions
    from studies.real_images.systems import SYSTEMS

    done = {key(row) for row in rows(options.rows)}
    for name, source in (one.split("=", 1) for one in options.sets.split(",")):
        data = None
        for seed in map(int, options.seeds.split(",")):
            for system in options.systems.split(","):
                row: dict[str, Any] = {"set": name, "system": system, "seed": seed, "budget": options.seconds}
                if key(row) in done:
                    continue
                data = data or load(name, source, options.images)
                found = SYSTEMS[system](data, options.seconds, seed)
                row |= {**found, "commit": commit(), "processor": processor(), "versions": versions()}
                with options.rows.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                print(
                    f"{name} {system} seed {seed}: {found['test_accuracy']:.4f} in {found['seconds']:.0f} s", flush=True
                )


def load(name: str, source: str, most: int) -> Any:
    """The set, of what may be learned from at most so many images, drawn by a fixed seed; tested on all."""
    from dataclasses import replace

    from evonas.domains.domain import load_data

    data: Any = load_data(source)
    if data.x_val is not None:  # drawn again by each seed
        x, y = np.concatenate([data.x, data.x_val]), np.concatenate([data.y, data.y_val])
        data = replace(data, x=x, y=y, x_val=None, y_val=None)
    some = np.sort(np.random.default_rng(0).permutation(len(data.y))[:most])
    return replace(data, name=name, x=data.x[some], y=data.y[some])


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("set", "system", "seed", "budget"))


def commit() -> str:
    """Short, with + where the tree differs from it."""
    return _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "-uno") else "")


def _git(*words: str) -> str:
    found = subprocess.run(["git", *words], capture_output=True, text=True, cwd=Path(__file__).parent)
    return found.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
