"""Moved to `evonas.app.results`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__,
    "evonas.app.results",
    check_folder="evonas.app.folders:check_folder",
    counted="evonas.app.preparation:counted",
)
