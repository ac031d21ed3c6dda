"""Architectures as pictures: an SVG that reads in light, in dark and on paper, with no font or file from outside.

A graph is `[(source, target, label), …]`: the nodes are feature maps, the labelled edges operations. A chain is
drawn from top to bottom; any other graph as an arc diagram, its nodes in topological order on one line (Wattenberg
2002). What does not lead from an input to an output is drawn faintly: it computes nothing that counts.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Hashable, Sequence
from graphlib import CycleError, TopologicalSorter
from html import escape
from itertools import pairwise
from typing import Any

from evonas.core.optional import Drawable
from evonas.core.types import Encoding, Task

Edge = tuple[Hashable, Hashable, str]

_PILL, _LANE, _RADIUS = 30, 56, 17
_SHORTEST_GAP, _MOST_LETTERS = 80, 44
_FADED = ("none", "zero", "zeroize")
_FAMILIES = (
    (r"skip|identity", "#7d8590"),
    (r"pool", "#c98414"),
    (r"(conv|mb|ir|k).*(1x1|1×1)", "#12958a"),
    (r"(conv|mb|ir|k).*(5x5|5×5)", "#8a63d2"),
    (r"(conv|mb|ir|k).*(7x7|7×7)", "#d1567b"),
    (r"conv|3x3|3×3", "#3b7dd8"),
    (r"linear|head|dense|flatten", "#7d8590"),
)
_PALETTE = ("#3b7dd8", "#12958a", "#8a63d2", "#c98414", "#d1567b", "#5c9e3a")
_STYLE = """
.evonas-net{--ink:#1d2126;--soft:#8b929b;color-scheme:light dark;
font:13px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
@media(prefers-color-scheme:dark){.evonas-net{--ink:#e9e8e4;--soft:#858b94}}
@media print{.evonas-net{--ink:#1d2126;--soft:#8b929b}}
.evonas-net text{fill:var(--ink);text-anchor:middle;dominant-baseline:central}
.evonas-net .name{fill:var(--soft);font-size:12px;text-anchor:start}
.evonas-net .node{fill:none;stroke:var(--ink);stroke-width:1.5}
.evonas-net .wire{fill:none;stroke:var(--soft);stroke-width:1.5}
.evonas-net .tip{fill:var(--soft)}
.evonas-net .back{fill:var(--paper,Canvas)}
.evonas-net .pill{fill-opacity:.15;stroke-width:1.5}
.evonas-net .faint{opacity:.38}.evonas-net .faint .wire{stroke-dasharray:2 5;stroke-linecap:round}
"""


def draw_architecture(encoding: Encoding, genome: Any, task: Task | None = None) -> str:
    """The SVG of a genome: its encoding's `graph` where there is one, else the chain of the built network's parts.

    Raises what the encoding raises, and ValueError where there is nothing to draw.
    """
    edges = list(encoding.graph(genome)) if isinstance(encoding, Drawable) else []
    if not edges and task is not None:
        edges = _children(encoding.build(genome, task))
    if not edges:
        raise ValueError("the encoding offers no graph, and the network no parts, to draw")
    return draw(edges)


def draw(edges: Sequence[Edge], *, title: str = "architecture") -> str:
    """The graph as one `<svg>` element; raises ValueError where it has no edges."""
    if not edges:
        raise ValueError("a graph with no edges cannot be drawn")
    order = _in_order(edges)
    parts, width, height = _chain(edges, order) if _is_chain(edges) else _arcs(edges, order)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="evonas-net" role="img" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}"><title>{escape(title)}</title><style>{_STYLE}</style>'
        + "".join(parts)
        + "</svg>"
    )


def _children(module: Any) -> list[Edge]:
    """The module's top-level parts, one after the other; a lone part is opened."""
    children = list(module.named_children())
    while len(children) == 1 and list(children[0][1].children()):
        children = list(children[0][1].named_children())
    labels = [type(child).__name__ if name.isdigit() else f"{name}: {type(child).__name__}" for name, child in children]
    nodes = ["input", *(str(i) for i in range(1, len(labels))), "output"]
    return [(nodes[i], nodes[i + 1], label) for i, label in enumerate(labels)]


def _in_order(edges: Sequence[Edge]) -> list[Hashable]:
    """All nodes, sources before targets; as they appear where the graph has a cycle."""
    before: dict[Hashable, list[Hashable]] = {}
    for source, target, _ in edges:
        before.setdefault(source, [])
        before.setdefault(target, []).append(source)
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError:
        return list(before)


def _faded(label: str) -> bool:
    return label.lower() in _FADED


def _is_chain(edges: Sequence[Edge]) -> bool:
    sources, targets = [s for s, _, _ in edges], [t for _, t, _ in edges]
    if any(_faded(label) for _, _, label in edges):  # nothing to stand on the way
        return False
    distinct = len(set(sources)) == len(sources) and len(set(targets)) == len(targets)
    return distinct and len(set(sources) | set(targets)) == len(edges) + 1


def _live(edges: Sequence[Edge]) -> set[int]:
    """The indices of the edges on a way from an input to an output that no `none` interrupts."""
    sources, targets = {s for s, _, _ in edges}, {t for _, t, _ in edges}
    open_edges = [(i, s, t) for i, (s, t, label) in enumerate(edges) if not _faded(label)]

    def reached(start: set, steps: list[tuple[Hashable, Hashable]]) -> set:
        found, size = set(start), -1
        while len(found) > size:
            size = len(found)
            found |= {b for a, b in steps if a in found}
        return found

    forth = reached(sources - targets or sources, [(s, t) for _, s, t in open_edges])
    back = reached(targets - sources or targets, [(t, s) for _, s, t in open_edges])
    return {i for i, s, t in open_edges if s in forth and t in back}


def _arcs(edges: Sequence[Edge], order: list[Hashable]) -> tuple[list[str], float, float]:
    """Nodes on a line; the first edge between neighbours lies on it, all others arch above or below in lanes."""
    place = {node: i for i, node in enumerate(order)}
    spans = [sorted((place[s], place[t])) for s, t, _ in edges]
    lanes = _lanes(spans)
    halves = [_node_width(node) / 2 for node in order]
    gaps = [_SHORTEST_GAP + a + b for a, b in pairwise(halves)]
    for (a, b), (_, _, label) in zip(spans, edges, strict=True):
        for i in range(a, b):
            gaps[i] = max(gaps[i], (_pill_width(label) + 50 + halves[a] + halves[b]) / (b - a))
    side = halves[0] + 16
    xs = [side + sum(gaps[:i]) for i in range(len(order))]
    above, below = max(0, *lanes), -min(0, *lanes)
    middle = above * _LANE + 30
    live = _live(edges)
    wires, pills = [], []
    for i, ((s, t, label), lane) in enumerate(zip(edges, lanes, strict=True)):
        a, b = place[s], place[t]
        half = 0.0 if _faded(label) else _pill_width(label) / 2
        wires.append(_group(_wire(xs[a], xs[b], middle, lane, half, halves[a], halves[b]), i in live))
        if half:
            centre = (xs[a] + xs[b] + (halves[a] - halves[b] if lane == 0 else 0)) / 2
            pills.append(_group(_pill(centre, middle - lane * _LANE, label), i in live))
    parts = wires + pills
    used = {node for i in live for node in edges[i][:2]}
    parts += [_node(xs[place[n]], middle, str(n), n in used) for n in order]
    return parts, xs[-1] + halves[-1] + 16, middle + below * _LANE + 30


def _lanes(spans: Sequence[Sequence[int]]) -> list[int]:
    """A lane for each span, 0 on the line, positive above, negative below; overlapping spans never share one."""
    lanes = [0] * len(spans)
    on_line: set[tuple[int, int]] = set()
    taken: dict[int, list[tuple[int, int, int]]] = {1: [], -1: []}
    for i in sorted(range(len(spans)), key=lambda i: spans[i][1] - spans[i][0]):
        a, b = spans[i]
        if b - a == 1 and (a, b) not in on_line:
            on_line.add((a, b))
            continue
        levels = {d: 1 + max((lane for x, y, lane in taken[d] if x < b and a < y), default=0) for d in (1, -1)}
        direction = 1 if levels[1] <= levels[-1] else -1
        taken[direction].append((a, b, levels[direction]))
        lanes[i] = direction * levels[direction]
    return lanes


def _wire(x1: float, x2: float, y: float, lane: int, half: float, from_half: float, to_half: float) -> str:
    """One edge: a wire that leaves a gap of twice `half` for its operation, and an arrow's tip."""
    if lane == 0:
        start, end = x1 + from_half + 2, x2 - to_half - 3
        centre = (start + end) / 2
        return (
            f'<path class="wire" d="M{start:.1f} {y}H{centre - half:.1f}M{centre + half:.1f} {y}H{end - 6:.1f}"/>'
            f'<path class="tip" d="M{end:.1f} {y}l-8 -4.5v9z"/>'
        )
    up = 1 if lane > 0 else -1
    level, edge = y - lane * _LANE, y - up * (_RADIUS + 2)
    start, end, centre = x1 + 5, x2 - 5, (x1 + x2) / 2
    bend = max(4.0, min(46.0, (end - start) / 2 - half - 2))
    return (
        f'<path class="wire" d="M{start:.1f} {edge}C{start:.1f} {level} {start:.1f} {level} '
        f"{start + bend:.1f} {level}H{centre - half:.1f}M{centre + half:.1f} {level}H{end - bend:.1f}"
        f'C{end:.1f} {level} {end:.1f} {level} {end:.1f} {edge - up * 7}"/>'
        f'<path class="tip" d="M{end:.1f} {edge}l-4.5 {-8 * up}h9z"/>'
    )


def _chain(edges: Sequence[Edge], order: list[Hashable]) -> tuple[list[str], float, float]:
    """Input on top, one box an operation, output at the bottom; what lies between is named beside its wire."""
    following = {s: (t, label) for s, t, label in edges}
    box = max(180.0, *(_pill_width(label) + 16 for _, _, label in edges))
    names = max((7 * len(str(n)) + 16 for n in order[1:-1] if not str(n).isdigit()), default=0)
    width = box + 2 * max(10, names - box / 2 + 20)
    x, y = width / 2, 20.0
    parts = [_node(x, y, str(order[0]), True)]
    for node in order[:-1]:
        target, label = following[node]
        top = y + (_RADIUS if node == order[0] else _PILL / 2)
        parts.append(_step(x, top + 2, 24))
        y = top + 28 + _PILL / 2
        parts.append(_pill(x, y, label, box))
        name = str(target)
        if target != order[-1] and not name.isdigit():
            parts.append(f'<text class="name" x="{x + 12:.1f}" y="{y + _PILL / 2 + 13:.1f}">{escape(name)}</text>')
    parts.append(_step(x, y + _PILL / 2 + 2, 24))
    y += _PILL / 2 + 28 + _RADIUS
    return [*parts, _node(x, y, str(order[-1]), True)], width, y + 20


def _step(x: float, y: float, length: float) -> str:
    return (
        f'<path class="wire" d="M{x:.1f} {y:.1f}v{length - 7}"/>'
        f'<path class="tip" d="M{x:.1f} {y + length:.1f}l-4.5 -8h9z"/>'
    )


def _node(x: float, y: float, name: str, live: bool) -> str:
    width = _node_width(name)
    return _group(
        f'<rect class="node" x="{x - width / 2:.1f}" y="{y - _RADIUS:.1f}" width="{width:.1f}" '
        f'height="{2 * _RADIUS}" rx="{_RADIUS}"/><text x="{x:.1f}" y="{y:.1f}">{escape(_cut(name))}</text>',
        live,
    )


def _group(parts: str, live: bool) -> str:
    return f"<g>{parts}</g>" if live else f'<g class="faint">{parts}</g>'


def _pill(x: float, y: float, label: str, width: float | None = None) -> str:
    width = width or _pill_width(label)
    colour = _colour(label)
    box = f'x="{x - width / 2:.1f}" y="{y - _PILL / 2:.1f}" width="{width:.1f}" height="{_PILL}" rx="8"'
    return (
        f'<g><title>{escape(label)}</title><rect class="back" {box}/>'
        f'<rect class="pill" fill="{colour}" stroke="{colour}" {box}/>'
        f'<text x="{x:.1f}" y="{y:.1f}">{escape(_readable(label))}</text></g>'
    )


def _colour(label: str) -> str:
    """The same for every operation of a family; for one unknown, the same wherever its name appears."""
    for pattern, colour in _FAMILIES:
        if re.search(pattern, label.lower()):
            return colour
    return _PALETTE[zlib.crc32(label.encode()) % len(_PALETTE)]


def _readable(label: str) -> str:
    """`nor_conv_3x3` -> `conv 3×3`."""
    return _cut(re.sub(r"(\d)x(\d)", r"\1×\2", label.removeprefix("nor_").removesuffix("_connect").replace("_", " ")))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else text[: _MOST_LETTERS - 1] + "…"


def _pill_width(label: str) -> float:
    return 7.4 * len(_readable(label)) + 24


def _node_width(node: Hashable) -> float:
    return max(2.0 * _RADIUS, 7.6 * len(_cut(str(node))) + 20)
