"""An encoding that has changed since is noticed, and the change is named."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from evonas.core.genomes import plain
from evonas.encodings.categorical import CategoricalEncoding
from evonas.encodings.cell import CellEncoding
from evonas.encodings.macro import MacroEncoding
from evonas.encodings.signature import changed, signature


@dataclass
class Gene:
    name: str
    choices: Sequence[Any]


class WithSpace(CategoricalEncoding):
    """As an encoding that has a space says it."""

    def space(self) -> Any:
        genes, names = [Gene(name, choices) for name, choices in self.genes.items()], list(self.genes)

        class Space:
            def choice(self, genome):
                return [g.choices.index(value) for g, value in zip(genes, genome, strict=True)]

        found: Any = Space()
        found.genes = genes
        assert names
        return found

    def features(self, genome):
        return {"n": float(len(genome))}


GENES = {"width": (4, 8), "act": ("relu", ("leaky", 0.1))}


@pytest.mark.parametrize("encoding", [CellEncoding(), MacroEncoding(), WithSpace(GENES)], ids=["cell", "macro", "own"])
def test_the_same_encoding_has_not_changed(encoding):
    recorded = json.loads(json.dumps(signature(encoding)))
    assert changed(recorded, encoding) is None
    assert recorded == json.loads(json.dumps(signature(encoding)))


@pytest.mark.parametrize(
    ("genes", "words"),
    [
        ({**GENES, "drop": (0, 1)}, "the gene 'drop' is new"),
        ({"act": GENES["act"]}, "the gene 'width' is gone"),
        ({"a": (1, 2), "b": (1, 2)}, "the genes 'act', 'width' are gone, the genes 'a', 'b' are new"),
        ({**GENES, "act": ("relu",)}, "the choice ('leaky', 0.1) of gene 'act' is gone"),
        ({**GENES, "width": (4, 8, 12, 16)}, "the choices 12, 16 of gene 'width' are new"),
    ],
)
def test_genes_and_choices_are_named(genes, words):
    recorded = json.loads(json.dumps(signature(WithSpace(GENES))))
    assert changed(recorded, WithSpace(genes)) == words


def test_features_are_named_where_there_is_no_space():
    recorded = {"features": signature(CellEncoding())["features"]}
    assert changed({"features": [*recorded["features"], "age"]}, CellEncoding()) == "the feature 'age' is gone"
    said = changed({"features": recorded["features"][1:]}, CellEncoding())
    assert said is not None
    assert said.endswith("' is new")


@pytest.mark.parametrize("recorded", [None, {}])
def test_of_a_run_without_a_signature_its_genomes_tell(recorded):
    encoding = WithSpace(GENES)
    known = [(4, "relu"), (8, ("leaky", 0.1))]
    assert changed(recorded, encoding, map(plain, known)) is None
    said = changed(recorded, encoding, [*known, (12, "relu")])
    assert said is not None
    assert said.startswith("it does not know the genome (12, 'relu')")
    other = CategoricalEncoding({**GENES, "drop": (0, 1)})
    said = changed(recorded, other, known)
    assert said is not None
    assert "does not know the genome (4, 'relu') any more (ValueError" in said
