"""Where the organisations of a trust graph are drawn."""

import re
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from node.web.graph import HEIGHT, WIDTH, Box, draw

NODES = [f"n{number}" for number in range(12)]


def columns(boxes: list[Box]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for box in sorted(boxes, key=lambda box: (box.x, box.y)):
        found.setdefault(box.step, []).append(box.node)
    return found


def test_who_is_further_away_stands_further_to_the_right() -> None:
    drawing = draw("me", {"p": ("p",), "a": ("p", "a"), "x": ("p", "a", "x")}, [])
    assert [(box.node, box.x // (drawing.boxes[1].x or 1)) for box in drawing.boxes] == [
        ("me", 0), ("p", 1), ("a", 2), ("x", 3),
    ]  # fmt: skip


def test_who_is_known_through_the_same_stands_together() -> None:
    paths = {"p": ("p",), "q": ("q",), "a": ("q", "a"), "b": ("p", "b"), "c": ("q", "c"), "d": ("p", "d")}
    assert columns(draw("me", paths, []).boxes)[2] == ["b", "d", "a", "c"]


def test_the_step_by_which_somebody_is_known_is_another_line_than_a_further_vouch_and_lies_over_it() -> None:
    paths = {"p": ("p",), "q": ("q",), "a": ("p", "a")}
    lines = draw("me", paths, [("me", "p"), ("p", "a"), ("q", "a"), ("a", "q")]).lines
    assert {(line.by, line.of): line.known for line in lines} == {
        ("me", "p"): True, ("me", "q"): True, ("p", "a"): True, ("q", "a"): False, ("a", "q"): False,
    }  # fmt: skip
    assert [line.known for line in lines] == sorted(line.known for line in lines)


def test_who_is_on_a_path_but_not_drawn_gets_no_line() -> None:
    drawing = draw("me", {"x": ("p", "a", "x")}, [("a", "x"), ("x", "gone")])
    assert [box.node for box in drawing.boxes] == ["me", "x"]
    assert drawing.lines == []


def test_this_node_alone_is_one_box() -> None:
    assert draw("me", {"me": ()}, []) == (WIDTH, HEIGHT, [Box("me", 0, 0, 0)], [])


@given(
    st.dictionaries(st.sampled_from(NODES), st.lists(st.sampled_from(NODES), max_size=3)),
    st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)).filter(lambda pair: pair[0] != pair[1])),
)
def test_no_two_boxes_touch_and_all_is_on_the_paper(
    steps: dict[str, list[str]], vouches: list[tuple[str, str]]
) -> None:
    drawing = draw("me", {node: (*path, node) for node, path in steps.items()}, vouches)
    assert {box.node for box in drawing.boxes} == {"me", *steps}
    for one, other in combinations(drawing.boxes, 2):
        assert abs(one.x - other.x) > WIDTH or abs(one.y - other.y) > HEIGHT
    assert all(0 <= box.x <= drawing.width - WIDTH and 0 <= box.y <= drawing.height - HEIGHT for box in drawing.boxes)
    for line in drawing.lines:
        numbers = [int(number) for number in re.findall(r"\d+", line.path)]
        assert all(0 <= x <= drawing.width for x in numbers[::2])
        assert all(0 <= y <= drawing.height for y in numbers[1::2])
