"""A network of one's own is tried right after the fixed baseline, and what is none is said."""

import json

import pytest
from typer.testing import CliRunner

import evonas
from evonas.app.cli import app
from evonas.app.config import SearchConfig
from evonas.app.deadline import begun, with_first
from evonas.app.job import resume
from evonas.app.preparation import prepare
from evonas.app.timetable import Timetable
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.types import Task
from evonas.domains.images import images_from_arrays
from evonas.encodings.cell import CellEncoding
from evonas.encodings.net import NetEncoding
from evonas.search.baselines import RandomSearch
from tests.app.test_limits import blobs
from tests.app.test_portfolio import CELL, candidates, options

NET = NetEncoding()
MINE = ["|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|"]
MINE.append(MINE[0].replace("1x1", "3x3"))
COMMAND = ["search", "--encoding", "cell", "--trials", "1", "--epochs", "1", "--train-size", "64", "--archive"]


def of_file(path, genome, encoding="cell"):
    path.write_text(json.dumps({"format": 3, "encoding": encoding, "genome": genome}))
    return path


def test_they_are_tried_after_the_baseline_and_recorded(tmp_path):
    given = [of_file(tmp_path / "genome.json", MINE[0]), {"genome": MINE[1]}]
    found = evonas.search(start=given, **options(tmp_path, trials=5, method="random"))
    baseline, *others = CELL.portfolio(Task("toy", (), 0))
    mine = [CELL.canonical(one) for one in MINE]
    tried = candidates(tmp_path)
    assert [one.genome for one in tried][:4] == [baseline, *mine, *others][:4]
    assert {one.origin for one in tried[:3]} == {"warm start"}
    (tmp_path / "genome.json").unlink()
    resume("run", archive=str(tmp_path / "a.db"), trust=True, trials=6)
    assert candidates(tmp_path)[:5] == tried
    again = evonas.search(
        start=found.folder / "genome.json", **{**options(tmp_path / "b", trials=2), "method": "random"}
    )
    assert candidates(tmp_path / "b")[1].genome == found["genome"] == again["genome"]


def test_a_deadline_tries_them_however_few_it_tries(tmp_path):
    mine = NET.genome(depth=2)
    first = [NET.genome(), mine, *(NET.genome(width=width) for width in NET.genes["width"])]
    task, timetable = Task("toy", (1, 8, 8), 2), Timetable.make(20.0, 1.0, 5000, 100.0, 1.0)
    assert timetable.portfolio < len(first)
    context = with_first(SearchContext(NET, task=task), timetable, first, 2)
    assert context.first[:2] == (NET.genome(), mine)
    assert mine in begun(RandomSearch(context), context, timetable, 2).first  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (None, "--start '.*mine.json' cannot be read: No such file or directory; give a genome.json"),
        ("{", "--start '.*mine.json' is no JSON; give a genome.json, as a search leaves it"),
        ('{"encoding": "net"}', "holds no genome; give a genome.json"),
        (
            '{"encoding": "cell(width=4)", "genome": "x"}',
            r"is of the encoding 'cell\(width=4\)'; search with --encoding",
        ),
        ('{"encoding": "net", "genome": [1, 2]}', "no genome of the encoding 'net': it has 2 values for 23 genes"),
        ("[1, 2]", "no genome of the encoding 'net': it has 2 values"),
        (json.dumps([*NET.genome()[:1], 7, *NET.genome()[2:]]), "reduction=7, of which the choices are 1, 2"),
    ],
)
def test_what_is_no_network_is_one_line(tmp_path, held, says):
    if held is not None:
        (tmp_path / "mine.json").write_text(held)
    with pytest.raises(EvonasError, match=says) as error:
        prepared(tmp_path, start=str(tmp_path / "mine.json"))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def prepared(folder, **further):
    given = {"archive": str(folder / "a.db"), "out": str(folder / "out"), "trials": 2, "epochs": 1, "encoding": "net"}
    config = SearchConfig.make({**given, "data": "memory", "device": "cpu", **further})
    return prepare(config, data=images_from_arrays(*blobs(), name="memory"))


def test_limits_hold_for_them_too(tmp_path):
    mine = NET.genome(width=64)
    first = prepared(tmp_path, start=[mine]).config.first
    assert first is not None
    assert first[1] == mine
    with pytest.raises(EvonasError, match=r"--start \(.*: its params \d+ breaks params<=5000; give a smaller network"):
        prepared(tmp_path, start=[mine], limits=["params<=5000"])


def test_a_cell_that_is_none(tmp_path):
    assert CellEncoding().features(MINE[0])
    with pytest.raises(EvonasError, match="--start 'nothing at all': no genome of the encoding 'cell': "):
        evonas.search(start=[{"genome": "nothing at all"}], **options(tmp_path, trials=1))


def test_a_string_of_nas_bench_201_is_a_genome_wherever_one_is_given(tmp_path):
    """As the benchmark writes it: on the command line, in Python, alone in a file, as JSON."""
    (tmp_path / "cell.txt").write_text(MINE[0] + "\n")
    (tmp_path / "cell.json").write_text(json.dumps(MINE[1]))
    for start, mine in ((MINE[0], MINE[0]), (tmp_path / "cell.txt", MINE[0]), (tmp_path / "cell.json", MINE[1])):
        first = prepared(tmp_path, start=[start], encoding="cell").config.first
        assert first is not None
        assert first[1] == CELL.canonical(mine)
    called = CliRunner().invoke(app, [*COMMAND, str(tmp_path / "b.db"), "--start", MINE[0].replace("none", "nothing")])
    assert "is no file, and: no genome of the encoding 'cell': " in (line := str(called.exception or called.output))
    assert "is no cell of NAS-Bench-201; it looks like '|nor_conv_3x3~0|+|" in line
    with pytest.raises(EvonasError, match="is no file, and: no genome of the encoding 'cell': 'nothing' is no cell"):
        evonas.search(start="nothing", **options(tmp_path, trials=1))
