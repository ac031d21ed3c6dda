"""What everybody gets who installs evonas is under a permissive licence, but for what is listed here with reasons."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PERMISSIVE = r"MIT|BSD|Apache|ISC|PSF|0BSD|Zlib|CC0|BSL-1\.0|LLVM|HPND|Python Software Foundation"
EXCEPTED = {
    "deap": "LGPL: imported as a library, unchanged",
    "moocore": "LGPL: imported as a library, unchanged",
    "cuda-toolkit": "comes with torch's wheels for Linux; NVIDIA's terms allow to run and pass on these libraries",
    r"nvidia-.*": "the same",
}


def name_of(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def needed() -> set[str]:
    """The run-time dependencies and theirs, as far as they are installed on this system."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting, found = [Requirement(one) for one in project["dependencies"]], set()
    while waiting:
        one = waiting.pop()
        if name_of(one.name) in found or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        try:
            waiting += map(Requirement, requires(one.name) or ())
        except PackageNotFoundError:
            continue
        found.add(name_of(one.name))
    return found


def licence(said: Any) -> str:
    """As the package states it: an expression, classifiers, or a text."""
    classifiers = [one for one in said.get_all("Classifier") or () if one.startswith("License ::")]
    stated = said.get("License-Expression") or "; ".join(one.rpartition(" :: ")[2] for one in classifiers)
    return stated or (said.get("License") or "").partition("\n")[0]


def permissive(text: str) -> bool:
    """Every part of an expression is: `MIT AND BSD-3-Clause`; of alternatives one is enough."""
    parts = [part for part in re.split(r"\s+AND\s+|;", text) if part.strip()]
    found = [re.search(PERMISSIVE, part) and not re.search(r"GPL|Proprietary|NVIDIA", part) for part in parts]
    return bool(parts) and all(found)


def test_what_is_needed_is_under_permissive_licences():
    there = needed()
    assert {"torch", "numpy", "sqlalchemy", "deap"} <= there
    stated = {name: licence(metadata(name)) for name in sorted(there)}
    others = {name: text for name, text in stated.items() if not permissive(text)}
    assert {name: text for name, text in others.items() if not any(re.fullmatch(one, name) for one in EXCEPTED)} == {}
    assert {"deap", "moocore"} <= set(others), "an exception that is none any more"


def test_what_is_permissive():
    assert permissive("Apache-2.0 OR BSD-2-Clause")
    assert permissive("MIT AND 0BSD")
    for text in ("", "GPL-3.0", "MIT AND GPL-2.0-only", "LicenseRef-NVIDIA-Proprietary", "LGPL-2.1-or-later"):
        assert not permissive(text)
