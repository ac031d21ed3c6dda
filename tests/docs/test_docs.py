"""The pages for people: what they link to is there, and their Python can be read and imports what exists."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# built by tools or copied in beside the repository's own
NOT_OURS = {".venv", "venv", ".nox", "node_modules", "shared", "runs", "build", "dist", "site"}
PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for page in ROOT.rglob("*.md")
    if not NOT_OURS.intersection(page.relative_to(ROOT).parts)
)


WRITTEN = {"model"}  # modules that commands of a page write


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """Relative links and images; a link to a heading finds it."""
    dead = []
    for target in re.findall(r"\]\(<?([^)\s>]+)>?\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        linked = (ROOT / page).parent / path if path else ROOT / page
        if not linked.exists() or (heading and heading not in headings(linked)):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("page", [page for page in PAGES if "```python" in (ROOT / page).read_text(encoding="utf-8")])
@pytest.mark.filterwarnings("error:.*has moved:DeprecationWarning")
def test_python_can_be_read_and_imports_what_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for statement in ast.walk(ast.parse(block)):
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    importlib.import_module(alias.name)
            if isinstance(statement, ast.ImportFrom) and statement.module and statement.module not in WRITTEN:
                module = importlib.import_module(statement.module)
                for alias in statement.names:
                    hasattr(module, alias.name) or importlib.import_module(f"{statement.module}.{alias.name}")


FIGURE = re.compile(r"(?<![\w.])\d*\.\d+(?!\w|\.\d)")
README, TRANSFER = ((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/explanation/transfer.md"))
ROWS = [
    row for row in README.partition("## What was measured")[2].partition("## Limits")[0].splitlines() if "](" in row
]
CLAIMS = [("README.md", row) for row in ROWS if row.startswith("| ")]
CLAIMS += [("docs/explanation/transfer.md", part) for part in TRANSFER.split("\n## ")[1:]]


@pytest.mark.parametrize(("page", "claim"), CLAIMS, ids=[claim[:40] for _, claim in CLAIMS])
def test_figures_are_those_that_were_recorded(page, claim):
    """Each one with a fraction stands in a result that the row or the section links to."""
    links = [(ROOT / page).parent / path for path in re.findall(r"\]\(([^)#]*results/[^)#]+\.md)", claim)]
    recorded = "\n".join(link.read_text(encoding="utf-8") for link in links)
    figures = FIGURE.findall(re.sub(r"\]\([^)]*\)", "", claim))
    assert figures
    assert [
        one for one in figures if not re.search(rf"(?<![\d.]){'0' * (one[0] == '.')}{re.escape(one)}", recorded)
    ] == []


def prose(page: str) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def headings(page: Path) -> set[str]:
    """Anchors of a page's headings, made as GitHub makes them."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", line).lower() for line in lines]
    return {re.sub(r"[^\w\- ]", "", line).replace(" ", "-") for line in plain}
