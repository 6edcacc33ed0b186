"""Records read by the thousand: the lines of a block looked at in C, beside whatever else the interpreter does.

Reading a record's line in Python takes 10 us, most of it for parsing a body that nobody looks at yet: its one use is
that encoding it again shows that the line is canonical. `native/scanner.c` sees that in a tenth of the time, without
the interpreter's lock, and hashes what has to be hashed. Rules:

- it decides nothing alone: a line that isn't plainly a record is read as all lines were, by `Record.parse`, which
  also says what is wrong with it
- what it calls a record is one for `Record.parse`, the same in each member (tests/protocol/test_scanner.py)
- where there is no library (see `native`), no line is plain, and the node is slower

    >>> records([b'{"put":{…}}', b'{"next":{…}}'], author)
    [Record(…), None]
"""

import ctypes
from collections.abc import Iterable, Iterator
from itertools import islice
from struct import Struct

from node.protocol import native
from node.protocol.names import Kind, NodeId, RecordId, parse_time
from node.protocol.statements import VISIBILITIES, Record

_PUT = len(b'{"put":')
_TIME = len("2026-11-21T12:00:00Z")
_FOUND = Struct("=8q32s32s")
"""The struct `record` of scanner.c."""
_AT_ONCE = 4096
"""Lines that are looked at before the first is judged: each costs memory beyond its bytes."""


def records(lines: Iterable[bytes], author: NodeId) -> Iterator[Record | None]:
    """Of each line the record of `author` (a node id, surely) that it plainly holds, `{"put":{…}}`; None of others."""
    coming = iter(lines)
    # What the caller may change meanwhile is not what C looks at.
    while some := tuple(islice(coming, _AT_ONCE)):
        yield from (None for _ in some) if native.functions is None else _records(some, author, native.functions)


def _records(lines: tuple[bytes, ...], author: NodeId, within: native.Functions) -> Iterator[Record | None]:
    count = len(lines)
    found = ctypes.create_string_buffer(count * _FOUND.size)
    texts, sizes = (ctypes.c_char_p * count)(*lines), (ctypes.c_size_t * count)(*map(len, lines))
    within.scan(within.openssl, texts, sizes, count, author.encode(), found)
    # Written out, because each record that comes passes through here.
    for line, places in zip(lines, _FOUND.iter_unpack(found), strict=True):
        visibility, seq, kind_at, kind_end, id_at, id_end, updated, expires, key, value = places
        yield (
            Record(
                line[_PUT:-1],
                author,
                Kind(line[kind_at:kind_end].decode()),
                RecordId(line[id_at:id_end].decode()),
                seq,
                line[updated : updated + _TIME].decode(),
                VISIBILITIES[visibility - 1],
                parse_time(line[expires : expires + _TIME].decode()) if expires else None,
                key,
                value,
            )
            if visibility
            else None
        )
