"""Visits: what was asked, what each side said, and the links by which a host may answer.

What names people (the request, a note, a pass) lies on pages of its own, as personal records do (see `bulk`), so that
nothing of it is left in the file when the visit is deleted.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import orjson

_PAGE = 4096
LINKS_KEPT = 8
"""Of one visit: a letter that is sent again carries another."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as one side holds it. `guest`: the node that asked; `venue`: `node id/record id`; `side`: this node's.

    `asker`: the hash of who asked, None for the operator; `state` and `first` to `last`, local days of `zone`, are what
    the moves come to; `ends`: when the last of them is over, in seconds; `problem`: why the other side wasn't reached.
    """

    no: int
    guest: str
    id: str
    side: str
    venue: str
    zone: str
    asker: bytes | None
    asked: int
    state: str
    first: str
    last: str
    ends: int
    problem: str | None
    request: bytes

    @property
    def host(self) -> str:
        return self.venue.partition("/")[0]

    @property
    def other(self) -> str:
        """The node of the other side."""
        return self.host if self.side == "guest" else self.guest


class Said(NamedTuple):
    """A move as it is kept; `heard`: when it was said here, or came here, by this node's own clock."""

    side: str
    number: int
    seen: int
    event: str
    at: int
    heard: int
    first: str | None
    last: str | None
    note: str | None


_VISITS = (
    "SELECT no, guest, id, side, venue, zone, asker, asked, state, first, last, ends, problem, request "
    "FROM visits JOIN visit_requests ON visit_requests.visit = visits.no"
)


def add(
    db: sqlite3.Connection,
    *,
    guest: str,
    id_: str,
    side: str,
    venue: str,
    zone: str,
    asker: bytes | None,
    asked: int,
    first: str,
    last: str,
    ends: int,
    request: bytes,
) -> int:
    """A new visit, of which nothing was said yet, so that no list shows it; its number here."""
    cursor = db.execute(
        "INSERT INTO visits (guest, id, side, venue, zone, asker, asked, state, first, last, ends) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?)",
        (guest, id_, side, venue, zone, asker, asked, first, last, ends),
    )
    no = int(cursor.lastrowid or 0)
    db.execute(f"INSERT INTO visit_requests (visit, apart, request) VALUES (?, zeroblob({_PAGE}), ?)", (no, request))
    return no


def settle(db: sqlite3.Connection, no: int, *, state: str, first: str, last: str, ends: int) -> None:
    """What the visit's moves have come to."""
    db.execute(
        "UPDATE visits SET state = ?, first = ?, last = ?, ends = ? WHERE no = ?", (state, first, last, ends, no)
    )


def trouble(db: sqlite3.Connection, no: int, problem: str | None) -> None:
    db.execute("UPDATE visits SET problem = ? WHERE no = ?", (problem, no))


def find(db: sqlite3.Connection, guest: str, id_: str) -> Visit | None:
    row = db.execute(f"{_VISITS} WHERE guest = ? AND id = ?", (guest, id_)).fetchone()
    return Visit(*row) if row else None


def numbered(db: sqlite3.Connection, no: int) -> Visit | None:
    row = db.execute(f"{_VISITS} WHERE no = ?", (no,)).fetchone()
    return Visit(*row) if row else None


def named(db: sqlite3.Connection, id_: str) -> list[Visit]:
    """The visits of this id: guests choose ids, so in theory there are several."""
    rows = db.execute(f"{_VISITS} WHERE id = ? AND state <> '' ORDER BY no", (id_,))
    return [Visit(*row) for row in rows]


class Among(NamedTuple):
    """The visits in these states that are not over at `now`; or with `others`, all the others."""

    states: Collection[str]
    now: float
    others: bool = False


def listing(
    db: sqlite3.Connection,
    *,
    side: str | None = None,
    asker: bytes | None = None,
    among: Among | None = None,
    before: int | None = None,
    most: int,
) -> list[Visit]:
    """The newest first; of one side, of one asker, of some, and numbered below `before`, as far as these are given."""
    states, now, others = among or (None, 0, False)
    rows = db.execute(
        f"{_VISITS} WHERE state <> '' AND (:side IS NULL OR side = :side) AND (:asker IS NULL OR asker = :asker) "
        "AND (:states IS NULL OR (ends > :now AND state IN (SELECT value FROM json_each(:states))) <> :others) "
        "AND (:before IS NULL OR no < :before) ORDER BY no DESC LIMIT :most",
        {
            "side": side,
            "asker": asker,
            "states": states and orjson.dumps(sorted(states)).decode(),
            "now": int(now),
            "others": others,
            "before": before,
            "most": most,
        },
    )
    return [Visit(*row) for row in rows]


def in_states(db: sqlite3.Connection, side: str, states: tuple[str, ...], now: float) -> list[Visit]:
    """Those that are not over yet, of a side and in one of these states."""
    marks = ", ".join("?" * len(states))
    rows = db.execute(f"{_VISITS} WHERE side = ? AND state IN ({marks}) AND ends > ?", (side, *states, int(now)))
    return [Visit(*row) for row in rows]


