"""Moved to `evonas.domains.export`; of images, `Network` is in `evonas.domains.images.network`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.domains.export", Network="evonas.domains.images.network:Network")
