"""`evonas doctor`: what is there, what is missing with its way out, and what is broken."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from evonas.app import doctor
from evonas.core.errors import EvonasError
from evonas.memory.archive import Archive
from tests.commands import evonas


def test_it_says_what_is_there_and_makes_no_archive(tmp_path):
    lines = evonas("doctor", cwd=tmp_path).stdout.splitlines()
    assert lines[0].startswith(f"evonas {version('evonas')}, Python {platform.python_version()}, ")
    assert f"torch {version('torch')}" in next(line for line in lines if line.startswith("ok       packages"))
    assert any(line.startswith("ok       device: cpu: ") for line in lines)
    assert f"ok       archive: {tmp_path / 'archive.db'}: the first search makes it" in lines
    assert any(line.startswith("ok       memory of meta: net: ") and "digits (150)" in line for line in lines)
    assert not (tmp_path / "archive.db").exists()


def test_for_programs_every_finding_has_a_state_and_what_is_missing_a_way_out(tmp_path):
    said = json.loads(evonas("doctor", "--json", cwd=tmp_path).stdout)
    assert said["versions"]["evonas"] == version("evonas")
    assert {finding["state"] for finding in said["findings"]} <= {"ok", "missing"}
    assert all(finding["remedy"] for finding in said["findings"] if finding["state"] == "missing")


def test_an_archive_that_cannot_be_used_is_broken_and_stays_as_it_is(tmp_path):
    (tmp_path / "archive.db").write_text("this is a text, " * 100)
    done = evonas("doctor", cwd=tmp_path, ok=False)
    assert done.returncode == 1
    assert "broken   archive: cannot use" in done.stdout
    assert (tmp_path / "archive.db").read_text() == "this is a text, " * 100


def test_an_archive_that_is_there_says_how_much_it_holds(tmp_path):
    Archive(tmp_path / "archive.db").make()
    (found,) = doctor.archives(str(tmp_path / "archive.db"))
    assert found.state == "ok"
    assert "0 runs, 0 trials" in found.found


def test_a_folder_is_no_archive(tmp_path):
    (found,) = doctor.archives(str(tmp_path))
    assert found.state == "broken"


@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        ("numpy>=1", ""),
        ("numpy>=900", f"numpy {version('numpy')} is not >=900"),
        ("no-such-thing>=1", "no no-such-thing"),
    ],
)
def test_what_is_lacking_is_named(requirement, said):
    assert doctor._lacks(Requirement(requirement)) == said


def test_extras_are_those_of_pyproject_but_the_tools():
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = {finding.what: finding for finding in doctor.extras()}
    assert set(extras) == {f"evonas[{name}]" for name in project["optional-dependencies"] if name not in doctor.TOOLS}
    assert extras["evonas[onnx]"].state == "ok"  # of the extra `test`


def test_formats_that_pillow_does_not_read_are_named_with_what_teaches_it(monkeypatch):
    from evonas.domains.images import domain

    monkeypatch.setattr(domain, "endings", lambda: frozenset({".png", ".avif"}))
    said = {finding.found: finding.remedy for finding in doctor.data()}
    assert said[".heic pictures cannot be read"] == "pip install pillow-heif"
    assert not any(".avif" in found for found in said)


def test_a_shipped_model_that_cannot_be_read_is_no_end(monkeypatch):
    from evonas_surrogates.meta import MetaSurrogate

    def damaged(cls):
        raise EvonasError("'net.safetensors' is no model file")

    monkeypatch.setattr(MetaSurrogate, "shipped", classmethod(damaged))
    (found,) = doctor.models()
    assert (found.what, found.state) == ("memory of meta", "missing")
    assert "no model file" in found.found
