"""The site is built without a warning, so every link in it leads somewhere, and nothing that has a name is missing."""

import html
import os
import re
import subprocess
import sys

import pytest
import typer

import evonas
from evonas.app.cli import app
from tests.docs.blocks import ROOT

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("material", reason="the site is built where the extra docs is installed")
    pytest.importorskip("mkdocstrings_handlers.python", reason="the site is built where the extra docs is installed")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "WARNING" not in done.stderr, done.stderr[-3000:]
    return out


def text(site, page):
    return html.unescape(re.sub(r"<[^>]+>", "", (site / page / "index.html").read_text(encoding="utf-8")))


def test_every_command_is_there(site):
    def names(command, path):
        yield path
        if hasattr(command, "list_commands"):
            context = command.context_class(command, info_name=path)
            for name in command.list_commands(context):
                yield from names(command.get_command(context, name), f"{path} {name}")

    page = (site / "reference" / "commands" / "index.html").read_text(encoding="utf-8")
    found = list(names(typer.main.get_command(app), "evonas"))
    assert len(found) > 25
    assert [name for name in found if f"<code>{name}</code>" not in page] == []


def test_every_public_name_is_there(site):
    overview = (site / "reference" / "index.html").read_text(encoding="utf-8").partition("<article")[2]
    assert all(f'href="{page}/"' in overview for page in ("commands", "python/evonas", "python/evonas.core"))
    first = text(site, "reference/python/evonas")
    assert [name for name in evonas.__all__ if name not in first and not name.startswith("_")] == []
    assert "predict_proba" in first
    core = text(site, "reference/python/evonas.core")
    assert all(word in core for word in ("evonas.core.types", "SearchContext", "Goal", "canonical"))
    assert "EncodingContract" in text(site, "reference/python/evonas.testing")
    assert "MetaSurrogate" in text(site, "reference/python/evonas_surrogates")


def test_pages_from_elsewhere_and_code_have_joined(site):
    assert "Protocol" in text(site, "benchmarks")
    assert "class Chain" in text(site, "examples/custom_encoding.py")
    assert (site / "benchmarks/results/plots/nasbench201-regret.png").is_file()
    assert not list(site.rglob("*.py.txt"))
    assert not (site / "make_images.py").exists()
