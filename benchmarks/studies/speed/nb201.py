"""Whether networks trained here order as the benchmark says: NAS-Bench-201's accuracies after 12 epochs, and ours.

    python benchmarks/studies/speed/nb201.py --published nb201.npz --images cifar10.npz [--cells 10] [--seeds 3]
                                     [--seconds 60] [--device cuda] [--json] [--record]

`--published` holds `arch` (15625, 6), codes of `ops` in the order of `evonas.encodings.cell.EDGES`; `datasets`; `val12`
(15625, 3), the validation accuracy in percent of the separate 12-epoch training; `rep_idx`, the row that stands for all
isomorphic to it. No package that evonas uses has these values. One cell is drawn at random from each tenth of the
distinct cells by published accuracy, so that good and bad ones are there; the figure is Spearman's correlation.

As the benchmark trains (Dong & Yang 2020, ICLR): C = 16, N = 5, all edges built; 25,000 of CIFAR-10's training images,
validated on the other 25,000; 12 epochs, batch 256, learning rate 0.1, Nesterov momentum 0.9, cosine to zero, weight
decay 5e-4, no label smoothing, flip and crop with 4 pixels. What stays evonas's: a tenth of the schedule is warm-up, no
weight decay on normalisation, bfloat16 convolutions, another split. It is meant for a GPU; `--train-size`, `--epochs`
and `--cells` make it a trial of the script on a CPU, which is never recorded.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from evonas.core import environment
from evonas.core.types import Candidate
from evonas.domains.images import Images, Split, load_images, split
from evonas.domains.splitting import stratified
from evonas.encodings.cell import CellEncoding, cell_string
from evonas.training.trainer import TorchTrainer
from studies.speed import results

BAR, AIM = 0.9, 0.97
EPOCHS = 12
DATA = "cifar10"


def published(path: Path, cells: int) -> dict[str, float]:
    """So many cells, each drawn from its share of the distinct ones by accuracy, and those accuracies (0 to 1)."""
    with np.load(path, allow_pickle=False) as table:
        names = [str(name) for name in table["ops"]]
        column = [str(name) for name in table["datasets"]].index(DATA)
        values, codes, distinct = table["val12"][:, column], table["arch"], np.unique(table["rep_idx"])
    distinct = distinct[np.isfinite(values[distinct])]
    ordered = distinct[np.argsort(values[distinct], kind="stable")]
    rng = np.random.default_rng(0)
    drawn = [int(rng.choice(part)) for part in np.array_split(ordered, cells)]
    return {cell_string([names[code] for code in codes[row]]): float(values[row]) / 100 for row in drawn}


def halves(images: Images, size: int | None) -> Split:
    """Half of the training images to train on, or `size` of them, and the other half, or as many, to validate."""
    train, val = stratified(images.y, len(images.y) // 2, np.random.default_rng(0), images.name)
    train, val = (np.random.default_rng(1).permutation(part)[:size] for part in (train, val))
    data = split(images, seed=0)
    return replace(data, x_train=images.x[train], y_train=images.y[train], x_val=images.x[val], y_val=images.y[val])


def accuracies(
    data: Split, cells: list[str], seeds: int, epochs: int, device: str, seconds: float = math.inf
) -> dict[str, list[float]]:
    """Ours, of each cell with each seed; no further seed is begun when so many seconds are over. Raises RuntimeError
    where a training failed."""
    start = time.perf_counter()
    encoding = CellEncoding(width=16, cells=5, pruned=False)
    trainer = TorchTrainer(encoding, data, epochs, batch_size=256, lr=0.1, label_smoothing=0.0, device=device)
    found: dict[str, list[float]] = {cell: [] for cell in cells}
    for seed in range(seeds):
        if seed and time.perf_counter() - start > seconds:
            break
        for cell in cells:
            evaluation = trainer(Candidate(cell), data.task, seed)
            if not evaluation.ok:
                raise RuntimeError(f"{cell}: {evaluation.error}")
            found[cell].append(evaluation.metrics["val_accuracy"])
    return found


def measure(options: argparse.Namespace) -> dict[str, Any]:
    theirs = published(options.published, options.cells)
    data = halves(load_images(f"npz:{options.images}"), options.train_size)
    ours = accuracies(data, list(theirs), options.seeds, options.epochs, options.device, options.seconds)
    rows = [
        {"cell": cell, "published": value, "ours": statistics.mean(ours[cell]), "by_seed": ours[cell]}
        for cell, value in theirs.items()
    ]
    return {
        "spearman": spearman(rows, None),
        "spearman_by_seed": [spearman(rows, seed) for seed in range(len(rows[0]["by_seed"]))],
        "bar": BAR,
        "aim": AIM,
        "epochs": options.epochs,
        "images": len(data.y_train),
        "rows": rows,
        "hardware": results.hardware(options.device),
        "versions": environment.versions(),
    }


def spearman(rows: list[dict[str, Any]], seed: int | None) -> float:
    """Published with ours, mean over seeds or of one seed."""
    ours = [row["ours"] if seed is None else row["by_seed"][seed] for row in rows]
    return round(float(stats.spearmanr([row["published"] for row in rows], ours).statistic), 3)  # type: ignore[attr-defined]


COLUMNS = {"cell": "`{cell}`", "published": "{published:.2%}", "evonas": "{ours:.2%}"}


def text(found: dict[str, Any]) -> str:
    rows = [{**row, "cell": row["cell"].replace("|", "\\|")} for row in found["rows"]]
    alone = ", ".join(f"{value:.3f}" for value in found["spearman_by_seed"])
    return (
        f"Validation accuracy on CIFAR-10 after {found['epochs']} epochs on {found['images']:,} images: Spearman "
        f"**{found['spearman']:.3f}** over {len(rows)} cells (bar {found['bar']:g}, aim {found['aim']:g}); of one seed "
        f"each: {alone}.\n\n{results.table(rows, COLUMNS)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", type=Path, help="npz with arch, ops, datasets, val12, rep_idx")
    parser.add_argument("--images", help="npz of CIFAR-10: arrays, or JPEG bytes")
    parser.add_argument("--cells", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=math.inf, help="then no further seed is begun")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--train-size", type=int, help="train and validate on so many images only")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--record", action="store_true", help="write its section, or on a CPU leave its row open")
    options = parser.parse_args()
    whole = options.epochs == EPOCHS and options.train_size is None
    if options.record and (options.device == "cpu" or not whole):
        results.leave_open("Published accuracies", WAITING)
        return
    if not options.published or not options.images:
        parser.error("give --published and --images")
    found = measure(options)
    print(json.dumps(found) if options.json else text(found))
    if options.record:
        results.record("Published accuracies", options.device, text(found))


WAITING = (
    "Spearman of NAS-Bench-201's published 12-epoch validation accuracies on CIFAR-10 with ours, 10 cells: bar "
    f"{BAR:g}, aim {AIM:g}. `python benchmarks/studies/speed/nb201.py --published nb201.npz --images cifar10.npz "
    "--device cuda --record` measures it."
)

if __name__ == "__main__":
    main()
