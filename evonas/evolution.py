"""Moved to `evonas.search.evolution`, where searchers are made from a `SearchContext`.

By this name they also take what they took before: an encoding and objectives.
"""

from evonas.core.moved import moved, of_encoding

__getattr__ = moved(
    __name__, "evonas.search.evolution", dict.fromkeys(("Evolution", "AgingEvolution", "nsga2"), of_encoding)
)
