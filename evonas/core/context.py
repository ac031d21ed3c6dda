"""What a searcher is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic

from evonas.core.errors import EvonasError
from evonas.core.goals import Goal, Objective
from evonas.core.types import Encoding, G, Store, Task


@dataclass(frozen=True)
class SearchContext(Generic[G]):
    """Everything that a searcher, or a ranker, may know before the first training.

    Args:
        encoding: the space.
        goal: what is searched for.
        task: what for, with the data's descriptors.
        store: what was trained before, as of the run's beginning; None where nothing may be remembered.
        seed: the run's. A searcher holds no random state: this is for what it makes once and deterministically.
        encoding_name: the encoding's spec, by which the store knows its trainings.
        first: genomes that are tried before the searcher proposes any: it need not begin with random ones.
        costs: a genome and names of metrics -> what is known of its network before training; None where nobody counts.
    """

    encoding: Encoding[G]
    goal: Goal = field(default_factory=Goal)
    task: Task = field(default_factory=lambda: Task("unknown", (), 0))
    store: Store | None = None
    seed: int = 0
    encoding_name: str = ""
    first: tuple[G, ...] = ()
    costs: Callable[[G, Sequence[str]], Mapping[str, float]] | None = None

    def only_objective(self, who: str) -> Objective:
        """The objective of a searcher that goes by one. Raises EvonasError where there are several."""
        if len(self.goal.objectives) > 1:
            names = ", ".join(map(str, self.goal.objectives))
            raise EvonasError(
                f"{who} searches for one objective, got {names}; give one, or a method for several: nsga2"
            )
        return self.goal.first
