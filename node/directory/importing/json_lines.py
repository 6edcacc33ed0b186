"""JSON lines: each line an object with `ref`, perhaps `visibility`, and the body's fields as the kind has them.

    {"ref": "delta", "name": "Delta Centre", "type": "desk", ...}

A line is a row, counted from 1. A key given twice is refused: one of the two values would be lost without a word.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from node.directory.importing.outcome import Problem, Unreadable
from node.directory.importing.table import MOST_ROWS
from node.errors import InputError


def looks_like_json(text: str) -> bool:
    return text.lstrip()[:1] in {"{", "["}


def read_lines(text: str, name: str = "") -> Iterator[tuple[int, dict[str, Any] | Problem]]:
    """Each line that isn't blank, as an object or as what is wrong with it."""
    file = name or "the file"
    if text.lstrip().startswith("["):
        raise InputError(f"{file} is one JSON list: write one object a line, without brackets and commas around them")
    lines = text.rstrip().split("\n")
    if len(lines) > MOST_ROWS:
        raise InputError(f"{file} has more than {MOST_ROWS} lines: split it in two")
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, _object(number, line)


def _object(number: int, line: str) -> dict[str, Any] | Problem:
    try:
        found = json.loads(line, object_pairs_hook=_members, parse_float=_no_fraction, parse_constant=_no_fraction)
    except Unreadable as error:
        return Problem(number, "", str(error))
    except (ValueError, RecursionError):
        return Problem(number, "", "this line is not JSON: write one whole object on it, with quotes around the names")
    if not isinstance(found, dict):
        return Problem(number, "", "this line is not an object: begin it with { and end it with }")
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise Unreadable(f"{json.dumps(twice[:40])} is written twice on this line: leave one of them")
    return found


def _no_fraction(number: str) -> float:
    raise Unreadable(
        f"{number[:40]} is a number with a fraction: write money as text, coordinates as lat_e6 and lon_e6"
    )
