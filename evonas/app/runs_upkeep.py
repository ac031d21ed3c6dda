"""`evonas runs delete`, `move` and `gc`: runs forgotten, their folders moved or removed, what is left over removed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evonas.app import completion
from evonas.app.console import print_line
from evonas.app.runs import ArchiveOption, runs_app
from evonas.core.errors import EvonasError
from evonas.core.figures import several

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@runs_app.command("delete")
def runs_delete(
    names: Annotated[list[str], typer.Argument(help="Names of runs.", autocompletion=completion.runs)],
    folders: Annotated[
        bool | None,
        typer.Option("--folders/--keep-folders", help="Remove their results too. (default: ask; with --yes: keep)"),
    ] = None,
    archive: ArchiveOption = None,
    yes: YesOption = False,
) -> None:
    """Forget runs with all their trials; their folders stay, or go too.

    Of a folder only files that evonas wrote are removed.

    \b
    Examples:
      evonas runs delete digits-net-1 digits-net-2
      evonas runs delete digits-net-1 --folders --yes
    """
    from evonas.app.belongings import Belongings, forget
    from evonas.memory.archive import Archive

    store = Archive(archive)
    names = list(dict.fromkeys(names))
    owned = {name: Belongings.of(store.run(name)) for name in names}
    counts = store.counts()
    there = [owned[name] for name in names if owned[name].files]
    if not yes:
        for name in names:
            has = f"; {owned[name]}" if owned[name].files else ""
            print_line(f"{name}: {several(counts.get(name, 0), 'trial')}{has}")
        if not typer.confirm(f"Forget {', '.join(names)} for good?"):
            raise typer.Exit(1)
        if folders is None and there:
            folders = typer.confirm(f"Remove {'that folder' if len(there) == 1 else 'those folders'} too?")
    said, failed = forget(store, owned, bool(folders))
    for line in said:
        print_line(line)
    if failed:
        raise EvonasError("; ".join(failed))


@runs_app.command("move")
def runs_move(
    name: Annotated[str, typer.Argument(help="Name of the run.", autocompletion=completion.runs)],
    folder: Annotated[str, typer.Argument(help="Its new folder: one that is not there, or has none of its files.")],
    archive: ArchiveOption = None,
) -> None:
    """Move a run's results to another folder, where report, export and resume find them.

    Of a folder that you have moved yourself the archive learns where it is.

    \b
    Example:
      evonas runs move digits-net-1 /data/digits
    """
    from evonas.app.belongings import Belongings, move_target
    from evonas.memory.archive import Archive
    from evonas.memory.locks import sole_owner
    from evonas.memory.places import located

    if not folder:
        raise EvonasError("'' is no folder; give the run's new one")
    store, target = Archive(archive), Path(located(folder))
    record = store.run(name)
    with sole_owner(store, name):
        has = Belongings.of(record)
        move_target(record, target, has)
        made = has.copy(target)
        try:
            store.update_run(name, config={**record.config, "out": str(target)})
        except Exception:
            made.remove()
            raise
        if has.files:
            print_line(f"{name}: {len(has.files)} files are in {target} now; {has.removed()}")
        elif there := Belongings.of(record, target).files:
            print_line(f"{name}: its {len(there)} files are in {target}, and the archive knows it now")
        else:
            print_line(f"{name} has no files in {has.folder}; what is written from now on goes to {target}")


@runs_app.command("gc")
def runs_gc(
    interrupted: Annotated[
        bool, typer.Option("--interrupted", help="Also the trainings that interrupted runs would go on from.")
    ] = False,
    copies: Annotated[
        bool, typer.Option("--copies", help="Also the copies of the archive from before it was brought up to date.")
    ] = False,
    archive: ArchiveOption = None,
    yes: YesOption = False,
) -> None:
    """Remove what nothing needs any more: what killed searches left, and the room of deleted runs in the archive.

    \b
    Examples:
      evonas runs gc
      evonas runs gc --interrupted --yes
    """
    from evonas.app.belongings import size
    from evonas.app.garbage import garbage, kept_for_resume
    from evonas.memory.archive import Archive

    store = Archive(archive)
    found, room = list(garbage(store, interrupted=interrupted, copies=copies)), store.unused()
    for one in found:
        print_line(f"{one.what}: {size(one.bytes)} in {len(one.files)} files in {one.files[0].parent}")
    if room:
        print_line(f"room of deleted runs in {store.where}: {size(room)}")
    if not interrupted and (kept := kept_for_resume(store)):
        print_line(
            f"kept: {size(sum(kept.values()))} of trainings that {', '.join(kept)} would go on from; --interrupted "
            "removes them too"
        )
    if not found and not room:
        print_line("there is nothing to remove")
        return
    total = sum(one.bytes for one in found) + room
    if not yes and not typer.confirm(f"Remove {size(total)} for good?"):
        raise typer.Exit(1)
    for one in found:
        one.remove()
    if room:
        store.compact()
    print_line(f"{size(total)} removed")
