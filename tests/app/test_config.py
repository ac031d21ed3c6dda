import pytest

from evonas.app.config import SearchConfig
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal, Objective


def test_a_toml_file_and_what_is_given_on_top(tmp_path):
    (tmp_path / "s.toml").write_text('data = "digits"\ntrials = 7\ntrain-size = 500\nsurrogate = "none"\n')
    config = SearchConfig.from_toml(tmp_path / "s.toml", {"trials": 9})
    assert (config.trials, config.train_size, config.method_spec) == (9, 500, "evolution")


def test_a_method_with_a_surrogate():
    assert SearchConfig.make({"method": "aging", "surrogate": "boosting"}).method_spec == "aging+boosting"
    assert SearchConfig.make({"method": "aging+meta", "surrogate": "none"}).method_spec == "aging+meta"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"trails": 3}, "no option named 'trails'; did you mean 'trials'?"),
        ({"xyzzy": 3}, "no option named 'xyzzy'; there are 'archive'"),
        ({"trials": 0}, "--trials 0 will not do"),
        ({"trials": "many"}, "--trials 'many' will not do"),
        ({"train_size": -1}, "--train-size -1 will not do"),
        ({"seconds": 0}, "--seconds 0 will not do"),
        ({"workers": 0}, "--workers 0 will not do"),
        ({"name": "a/b"}, "--name 'a/b' will not do"),
    ],
)
def test_what_will_not_do_is_named(values, says):
    with pytest.raises(EvonasError) as error:
        SearchConfig.make(values)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


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
    with pytest.raises(EvonasError, match="no objective in ' , '"):
        Goal.parse(" , ")
    with pytest.raises(EvonasError, match="no metric named 'val_acuracy' to search for; there are .*'val_accuracy'"):
        Goal.parse("val_acuracy,params")
