"""The exception that a person reads, by the name that plug-ins import: see `evonas.core.errors`."""

from evonas.core.errors import EvonasError, NameTaken, choices

__all__ = ["EvonasError", "NameTaken", "choices"]
