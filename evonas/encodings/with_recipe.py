"""Any other encoding with a recipe in its genomes: `with_recipe(encoding='cell(width=32)')`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.optional import (
    Drawable,
    HasPortfolio,
    HasRecipe,
    HasSpace,
    KnowsCosts,
    Shrinkable,
    canonical_form,
)
from evonas.core.recipe import Recipe
from evonas.core.space import Space
from evonas.core.types import Encoding, Task
from evonas.encodings.make import make_encoding
from evonas.encodings.recipe_genes import DEFAULT_RECIPE, RECIPE, allowed, described, recipe_genes, sampled, to_recipe
from evonas.encodings.variation import mutated

if TYPE_CHECKING:
    from torch import nn

PREFIX = "recipe."  # an architecture may have a gene `batch` of its own
Both = tuple[Any, tuple[Any, ...]]


class RecipeEncoding:
    """A genome is (one of the encoding's, the recipe's choices); see `evonas.encodings.recipe_genes`.

    Raises EvonasError where the encoding's genomes hold recipes already.
    """

    def __init__(self, encoding: Encoding[Any]):
        if isinstance(encoding, HasRecipe):
            raise EvonasError(f"{type(encoding).__name__} has recipes in its genomes already; use it as it is")
        self.encoding = encoding
        self.recipes = recipe_genes(PREFIX)

    def sample(self, rng: np.random.Generator) -> Both:
        return self.encoding.sample(rng), tuple(sampled(gene, rng) for gene in self.recipes)

    def mutate(self, genome: Both, rng: np.random.Generator) -> Both:
        """The architecture or a gene of the recipe, with the same chance; of the recipe, others with 1 / genes."""
        inner, recipe = genome
        if rng.random() < 0.5:
            return self.encoding.mutate(inner, rng), recipe
        return inner, mutated(self.recipes, recipe, range(len(self.recipes)), rng)

    def crossover(self, a: Both, b: Both, rng: np.random.Generator) -> Both:
        """A child of both architectures, and each gene of the recipe from either parent."""
        from_a = rng.random(len(self.recipes)) < 0.5
        recipe = tuple(x if first else y for x, y, first in zip(a[1], b[1], from_a, strict=True))
        return self.encoding.crossover(a[0], b[0], rng), recipe

    def canonical(self, genome: Both) -> Both:
        """That of the architecture; the recipe as it is."""
        return canonical_form(self.encoding)(genome[0]), tuple(genome[1])

    def features(self, genome: Both) -> Mapping[str, float]:
        """The architecture's, and the recipe's with `recipe.` before their names."""
        found = dict(self.encoding.features(genome[0]))
        for gene, value in zip(self.recipes, genome[1], strict=True):
            found |= described(gene, value)
        return found

    def recipe(self, genome: Both) -> Recipe:
        """How the network is trained."""
        return to_recipe(dict(zip(RECIPE, genome[1], strict=True)))

    def augmented(self, genome: Both, kept: Mapping[str, float]) -> Both:
        """The genome with images mirrored and shifted where they keep their class (`allowed`)."""
        named = {**dict(zip(RECIPE, genome[1], strict=True)), **allowed(kept)}
        return genome[0], tuple(named.values())

    def portfolio(self, task: Task) -> list[Both]:
        """The architecture's, each with the default recipe; nothing where it has none."""
        recipe = tuple(DEFAULT_RECIPE[name] for name in RECIPE)
        found = self.encoding.portfolio(task) if isinstance(self.encoding, HasPortfolio) else ()
        return [(genome, recipe) for genome in found]

    def costs(self, genome: Both, task: Task) -> Mapping[str, float]:
        """The architecture's, as far as its encoding knows them."""
        return self.encoding.costs(genome[0], task) if isinstance(self.encoding, KnowsCosts) else {}

    def smaller(self, genome: Both) -> list[Both]:
        """Smaller architectures, with the same recipe."""
        found = self.encoding.smaller(genome[0]) if isinstance(self.encoding, Shrinkable) else ()
        return [(one, genome[1]) for one in found]

    def build(self, genome: Both, task: Task) -> nn.Module:
        return self.encoding.build(genome[0], task)

    def graph(self, genome: Both) -> Sequence[tuple[str, str, str]]:
        """The architecture's; nothing where it has none."""
        return self.encoding.graph(genome[0]) if isinstance(self.encoding, Drawable) else ()


class SpacedRecipeEncoding(RecipeEncoding):
    """One whose architectures are made of genes: so are its genomes."""

    def space(self) -> Space[Both]:
        """The architecture's genes, then the recipe's as `recipe.lr` and so on."""
        inner = self._inner()
        return Space((*inner.genes, *self.recipes), self._join, self._split)

    def _inner(self) -> Space[Any]:
        assert isinstance(self.encoding, HasSpace)
        return self.encoding.space()

    def _join(self, values: Sequence[Any]) -> Both:
        n = len(values) - len(self.recipes)
        return self._inner().join(values[:n]), tuple(values[n:])

    def _split(self, genome: Both) -> Sequence[Any]:
        return [*self._inner().split(genome[0]), *genome[1]]


def with_recipe(encoding: str | Encoding[Any] = "cell") -> RecipeEncoding:
    """An encoding, or the spec of one, whose genomes also say how their networks are trained.

    Raises EvonasError where the spec names no encoding, or one that has recipes.
    """
    made = make_encoding(encoding) if isinstance(encoding, str) else encoding
    return SpacedRecipeEncoding(made) if isinstance(made, HasSpace) else RecipeEncoding(made)
