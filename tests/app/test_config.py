from pathlib import Path

import numpy as np
import pytest

from evonas.app.config import SearchConfig
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal, Objective


def test_a_toml_file_and_what_is_given_on_top(tmp_path):
    (tmp_path / "s.toml").write_text('data = "digits"\ntrials = 7\ntrain-size = 500\nsurrogate = "none"\n')
    config = SearchConfig.from_toml(tmp_path / "s.toml", {"trials": 9})
    assert (config.trials, config.train_size, config.method_spec) == (9, 500, "evolution")


def test_a_run_records_its_method_in_full():
    made = SearchConfig.make({"surrogate": "meta(pool=32)"}).spelled()
    assert made.surrogate == "meta(pool=32, explore=0.0, refine=6)"
    assert made.spelled() == made
    assert made.method_spec == "evolution+meta(pool=32, explore=0.0, refine=6)"
    made = SearchConfig.make({"method": "aging+boosting"}).spelled()
    assert made.method == "aging+boosting(pool=16, explore=0.05, refine=3)"
    assert SearchConfig.make({"surrogate": "none"}).spelled() == SearchConfig.make({"surrogate": "none"})


def test_a_method_with_a_surrogate():
    assert SearchConfig.make({"method": "aging", "surrogate": "boosting"}).method_spec == "aging+boosting"
    assert SearchConfig.make({"method": "aging+meta", "surrogate": "none"}).method_spec == "aging+meta"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"trails": 3}, "no option named 'trails'; did you mean 'trials'?"),
        ({"xyzzy": 3}, "no option named 'xyzzy'; there are 'archive'"),
        ({"trials": 0}, "--trials 0 is not valid"),
        ({"trials": "many"}, "--trials 'many' is not valid"),
        ({"train_size": -1}, "--train-size -1 is not valid"),
        ({"seconds": 0}, "--seconds 0 is not valid"),
        ({"workers": 0}, "--workers 0 is not valid"),
        ({"name": "a/b"}, "'a/b' is no name for a run"),
    ],
)
def test_what_is_not_valid_is_named(values, says):
    with pytest.raises(EvonasError) as error:
        SearchConfig.make(values)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "values",
    [
        ("seed", 2**63),
        ("seed", 10**400),
        ("trials", True),
        ("trials", np.arange(3)),
        ("workers", [1]),
        ("data", 3),
        ("out", 3),
        ("name", 3),
        ("encoding", len),
        ("inherit", "x"),
        ("seconds", float("nan")),
        ("seconds", float("inf")),
    ],
)
def test_values_of_any_kind_are_refused_in_a_line(values):
    with pytest.raises(EvonasError) as error:
        SearchConfig.make(dict([values]))
    assert "is not valid" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_paths_and_numbers_of_numpy():
    config = SearchConfig.make(
        {
            "trials": np.int64(3),
            "seed": np.uint8(4),
            "seconds": np.float32(0.5),
            "out": Path("x y"),
            "inherit": np.True_,
        }
    )
    assert (config.trials, config.seed, config.seconds, config.out, config.inherit) == (3, 4, 0.5, "x y", True)
    assert type(config.trials) is int
    assert SearchConfig.make({"seed": 2**63 - 1}).seed == 2**63 - 1


def test_what_an_archive_holds_may_be_of_another_version(caplog):
    recorded = {"trials": 7, "sparkle": 3, "glitter": None}
    config = SearchConfig.from_record(recorded, {"trials": 9})
    assert config.trials == 9
    assert "sparkle=3" in caplog.text
    assert "glitter" not in caplog.text
    with pytest.raises(EvonasError, match="no option named 'sparkle'"):
        SearchConfig.from_record({}, {"sparkle": 3})


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(EvonasError, match="cannot read the configuration"):
        SearchConfig.from_toml(tmp_path / "none.toml", {})
    (tmp_path / "bad.toml").write_text("trials = = 3")
    with pytest.raises(EvonasError, match="is no TOML file"):
        SearchConfig.from_toml(tmp_path / "bad.toml", {})


def test_objectives():
    assert Goal.parse("val_accuracy, params").objectives == (Objective("val_accuracy"), Objective("params", False))
    assert (
        Goal.parse("-latency_ms").objectives == Goal.parse("latency_ms").objectives == (Objective("latency_ms", False),)
    )
    with pytest.raises(EvonasError, match="objectives ' , ' name none"):
        Goal.parse(" , ")
    with pytest.raises(EvonasError, match="no metric named 'val_acuracy' to search for; there are .*'val_accuracy'"):
        Goal.parse("val_acuracy,params")
