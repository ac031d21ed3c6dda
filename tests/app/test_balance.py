"""Classes that count alike, in a whole search."""

import numpy as np
import pytest

from evonas.app.config import SearchConfig
from evonas.app.preparation import prepare
from evonas.core import trust
from evonas.core.errors import EvonasError
from evonas.core.optional import CallbackDefaults
from evonas.core.types import Task
from evonas.memory.archive import Archive
from evonas_surrogates.source_data import read
from tests.app.quick import search
from tests.app.test_limits import blobs, options

SEARCH = {"encoding": "cell(width=4)", "method": "random", "trials": 1}


class Lines(CallbackDefaults):
    def __init__(self):
        self.lines = []

    def note(self, text):
        self.lines.append(text)


def unbalanced():
    x, y = blobs(180)
    kept = (y == 0) | (np.arange(180) < 60)
    return x[kept], y[kept]


def test_it_is_said_recorded_and_of_another_training(tmp_path):
    lines = Lines()
    result = search(*unbalanced(), callbacks=[lines], **options(tmp_path, **{**SEARCH, "balance": True}))
    (said,) = [line for line in lines.lines if line.startswith("classes count alike: ")]
    assert said in result["notes"]
    search(*unbalanced(), **options(tmp_path, **{**SEARCH, "name": "plain", "out": tmp_path / "plain"}))
    archive = Archive(tmp_path / "a.db")
    assert archive.run("run").config["balance"] is True
    assert len(read(archive, "cell(width=4)", Task("another", (1, 6, 6), 3)).tasks) == 2  # not averaged


def test_an_evaluator_of_ones_own_has_a_loss_of_its_own(tmp_path):
    (tmp_path / "mine.py").write_text("def score(candidate, task, seed):\n    return {'f': 1.0}\n")
    config = {"evaluator": f"{tmp_path}/mine.py:score", "encoding": "net", "balance": True}
    trust.given(config["evaluator"])
    with pytest.raises(EvonasError, match="--balance True means nothing to an evaluator of your own"):
        prepare(SearchConfig.make({**config, "objectives": "f:max", "archive": str(tmp_path / "a.db")}))
