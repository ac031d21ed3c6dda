"""`evonas doctor`: what this installation has, what it lacks, and how to get it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from itertools import pairwise
from typing import Annotated, Literal

import typer
from packaging.requirements import Requirement

from evonas.app.console import print_line
from evonas.app.runs import ArchiveOption
from evonas.core import environment, plugins
from evonas.core.errors import EvonasError, named_line
from evonas.core.figures import several
from evonas.core.optional import ComesWithModels, NeedsMore
from evonas.domains.domain import domain_named

TOOLS = ("dev", "test")  # extras of those who work on evonas itself
TORCH = "see https://pytorch.org/get-started/locally/"


@dataclass(frozen=True)
class Finding:
    """One line: `missing` is something that a search can do without, with `broken` none can be done."""

    what: str
    state: Literal["ok", "missing", "broken"]
    found: str
    remedy: str = ""


def doctor(
    archive: ArchiveOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what is installed, which devices and which archive there are, what is missing and how to get it.

    Exit code 1 where something is broken: then no search can be done.

    \b
    Examples:
      evonas doctor
      evonas doctor --json
    """
    found = [*packages(), *devices(), *archives(archive), *models(), *data(), *extras()]
    if as_json:
        said = {"versions": environment.versions(), "findings": [asdict(finding) for finding in found]}
        print_line(json.dumps(said, indent=2))
    else:
        print_line(f"evonas {version('evonas')}, Python {platform.python_version()}, {platform.platform()}")
        for finding in found:
            print_line(f"{finding.state:<8} {finding.what}{': ' if finding.found else ''}{finding.found}")
            if finding.remedy:
                print_line(f"{'':<8} -> {finding.remedy}")
    if any(finding.state == "broken" for finding in found):
        raise typer.Exit(1)


def packages() -> Iterator[Finding]:
    """Everything that evonas requires, in the versions that it requires; torch and torchvision also as a pair."""
    wrong = [said for requirement in _requirements("") if (said := _lacks(requirement))]
    if wrong:
        yield Finding("packages", "broken", ", ".join(wrong), "pip install -U evonas")
    else:
        versions = environment.versions()
        yield Finding("packages", "ok", ", ".join(f"{name} {versions[name]}" for name in environment.PACKAGES[1:]))
    try:
        import torchvision  # noqa: F401  # it is what notices that it is of another torch
    except Exception as error:
        yield Finding("torch", "broken", named_line(error), f"install torch and torchvision as a pair: {TORCH}")


def devices() -> Iterator[Finding]:
    """Where networks can be trained, the default first."""
    try:
        import torch
    except Exception:  # `packages` says so
        return
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    for number, name in enumerate(gpus):
        yield Finding("device", "ok", f"cuda:{number}: {name}")
    if torch.backends.mps.is_available():
        yield Finding("device", "ok", "mps: Apple's GPU")
    yield Finding("device", "ok", f"cpu: {environment.processor()}, {environment.threads()} threads for a training")
    if not gpus and (names := environment.gpus()):
        why = "is built without CUDA" if torch.version.cuda is None else "cannot use it: its driver may be too old"
        yield Finding("GPU", "missing", f"{', '.join(names)}: torch {torch.__version__} {why}", TORCH)


def archives(where: str | None) -> Iterator[Finding]:
    """The archive that searches write to; it is neither made nor changed by being looked at."""
    from evonas.memory import places
    from evonas.memory.archive import Archive

    try:
        file = places.file_of(places.url_of(places.located(where or places.default_archive())))
        if file is not None and not file.exists():
            folder = next(parent for parent in file.parents if parent.exists())
            free = folder.is_dir() and os.access(folder, os.W_OK)
            said = f"{file}: the first search makes it" if free else f"{file}: {folder} cannot be written"
            yield Finding("archive", "ok", said) if free else Finding("archive", "broken", said, places.ELSEWHERE)
            return
        store = Archive(where, read_only=True)
        runs, trials = len(store.runs()), sum(store.counts().values())
        size = f", {file.stat().st_size / 1e6:.1f} MB" if file is not None else ""
        said = f"{store.where}: {several(runs, 'run')}, {several(trials, 'trial')}{size}"
        store.close()
    except EvonasError as error:
        yield Finding("archive", "broken", str(error))
        return
    if file is not None and not places.writable(file):
        yield Finding("archive", "broken", f"{said}; it cannot be written", places.ELSEWHERE)
    else:
        yield Finding("archive", "ok", said)


def models() -> Iterator[Finding]:
    """What rankers bring along, so that a first search has a memory."""
    for name, entry in sorted(plugins.available("evonas.rankers").items()):
        try:
            ranker = entry.load()
            shipped = ranker.shipped() if isinstance(ranker, ComesWithModels) else {}
        except Exception as error:
            yield Finding(f"memory of {name}", "missing", named_line(error), "pip install --force-reinstall evonas")
            continue
        for encoding, tasks in sorted(shipped.items()):
            said = f"{encoding}: {', '.join(f'{task} ({size:,})' for task, size in tasks.items())}"
            yield Finding(f"memory of {name}", "ok", said)


def data() -> Iterator[Finding]:
    """What kinds of data could be read with a package that is not there."""
    for name in sorted(plugins.available("evonas.domains")):
        try:
            domain = domain_named(name)
        except Exception as error:  # of another package, whatever it raises
            yield Finding(name, "missing", named_line(error), "update or uninstall that package")
            continue
        for what, remedy in domain.needs().items() if isinstance(domain, NeedsMore) else ():
            yield Finding(name, "missing", f"{what} cannot be read", remedy)


def extras() -> Iterator[Finding]:
    """What can be installed besides: exporting to ONNX, clusters, benchmarks, …"""
    named = {extra for line in requires("evonas") or () for extra in _extras_of(Requirement(line))}
    for extra in sorted(named - set(TOOLS)):
        lacking = [said for requirement in _requirements(extra) if (said := _lacks(requirement))]
        state = "missing" if lacking else "ok"
        yield Finding(
            f"evonas[{extra}]", state, ", ".join(lacking), f'pip install "evonas[{extra}]"' if lacking else ""
        )


def _requirements(extra: str) -> Sequence[Requirement]:
    """Of evonas itself (extra ''), or of one of its extras alone, as far as they are meant for this machine."""
    lines = [Requirement(line) for line in requires("evonas") or ()]
    wanted = [one for one in lines if one.marker is None or one.marker.evaluate({"extra": extra})]
    return [one for one in wanted if bool(extra) == (extra in _extras_of(one)) and one.name != "evonas"]


def _extras_of(requirement: Requirement) -> list[str]:
    """`onnx>=1.16; extra == 'onnx'` -> `['onnx']`."""
    words = str(requirement.marker or "").replace('"', "'").split("'")
    return [word for before, word in pairwise(words) if before.rstrip().endswith("extra ==")]


def _lacks(requirement: Requirement) -> str:
    """What is wrong with a required package; empty where nothing is."""
    try:
        there = version(requirement.name)
    except PackageNotFoundError:
        return f"no {requirement.name}"
    good = requirement.specifier.contains(there, prereleases=True)
    return "" if good else f"{requirement.name} {there} is not {requirement.specifier}"
