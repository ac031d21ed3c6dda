"""What is said of a network's quality."""

import numpy as np
import pytest

from evonas.core.quality import Answers, judged
from evonas.report.quality import DRAWN, ROWS, sections, words


def quality(labels, said, names, linear=None):
    found = judged(Answers(np.array(labels), np.array(said), np.full(len(said), 0.9)), names)
    return {**found, "linear": {"accuracy": linear, "examples": 10}} if linear is not None else found


def test_a_class_that_is_never_said_is_warned_of():
    lines = words(quality([0, 0, 1, 2], [0, 0, 0, 0], ("ant", "bee", "cat")))
    assert lines[1] == "warning: no test example is taken for bee, cat: such a class is not learned"
    assert len(words(quality([0, 1], [0, 1], ("ant", "bee")))) == 1


@pytest.mark.parametrize(
    ("linear", "said"),
    [(0.5, "50.0 %"), (0.89, "as good within chance"), (0.99, "which is better than this network")],
)
def test_it_stands_beside_a_linear_model(linear, said):
    labels = [0] * 60 + [1] * 40
    line = words(quality(labels, [0] * 50 + [1] * 50, ("ant", "bee"), linear))[0]
    assert line.startswith(
        "test accuracy 90.00 %, 95 % interval 82.6 to 94.5 % (100 examples); the commonest class alone"
    )
    assert said in line


def test_names_of_classes_and_files_are_text():
    found = quality([0, 1], [1, 1], ("<b>ant", "</script>"))
    found["mistakes"][0]["name"] = "<img src=x>"
    html = "".join(html for _, html in sections({"quality": found}))
    assert "<b>ant" not in html
    assert "<img src=x>" not in html
    assert html.count("</script>") == 1  # the plot's own


def test_of_many_classes_the_pairs_and_the_worst_are_shown():
    names = [f"class {i}" for i in range(DRAWN + 20)]
    labels = np.arange(3 * len(names)) % len(names)
    said = np.where(labels == 7, 9, labels)
    html = "".join(html for _, html in sections({"quality": quality(labels, said, names)}))
    assert 'class 7</td><td class="number">class 9' in html
    assert "plotly" not in html
    assert 'class="plot"' not in html
    assert f"The {ROWS} worst classes of {len(names)}." in html


def test_without_a_test_there_is_nothing_to_say():
    assert sections({}) == []
    assert sections({"quality": None}) == []
