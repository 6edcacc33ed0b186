"""Where the organisations of a trust graph are drawn: in columns, one for each step away from this node. Pure.

Rules:

- the first column is this node, the next its partners, and so on: how far away somebody is can be seen without colours
- in a column, who is known through the same organisation stands together, so that few lines cross
- two kinds of lines: the step by which somebody is known, and every other vouch among those who are drawn
- sizes are in pixels of the drawing; text is cut by its reader, who knows the whole of it elsewhere

    >>> drawing = draw("a", {"b": ("b",), "c": ("b", "c")}, [("a", "b"), ("b", "c"), ("a", "c")])
    >>> [(box.node, box.x, box.y) for box in drawing.boxes]
    [('a', 0, 0), ('b', 264, 0), ('c', 528, 0)]
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 200, 44
"""Of a box."""
BESIDE, BELOW = 64, 12
"""Between boxes."""


class Box(NamedTuple):
    """One organisation. `x`, `y`: its upper left corner; `step`: how far away it is."""

    node: str
    step: int
    x: int
    y: int


class Line(NamedTuple):
    """A vouch between the nearest edges of two boxes. `path`: in SVG's words; `known`: somebody is known by this."""

    by: str
    of: str
    path: str
    known: bool


class Drawing(NamedTuple):
    """`width` and `height` hold all of it."""

    width: int
    height: int
    boxes: list[Box]
    lines: list[Line]


def draw(me: str, paths: Mapping[str, Sequence[str]], vouches: Iterable[tuple[str, str]]) -> Drawing:
    """The drawing of who is known. `paths`: to each, the first hop first and itself last; `vouches`: by whom, of whom.

    Somebody on a path who has none of their own here is left out, and so is what they say.
    """
    boxes = {box.node: box for box in _placed({me: (), **{node: path for node, path in paths.items() if node != me}})}
    by_path = {(path[-2] if len(path) > 1 else me, node) for node, path in paths.items() if path}
    # The lines by which somebody is known are drawn last, over the others.
    pairs = sorted({*vouches, *by_path}, key=lambda pair: (pair in by_path, pair))
    lines = [
        Line(by, of, _curve(boxes[by], boxes[of]), (by, of) in by_path)
        for by, of in pairs
        if by in boxes and of in boxes
    ]
    beside = [boxes[line.by].x + BESIDE // 2 for line in lines if boxes[line.by].x == boxes[line.of].x]
    width = max(*beside, *(box.x for box in boxes.values()), 0) + WIDTH
    height = max(box.y for box in boxes.values()) + HEIGHT
    return Drawing(width, height, list(boxes.values()), lines)


def _placed(paths: Mapping[str, Sequence[str]]) -> Iterable[Box]:
    columns: dict[int, list[str]] = defaultdict(list)
    for node, path in paths.items():
        columns[len(path)].append(node)
    rows: dict[str, int] = {}
    for step, nodes in sorted(columns.items()):
        # Beside whoever they are known through; in the order in which they were named where that is the same.
        nodes.sort(key=lambda node: rows.get(paths[node][-2], -1) if len(paths[node]) > 1 else -1)
        for row, node in enumerate(nodes):
            rows[node] = row
            yield Box(node, step, step * (WIDTH + BESIDE), row * (HEIGHT + BELOW))


def _curve(start: Box, end: Box) -> str:
    """From one box to another; in one column around their right edges."""
    y, to_y = start.y + HEIGHT // 2, end.y + HEIGHT // 2
    x = start.x if end.x < start.x else start.x + WIDTH
    to_x = end.x if end.x > start.x else end.x + WIDTH
    bend = (x + to_x) // 2 if x != to_x else x + BESIDE // 2
    return f"M{x} {y}C{bend} {y} {bend} {to_y} {to_x} {to_y}"
