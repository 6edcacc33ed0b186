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
from typing import Any

import orjson

from node.errors import Malformed

DEEPEST = 32

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_key = re.compile(r"[A-Za-z0-9_-]+", re.ASCII).fullmatch
_keys: set[object] = set()
"""Keys that were found right: records share a few, and asking a set for all keys of an object at once is quick."""
_KEYS_REMEMBERED = 4096


def encode(value: object, *, deepest: int = DEEPEST) -> bytes:
    """The canonical bytes of `value`; raises Malformed for anything that has none."""
    _check(value, deepest)
    return _dumps(value)


def decode(line: bytes, *, deepest: int = DEEPEST) -> Any:
    """The value that `line` spells, if `line` is its one canonical spelling; raises Malformed otherwise."""
    try:
        value = orjson.loads(line)
    except (ValueError, RecursionError) as error:
        raise Malformed("the line is not JSON in UTF-8") from error
    _check(value, deepest)
    # orjson keeps the last of two equal keys and reads many spellings; comparing bytes refuses them all at once.
    if _dumps(value) != line:
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


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except (TypeError, ValueError, RecursionError) as error:
        if "Integer" in str(error):
            raise Malformed(
                "an integer is outside -(2^53 - 1) .. 2^53 - 1: no language but a few keeps it exact"
            ) from error
        raise Malformed("a string holds a lone surrogate: it isn't text") from error


def _check(value: Any, depth: int) -> None:
    """Raises Malformed for types, keys and depths that the profile lacks. Integers' size is left to the encoder."""
    form = type(value)
    if form is dict or form is list:
        if depth == 0:
            raise Malformed("arrays and objects are nested too deep")
        if form is dict:
            if not _keys.issuperset(value):
                _check_keys(value)
            value = value.values()
        for member in value:
            form = type(member)
            if form is not str and form is not int:
                _check(member, depth - 1)
    elif value is None:
        raise Malformed("null is not used: leave the member out")
    elif form is not str and form is not int and form is not bool:
        raise Malformed("a number is an integer here: write a decimal as a string, or scale it (microdegrees, cents)")


def _check_keys(value: dict[object, Any]) -> None:
    for key in value:
        if type(key) is not str or _key(key) is None:
            raise Malformed("a key is 1 or more characters of A-Z, a-z, 0-9, '_' and '-'")
    if len(_keys) + len(value) <= _KEYS_REMEMBERED:
        _keys.update(value)
