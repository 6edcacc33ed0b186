"""What a question asks of the rows of `facts`: the hits, as a part of a statement that SQLite answers.

Every text of the question is a parameter; what stands in the statement itself is this program's own.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import orjson

from node.directory.draft import OWN_ORGANISATION
from node.directory.reader import Reader
from node.directory.search import hours, places, spots, words
from node.directory.search.places import Place
from node.directory.search.question import Moment, Question, moment
from node.directory.search.words import Word
from node.errors import InputError, Malformed
from node.protocol.names import parse_node_id
from node.sentence import at, said
from node.trust.reach import Standing

NEVER = 2**52
"""Later than any moment: where what has no start stands in the order of starts."""
HONOURED = f"(authors.standing >= {int(Standing.HONOURED)})"
STALE = "(coalesce(authors.beat_expires, 0) <= :now)"
MOST_ORGANISATIONS = 500
MOST_EXPLAINED = 100
"""Records of a page that says why: their whole texts are gone through for it."""

_AUTHORS = "CROSS JOIN authors ON authors.no = facts.author"
_EVERYWHERE = f"facts {_AUTHORS}"
_PLACED = f"placed CROSS JOIN facts ON facts.no = placed.no {_AUTHORS}"
_BY_WORDS = f"texts_fts CROSS JOIN facts ON facts.no = texts_fts.rowid {_AUTHORS}"


@dataclass(frozen=True, slots=True)
class Hits:
    """The records that answer a question, as `FROM ... WHERE ...`, and what was understood of it.

    `tables`: the common table expressions that it needs, each with a comma behind it. Where a place is asked for, one
    of them is `placed`, with each record's `square` (see `spots`).
    """

    where: str
    parameters: Mapping[str, Any]
    tables: str = ""
    words: tuple[Word, ...] = ()
    place: Place | None = None
    open_at: Moment | None = None
    passed_over: int = 0
    organisations: list[dict[str, str]] | None = None

    @property
    def sql(self) -> str:
        if not self.words:
            return f"FROM {_PLACED if self.tables else _EVERYWHERE} WHERE {self.where}"
        return f"FROM {_BY_WORDS} {'CROSS JOIN placed ON placed.no = facts.no' * bool(self.tables)} WHERE {self.where}"

    def with_words(self, meant: Sequence[Word]) -> Self:
        """The same for other words."""
        return replace(self, words=tuple(meant), parameters={**self.parameters, **_matches(meant)})

    def mended(self, db: sqlite3.Connection, reader: Reader) -> Self:
        """The same for the words that were probably meant, where no record has those typed; else itself."""
        meant = words.mended(db, reader, self.words)
        return self if meant == self.words else self.with_words(meant)


def of(db: sqlite3.Connection, reader: Reader, question: Question) -> Hits:
    """The hits of a question, with its words as they stand; InputError where it can't be answered."""
    if question.order == "distance" and question.near is None:
        fault = said("a distance is from somewhere: say near what, or sort otherwise")
        raise InputError(at("sort", fault), "sort")
    if question.explain and question.limit > MOST_EXPLAINED:
        fault = said("with explain a page has at most {most} records: ask for fewer", most=MOST_EXPLAINED)
        raise InputError(at("limit", fault), "limit")
    asked = words.parse(question.q) if question.q is not None else ()
    place = places.find(db, reader, question)
    found = spots.find(db, reader, question, place)
    when = _open_at(question, reader.now)
    conditions = [reader.may_see("facts")]
    parameters: dict[str, Any] = reader.parameters(**(found.parameters if found else {}))
    if asked:
        conditions.append("texts_fts MATCH :match")
        parameters |= _matches(asked)
    for name in ("kind", "type", "category"):
        if values := getattr(question, name):
            conditions.append(f"facts.{name} IN (SELECT value FROM json_each(:{name}))")
            parameters[name] = _json(values)
    for place_in_list, facility in enumerate(question.facilities):
        conditions.append(f"instr(facts.facilities, :facility{place_in_list})")
        parameters[f"facility{place_in_list}"] = f" {facility} "
    if question.languages:
        spoken = [f" {tag.partition('-')[0].lower()} " for tag in question.languages]
        conditions.append("EXISTS (SELECT 1 FROM json_each(:languages) WHERE instr(facts.languages, value))")
        parameters["languages"] = _json(spoken)
    openings = None
    if when is not None:
        openings = hours.open_at(db, reader, when)
        # Most of the directory is open, or most of it isn't: the fewer are looked for.
        listed, others = ("open", "") if len(openings.open) <= len(openings.closed) else ("closed", "NOT ")
        conditions.append(
            f"+facts.opening IS NOT NULL AND facts.opening {others}IN (SELECT value FROM json_each(:openings))"
        )
        parameters["openings"] = orjson.dumps(getattr(openings, listed)).decode()
    if question.from_ is not None or question.until is not None:
        # Only events have a start; said so, SQLite goes through these alone.
        conditions.append("facts.starts IS NOT NULL")
    if question.from_ is not None:
        begin = moment(question.from_)
        conditions.append(f"facts.{_clock('ends', begin)} > :from")
        parameters["from"] = begin.seconds
    if question.until is not None:
        end = moment(question.until, day_ends=True)
        conditions.append(f"facts.{_clock('starts', end)} < :until")
        parameters["until"] = end.seconds
    organisations = None
    if question.organisation is not None:
        organisations = _organisations(db, reader, question.organisation)
        conditions.append("authors.node_id IN (SELECT value FROM json_each(:organisations))")
        parameters["organisations"] = _json([each["author"] for each in organisations])
    return Hits(
        " AND ".join(conditions),
        parameters,
        tables=found.tables if found else "",
        words=asked,
        place=place,
        open_at=when,
        passed_over=openings.passed_over if openings else 0,
        organisations=organisations,
    )


