"""Contracts that plug-in authors inherit; see `evonas.testing.contracts`. Needs the extra `test`."""

from evonas.testing.contracts import EncodingContract, Mirrored, RankerContract, SearcherContract, generator

__all__ = ["EncodingContract", "Mirrored", "RankerContract", "SearcherContract", "generator"]
