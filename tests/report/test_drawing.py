"""Architectures as pictures."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from evonas.core.types import Task
from evonas.report.drawing import draw, draw_architecture

CELL = [
    (0, 1, "nor_conv_3x3"),
    (0, 2, "none"),
    (1, 2, "avg_pool_3x3"),
    (0, 3, "skip_connect"),
    (1, 3, "nor_conv_1x1"),
    (2, 3, "nor_conv_3x3"),
]
SVG = "{http://www.w3.org/2000/svg}"
TASK = Task("tiny", (1, 8, 8), 3)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def faint(svg: str) -> list[str]:
    """The texts in groups that are drawn faintly."""
    groups = [g for g in ElementTree.fromstring(svg).iter(f"{SVG}g") if g.get("class") == "faint"]
    return [element.text or "" for group in groups for element in group.iter(f"{SVG}text")]


def pills(svg: str) -> list[tuple[float, float, float, float]]:
    """The boxes of the operations: left, top, right, bottom."""
    boxes = [r for r in ElementTree.fromstring(svg).iter(f"{SVG}rect") if r.get("class") == "pill"]
    sizes = [[float(r.get(key) or 0) for key in ("x", "y", "width", "height")] for r in boxes]
    return [(x, y, x + width, y + height) for x, y, width, height in sizes]


def overlap(a, b) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def test_a_cell_shows_its_nodes_and_operations_but_no_pill_for_none():
    assert sorted(texts(draw(CELL))) == sorted(
        ["0", "1", "2", "3", "conv 3×3", "avg pool 3×3", "skip", "conv 1×1", "conv 3×3"]
    )


def test_what_reaches_no_output_is_faint():
    graph = [(s, t, "none" if t == 3 and s > 0 else label) for s, t, label in CELL]
    assert sorted(faint(draw(graph))) == sorted(["1", "2", "conv 3×3", "avg pool 3×3"])


def test_everything_is_faint_but_the_ends_where_nothing_passes():
    svg = draw([(0, 1, "none"), (0, 2, "none"), (1, 2, "none")])
    assert sorted(faint(svg)) == ["0", "1", "2"]


def test_a_chain_runs_downwards():
    svg = draw([("input", "stem", "conv 3x3"), ("stem", "stage 1", "2 × MBConv 5x5"), ("stage 1", "output", "linear")])
    tops = [top for _, top, _, _ in pills(svg)]
    assert tops == sorted(tops)
    assert len({round(left) for left, _, _, _ in pills(svg)}) == 1
    assert {"stem", "stage 1"} <= set(texts(svg))


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.text(max_size=60)).filter(lambda e: e[0] < e[1]),
        min_size=1,
        max_size=9,
    )
)
def test_any_graph_is_well_formed_and_inside_its_frame(edges):
    legal = [(s, t, re.sub(r"[^\x20-\ud7ff]", "?", label)) for s, t, label in edges]
    svg = draw(legal)
    _, _, width, height = map(float, (ElementTree.fromstring(svg).get("viewBox") or "").split())
    boxes = pills(svg)
    assert len(boxes) == sum(label.lower() not in ("none", "zero", "zeroize") for _, _, label in legal)
    assert all(0 <= left < right <= width and 0 <= top < bottom <= height for left, top, right, bottom in boxes)


def test_no_two_operations_lie_on_each_other():
    complete = [(i, j, "sep_conv_5x5") for j in range(6) for i in range(j)]
    for graph in (CELL, complete, [(0, 1, "a_long_operation_name")] * 4):
        boxes = pills(draw(graph))
        assert not any(overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_cycle_and_hostile_names_are_drawn_all_the_same():
    svg = draw([("<b>", 'a"&', "</svg><script>alert(1)</script>"), ('a"&', "<b>", "x")])
    assert "<script" not in svg
    assert {"<b>", 'a"&'} <= set(texts(svg))


def test_an_operation_has_one_colour_everywhere():
    def colour(svg):
        return re.search(r'class="pill" fill="(#\w+)"', svg)[1]  # type: ignore[index]

    assert colour(draw([(0, 1, "gru")])) == colour(draw([("x", "y", "gru"), ("x", "z", "none")]))
    assert colour(draw([(0, 1, "nor_conv_3x3")])) != colour(draw([(0, 1, "avg_pool_3x3")]))


def test_no_edges_is_refused():
    with pytest.raises(ValueError, match="no edges"):
        draw([])


class Plain:
    """An encoding that offers no graph: the layers of a small network."""

    def sample(self, rng: np.random.Generator) -> int:
        return int(rng.integers(1, 4))

    def build(self, genome: int, task: Task) -> nn.Module:
        return nn.Sequential(nn.Sequential(nn.Flatten(), *(nn.LazyLinear(8) for _ in range(genome)), nn.ReLU()))


class Graphed(Plain):
    def graph(self, genome: int):
        return [("input", "output", f"block {genome}")]


def test_without_a_graph_the_parts_of_the_network_are_drawn():
    svg = draw_architecture(Plain(), 2, TASK)  # type: ignore[arg-type]
    assert texts(svg) == ["input", "Flatten", "LazyLinear", "LazyLinear", "ReLU", "output"]


def test_a_graph_is_preferred_and_needs_no_task():
    assert "block 2" in texts(draw_architecture(Graphed(), 2))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no graph"):
        draw_architecture(Plain(), 2)  # type: ignore[arg-type]