def _matches(asked: Sequence[Word]) -> dict[str, str]:
    """What FTS5 is asked: for the hits, for those with beginnings of words, for those with words in their heading."""
    return {
        "match": words.match(asked),
        "beginnings": f"({words.match(asked)}) NOT ({words.match(asked, whole=True)})",
        **{f"heading{place}": f"heading : {word.match}" for place, word in enumerate(asked)},
    }


def _clock(column: str, bound: Moment) -> str:
    return f"{column}_there" if bound.there else column


def _open_at(question: Question, now: float) -> Moment | None:
    if question.open_at is None:
        return None
    return Moment(int(now), there=False) if question.open_at == "now" else moment(question.open_at)


def _organisations(db: sqlite3.Connection, reader: Reader, text: str) -> list[dict[str, str]]:
    """The authors that are meant: the one of this node id, or all whose organisation's name has these words."""
    try:
        chosen, given = "authors.node_id = :given", str(parse_node_id(text))
    except Malformed:
        chosen = "facts.no IN (SELECT rowid FROM texts_fts WHERE texts_fts MATCH :given)"
        given = f"heading : ({words.match(words.parse(text, 'organisation'))})"
    rows = db.execute(
        "SELECT authors.node_id, texts.heading FROM facts JOIN authors ON authors.no = facts.author "
        "JOIN records ON records.no = facts.no JOIN texts ON texts.no = facts.no "
        f"WHERE facts.kind = 'organisation' AND records.id = :id AND {chosen} AND {reader.may_see('facts')} "
        "ORDER BY facts.no LIMIT :most",
        reader.parameters(id=OWN_ORGANISATION, given=given, most=MOST_ORGANISATIONS),
    ).fetchall()
    if not rows and chosen.startswith("authors"):
        # Who doesn't say who it is may have records all the same.
        return [{"author": given, "organisation": ""}]
    return [{"author": author, "organisation": name} for author, name in rows]


def _json(values: Sequence[str]) -> str:
    return orjson.dumps(values).decode()
