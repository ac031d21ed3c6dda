"""`evonas watch` and `evonas ui`."""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Annotated

import typer

from evonas.app import completion
from evonas.app.console import print_line
from evonas.app.runs import ArchiveOption
from evonas.core.errors import EvonasError

if TYPE_CHECKING:
    from evonas.memory.archive import Archive

LiveOption = Annotated[
    bool, typer.Option("--live", help="Show the report in a browser while the search goes on; see evonas watch.")
]
PortOption = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Of the live page. (default: a free one)")
]


def port_of(live: bool, port: int | None) -> int | None:
    """Where a search is shown: 0 is a free port, None nowhere. Raises EvonasError before anything is searched."""
    if not live:
        if port is not None:
            raise EvonasError(f"--port {port} is the live page's, and there is none; give --live too")
        return None
    importlib.import_module("evonas.app.live.server")  # complains where what it needs is not installed
    return port or 0


def watch(
    run: Annotated[
        str | None, typer.Argument(help="Name of the run. (default: the newest)", autocompletion=completion.runs)
    ] = None,
    port: PortOption = None,
    archive: ArchiveOption = None,
) -> None:
    """Show the report of a run in a browser, and keep it up to date while the run goes on; ends with Ctrl-C.

    The page is for this machine alone, and for whoever has its address: that holds a token.

    \b
    Examples:
      evonas watch
      evonas watch digits-net-1 --port 8080
    """
    from evonas.memory.archive import Archive

    store = Archive(archive)
    if run is None:
        names = [record.name for record in store.runs()]
        if not names:
            raise EvonasError(f"there is no run in {store.where!r} to watch; begin one: evonas search --live")
        run = names[-1]
    store.run(run)
    _serve(store, port, run)


def ui(port: PortOption = None, archive: ArchiveOption = None) -> None:
    """Show all runs of the archive in a browser: sorted, filtered, side by side, each with its report.

    Ctrl-C ends it. The page is for this machine alone, as that of evonas watch is. It deletes runs that
    you mark, after it has asked.

    \b
    Examples:
      evonas ui
      evonas ui --archive team.db
    """
    from evonas.memory.archive import Archive

    _serve(Archive(archive), port, deletes=True)


def _serve(store: Archive, port: int | None, run: str | None = None, deletes: bool = False) -> None:
    """The run's page, or the list, until Ctrl-C."""
    from evonas.app.live.pages import Pages
    from evonas.app.live.server import serving

    try:
        with serving(Pages(store, deletes=deletes), port or 0) as server:
            print_line(f"{run}: {server.page(run)}" if run else f"runs: {server.address}")
            print_line("Ctrl-C ends the page, and no search")
            while server.serves:
                time.sleep(0.2)
    except KeyboardInterrupt:
        print_line("the page has ended")
