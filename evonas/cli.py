"""Moved to `evonas.app.cli`; the commands are in `evonas.app.commands` and `evonas.app.plugin_commands`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__,
    "evonas.app.cli",
    QuietOption="evonas.app.commands:QuietOption",
    search="evonas.app.commands:search",
    resume="evonas.app.commands:resume",
    report="evonas.app.commands:report",
    export="evonas.app.network_commands:export",
    list_plugins="evonas.app.plugin_commands:list_plugins",
)
