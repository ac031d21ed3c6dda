"""Checks what a wheel or an sdist holds: `python .ci/contents.py dist/*`."""

import sys
import tarfile
import zipfile
from pathlib import Path

PACKAGES = ("evonas", "evonas_surrogates", "evonas_benchmarks")
SHIPPED = (  # what is no code and yet needed
    "evonas_surrogates/pretrained/net.safetensors",
    "evonas_surrogates/pretrained/cell.safetensors",
    "evonas_benchmarks/suites/digits.toml",
)


def check(file: Path) -> str:
    """A line on what is in it. Raises SystemExit where something is missing, or too much."""
    if file.suffix == ".whl":
        names = set(zipfile.ZipFile(file).namelist())
        top = {name.split("/")[0] for name in names if ".dist-info/" not in name}
        wanted = {f"{package}/py.typed" for package in PACKAGES} | set(SHIPPED)
        wrong = [f"{one} at its top level" for one in sorted(top - set(PACKAGES))]
    else:
        with tarfile.open(file) as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
        wanted = {"README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "pyproject.toml", "tests/conftest.py"}
        hidden = (name for name in names if name.startswith((".venv", ".git/", "runs/", ".ci/")))
        wrong = [f"{one}, which is no part of it" for one in sorted(hidden)[:3]]
    if not any(name.endswith("LICENSE") for name in names):
        wrong.append("no LICENSE")
    wrong += [f"no {one}" for one in sorted(wanted - names)]
    if wrong:
        raise SystemExit(f"{file.name} has {', '.join(wrong)}")
    return f"{file.name}: {len(names):,} files, {file.stat().st_size / 1e6:.1f} MB"


if __name__ == "__main__":
    if not sys.argv[1:]:
        raise SystemExit("give the files: python .ci/contents.py dist/*")
    for path in sys.argv[1:]:
        print(check(Path(path)))
