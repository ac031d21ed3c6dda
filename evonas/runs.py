"""Moved to `evonas.app.runs`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__,
    "evonas.app.runs",
    runs_delete="evonas.app.runs_upkeep:runs_delete",
    print_table="evonas.app.console:print_table",
)