def hosted(db: sqlite3.Connection) -> list[tuple[str, str, str, str, str, str]]:
    """Guest, id, state, venue, first and last day of all visits that were asked of this node; nobody's name."""
    query = "SELECT guest, id, state, venue, first, last FROM visits WHERE side = 'host' AND state != ''"
    return db.execute(query).fetchall()


class Coming(NamedTuple):
    """How many people come, from a local day to another."""

    first: str
    last: str
    people: int


def coming(db: sqlite3.Connection, venue: str, days: tuple[str, str], states: tuple[str, ...]) -> list[Coming]:
    """Who comes to a venue on some of these local days (the first and the last), by visits in one of these states."""
    marks = ", ".join("?" * len(states))
    # Counted where they lie: the writer waits for nobody's reading of all their requests.
    rows = db.execute(
        "SELECT first, last, json_array_length(CAST(request AS TEXT), '$.people') FROM visits "
        "JOIN visit_requests ON visit_requests.visit = visits.no "
        f"WHERE venue = ? AND state IN ({marks}) AND first <= ? AND last >= ?",
        (venue, *states, days[1], days[0]),
    )
    return [Coming(*row) for row in rows]


def count(db: sqlite3.Connection, guest: str, now: float) -> int:
    """How many visits of a guest's node are not over yet."""
    row = db.execute("SELECT count(*) FROM visits WHERE guest = ? AND ends > ?", (guest, int(now))).fetchone()
    return int(row[0])


def over_before(db: sqlite3.Connection, moment: float, most: int) -> list[int]:
    """The numbers of visits that were over before a moment."""
    rows = db.execute("SELECT no FROM visits WHERE ends < ? ORDER BY ends LIMIT ?", (int(moment), most))
    return [no for (no,) in rows]


def delete(db: sqlite3.Connection, no: int) -> None:
    """The visit, and all that hangs on it but the arrival that both sides signed."""
    db.execute(
        "DELETE FROM arrivals WHERE guest_signature IS NULL "
        "AND (guest, visit) = (SELECT guest, id FROM visits WHERE no = ?)",
        (no,),
    )
    for table in ("visit_requests", "visit_moves", "visit_passes", "visit_links", "letters"):
        db.execute(f"DELETE FROM {table} WHERE visit = ?", (no,))
    db.execute("DELETE FROM visits WHERE no = ?", (no,))


# --- moves -------------------------------------------------------------------------------------------------------


def say(db: sqlite3.Connection, no: int, said: Said) -> None:
    """Keeps a move; what is there under its number stays."""
    db.execute(
        "INSERT OR IGNORE INTO visit_moves (visit, side, number, seen, event, at, heard, first, last, apart, note) "
        f"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, CASE WHEN ? IS NOT NULL THEN zeroblob({_PAGE}) END, ?)",
        (no, *said, said.note),
    )


def moves(db: sqlite3.Connection, no: int) -> list[Said]:
    rows = db.execute(
        "SELECT side, number, seen, event, at, heard, first, last, note FROM visit_moves WHERE visit = ?", (no,)
    )
    return [Said(*row) for row in rows]


# --- passes ------------------------------------------------------------------------------------------------------


def keep_pass(db: sqlite3.Connection, no: int, person: int, token: str) -> None:
    """Keeps the pass of one of the people, counted from 0 as the request lists them, in the place of an earlier one."""
    db.execute(
        f"INSERT OR REPLACE INTO visit_passes (visit, person, apart, token) VALUES (?, ?, zeroblob({_PAGE}), ?)",
        (no, person, token),
    )


def passes(db: sqlite3.Connection, no: int) -> dict[int, str]:
    """The passes of a visit, by the people's numbers."""
    return dict(db.execute("SELECT person, token FROM visit_passes WHERE visit = ?", (no,)).fetchall())


def drop_passes(db: sqlite3.Connection, no: int) -> None:
    db.execute("DELETE FROM visit_passes WHERE visit = ?", (no,))


# --- links -------------------------------------------------------------------------------------------------------


class Link(NamedTuple):
    """`used`: when it decided, in seconds; None until it does."""

    hash: bytes
    visit: int
    expires: int
    used: int | None


def add_link(db: sqlite3.Connection, link: Link) -> None:
    """One more link; of many letters that never arrived, only the last ones' count."""
    db.execute("INSERT INTO visit_links (hash, visit, expires, used) VALUES (?, ?, ?, ?)", link)
    db.execute(
        "DELETE FROM visit_links WHERE visit = ? AND rowid NOT IN "
        "(SELECT rowid FROM visit_links WHERE visit = ? ORDER BY rowid DESC LIMIT ?)",
        (link.visit, link.visit, LINKS_KEPT),
    )


def find_link(db: sqlite3.Connection, hash_: bytes) -> Link | None:
    row = db.execute("SELECT hash, visit, expires, used FROM visit_links WHERE hash = ?", (hash_,)).fetchone()
    return Link(*row) if row else None


def use_link(db: sqlite3.Connection, hash_: bytes, now: float) -> None:
    db.execute("UPDATE visit_links SET used = ? WHERE hash = ?", (int(now), hash_))


def forget_links(db: sqlite3.Connection, now: float) -> None:
    db.execute("DELETE FROM visit_links WHERE expires < ?", (int(now),))
