"""Canonical JSON: one spelling for each value, so that a hash over bytes is a hash over meaning.

RFC 8785 (JCS), restricted so that any language gets it right (SPEC, "Canonical JSON"):

- objects, arrays, strings, true, false, and integers with |n| < 2^53; no floats, no null
- keys are `[A-Za-z0-9_-]+`: ASCII, so that every sorting order agrees; no key twice; strings hold no lone surrogate
- nested at most 32 deep
- a received line is accepted only if encoding what was parsed gives the same bytes

    >>> encode({"b": [True, "é"], "a": 1})
    b'{"a":1,"b":[true,"\\xc3\\xa9"]}'
    >>> decode(b'{"a":1}')
    {'a': 1}
"""

import json
import re
from functools import lru_cache
from typing import Any

import orjson

from node.errors import Malformed
from node.protocol.names import LARGEST_INTEGER

DEEPEST = 32

_key = re.compile(r"[A-Za-z0-9_-]+", re.ASCII).fullmatch


def encode(value: object, *, deepest: int = DEEPEST) -> bytes:
    """The canonical bytes of `value`; raises Malformed for anything that has none."""
    _check(value, deepest)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError, RecursionError) as error:  # orjson: a lone surrogate
        raise Malformed("a string holds a lone surrogate: it isn't text") from error


def decode(line: bytes, *, deepest: int = DEEPEST) -> Any:
    """The value that `line` spells, if `line` is its one canonical spelling; raises Malformed otherwise."""
    try:
        value = orjson.loads(line)
    except (ValueError, RecursionError) as error:
        raise Malformed("the line is not JSON in UTF-8") from error
    _check(value, deepest)
    # orjson keeps the last of two equal keys and reads many spellings; comparing bytes refuses them all at once.
    if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) != line:
        raise Malformed("the line is not canonical: sort the keys, no white space, no needless escapes")
    return value


def decode_loose(data: bytes) -> Any:
    """The value of JSON in any spelling, within the profile: for files that people mail, paste and pretty-print.

    What was signed is then its canonical re-encoding. A key given twice is still refused.
    """

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) != len(pairs):
            raise Malformed("an object holds the same key twice")
        return found

    try:
        value = json.loads(data.decode("utf-8-sig"), object_pairs_hook=members)
    except (ValueError, RecursionError) as error:
        raise Malformed("the file is not JSON in UTF-8") from error
    encode(value)
    return value


def _check(value: Any, depth: int) -> None:
    form = type(value)
    if form is dict or form is list:
        if depth == 0:
            raise Malformed("arrays and objects are nested too deep")
        if form is dict:
            _check_keys(tuple(value))
            value = value.values()
        for member in value:
            if type(member) is not str:
                _check(member, depth - 1)
    elif form is int:
        if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise Malformed("an integer is outside -(2^53 - 1) .. 2^53 - 1: no language but a few keeps it exact")
    elif value is None:
        raise Malformed("null is not used: leave the member out")
    elif form is not str and form is not bool:
        raise Malformed("a number is an integer here: write a decimal as a string, or scale it (microdegrees, cents)")


@lru_cache(maxsize=512)
def _check_keys(keys: tuple[object, ...]) -> None:
    # Records come in few shapes, so a whole object's keys are usually one look-up; an error is not cached.
    for key in keys:
        if type(key) is not str or _key(key) is None:
            raise Malformed("a key is 1 or more characters of A-Z, a-z, 0-9, '_' and '-'")
