"""Moved to `evonas.domains.images.splitting`; what every domain splits by is in `evonas.domains.splitting`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__,
    "evonas.domains.images.splitting",
    stratified="evonas.domains.splitting:stratified",
    MOST_VALIDATION="evonas.domains.splitting:MOST_VALIDATION",
    VALIDATION_SHARE="evonas.domains.splitting:VALIDATION_SHARE",
)
