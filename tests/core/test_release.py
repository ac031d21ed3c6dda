"""What is released: one version, a citation, and files that hold what they need and nothing else."""

import runpy
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import evonas

ROOT = Path(__file__).parents[2]
check = runpy.run_path(str(ROOT / ".ci" / "contents.py"))["check"]


def test_the_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert (ROOT / project["tool"]["hatch"]["version"]["path"]).samefile(evonas.__file__)
    assert version("evonas") == evonas.__version__
    assert f"## {evonas.__version__} (" in (ROOT / "CHANGELOG.md").read_text()


def test_the_citation_has_what_the_format_requires():
    yaml = pytest.importorskip("yaml")
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"cff-version", "message", "title", "authors"} <= set(said)
    assert said["license"] == project["license"]
    assert "version" not in said  # it would be a second place


def test_a_wheel_without_its_models_or_with_tests_is_refused(tmp_path):
    wheel = tmp_path / "evonas-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for name in ("evonas/py.typed", "tests/conftest.py", "evonas-1.dist-info/licenses/LICENSE"):
            file.writestr(name, "")
    with pytest.raises(SystemExit, match=r"tests at its top level.*no evonas_surrogates/pretrained/net"):
        check(wheel)


def test_an_sdist_with_a_run_in_it_is_refused(tmp_path):
    (tmp_path / "result.json").write_text("{}")
    with tarfile.open(tmp_path / "evonas-1.tar.gz", "w:gz") as file:
        file.add(tmp_path / "result.json", "evonas-1/runs/first/result.json")
    with pytest.raises(SystemExit, match=r"runs/first/result.json, which is no part of it.*no CITATION.cff"):
        check(tmp_path / "evonas-1.tar.gz")


@pytest.mark.thorough
def test_what_is_built_holds_what_it_needs(tmp_path):
    pytest.importorskip("build", reason="build is not installed; it comes with the extra dev")
    pytest.importorskip("hatchling", reason="hatchling is not installed; it comes with the extra dev")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    said = sorted(check(file) for file in tmp_path.iterdir())
    assert [line.split(":")[0] for line in said] == [
        f"evonas-{evonas.__version__}-py3-none-any.whl",
        f"evonas-{evonas.__version__}.tar.gz",
    ]
