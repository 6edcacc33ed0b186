"""The answer to a question: one page of records in a stable order, how many there are in all, and what was understood.

Rules:

- first numbers are found and put in order, from narrow rows; whole records are loaded for the page alone
- the order is by one key, then by record number, so that it is the same on every page; a cursor is a place in it
- pages, totals, facets and corrections are all made of the same hits, which the reader may see (see `reader`)
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from node.directory import views
from node.directory.reader import Reader
from node.directory.search import conditions, cursor, facets, hours, places, ranking, words
from node.directory.search.conditions import Hits
from node.directory.search.question import Moment, Question
from node.directory.search.words import Word


@dataclass(frozen=True, slots=True)
class Found:
    """A page: records as `views` shows them, with what the search adds; `cursor` of the next page, if there is one.

    `total`: how many hits there are on all pages. `facets`: by name, the values with their counts, the most frequent
    first; of more than `facets.MOST_COUNTED` hits only so many are counted, and the answer says so. `understood`: what
    was made of the question.
    """

    records: list[dict[str, Any]]
    cursor: str | None
    total: int
    understood: dict[str, Any]
    facets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def as_value(self) -> dict[str, Any]:
        """As JSON says it."""
        return {
            "records": self.records,
            "total": self.total,
            "understood": self.understood,
            **({"facets": self.facets} if self.facets else {}),
            **({"counted": facets.MOST_COUNTED} if self.facets and self.total > facets.MOST_COUNTED else {}),
            **({"after": self.cursor} if self.cursor else {}),
        }


def search(db: sqlite3.Connection, reader: Reader, question: Question) -> Found:
    """The page of the directory that answers `question`; InputError, naming the field, where it can't be answered."""
    hits = conditions.of(db, reader, question)
    page = _page(db, question, hits)
    if not page.total and (meant := hits.mended(db, reader)) is not hits:
        hits = meant
        page = _page(db, question, hits)
    return Found(
        records=_records(db, reader, question, hits, page.hits),
        cursor=page.cursor,
        total=page.total,
        understood=_understood(question, hits, page.total),
        facets=facets.count(db, reader, page.counted) if question.facets else {},
    )


class _Order(NamedTuple):
    """What hits are put in order by, smaller is first: an expression over `columns` of each, and its Python type."""

    key: str
    form: type[cursor.Key]
    columns: Mapping[str, str]


def _order(question: Question, hits: Hits) -> _Order:
    square = {"square": "placed.square" if hits.place else "NULL"}
    match question.order:
        case "distance":
            return _Order("square", int, square)
        case "start":
            return _Order("starts", int, {**square, "starts": f"coalesce(facts.starts, {conditions.NEVER})"})
        case "name":
            return _Order("name", str, {**square, "name": "facts.name"})
        case "relevance":
            author = {"honoured": conditions.HONOURED, "stale": conditions.STALE}
            return _Order(f"-({ranking.SCORE})", float, {**_words(hits), "length": "facts.length", **square, **author})


def _words(hits: Hits) -> dict[str, str]:
    """What share of the words stands in the heading, and whether all of them stand there as whole ones."""
    if not hits.words:
        return {"heading": "0.0", "whole": "0"}
    in_heading = " + ".join(_among(f"heading{place}") for place in range(len(hits.words)))
    # Of a frequent word most hits hold it whole: the others are fewer.
    return {"heading": f"({in_heading}) / {len(hits.words)}.0", "whole": f"(NOT {_among('beginnings')})"}


def _among(parameter: str) -> str:
    return f"(facts.no IN (SELECT rowid FROM texts_fts WHERE texts_fts MATCH :{parameter}))"


class _Hit(NamedTuple):
    """`key`: where it stands in the order; `square`: of the chord to the place asked for, if there is one."""

    no: int
    key: cursor.Key
    square: int | None


class _Page(NamedTuple):
    """`counted`: the record numbers that facets are counted of, as JSON; empty where none are asked for."""

    hits: list[_Hit]
    total: int
    cursor: str | None
    counted: str


