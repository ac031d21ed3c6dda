"""The meta-surrogate: a ranker that begins with what earlier searches taught."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas_surrogates import pretrained
from evonas_surrogates.recall import recalled
from evonas_surrogates.remembered import Remembered, best_for_all, completed, relative
from evonas_surrogates.transfer import TransferModel


class MetaSurrogate(TransferModel):
    """Source models of earlier tasks, recalled from an archive and a model file, and stacked on the task at hand.

    Args:
        portfolio: how many trainings are chosen for what they add to those before, where earlier tasks agree; fewer
            the less they do.
        max_rows: of an earlier task; of more a random part is learned from.
        trees: of a source model.
        seed: of the source models.
        model: a file of `evonas surrogate fit` that `recall` starts from, instead of the one that evonas ships.
        forget: earlier tasks that `recall` forgets, comma-separated: by their names, or by what their images are made
            of (`mnist` for AddNIST too).
    """

    def __init__(
        self,
        portfolio: int = 24,
        max_rows: int = 20_000,
        trees: int = 100,
        seed: int = 0,
        model: str | None = None,
        forget: str = "",
    ):
        super().__init__(portfolio, max_rows, trees, seed)
        self.model = model
        self.forget = forget
        self.remembered_ = Remembered()
        if model is not None and not isinstance(model, str):
            raise EvonasError(f"model={model!r} is no path; give one in quotes: meta(model='my.safetensors')")
        if not isinstance(forget, str):
            raise EvonasError(f"forget={forget!r} names no tasks; give them in quotes: meta(forget='mnist,cifar10')")

    def suggestions(self, n: int) -> list[Any]:
        """Up to `n` remembered genomes that serve all earlier tasks together best, by their results there and, where
        they have none, by what the source models predict (`remembered.py`); none without a memory."""
        if not self.names_:
            return []
        genomes, X, results = self.remembered_.known(self.feature_names_ or (), self.names_)
        if not genomes:
            return []
        chosen = best_for_all(relative(completed(results, self._rows(X).sources)), n)
        return [genomes[place] for place in chosen]

    @classmethod
    def recall(cls, context: SearchContext[Any], **options: Any) -> Self:
        """Fitted from what the context's store holds of other data sets, and from a model file: see `recall.py`."""
        return recalled(cls, context, **options)

    @classmethod
    def shipped(cls) -> Mapping[str, Mapping[str, int]]:
        """Of the models that come with evonas: encoding -> earlier task -> trainings of it."""
        return pretrained.shipped()
