import subprocess
import sys

import pytest

from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.trust import given
from evonas.search.evolution import AgingEvolution
from tests.toys import Digits, on


def test_a_built_in_by_name():
    assert plugins.resolve("evonas.searchers", "aging") is AgingEvolution


def test_a_module_and_a_file(tmp_path):
    given("tests.toys:Digits")
    assert plugins.resolve("evonas.encodings", "tests.toys:Digits") is Digits
    (tmp_path / "mine.py").write_text("class Outer:\n    class Inner:\n        x = 3\n")
    spec = f"{tmp_path / 'mine.py'}:Outer.Inner"
    given(spec)
    assert plugins.resolve("evonas.encodings", spec).x == 3
    assert plugins.resolve("evonas.encodings", spec) is plugins.resolve("evonas.encodings", spec)


def test_options():
    made = plugins.make("evonas.searchers", "aging(population=7, tournament=2)", on(Digits()))
    assert (made.population, made.tournament) == (7, 2)
    assert plugins.split_spec("aging") == ("aging", {})
    assert plugins.split_spec("x(names=('a', 'b'), f=-1.5)") == ("x", {"names": ("a", "b"), "f": -1.5})
    assert plugins.split_spec("bayes(acquisition=thompson)") == ("bayes", {"acquisition": "thompson"})
    assert plugins.plain_name("cell(width=3)") == "cell"


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("agin", "no searcher named 'agin'; there are 'aging', 'bayes', 'earlier-mean'"),
        ("nowhere.at.all:X", "cannot import 'nowhere.at.all'"),
        ("missing.py:X", "no file 'missing.py'"),
        ("tests.toys:Nothing", "has no 'Nothing'; it has .*'Digits'"),
        ("aging(population)", r"cannot read the options in 'aging\(population\)'"),
        ("aging(population=true)", "cannot read the options"),  # which a text would not be
        ("aging(population=a.b)", "cannot read the options"),
        ("aging(population=", "cannot read the options"),
        ("aging(population=open('x'))", "cannot read the options"),
        ("aging(size=3)", "searcher 'aging' has no option 'size'; there are .*'population', 'tournament'"),
    ],
)
def test_what_cannot_be_found_is_said_with_the_way_out(spec, says):
    given(spec)
    with pytest.raises(EvonasError, match=says):
        plugins.make("evonas.searchers", spec, on(Digits()))


@pytest.mark.parametrize("value", ["no", "'no'", "maybe"])
def test_what_is_on_or_off_is_no_text(value):
    with pytest.raises(EvonasError, match=r"encoding 'cell': pruned='\w+' is neither True nor False; give one"):
        plugins.make("evonas.encodings", f"cell(pruned={value})")
    assert plugins.make("evonas.encodings", "cell(pruned=False)").pruned is False


def test_a_file_that_breaks_is_named(tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0")
    given(f"{tmp_path / 'broken.py'}:X")
    with pytest.raises(EvonasError, match="broken.py' cannot be run: ZeroDivisionError"):
        plugins.resolve("evonas.encodings", f"{tmp_path / 'broken.py'}:X")


def test_a_part_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "mine.py").write_text(
        "class Mine:\n    def __init__(self, must):\n        pass\n\ndef odd():\n    1 / 0\n"
    )
    given(f"{tmp_path / 'mine.py'}:Mine", f"{tmp_path / 'mine.py'}:odd")
    with pytest.raises(EvonasError, match=r"mine.py:Mine' cannot be made: TypeError: .*'must'"):
        plugins.make("evonas.encodings", f"{tmp_path / 'mine.py'}:Mine")
    with pytest.raises(EvonasError, match=r"mine.py:odd' cannot be made: ZeroDivisionError"):
        plugins.make("evonas.tasks", f"{tmp_path / 'mine.py'}:odd")


def test_all_built_ins_exist():
    groups = ["encodings", "tasks", "searchers", "rankers", "suites", "commands"]
    for group in groups:
        for name, entry in plugins.available(f"evonas.{group}").items():
            if entry.value.startswith("evonas_benchmarks.peers."):
                continue  # tests/benchmarks/test_peers.py: only the extra installs their packages
            assert plugins.resolve(f"evonas.{group}", name) is not None


def test_importing_evonas_loads_nothing_heavy():
    heavy = ("torch", "sklearn", "sqlalchemy", "moocore")
    code = f"import evonas, evonas.types, evonas.app.cli, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
