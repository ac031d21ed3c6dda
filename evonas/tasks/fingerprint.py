"""Moved to `evonas.domains.fingerprint`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.domains.fingerprint")
