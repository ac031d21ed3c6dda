"""Contracts: what a search relies on, as tests that plug-in authors inherit. Needs the extra `test`.

    from evonas.testing import EncodingContract

    class TestMine(EncodingContract):
        encoding = Mine()

The built-in parts pass the same classes.
"""

from evonas.testing.common import few, generator, inherited, seeds, some
from evonas.testing.encodings import EncodingContract
from evonas.testing.mirrored import Mirrored
from evonas.testing.rankers import RankerContract
from evonas.testing.searchers import SearcherContract

__all__ = [
    "EncodingContract",
    "Mirrored",
    "RankerContract",
    "SearcherContract",
    "few",
    "generator",
    "inherited",
    "seeds",
    "some",
]
