"""Records as views show them, made up: one of each kind, hostile ones, and any that a kind accepts."""

import copy
import re
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from node import kinds
from node.exports import FORMATS, Collection
from tests.kinds.kind_examples import KINDS, example

TARTU = "bra1" + "t" * 32
MALMO = "bra1" + "m" * 32
NO_CHARACTERS = dict.fromkeys((*range(64976, 65008), 65534, 65535), "�")
"""What exports show of the code points that XML can't hold."""
LICENCE = "https://creativecommons.org/licenses/by/4.0/"

ABOUT = Collection("Everything in Tartu", url="https://node.example/api/v1/all", licence=LICENCE)

NAMES = {
    "Estonian": "Õpetaja büroo „Äri” – šokolaad",
    "Chinese": "數碼港會議室",
    "Arabic": "قاعة الاجتماعات",
}
HOSTILE = (
    "]]>",
    "</script><script>alert(1)</script>",
    "<!--",
    "&amp;",
    '"quoted", and; semi:colon \\ backslash \\n',
    "a\r\nATTENDEE:mailto:intruder@evil.example",
    "a\rEND:VCALENDAR\r",
    "a\nEND:VCARD\nBEGIN:VCARD",
    "line\u2028separator\u2029paragraph",
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "'=1",
    "＝1+1",
    "x;=1+1",
    "x\n=1+1",
    "x\t@SUM(1)",
    "\ufffe\uffff\ufdd0",
    "نص \u200fوسط\u200f",
    "\u200d👩‍👩‍👧",
    "慕" * 60,
    "a" * 200,
    "+37256123456",
    "{}", "%00", "${jndi:x}", "a,b", "a|b",
    *NAMES.values(),
)  # fmt: skip


def shown(kind: str, body: dict[str, Any] | None = None, **provenance: Any) -> dict[str, Any]:
    """A record of Tartu's, with this body or the kind's example."""
    return {
        "kind": kind,
        "id": "self" if kind == "organisation" else "x",
        "author": TARTU,
        "organisation": "Tartu Science Park",
        "known": {"standing": "honoured", "path": [{"author": TARTU, "organisation": "Tartu Science Park"}]},
        "stale": False,
        "seq": 7,
        "updated": "2027-01-15T09:00:00Z",
        "visibility": "public",
        "body": example(kind) if body is None else body,
        "heard": "2027-01-16T09:00:00Z",
        **provenance,
    }


def written(extension: str, *records: dict[str, Any], about: Collection = ABOUT) -> bytes:
    return b"".join(FORMATS[extension].write(records, about))


def lines_of(data: bytes) -> list[tuple[str, dict[str, str], str]]:
    """Content lines (RFC 5545 and 6350, section 3.1/3.2), strictly: (name, parameters, value), unfolded.

    Asserts what parsers forgive: CRLF alone, 75 octets a line, whole characters, no controls, quoted where needed.
    """
    assert data.endswith(b"\r\n")
    physical = data[:-2].split(b"\r\n")
    for each in physical:
        assert len(each) <= 75, each
        assert not set(each) & set(b"\r\n\0"), each
        each.decode()  # a character is never folded apart
    unfolded = b"\r\n".join(physical).replace(b"\r\n ", b"").split(b"\r\n")
    found = []
    for each in unfolded:
        match = re.fullmatch(
            r"([A-Z0-9-]+)((?:;[A-Z0-9-]+=(?:\"[^\"\x00-\x08\x0a-\x1f\x7f]*\"|[^\";:,\x00-\x08\x0a-\x1f\x7f]*))*)"
            r":([^\x00-\x08\x0a-\x1f\x7f]*)",
            each.decode(),
        )
        assert match, each
        parameters = dict(part.split("=", 1) for part in match[2].split(";") if part)
        found.append((match[1], parameters, match[3]))
    return found


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _leaves(inner, (*path, place))
    else:
        yield path


def _changed(body: dict[str, Any], path: Sequence[Any], value: Any) -> dict[str, Any]:
    other = copy.deepcopy(body)
    here: Any = other
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return other


_VALUES = (
    st.sampled_from(HOSTILE)
    | st.text(max_size=60)
    | st.integers(-200_000_000, 200_000_000)
    | st.sampled_from(("0001-01-01T00:00", "9999-12-31T23:59", "2027-03-28T03:30", "2027-10-31T03:30", "24/7", "UTC"))
    | st.sampled_from(("https://bücher.example/ä?q=ö#ü", "õ%?&@park.example", "Africa/Casablanca", "cancelled"))
)


@st.composite
def bodies(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """Bodies that the kind accepts: the example with fields left out, and leaves changed to all sorts of values."""
    body = example(kind)
    for name in draw(st.lists(st.sampled_from(sorted(body)), max_size=4)):
        less = {field: value for field, value in body.items() if field != name}
        body = body if kinds.problems(kind, less) else less
    for path in draw(st.lists(st.sampled_from(list(_leaves(body))), max_size=6)):
        other = _changed(body, path, draw(_VALUES))
        body = body if kinds.problems(kind, other) else other
    assert kinds.interpret(kind, body) is not None
    return body


@st.composite
def records(draw: st.DrawFn, *of: str) -> dict[str, Any]:
    """Any record of these kinds that a view could show."""
    kind = draw(st.sampled_from(of or KINDS))
    some = {"licence": draw(st.sampled_from((*HOSTILE, "\0\x1b[2J"))), "warning": "signed two histories", "stale": True}
    chosen = draw(st.sets(st.sampled_from(sorted(some))))
    return shown(
        kind,
        draw(bodies(kind)),
        organisation=draw(st.sampled_from(("", "Tartu Science Park", *NAMES.values()))),
        seq=draw(st.sampled_from((0, 1, 2**31, 2**53 - 1))),
        visibility=draw(st.sampled_from(("public", "members", "partners", "local"))),
        **{name: some[name] for name in chosen},
    )
