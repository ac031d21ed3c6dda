"""What is checked before a change lands: `nox` runs all but the benchmarks, `nox -s lint` one of them.

Every session but `release` runs in the environment that nox itself runs in, made by `pip install -e ".[dev]"`: nothing
is installed a second time. What stands behind `--` goes to the tool: `nox -s tests -- tests/search -x`.
"""

import json
import re
import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "docs", "tests"]

SUITES = ("nasbench201", "nasbench-graph")
METHODS = "evolution+meta,evolution+boosting,random"


@nox.session
def tests(session: nox.Session) -> None:
    """All tests but the slow ones, with coverage; of a part of them the floor says nothing."""
    words = session.posargs or ["--cov", "-m", "not slow and not gpu and not torture and not torture_long"]
    python(session, "pytest", *words)


@nox.session(name="torture-long")
def torture_long(session: nox.Session) -> None:
    """All faults as often as docs/reliability.md says, hours; stopped and started again it goes on where it was, unless
    another commit is there by then."""
    commit = session.run("git", "rev-parse", "--short", "HEAD", external=True, silent=True)
    ledger = Path(f"runs/torture/{str(commit).strip()}.jsonl").absolute()
    ledger.parent.mkdir(parents=True, exist_ok=True)
    session.env["EVONAS_TORTURE_LEDGER"] = str(ledger)
    words = ["-m", "torture_long", "--timeout", "3600", "--dist", "worksteal"]
    try:
        python(session, "pytest", *words, *session.posargs)
    finally:  # also of what was tried before it was stopped
        python(session, "tests.torture.counted", str(ledger), "nox -s torture-long")


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
    """Links of all pages, their commands and Python; the site, built without a warning, and the notebooks."""
    python(session, "pytest", "-q", "tests/docs", *session.posargs)
    python(session, "pytest", "-q", "-m", "thorough", "tests/docs/test_site.py", "tests/examples/test_notebooks.py")


@nox.session(name="bench-quick")
def bench_quick(session: nox.Session) -> None:
    """Three methods on both tabular suites, to be held beside benchmarks/results; behind `--`: `--seeds 5`."""
    words = session.posargs or ["--seeds", "20"]
    for suite in SUITES:
        out = f"runs/bench-quick/{suite}"
        session.run("evonas", "bench", "run", suite, "--methods", METHODS, "--out", out, "--quiet", *words)


@nox.session(venv_backend="venv")
@nox.parametrize("kind", ["wheel", "sdist"])
def release(session: nox.Session, kind: str) -> None:
    """Build it into dist/, check what it holds, install it in a fresh environment and search with it there; behind
    `--`: `rehearsal`, while the changelog has no date. To upload it is left to you."""
    version = re.search(r'__version__ = "(.+)"', Path("evonas/__init__.py").read_text(encoding="utf-8"))
    heading = re.search(r"^## (.+)$", Path("CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert version
    assert heading
    if "rehearsal" not in session.posargs and not re.fullmatch(rf"{version[1]} \(\d{{4}}-\d\d-\d\d\)", heading[1]):
        session.error(f"CHANGELOG.md begins with {heading[1]!r}; write '{version[1]} (YEAR-MONTH-DAY)'")
    python(session, "build", f"--{kind}", "--outdir", "dist", ".")
    (file,) = Path("dist").glob(f"evonas-{version[1]}{'-*.whl' if kind == 'wheel' else '.tar.gz'}")
    python(session, ".ci/contents.py", str(file))
    session.install(str(file.absolute()))
    session.chdir(session.create_tmp())
    session.env["EVONAS_ARCHIVE"] = "archive.db"
    session.run("evonas", "doctor")
    session.run("evonas", "search", "--trials", "2", "--epochs", "2", "--name", "tried")
    session.run("evonas", "runs", "delete", "tried", "--folders", "--yes")


@nox.session(venv_backend="venv")
def audit(session: nox.Session) -> None:
    """Known faults of all that is installed where nox runs (PyPI's advisories), and licences of what evonas needs;
    where nobody can be asked for faults it says so."""
    python(session, "pytest", "-q", "tests/torture/test_licences.py")
    frozen = session.run(sys.executable, "-m", "pip", "freeze", "--exclude-editable", external=True, silent=True)
    listed, found = (Path(session.create_tmp()) / name for name in ("requirements.txt", "found.json"))
    listed.write_text(str(frozen), encoding="utf-8")
    words = [
        "-r",
        str(listed),
        "--no-deps",
        "--disable-pip",
        "--progress-spinner",
        "off",
        "-f",
        "json",
        "-o",
        str(found),
    ]
    try:
        session.install("pip-audit")
        session.run("pip-audit", *words, success_codes=[0, 1], silent=True)
        judged = json.loads(found.read_text(encoding="utf-8"))["dependencies"]
    except (CommandFailed, OSError, ValueError) as error:
        session.skip(f"nothing is known of faults: there is no network, or pip-audit did not end ({error})")
    known = [one for one in judged if "vulns" in one]
    if not known:
        session.skip(f"nothing is known of faults: the service knows none of {len(judged)} packages")
    faults = [f"{one['name']} {one['version']}: {fault['id']}" for one in known for fault in one["vulns"]]
    session.log(f"{len(known)} packages of {len(judged)} are known, and have {len(faults)} known faults")
    if faults:
        session.error("; ".join(faults))


def python(session: nox.Session, module: str, *words: str) -> None:
    """A tool of the environment that nox runs in, whatever else is on the path, or a script."""
    what = [module] if module.endswith(".py") else ["-m", module]
    session.run(sys.executable, *what, *words, external=True)
