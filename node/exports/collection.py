"""What is exported, and what all formats say of it in the same words.

Rules:

- a record is told as `node.directory.views` shows it: a kind, an id, its author and provenance, and a `body` that its
  kind accepts; nothing here asks a clock, a disk or a network
- one id for a record in all formats, for ever: `urn:bra:<author>:<kind>:<id>` (the syntax of RFC 8141)
- of texts in several languages the one asked for is taken, by RFC 4647 lookup, else English, else the first; where the
  format can't say which language that is, `[et]` stands before a text that nobody asked for
- text of others comes without what a parser might take for structure: no control characters, and every kind of line
  end is one `\\n` (`prose`) or a space (`line`)
- where a record is from, what its reader is warned of, and its licence are never left out (`provenance`)

    >>> chosen({"et": "Tere", "de-CH": "Grüezi"}, ("fr", "de"))
    ('de-CH', 'Grüezi')
    >>> labelled({"et": "Tere"}, ("de",))
    '[et] Tere'
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from node import kinds
from node.directory.draft import OWN_ORGANISATION
from node.directory.importing import columns
from node.plain import plain

Shown = Mapping[str, Any]
"""A record as `node.directory.views` shows it."""

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Controls, surrogates and the code points that are no characters: XML 1.0 can't hold them, and no text needs them.
_UNSAID = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# What a URI may hold as it is (RFC 3986); everything else is percent-encoded (RFC 3987, 3.1).
_IN_URI = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class Collection:
    """What an export says of itself, beside its records.

    `kind`: the one that all its records are of, "" where they are of several. `url`: where it can be fetched again, ""
    where it can't. `languages`: BCP 47 tags, the best first. `licence`: a URL or sentence, for records without their
    own. `venues`: those that events are at, by `author/id`. `link`: the address of one record.
    """

    title: str
    kind: str = ""
    url: str = ""
    languages: Sequence[str] = ("en",)
    licence: str = ""
    venues: Mapping[str, Shown] = field(default_factory=lambda: MappingProxyType({}))
    link: Callable[[Shown], str] | None = None


# --- names -------------------------------------------------------------------------------------------------------


def urn(record: Shown) -> str:
    return f"urn:bra:{record['author']}:{record['kind']}:{record['id']}"


def organisation_urn(author: str) -> str:
    """The id of the record in which an author describes itself."""
    return urn({"author": author, "kind": "organisation", "id": OWN_ORGANISATION})


def uri(address: str) -> str:
    """An address that may hold letters of any script, as a URI."""
    return address if address.isascii() else quote(address, safe=_IN_URI)


def heading(record: Shown, languages: Sequence[str]) -> tuple[str, str]:
    """The line that names a record, and the language it is in, "" where it is a name."""
    title = record["body"].get("title") or record["body"].get("summary")
    if isinstance(title, dict):
        tag, text = chosen(title, languages)
        return tag, line(text)
    body = kinds.interpret(record["kind"], record["body"])
    return "", line(body.heading()) if body else record["id"]


# --- text --------------------------------------------------------------------------------------------------------


def prose(text: str) -> str:
    return _UNSAID.sub("\ufffd", _LINE_ENDS.sub("\n", text))


def line(text: str) -> str:
    return prose(text).replace("\n", " ").replace("\t", " ")


def chosen(texts: Mapping[str, str], languages: Sequence[str]) -> tuple[str, str]:
    """The tag and text for a reader of these languages."""
    by_tag = {tag.lower(): (tag, text) for tag, text in texts.items()}
    for language in (*languages, "en"):
        wanted = language.lower()
        while wanted:
            if wanted in by_tag:
                return by_tag[wanted]
            wanted = wanted.rpartition("-")[0]
        for tag, found in by_tag.items():
            if tag.startswith(f"{language.lower()}-"):
                return found
    return next(iter(texts.items()))


def labelled(texts: Mapping[str, str] | str, languages: Sequence[str]) -> str:
    """The text for these readers; its language before it where they didn't ask for that."""
    if isinstance(texts, str):
        return prose(texts)
    tag, text = chosen(texts, languages)
    asked = {language.lower().split("-")[0] for language in languages}
    return prose(text) if tag.lower().split("-")[0] in asked else f"[{tag}] {prose(text)}"


# --- fields ------------------------------------------------------------------------------------------------------


@lru_cache(32)
def fields_of(kind: str) -> Mapping[str, columns.Path]:
    """Where in a body each column of a kind's sheet is, in the kind's order; text by language is one, the map."""
    paths = dict.fromkeys(each.text or each.path for each in columns.fields_of(kind).values())
    # A venue's `contact` is one column when it is read, and three fields.
    whole = {path[:-1] for path in paths}
    return MappingProxyType({columns.column_for(kind, path): path for path in paths if path not in whole})


def values(record: Shown) -> Iterator[tuple[str, columns.Path, Any]]:
    """Each field that the body has, as (column, path, value)."""
    for column, path in fields_of(record["kind"]).items():
        value = record["body"]
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if value not in (None, [], {}):
            yield column, path, value


def details(record: Shown, about: Collection, *, without: Sequence[str] = ()) -> list[str]:
    """The body as lines for people, `Free days: 3`; `without` those columns that the format tells elsewhere."""
    found = []
    for column, path, value in values(record):
        if column in without or path[0] == "geo":
            continue
        text = "; ".join(map(str, value)) if isinstance(value, list) else value
        text = labelled(text, about.languages) if isinstance(text, str | dict) else str(text)
        found.append(f"{column.rpartition('.')[2].replace('_', ' ').capitalize()}: {text}")
    return found


def venue_of(record: Shown, about: Collection) -> Shown | None:
    """The venue that an event is at, if it was handed in."""
    ref = record["body"].get("venue")
    if not isinstance(ref, str):
        return None
    return about.venues.get(ref if "/" in ref else f"{record['author']}/{ref}")


def venue_line(venue: Shown) -> str:
    body = venue["body"]
    return ", ".join(line(body[name]) for name in ("name", "address", "city"))


# --- provenance --------------------------------------------------------------------------------------------------


def licence(record: Shown, about: Collection) -> str:
    """On what terms the record may be used: its own, or everybody's. Of others' words on it nothing is checked."""
    return plain(record.get("licence") or about.licence).strip()


def through(record: Shown) -> list[str]:
    """Those between this node and the author, the nearest first: names, or node ids where there is none."""
    return [line(each["organisation"] or each["author"]) for each in record["known"]["path"][:-1]]


def warnings(record: Shown) -> list[str]:
    """What whoever uses this record has to know."""
    found = [plain(record["warning"])] if "warning" in record else []
    if record.get("stale"):
        heard = f"last heard from on {record['heard']}" if "heard" in record else "not heard from yet"
        found.append(f"its node was {heard}: this may be out of date")
    return found


def provenance(record: Shown, about: Collection) -> list[str]:
    """Where a record is from, as sentences; warnings first."""
    path = through(record)
    known = f", known through {', '.join(path)}" if path else ""
    name = line(record["organisation"])
    author = f"{name} ({record['author']})" if name else record["author"]
    terms = licence(record, about)
    return [
        *(f"Warning: {each}" for each in warnings(record)),
        f"Published by {author}{known}; version {record['seq']} of {record['updated']}.",
        *((f"Licence: {terms}",) if terms else ()),
    ]
