"""The house stands as docs/architecture.md draws it: who may import whom, and what a wheel holds."""

import os
import runpy
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("evonas", "evonas_surrogates", "evonas_benchmarks")


def test_the_contracts_hold():
    """The contracts are in pyproject.toml; where one is broken, the output names the import and its line."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([".", "surrogates", "benchmarks"])}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr  # in a process of its own: it sets up logging anew


def test_modules_import_each_other_in_no_circle():
    """Imports inside functions count, and so do those that only type checkers see."""
    try:
        TopologicalSorter(import_graph()).prepare()
    except CycleError as error:
        pytest.fail(f"these modules import each other: {' <- '.join(error.args[1])}")


def test_a_wheel_holds_the_three_packages():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert sorted(Path(package).name for package in build["packages"]) == sorted(PACKAGES)
    for package in build["packages"]:
        assert (ROOT / package / "__init__.py").is_file()
        assert (ROOT / package / "py.typed").is_file()
    for beside in ("surrogates", "benchmarks"):  # both names are taken on PyPI
        assert not (ROOT / beside / "__init__.py").exists()


def test_the_oldest_versions_are_those_of_pyproject():
    constraints = runpy.run_path(str(ROOT / ".ci" / "oldest.py"))["constraints"]
    assert (ROOT / ".ci" / "oldest.txt").read_text() == constraints(), "run: python .ci/oldest.py"


def import_graph() -> dict[str, set[str]]:
    """Every module, and the modules of ours that it imports."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
