"""Genes of a table: categories, some of them numbers."""

from __future__ import annotations

from collections.abc import Mapping

from evonas.encodings.categorical import CategoricalEncoding


class OrderedGenes(CategoricalEncoding):
    """Genes whose numbers have an order: besides one-hot, a surrogate sees the rank of a number among its choices."""

    def features(self, genome: tuple) -> Mapping[str, float]:
        found = dict(super().features(genome))
        for (name, options), value in zip(self.genes.items(), genome, strict=True):
            if not any(isinstance(option, str) for option in options):
                found[name] = float(options.index(value))
        return found
