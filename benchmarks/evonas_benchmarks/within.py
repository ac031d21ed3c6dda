"""Moved to `evonas_benchmarks.tables.restricted`, where the class is called `RestrictedEncoding`."""

from typing import Any

from evonas.core.moved import moved


def __getattr__(name: str) -> Any:
    found = moved(__name__, "evonas_benchmarks.tables.restricted")
    return found({"Within": "RestrictedEncoding"}.get(name, name))
