"""What is checked before a change lands: `nox` runs all but the benchmarks, `nox -s lint` one of them.

Every session runs in the environment that nox itself runs in, made by `pip install -e ".[dev]"`: nothing is installed
a second time. What stands behind `--` goes to the tool: `nox -s tests -- tests/search -x`.
"""

import sys

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "docs", "tests"]

SUITES = ("nasbench201", "nasbench-graph")
METHODS = "evolution+meta,evolution+boosting,random"


@nox.session
def tests(session: nox.Session) -> None:
    """All tests but the slow ones, with coverage; of a part of them the floor says nothing."""
    words = session.posargs or ["--cov", "-m", "not slow and not gpu"]
    python(session, "pytest", *words)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and who may import whom."""
    python(session, "ruff", "check", ".")
    python(session, "ruff", "format", "--check", ".")
    python(session, "pytest", "-q", "tests/core/test_layout.py")


@nox.session
def types(session: nox.Session) -> None:
    python(session, "pyright", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Links of all pages, and their Python."""
    python(session, "pytest", "-q", "tests/docs", *session.posargs)


@nox.session(name="bench-quick")
def bench_quick(session: nox.Session) -> None:
    """Three methods on both tabular suites, to be held beside benchmarks/results; behind `--`: `--seeds 5`."""
    words = session.posargs or ["--seeds", "20"]
    for suite in SUITES:
        out = f"runs/bench-quick/{suite}"
        session.run("evonas", "bench", "run", suite, "--methods", METHODS, "--out", out, "--quiet", *words)


def python(session: nox.Session, module: str, *words: str) -> None:
    """A tool of the environment that nox runs in, whatever else is on the path."""
    session.run(sys.executable, "-m", module, *words, external=True)
