"""Records read by the thousand: the lines of a block looked at in C, beside whatever else the interpreter does.

Reading a record's line in Python takes 10 us, most of it for parsing a body that nobody looks at yet: its one use is
that encoding it again shows that the line is canonical. `native/scanner.c` sees that in a tenth of the time, without
the interpreter's lock, and hashes what has to be hashed. Rules:

- it decides nothing alone: a line that isn't plainly a record is read as all lines were, by `Record.parse`, which
  also says what is wrong with it
- what it calls a record is one for `Record.parse`, the same in each member (tests/protocol/test_scanner.py)
- where there is no library (see `native`), no line is plain, and the node is slower

    >>> list(runs([b'{"put":{…}}', b'{"put":{…}}', b'{"next":{…}}'], author))
    [[Record(…), Record(…)], b'{"next":{…}}']
"""

import ctypes
from array import array
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import compress, islice, repeat

from node.protocol import native
from node.protocol.names import Kind, NodeId, parse_time
from node.protocol.record import VISIBILITIES, Record

_PUT = len(b'{"put":')
_TIME = len("2026-11-21T12:00:00Z")
_NUMBERS = 7
"""64-bit numbers in the struct `record` of scanner.c; two hashes follow."""
_HASH = 32
_WORDS = _NUMBERS + 2 * _HASH // 8
"""Its length in such numbers."""
_AT_ONCE = 4096
"""Lines that are looked at before the first is judged: each costs memory beyond its bytes."""

_record = partial(tuple.__new__, Record)
"""A record of its members; `Record._make` without counting them, half as long."""


def runs(lines: Iterable[bytes], author: NodeId) -> Iterator[list[Record] | bytes]:
    """The lines in their order: those that plainly hold records of `author` (a node id, surely) as lists of these, as
    many as follow each other; each other line as it is.
    """
    coming = iter(lines)
    # What the caller may change meanwhile is not what C looks at.
    while some := tuple(islice(coming, _AT_ONCE)):
        yield from some if native.functions is None else _runs(some, author, native.functions)


def _runs(lines: tuple[bytes, ...], author: NodeId, within: native.Functions) -> Iterator[list[Record] | bytes]:
    count = len(lines)
    found = (ctypes.c_int64 * (count * _WORDS))()
    sizes = array("Q", map(len, lines))
    within.scan(within.openssl, b"\n".join(lines), sizes.buffer_info()[0], count, author.encode(), found)
    numbers = memoryview(found).cast("B").cast("q")
    records, begin = _records(lines, author, numbers), 0
    for other in (*(at for at, visibility in enumerate(numbers[::_WORDS]) if not visibility), count):
        if run := list(islice(records, other - begin)):
            yield run
        if other < count:
            yield lines[other]
        begin = other + 1


def _records(lines: tuple[bytes, ...], author: NodeId, numbers: memoryview) -> Iterator[Record]:
    """The records of the plain lines. Made by column, because each record of a first sync passes through here."""
    plain, seqs, kinds, kind_ends, ids, id_ends, expires = (numbers[at::_WORDS].tolist() for at in range(_NUMBERS))
    known = _Kinds()
    hashes = numbers.tobytes()
    keys, values = (
        [hashes[at : at + _HASH] for at in range(8 * _NUMBERS + begin, len(hashes), 8 * _WORDS)] for begin in (0, _HASH)
    )
    columns: tuple[Iterable[object], ...] = (
        [line[_PUT:-1] for line in lines],
        repeat(author),
        [known[line[begin:end]] for line, begin, end in zip(lines, kinds, kind_ends, strict=True)],
        [line[begin:end].decode() for line, begin, end in zip(lines, ids, id_ends, strict=True)],
        seqs,
        [VISIBILITIES[each - 1] for each in plain],
        [parse_time(line[at : at + _TIME].decode()) if at else None for line, at in zip(lines, expires, strict=True)],
        keys,
        values,
    )
    return map(_record, zip(*(compress(column, plain) for column in columns), strict=True))


class _Kinds(dict[bytes, Kind]):
    """Kinds by how they are spelled in a line."""

    def __missing__(self, spelled: bytes) -> Kind:
        kind = self[spelled] = Kind(spelled.decode())
        return kind
