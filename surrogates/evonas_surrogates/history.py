"""Moved to `evonas_surrogates.source_data`, where `rows` is called `read`, and `Rows` `SourceData`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__,
    "evonas_surrogates.source_data",
    rows="evonas_surrogates.source_data:read",
    Rows="evonas_surrogates.source_data:SourceData",
)
