"""vCard 4 (RFC 6350): contacts, organisations and venues for an address book.

Rules:

- UID is the record's urn, REV when it was last changed: an address book that imports again replaces
- KIND: a named contact is an `individual`, one that is a role alone an `org` (section 6.1.4: a unit of one), an
  organisation an `org`, a venue a `location`
- text in several languages is there in all of them, as alternatives (ALTID, LANGUAGE; sections 5.1 and 5.4)

    BEGIN:VCARD
    VERSION:4.0
    UID:urn:bra:bra1...:contact:desk
    FN:Soft-landing manager
    TEL;VALUE=uri:tel:+37256123456
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from node.exports.collection import (
    Collection,
    Shown,
    details,
    heading,
    provenance,
    uri,
    urn,
)
from node.exports.content import Property, component, degrees, lines, text
from node.kinds.codes import COUNTRIES

KINDS = frozenset(("contact", "organisation", "venue"))

_TOLD = (
    "name", "role", "email", "phone", "languages", "topics", "address", "city", "country", "time_zone", "website",
    "sectors", "facilities", "logo", "photos", "description", "directions", "accessibility", "consent",
)  # fmt: skip


def write(records: Iterable[Shown], about: Collection) -> Iterator[bytes]:
    """The cards, one after another."""
    for record in records:
        if record["kind"] in KINDS:
            yield b"".join(lines(_card(record, about)))


def _card(record: Shown, about: Collection) -> Iterator[Property]:
    body = record["body"]
    changed = re.sub("[-:]", "", record["updated"])
    yield "BEGIN", "VCARD"
    yield "VERSION", "4.0"
    yield "PRODID", "-//Business Roaming Agreement//bra-node//EN"
    yield "UID", urn(record)
    yield "REV", changed
    if about.link is not None:
        yield "SOURCE", uri(about.link(record))
    if record["kind"] == "contact":
        yield from _contact(record)
    else:
        yield "KIND", "org" if record["kind"] == "organisation" else "location"
        yield "FN", text(heading(record, about.languages)[1])
        yield from _place(body)
        yield from _pictures(body)
    if record["organisation"]:
        yield "ORG", component(record["organisation"])
    yield from _reach(body.get("contact", body))
    for number, tag in enumerate(body.get("languages", ()), 1):
        yield f"LANG;PREF={min(number, 100)}", tag
    if words := [*body.get("topics", ()), *body.get("sectors", ()), *body.get("facilities", ())]:
        yield "CATEGORIES", ",".join(map(text, words))
    yield from _notes(record, about)
    yield "END", "VCARD"


def _contact(record: Shown) -> Iterator[Property]:
    body = record["body"]
    yield "KIND", "individual" if "name" in body else "org"
    yield "FN", text(body.get("name") or body["role"])
    yield "ROLE", text(body["role"])


def _place(body: dict[str, Any]) -> Iterator[Property]:
    city, country = component(body["city"]), component(COUNTRIES[body["country"]])
    yield f"ADR;CC={body['country']}", f";;{component(body.get('address', ''))};{city};;;{country}"
    if geo := body.get("geo"):
        yield "GEO", f"geo:{degrees(geo['lat_e6'])},{degrees(geo['lon_e6'])}"
    if zone := body.get("time_zone"):
        yield "TZ", zone
    if website := body.get("website"):
        yield "URL", uri(website)


def _pictures(body: dict[str, Any]) -> Iterator[Property]:
    """Those that have an address; a hash is this network's own name for a picture."""
    for name, picture in (("LOGO", body.get("logo", "")), *(("PHOTO", photo) for photo in body.get("photos", ()))):
        if picture.startswith("https:"):
            yield name, uri(picture)


def _reach(reach: dict[str, Any]) -> Iterator[Property]:
    if email := reach.get("email"):
        yield "EMAIL", text(email)
    if phone := reach.get("phone"):
        yield "TEL;VALUE=uri", f"tel:{phone}"


def _notes(record: Shown, about: Collection) -> Iterator[Property]:
    """All prose in all its languages, then whatever else the record says, and where it is from."""
    for number, name in enumerate(("description", "directions", "accessibility"), 1):
        for tag, said in record["body"].get(name, {}).items():
            yield f"NOTE;ALTID={number};LANGUAGE={tag}", text(said)
    rest = (*details(record, about, without=_TOLD), *provenance(record, about))
    yield "NOTE", text("\n".join(rest))
