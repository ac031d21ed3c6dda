"""What is tried first: the fixed baseline of every built-in space, recorded with the run."""

from dataclasses import replace

import numpy as np
import pytest

import evonas
from evonas.app.config import SearchConfig
from evonas.app.deadline import begun, with_first
from evonas.app.job import resume
from evonas.app.timetable import Timetable
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.genomes import freeze
from evonas.core.goals import Goal
from evonas.core.types import Task
from evonas.domains.evaluator import OwnEvaluator, Scored
from evonas.encodings.cell import CellEncoding, parse
from evonas.encodings.net import NetEncoding
from evonas.execution.processes import Serial
from evonas.memory.archive import Archive
from evonas.search.baselines import RandomSearch
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method
from tests.toys import TASK

CELL = CellEncoding()


def score(candidate, task, seed):
    """Cells are as good as they have convolutions."""
    return {"f1": sum(operation.startswith("nor") for operation in parse(candidate.genome)) + candidate.fidelity}


def options(folder, **further):
    places = {"archive": str(folder / "a.db"), "out": str(folder / "out"), "name": "run", "surrogate": "none"}
    return {**places, "objectives": "f1:max", "encoding": "cell", "evaluator": score, **further}


def candidates(folder):
    return [trial.evaluation.candidate for trial in Archive(folder / "a.db").trials("run")]


def go_on(folder, **changes):
    """Resumed from its archive; `config` of the run changed before."""
    archive = Archive(folder / "a.db")
    if "config" in changes:
        archive.update_run("run", config=changes.pop("config"))
    resume("run", archive=str(folder / "a.db"), trust=True, **changes)


def recorded(folder):
    return dict(Archive(folder / "a.db").run("run").config)


@pytest.mark.parametrize("method", ["evolution", "aging", "random", "halving"])
def test_it_comes_first_and_is_recorded(tmp_path, method):
    evonas.search(**options(tmp_path, method=method, trials=7))
    found, first = candidates(tmp_path), CELL.portfolio(TASK)
    begun = [one for one in found if one.origin == "warm start"]
    assert found[0] == begun[0]
    assert begun[0].genome == first[0]
    assert [one.genome for one in begun] == first
    assert freeze(recorded(tmp_path)["first"]) == tuple(first)


def without_portfolio(folder, trials, told=()):
    """A run as versions recorded it in which `cell` had no portfolio."""
    archive = Archive(folder / "a.db")
    record = archive.run("run")
    context = SearchContext(CELL, Goal.parse("f1:max"), record.task, seed=0, encoding_name="cell")
    executor = Serial(Scored(OwnEvaluator.of(score)))
    searcher = make_method("evolution", context)
    return run(searcher, executor, record.task, seed=0, budget=Budget(trials), store=archive, name="run", trials=told)


@pytest.mark.parametrize("stop", [2, 14])
def test_a_run_that_was_begun_without_goes_on_without(tmp_path, stop):
    evonas.search(**options(tmp_path, trials=1))
    archive, config = Archive(tmp_path / "a.db"), recorded(tmp_path)
    del config["first"]
    record = archive.run("run")
    whole = []
    for trials in (20, stop):
        archive.delete_run("run")
        archive.add_run(record)
        without_portfolio(tmp_path, trials)
        whole = whole or candidates(tmp_path)
    assert "warm start" not in {one.origin for one in whole}
    go_on(tmp_path, config=config, trials=20)
    assert candidates(tmp_path) == whole
    assert recorded(tmp_path)["first"] == []


def test_a_run_goes_on_with_the_genomes_that_it_began_with(tmp_path):
    """Whatever the portfolio is in the version that resumes it."""
    evonas.search(**options(tmp_path, trials=2))
    other = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
    config = recorded(tmp_path)
    go_on(tmp_path, config={**config, "first": [*config["first"][:2], other]}, trials=4)
    assert candidates(tmp_path)[2].genome == other
    assert candidates(tmp_path)[3].origin != "warm start"


def test_a_run_that_recorded_none_has_its_encoding_s(tmp_path):
    """As a run of `net` of the versions in between."""
    evonas.search(**options(tmp_path, trials=2))
    config = {key: value for key, value in recorded(tmp_path).items() if key != "first"}
    go_on(tmp_path, config=config, trials=5)
    assert [one.genome for one in candidates(tmp_path)[:4]] == CELL.portfolio(TASK)
    assert candidates(tmp_path)[4].origin != "warm start"


@pytest.mark.parametrize("written", ["first = [1, 2]", "timetable = {deadline = 5}"])
def test_what_a_search_records_is_no_option_of_a_file(tmp_path, written):
    (tmp_path / "mine.toml").write_text(written)
    with pytest.raises(EvonasError, match=f"{written.split()[0]!r} of .*mine.toml' is no option: a search finds it"):
        SearchConfig.from_toml(tmp_path / "mine.toml", {})


def test_a_deadline_takes_as_many_as_it_has_time_for():
    timetable = Timetable.make(20, 2, 400, 500)
    all_, context = tuple(CELL.portfolio(TASK)), SearchContext(CELL, task=TASK)
    assert 0 < timetable.portfolio < len(all_)
    assert with_first(context, timetable).first == all_[: timetable.portfolio]
    assert with_first(context, None).first == all_
    assert with_first(context, timetable, [[1, [2]], [3]]).first == ((1, (2,)), (3,))[: timetable.portfolio]
    assert with_first(context, None, []).first == ()


@pytest.mark.parametrize(("images", "often"), [(500, True), (10_000, False)])
def test_where_few_images_are_seen_often_the_baseline_is_tried_with_shifted_ones_too(images, often):
    """Second, whatever else is tried first; a run of a version without it goes on without."""
    net, task = NetEncoding(), Task("t", (1, 28, 28), 10)
    timetable = Timetable.make(60.0, 2.0, images, 1000.0)
    assert (timetable.epochs >= 3) == often
    context = with_first(SearchContext(net, task=task, encoding_name="net"), timetable)
    for known, wanted in ((timetable, often), (replace(timetable, epochs=0.0), False)):
        searcher = begun(RandomSearch(context), context, known)
        first, second = (searcher.ask(1, np.random.default_rng(0))[0].genome for _ in range(2))
        assert first == net.portfolio(task)[0]
        assert (second == net.genome(shift_x=0.125, shift_y=0.125)) == wanted
