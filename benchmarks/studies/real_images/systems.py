"""What is compared on real images: each system gets a data set and seconds, and gives a test accuracy.

`random` and `optuna-tpe` search the same space from nothing, with the same halving, the same probing of how images may
be varied, and the same final training. The others are evonas with one part changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from studies.real_images.fixed import FixedNetwork
from studies.real_images.plan import FIXED
from studies.real_images.searched import Forgetful, NeverVaried, Searched, lowest_rung, without_portfolio

if TYPE_CHECKING:
    from evonas.domains.images import Images

System = Callable[["Images", float, int], Mapping[str, Any]]  # data, seconds, seed -> figures

RANDOM = {"method": "random", "surrogate": "none"}

SYSTEMS: Mapping[str, System] = {
    "evonas": Searched(),
    **{name: FixedNetwork(name) for name in FIXED},
    "random": Searched(RANDOM, without_portfolio),
    "optuna-tpe": Searched({"method": "optuna-tpe", "surrogate": "none"}, without_portfolio),
    "evonas without memory": Searched({"surrogate": f"{Forgetful.__module__}:{Forgetful.__name__}"}),
    # random samples that the ranker screens; refine=0: nothing is mutated under the ranker either
    "evonas without evolution": Searched({"method": "random", "surrogate": "meta(refine=0)"}),
    "evonas without rungs": Searched(timetable=lowest_rung),
    "evonas without probe": Searched(encoding=NeverVaried),
    "random after the portfolio": Searched(RANDOM),  # neither evolution nor ranker
}
