"""JSON as the API gives it, JSON lines, and the signed bundle.

Rules:

- JSON and JSON lines hold records as they are shown, with everything; a line is one record
- a bundle is one portable signed record a line, in canonical bytes (SPEC, "Signed records"): each line proves itself,
  none proves that no other is missing, and `bra verify FILE` checks them all offline. What is handed in are their
  values (`SignedRecord.as_value()`)

    {"beat":{...},"card":{...},"head":{...},"proof":{"siblings":[...]},"record":{...}}
"""

from collections.abc import Iterable, Iterator

import orjson

from node.exports.collection import Collection, Shown
from node.protocol.canonical import encode


def write_json(records: Iterable[Shown], about: Collection) -> Iterator[bytes]:
    """`{"records": [...]}`."""
    del about  # it says nothing of itself
    yield b'{"records":['
    between = b""
    for record in records:
        yield between + orjson.dumps(record)
        between = b","
    yield b"]}"


def write_lines(records: Iterable[Shown], about: Collection) -> Iterator[bytes]:
    """One record a line."""
    del about
    for record in records:
        yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def write_bundle(signed: Iterable[Shown], about: Collection) -> Iterator[bytes]:
    """One signed record a line."""
    del about
    for each in signed:
        yield encode(each) + b"\n"
