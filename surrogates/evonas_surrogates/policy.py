"""Search by a learned generator: a policy proposes, is rewarded by what comes of it, and proposes again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch.optim import Optimizer

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.genomes import feature_row
from evonas.core.optional import HasSpace, KnowsCosts, Suggesting, Viewing
from evonas.core.options import at_least
from evonas.core.ranks import normal_scores
from evonas.core.types import Candidate, Evaluation, G, Ranker
from evonas.search.fidelity import AtFull
from evonas.search.proposing import ProposingSearcher
from evonas.training.devices import threads_of_torch
from evonas_surrogates.autoregressive import Autoregressive
from evonas_surrogates.generator import learn, optimizer_of, said, teach

SAMPLE, REMEMBERED = 2000, 200  # genomes that meta-training looks for good ones among
LEAST, BLOCK = 3, 16  # results from which it learns; proposals that are drawn at once, at least
HEAT = 3.0  # of the draws once the policy says nothing new
CHOICE = 4  # genomes for each proposal while small ones come first


class PolicySearch(ProposingSearcher[G]):
    """A policy over the space's genes proposes, and learns from the real results (Zoph & Le 2017, ICLR).

    Alone it begins with no preference. Beside a ranker that knows earlier tasks (`policy+meta`) it is meta-trained on
    them before its first proposal: the ranker is the evaluator, what it says of genomes is the reward, and it needs no
    training for that (`generator.py`). Then results alone count, by their rank. What it has learned is a function of
    what it was told, in this order.

    To train for few epochs first, give it to another one: `halving(searcher='policy')`.

    Args:
        small_first: for so many trainings the smallest network, by parameters, of several proposals is tried.

    Raises EvonasError where the encoding does not say what there is to choose, or there are several objectives.
    """

    def __init__(self, context: SearchContext[G], small_first: int = 0):
        super().__init__(context)
        self.small_first = at_least(0, small_first=small_first)
        if not isinstance(self.encoding, HasSpace):
            raise EvonasError(
                f"the encoding {type(self.encoding).__name__!r} has no space() of genes, which a policy chooses from; "
                "give it one, or take another method: evolution"
            )
        self.space = self.encoding.space()
        self._results = AtFull[G](context.only_objective("a policy"))
        self._violations: dict[G, float] = {}
        self._context = context
        self._evaluator: Ranker | None = None
        self._trained: tuple[Autoregressive, Optimizer, np.ndarray] | None = None
        if self.small_first:
            self._params(self.encoding.sample(np.random.default_rng(0)))

    def advised(self, ranker: Ranker) -> None:
        """Be meta-trained by what this one knows when the first proposal is wanted."""
        self._evaluator = ranker

    def preferences(self, genomes: Sequence[G]) -> np.ndarray:
        """(n,) log-probabilities of proposing each of n genomes now."""
        network, _, task = self._policy()
        return said(network, self._choices(genomes), np.tile(task, (len(genomes), 1)))

    def propose(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        small = len(self._results.genomes) < self.small_first
        found = self._drawn(n * CHOICE if small else n, rng)
        return sorted(found, key=lambda one: self._params(one.genome))[:n] if small else found

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        super().tell(evaluations)
        for evaluation in evaluations:
            if evaluation.status != "absent" and not evaluation.infrastructure:
                self._results.add([evaluation])
                self._violations[evaluation.candidate.genome] = self.goal.violation(evaluation.metrics)
                self._learn()

    def _drawn(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        """New ones of the policy; where it has no more, of the same with more chance, in the end random ones."""
        network, _, task = self._policy()
        tasks = np.tile(task, (max(n, BLOCK), 1))
        drawn: dict[float, list[np.ndarray]] = {}

        def source(heat: float) -> Candidate[G]:
            if not drawn.get(heat):
                drawn[heat] = list(network.draw(tasks, rng, heat))
            return Candidate(self.space.genome(drawn[heat].pop().tolist()), origin="policy")

        return self.known.draw(n, lambda: source(1.0), lambda: source(HEAT), lambda: self.sampled(rng))

    def _learn(self) -> None:
        network, optimizer, task = self._policy()
        genomes = self._results.genomes
        if len(genomes) < LEAST:
            return
        with threads_of_torch(1):
            learn(network, optimizer, task, self._choices(genomes), self._scores())

    def _scores(self) -> np.ndarray:
        """(n,) normal scores of the results: who breaks a limit is behind, a failure is last."""
        values = self._results.values()
        merits = [
            (-self._violations[genome], float(value)) if np.isfinite(value) else (-np.inf, -np.inf)
            for genome, value in zip(self._results.genomes, values, strict=True)
        ]
        places = {merit: place for place, merit in enumerate(sorted(set(merits)))}
        return normal_scores(np.array([places[merit] for merit in merits]))

    # --- meta-training

    def _policy(self) -> tuple[Autoregressive, Optimizer, np.ndarray]:
        """The network, its optimizer and the (descriptors,) of the task at hand; trained once, when first asked for."""
        if self._trained is None:
            views = self._evaluator if isinstance(self._evaluator, Viewing) else None
            described = list(views.descriptors()) if views is not None else []
            tasks, own = _standardized(described, self._context.task.features)
            network = Autoregressive(self.space, len(own))
            if views is not None and described:
                self._meta_train(network, views, tasks)
            self._trained = network, optimizer_of(network), own
        return self._trained

    def _meta_train(self, network: Autoregressive, views: Viewing, tasks: np.ndarray) -> None:
        canonical, rng = self.known.canonical, np.random.default_rng([self._context.seed, SAMPLE])
        remembered = views.suggestions(REMEMBERED) if isinstance(views, Suggesting) else ()
        genomes = list(dict.fromkeys([*remembered, *(canonical(self.encoding.sample(rng)) for _ in range(SAMPLE))]))
        rows: dict[Any, np.ndarray] = {}

        def judged(genomes: Sequence[Any]) -> np.ndarray:
            for genome in genomes:
                if genome not in rows:
                    rows[genome] = feature_row(self.encoding.features(genome))
            return views.views(np.array([rows[genome] for genome in genomes]))

        scores = np.stack([normal_scores(column) for column in judged(genomes).T], 1)

        def judge(choices: np.ndarray) -> np.ndarray:
            return judged([canonical(self.space.genome(choice)) for choice in choices.tolist()])

        with threads_of_torch(1):
            teach(network, tasks, self._choices(genomes), scores, judge, self._context.seed)

    def _choices(self, genomes: Sequence[Any]) -> np.ndarray:
        """(n, g) of the genomes."""
        return np.array([self.space.choice(genome) for genome in genomes], dtype=np.int64)

    def _params(self, genome: G) -> float:
        count, encoding = self._context.costs, self.encoding
        if count is not None and "params" in (known := count(genome, ["params"])):
            return known["params"]
        if isinstance(encoding, KnowsCosts) and "params" in (known := encoding.costs(genome, self._context.task)):
            return known["params"]
        raise EvonasError(
            f"policy(small_first={self.small_first}): nobody counts the parameters of {type(encoding).__name__!r} "
            "before training; give it costs(), or leave small_first out"
        )


def _standardized(earlier: Sequence[Mapping[str, float]], own: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """(t, n) descriptors of earlier tasks and the (n,) of this one, of those that tell two earlier ones apart.

    By how the earlier ones are spread, and scaled so that many weigh no more than a few; this one's are no further from
    the mean than any earlier one's. What is not known is taken for the mean.
    """
    table = np.array([[one.get(name, np.nan) for name in sorted(own)] for one in earlier], dtype=float)
    table = table.reshape(len(earlier), len(own))
    mine = np.array([own[name] for name in sorted(own)], dtype=float)
    known = np.isfinite(table)
    count = np.maximum(known.sum(0), 1)
    centered = np.where(known, table - np.where(known, table, 0.0).sum(0) / count, 0.0)
    spread = np.sqrt((centered**2).sum(0) / count)
    telling = np.isfinite(mine) & (spread > 1e-9)
    if not telling.any():
        return np.zeros((len(earlier), 0)), np.zeros(0)
    scale = spread[telling] * np.sqrt(telling.sum())
    scaled, center = centered[:, telling] / scale, (np.where(known, table, 0.0).sum(0) / count)[telling]
    return scaled, np.clip((mine[telling] - center) / scale, scaled.min(0), scaled.max(0))
