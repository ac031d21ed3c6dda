"""Moved to `evonas.core.plugins`; reading a spec is in `evonas.core.specs`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__,
    "evonas.core.plugins",
    plain_name="evonas.core.specs:plain_name",
    split_spec="evonas.core.specs:split_spec",
)
