"""Tests of faults that are tried many times and counted: a few times in the default run, a share with `-m torture`, all
with `nox -s torture-long`; what came of it is a table at the end of the run.

    @counted("SIGKILL to the driver", quick=2, share=20, full=100)
    def test_killed(times, tally, tmp_path):
        for seed in times:
            ...
            tally(lost=missing, doubled=twice)

`times` are the seeds of the tries (0, 1, …), in parts of at most `part`, each a test of its own. `tally` counts a try
that has ended as promised. What was counted in a part that then failed is not in the table: the test is seen to fail.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LEDGER = "EVONAS_TORTURE_LEDGER"  # names a file with a line of each part that ended; what stands there is not repeated
RECORDED = Path(__file__).parents[2] / "benchmarks" / "results" / "reliability.md"
HEAD = ("fault", "tried", "outcome", "lost", "doubled")


class Tally:
    """What came of the tries of one part."""

    def __init__(self, fault: str, part: str) -> None:
        self.fault, self.part = fault, part
        self.outcomes: dict[str, int] = {}
        self.tried = self.lost = self.doubled = 0

    def __call__(self, outcome: str = "as promised", lost: int = 0, doubled: int = 0, tried: int = 1) -> None:
        """Count tries that ended with `outcome`: a fault may have several (recovered, refused in words, …)."""
        self.tried += tried
        self.lost += lost
        self.doubled += doubled
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + tried


def counted(fault: str, *, quick: int, share: int, full: int, part: int = 10**9) -> Callable:
    """A test of `fault` that takes `times` and `tally`; with `quick=0` the default run leaves it out."""
    kinds = (("quick", quick, ()), ("share", share, [pytest.mark.torture]), ("full", full, [pytest.mark.torture_long]))
    parts = [
        pytest.param(range(k, min(k + part, tries)), marks=[*marks, pytest.mark.counted(fault)], id=f"{word}-{k}")
        for word, tries, marks in kinds
        for k in range(0, tries, part)
    ]
    return pytest.mark.parametrize("times", parts)


@pytest.fixture
def tally(request: pytest.FixtureRequest):
    """Counts the tries of this test; where the ledger has them from before, the test is skipped."""
    mark = request.node.get_closest_marker("counted")
    one = Tally(mark.args[0], request.node.nodeid)
    ledger = os.environ.get(LEDGER)
    if ledger and any(line["part"] == one.part for line in read(Path(ledger))):
        pytest.skip("counted before, in the ledger")
    yield one
    if ledger and one.tried and not request.node.stash.get(FAILED, True):
        with Path(ledger).open("a", encoding="utf-8") as file:  # one write of one line, so that processes may share it
            file.write(json.dumps(vars(one)) + "\n")


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    outcome = yield
    if call.when == "call":
        item.stash[FAILED] = outcome.get_result().failed


def read(ledger: Path) -> list[dict]:
    """A line a part that ended as promised; a part that failed has none, so that it is tried again."""
    if not ledger.exists():
        return []
    return [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]


def table(ledger: Path) -> str:
    """As Markdown, a row a fault; empty where nothing was counted."""
    rows: dict[str, Tally] = {}
    for line in read(ledger):
        row = rows.setdefault(line["fault"], Tally(line["fault"], ""))
        for outcome, tried in line["outcomes"].items():
            row(outcome, tried=tried)
        row.lost += line["lost"]
        row.doubled += line["doubled"]
    if not rows:
        return ""
    cells = [HEAD, ("---", "---:", "---", "---:", "---:")]
    for row in rows.values():
        outcomes = "; ".join(f"{what} {n:,}" for what, n in row.outcomes.items())
        cells.append((row.fault, f"{row.tried:,}", outcomes, str(row.lost), str(row.doubled)))
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def record(ledger: Path, command: str) -> None:
    """Write benchmarks/results/reliability.md: what the ledger's tests came to, and where."""
    from evonas.core import environment

    versions = ", ".join(f"{name} {version}" for name, version in environment.versions().items())
    text = (
        "# Tried and counted\n\nWhat [tests/torture](../../tests/torture) tried, how often, and what came of it; what "
        "is promised stands in [docs/reliability.md](../../docs/reliability.md). `lost` and `doubled` are evaluations "
        "that had been finished."
        f"\n\n{table(ledger)}\n\nMade by `{command}` on {environment.processor()}; {versions}.\n"
    )
    RECORDED.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2])