def _page(db: sqlite3.Connection, question: Question, hits: Hits) -> _Page:
    """The question's page of these hits, without the records themselves."""
    order, digest = _order(question, hits), question.digest()
    parameters, following = dict(hits.parameters), ""
    if question.after is not None:
        parameters["key"], parameters["no"] = cursor.read(question.after, digest, order.form)
        following = "WHERE (key, no) > (:key, :no)"
    columns = ", ".join(f"{what} AS {name}" for name, what in order.columns.items())
    first = f"(SELECT json_group_array(no) FROM (SELECT no FROM found LIMIT {facets.MOST_COUNTED}))"
    counted = first if question.facets else "''"
    # Each hit is looked at once, whatever is then counted and compared.
    rows = db.execute(
        f"WITH {hits.tables}found AS MATERIALIZED "
        f"(SELECT no, {order.key} AS key, square FROM (SELECT facts.no AS no, {columns} {hits.sql})) "
        f"SELECT * FROM (SELECT count(*) AS total, {counted} AS counted FROM found) "
        f"LEFT JOIN (SELECT * FROM found {following} ORDER BY key, no LIMIT {question.limit + 1}) ON true",
        parameters,
    ).fetchall()
    found = [_Hit(*row) for _, _, *row in rows if row[0] is not None]
    total, numbers, *_ = rows[0]
    if len(found) <= question.limit:
        return _Page(found, total, None, numbers)
    last = found[question.limit - 1]
    return _Page(found[: question.limit], total, cursor.write(digest, last.key, last.no), numbers)


def _records(
    db: sqlite3.Connection, reader: Reader, question: Question, hits: Hits, rows: Sequence[_Hit]
) -> list[dict[str, Any]]:
    numbers = [row.no for row in rows]
    shown = views.of_numbers(db, reader, numbers)
    details = _details(db, numbers)
    reasons = _reasons(db, hits, numbers) if question.explain else {}
    when = hits.open_at or Moment(int(reader.now), there=False)
    for record, row in zip(shown, rows, strict=True):
        opening, heading, text = details[row.no]
        if row.square is not None:
            record["distance_km"] = round(places.kilometres(row.square), 2)
        if opening is not None:
            record["open"] = hours.is_open(opening, when)
        if question.explain:
            matched = _matched(hits.words, words.tokens(heading or ""), words.tokens(text or ""))
            by_relevance = question.order == "relevance"
            points = _points(record, row.square, reasons[row.no]) if by_relevance else {}
            record["why"] = {**({"words": matched} if matched else {}), **({"points": points} if by_relevance else {})}
    return shown


def _details(db: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, tuple[str | None, str | None, str | None]]:
    """Opening, heading and words of records by their numbers."""
    rows = db.execute(
        "SELECT facts.no, hours, heading, words FROM facts LEFT JOIN texts ON texts.no = facts.no "
        "WHERE facts.no IN (SELECT value FROM json_each(?))",
        (orjson.dumps(numbers).decode(),),
    )
    return {no: (opening, heading, text) for no, opening, heading, text in rows.fetchall()}


class _Reason(NamedTuple):
    """See `ranking`."""

    heading: float
    whole: int
    length: int


def _reasons(db: sqlite3.Connection, hits: Hits, numbers: Sequence[int]) -> dict[int, _Reason]:
    """What the score of records is made of beside their place and their author, by their numbers."""
    of_words = _words(hits)
    rows = db.execute(
        f"SELECT facts.no, {of_words['heading']}, {of_words['whole']}, facts.length FROM facts "
        "WHERE facts.no IN (SELECT value FROM json_each(:numbers))",
        {**hits.parameters, "numbers": orjson.dumps(numbers).decode()},
    )
    return {no: _Reason(*reason) for no, *reason in rows.fetchall()}


def _matched(asked: Sequence[Word], heading: Sequence[str], text: Sequence[str]) -> list[dict[str, Any]]:
    """Where each word of the question stands, and as what."""
    matched = []
    for word in asked:
        where = "heading" if word.held(heading) else "text"
        found = word.held(heading) or word.held(text)
        how = "corrected" if word.meant else "whole" if found == words.plain(word.text) else "beginning"
        matched.append({"word": word.text, "found": found, "in": where, "as": how})
    return matched


def _points(record: dict[str, Any], square: int | None, reason: _Reason) -> dict[str, float]:
    return ranking.points(
        heading=reason.heading,
        whole=bool(reason.whole),
        length=reason.length,
        square=square,
        honoured=record["known"]["standing"] == "honoured",
        stale=record["stale"],
    )


def _understood(question: Question, hits: Hits, total: int) -> dict[str, Any]:
    """What was made of the question. A correction is told only where it led to something."""
    told: dict[str, Any] = {"sort": question.order}
    corrected = {word.text: list(word.meant) for word in hits.words if word.meant}
    if corrected and total:
        told["corrected"] = corrected
    if hits.place is not None:
        told["place"] = hits.place.told(question.radius_km)
        told |= {"zone": hits.place.zone} if hits.place.zone else {}
    if hits.open_at is not None:
        passed_over = {"passed_over": hits.passed_over} if hits.passed_over else {}
        clock = "the venue's" if hits.open_at.there else "one moment"
        told["open_at"] = {"time": question.open_at, "clock": clock, **passed_over}
    if hits.organisations is not None:
        told["organisations"] = hits.organisations
    return told
