"""Moved to `evonas.domains.images.arrays`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__,
    "evonas.domains.images.arrays",
    TEST_SEED="evonas.domains.parts:TEST_SEED",
    TEST_SHARE="evonas.domains.parts:TEST_SHARE",
)
