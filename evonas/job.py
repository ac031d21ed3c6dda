"""Moved to `evonas.app.job`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__,
    "evonas.app.job",
    make_encoding="evonas.encodings.make:make_encoding",
    DEFAULT_TRIALS="evonas.app.preparation:DEFAULT_TRIALS",
)
