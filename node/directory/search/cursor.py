"""Where a page ends: the last record's place in the order, as an opaque text.

It says nothing that the page doesn't, so it isn't signed; whoever makes one up gets another part of the same answer.

    >>> read(write("ab12", 1.5, 7), "ab12", float)
    (1.5, 7)
"""

import math

import orjson

from node.errors import InputError, Malformed
from node.protocol.names import LARGEST_INTEGER, decode_base64, encode_base64
from node.sentence import said

Key = float | int | str

_SENTENCE = said("this cursor is not one of this question: leave 'after' out to begin with the first page")


def write(digest: str, key: Key, no: int) -> str:
    """The cursor after the record `no`, which stands at `key`, in the answer to the question with this digest."""
    return encode_base64(orjson.dumps([digest, key, no]))


def read(text: str, digest: str, form: type[Key]) -> tuple[Key, int]:
    """What `write` was given; InputError where it is another question's, or none. `form`: what the keys are."""
    try:
        parts = orjson.loads(decode_base64(text, len(text) * 3 // 4))
    except (Malformed, ValueError):
        raise InputError(_SENTENCE, "after") from None
    if not isinstance(parts, list) or len(parts) != 3 or parts[0] != digest:
        raise InputError(_SENTENCE, "after")
    key, no = parts[1:]
    numbers = (int, float) if form is float else (form,)
    if type(key) not in numbers or (isinstance(key, float) and not math.isfinite(key)):
        raise InputError(_SENTENCE, "after")
    if type(no) is not int or not 0 < no <= LARGEST_INTEGER or (type(key) is int and abs(key) > LARGEST_INTEGER):
        raise InputError(_SENTENCE, "after")
    return key, no
