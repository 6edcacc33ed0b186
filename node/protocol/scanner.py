"""Records read by the thousand: the lines of a block looked at in C, beside whatever else the interpreter does.

Reading a record's line in Python takes 10 us, most of it for parsing a body that nobody looks at yet: its one use is
that encoding it again shows that the line is canonical. `scanner.c` sees that in a tenth of the time, without the
interpreter's lock. Rules:

- it decides nothing alone: a line that isn't plainly a record is read as all lines were, by `Record.parse`, which
  also says what is wrong with it
- what it calls a record is one for `Record.parse`, the same in each member (tests/protocol/test_scanner.py)
- where it wasn't built (no C compiler when the package was installed), or of another source, no line is plain, and the
  node is slower

    >>> records([b'{"put":{…}}', b'{"next":{…}}'], author)
    [Record(…), None]
"""

import ctypes
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from struct import Struct

from node.protocol.names import Kind, NodeId, RecordId, parse_time
from node.protocol.statements import VISIBILITIES, Record, tree_key

LIBRARY = Path(__file__).with_name("libscanner.so")
"""What hatch_build.py makes of `SOURCE`."""
SOURCE = Path(__file__).with_name("scanner.c")

_PUT = len(b'{"put":')
_TIME = len("2026-11-21T12:00:00Z")
_FOUND = Struct("=8q")
"""The struct `record` of scanner.c."""
_AT_ONCE = 4096
"""Lines that are looked at before the first is judged: each costs memory beyond its bytes."""


def _loaded(library: Path, source: Path) -> "ctypes._NamedFuncPointer | None":
    """The function `scan` of scanner.c; None where it wasn't built, or was of another source."""
    try:
        loaded = ctypes.CDLL(str(library))
        made_of = (ctypes.c_char * 65).in_dll(loaded, "source").value
        if made_of != sha256(source.read_bytes()).hexdigest().encode():
            return None
        scan = loaded.scan
    except (OSError, AttributeError, ValueError):
        return None
    scan.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p)
    scan.restype = None
    return scan


_scan = _loaded(LIBRARY, SOURCE)


def is_compiled() -> bool:
    """Whether lines are looked at in C."""
    return _scan is not None


def records(lines: Iterable[bytes], author: NodeId) -> Iterator[Record | None]:
    """Of each line the record of `author` (a node id, surely) that it plainly holds, `{"put":{…}}`; None of others."""
    coming = iter(lines)
    # What the caller may change meanwhile is not what C looks at.
    while some := tuple(islice(coming, _AT_ONCE)):
        yield from (None for _ in some) if _scan is None else _records(some, author, _scan)


def _records(lines: tuple[bytes, ...], author: NodeId, scan: "ctypes._NamedFuncPointer") -> Iterator[Record | None]:
    count = len(lines)
    found = ctypes.create_string_buffer(count * _FOUND.size)
    scan((ctypes.c_char_p * count)(*lines), (ctypes.c_size_t * count)(*map(len, lines)), count, author.encode(), found)
    # Written out, because each record that comes passes through here.
    for line, places in zip(lines, _FOUND.iter_unpack(found), strict=True):
        visibility, seq, kind_at, kind_end, id_at, id_end, updated, expires = places
        if not visibility:
            yield None
            continue
        own, kind, record_id = line[_PUT:-1], line[kind_at:kind_end].decode(), line[id_at:id_end].decode()
        yield Record(
            own,
            author,
            Kind(kind),
            RecordId(record_id),
            seq,
            line[updated : updated + _TIME].decode(),
            VISIBILITIES[visibility - 1],
            parse_time(line[expires : expires + _TIME].decode()) if expires else None,
            tree_key(kind, record_id),
            sha256(own).digest(),
        )
