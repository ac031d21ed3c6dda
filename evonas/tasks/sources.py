"""Moved to `evonas.domains.images.sources`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__,
    "evonas.domains.images.sources",
    DEFAULT_SIZE="evonas.domains.images.source_options:DEFAULT_SIZE",
    MIRRORED="evonas.domains.images.torchvision_sets:MIRRORED",
    TORCHVISION="evonas.domains.images.torchvision_sets:TORCHVISION",
)
