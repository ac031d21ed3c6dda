"""Every block of code of the documentation is run, or says why it is not; every command in it is one that there is."""

import ast
import re

import numpy as np
import pytest
import typer
from PIL import Image
from sklearn.datasets import load_digits

from evonas.app.cli import app
from tests.app.photos import photo, photos
from tests.docs.blocks import FENCED, ROOT, Block, blocks_of, commands_of, run_page

PAGES = ["README.md", *sorted(page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").rglob("*.md"))]
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
OTHERS = [
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benchmarks/README.md",
    "surrogates/README.md",
    "examples/nas_unseen/README.md",
]
LANGUAGES = {"python", "sh", "bash", "toml", "text"}
TUTORIAL = ["docs/tutorial/first-search.md", "docs/tutorial/report.md", "docs/tutorial/use.md"]  # one after the other
QUICK = ["docs/clusters.md"]
ELSEWHERE = ["docs/own.md", "docs/others.md"]  # their Python: test_own.py and test_others.py look at what came of it


def runnable(page: str) -> list[Block]:
    """What of a page is run here."""
    blocks = [block for block in blocks_of(page) if not block.not_run and (block.title or block.language != "toml")]
    return [block for block in blocks if block.language == "sh" or (page not in ELSEWHERE and block.language != "text")]


SLOW = [[page] for page in PAGES if runnable(page) and page not in (*QUICK, *TUTORIAL)] + [TUTORIAL]


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert text.count("\n```") == 2 * len(FENCED.findall(text)) - text.startswith("```"), "a block is not closed"
    for block in blocks_of(page):
        assert block.language in LANGUAGES, f"{block.place}: say what it is, one of {sorted(LANGUAGES)}"
        assert block.language != "bash" or block.not_run, f"{block.place}: a script is not run line by line"
        if block.not_run is not None:
            assert len(block.not_run.split()) >= 2, f"{block.place}: say why it is not run"


def test_a_comment_that_is_not_right_above_its_block_is_none():
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert text.count("<!-- not run") == sum(block.not_run is not None for block in blocks_of(page)), page


@pytest.mark.parametrize(
    "block",
    [
        block
        for block in [*BLOCKS, *(block for page in OTHERS for block in blocks_of(page))]
        if block.language in ("sh", "bash", "") and re.search("^evonas ", block.code, re.MULTILINE)
    ],
    ids=lambda block: block.place,
)
def test_commands_are_taken_by_the_command_line(block: Block):
    """Nothing is run; words, options and their types are parsed."""
    for words in commands_of(block):
        if words[0] == "evonas":
            parsed(words[1:])


def parsed(words: list[str]) -> None:
    command = typer.main.get_command(app)
    above = command.context_class(command, info_name="evonas")
    while hasattr(command, "get_command"):
        below = command.get_command(above, words[0])  # type: ignore[attr-defined]
        assert below is not None, f"there is no command {words[0]!r}"
        above, command = below.context_class(below, info_name=words.pop(0), parent=above), below
    command.make_context(above.info_name, words, parent=above.parent)


def test_a_wrong_option_would_be_seen():
    with pytest.raises(Exception, match="No such option"):
        parsed(["search", "--trails", "3"])
    with pytest.raises(AssertionError, match="no command"):
        parsed(["serach"])


@pytest.mark.parametrize("block", [one for one in BLOCKS if one.language == "python"], ids=lambda block: block.place)
def test_python_can_be_read(block: Block):
    ast.parse(block.code)


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """The folder of someone who reads: photos, other photos, the examples, and an archive of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVONAS_ARCHIVE", str(tmp_path / "archive.db"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("page", QUICK)
def test_a_page_runs_as_it_stands(page, reader):
    run_page(runnable(page), reader, {"__name__": "reader"})


@pytest.mark.thorough
@pytest.mark.parametrize("pages", SLOW, ids=lambda pages: pages[0])
def test_pages_run_as_they_stand(pages, reader):
    names: dict[str, object] = {"__name__": "reader"}
    if pages == ["README.md"]:  # it shows commands for data that a reader has
        photos(reader / "photos")
        (reader / "holiday").mkdir()
        photo(1, 7).save(reader / "holiday" / "a.png")
        (reader / "examples").symlink_to(ROOT / "examples")
        x, y = load_digits(return_X_y=True)
        x = x.reshape(-1, 8, 8)
        names |= {"x": x[:200], "y": y[:200], "x_test": x[200:260], "y_test": y[200:260], "images": x[:5]}
    if pages == ["docs/howto/export.md"]:
        digit = load_digits(return_X_y=True)[0][8].reshape(8, 8) * 15.9
        Image.fromarray(digit.astype(np.uint8)).save(reader / "8.png")
    run_page([block for page in pages for block in runnable(page)], reader, names)


def test_what_the_site_shows_is_named_in_its_navigation():
    """A page of `docs/` that nobody finds is none."""
    listed = set(re.findall(r"[\w/.-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    assert {page.removeprefix("docs/") for page in PAGES if page != "README.md"} <= listed
