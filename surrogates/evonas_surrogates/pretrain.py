"""Make the shipped model of the `cell` encoding: a view of each NAS-Bench-201 table.

    python -m evonas_surrogates.pretrain

Needs the extra `bench`. Fits on a random four fifths of the 6,466 distinct cells, prints how well the rest are ranked,
then fits on all and writes `pretrained/cell.skops` and `pretrained/cell.json` (what the model card quotes).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from scipy.stats import kendalltau, spearmanr

from evonas.environment import versions
from evonas.plugins import resolve
from evonas.screening import row
from evonas_surrogates import modelfile
from evonas_surrogates.meta import MetaSurrogate
from evonas_surrogates.pretrained import FOLDER

NAMES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "ImageNet16-120": "ImageNet16-120"}


def main(seed: int = 0) -> None:
    table: Any = resolve("evonas.suites", "evonas_benchmarks.packaged:nasbench201")()
    features = [table.encoding.features(genome) for genome in table.genomes]
    names = sorted(features[0])
    X = np.array([row(f) for f in features])
    held_out = np.random.default_rng(seed).random(len(X)) < 0.2
    y = {task.name: table.values(task.name, table.entry(task.name).objective.name) for task in table.tasks}
    quality = {}
    for name, values in y.items():
        model = MetaSurrogate(seed=seed).fit(X[~held_out], values[~held_out], [name] * int((~held_out).sum()))
        predicted = model.predict(X[held_out])
        best = np.argsort(-predicted)[:10]
        true = values[held_out]
        quality[_title(name)] = {
            "spearman": float(np.asarray(spearmanr(predicted, true))[0]),
            "kendall": float(np.asarray(kendalltau(predicted, true))[0]),
            "top_10_regret": float(true.max() - true[best].max()),
            "held_out": int(held_out.sum()),
        }
        print(_title(name), quality[_title(name)])
    groups = np.repeat([_title(name) for name in y], len(X))
    model = MetaSurrogate(seed=seed).fit(np.tile(X, (len(y), 1)), np.concatenate(list(y.values())), groups, names)
    path = FOLDER / "cell.skops"
    modelfile.save(model, path, encoding="cell", objective="val_accuracy", tasks={_title(name): name for name in y})
    card = {"made_by": "python -m evonas_surrogates.pretrain", "versions": versions(), "quality": quality}
    (FOLDER / "cell.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(
        f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, {len(model.names_)} views, weight {model.weight_:.3f} each"
    )


def _title(name: str) -> str:
    return f"{NAMES.get(name, name)} (NAS-Bench-201)"


if __name__ == "__main__":
    main()
