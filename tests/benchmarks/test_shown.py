"""A comparison shows itself in a notebook."""

import math

from evonas.core.goals import Objective
from evonas_benchmarks.run.comparison import Comparison
from evonas_benchmarks.run.search import Row


def test_a_row_of_each_method():
    nan = math.nan
    rows = {("a<b", seed): [Row(1, 0.1 * seed, 0.1 * seed, nan, 1.0, 0.0)] for seed in (1, 2, 4)}
    rows |= {("none", seed): [Row(1, nan, nan, nan, 1.0, 0.0)] for seed in (1, 2, 4)}
    shown = Comparison(Objective("val_accuracy", True), 1, rows)._repr_html_()
    assert "<tr><th>a&lt;b</th><td>0.2</td><td>0.1</td><td>0.4</td></tr>" in shown
    assert "<tr><th>none</th><td colspan='3'>none succeeded</td></tr>" in shown
    assert "val_accuracy after 1 trials, 3 seeds" in shown
