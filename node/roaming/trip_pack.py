"""The trip pack: all that one needs on the way, in one HTML file that opens without a network. Pure.

Rules:

- nothing is loaded from anywhere: pictures and the calendar file are in the file itself (`data:`), there is no script,
  and a policy in the file forbids both. Links that a person follows may lead out, by https, mailto and tel alone
- whatever others wrote is text: all of it is escaped, and in a link only a form that was checked
- what was not handed in is left out, heading and all
"""

import base64
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from node.exports import vcard
from node.exports.collection import Collection, labelled, uri
from node.kinds.culture_guide import SECTIONS

Record = Mapping[str, Any]
"""As `node.directory.views` shows it."""

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = (
    "body{margin:0 auto;max-width:42rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;"
    "overflow-wrap:anywhere}dt{font-weight:600}dd{margin:0 0 .5rem}.prose{white-space:pre-line}"
    "img{width:16rem;height:16rem;max-width:100%}section{break-inside:avoid}"
)
# A zip knows no earlier day, and the pack of the same visit is the same bytes.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Trip:
    """What a pack is made of. `passes`: (name, token, code as PNG) of each person; `calendar`: the `.ics` file.

    `revoked`: the names of those whose pass was revoked.
    """

    visit: Mapping[str, Any]
    venue: Record
    host: str
    contacts: Sequence[Record]
    guide: Record | None
    events: Sequence[Record]
    calendar: bytes
    passes: Sequence[tuple[str, str, bytes]]
    revoked: Sequence[str]
    made: str

    @property
    def languages(self) -> Sequence[str]:
        return (self.visit["request"]["language"], "en")


def html(trip: Trip) -> bytes:
    """The whole pack as one page."""
    title = escape(f"{trip.venue['body']['name']}: {_days(trip)}")
    body = "".join(f"<section><h2>{heading}</h2>{inner}</section>" for heading, inner in _sections(trip) if inner)
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1><p>As of {escape(trip.made)}. Whoever has this file has the passes in it.</p>"
        f"{body}</body></html>"
    ).encode()


def cards(trip: Trip) -> bytes:
    """The venue and the people to call, for an address book."""
    return b"".join(vcard.write([trip.venue, *trip.contacts], Collection("", languages=trip.languages)))


def bundle(trip: Trip) -> bytes:
    """The page, the calendar file, the cards and the passes' codes as files of a ZIP."""
    data = io.BytesIO()
    files = {"trip.html": html(trip), "visit.ics": trip.calendar, "people.vcf": cards(trip)}
    files |= {f"pass-{number}.png": code for number, (_, _, code) in enumerate(trip.passes, 1)}
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def _sections(trip: Trip) -> Iterator[tuple[str, str]]:
    yield "Passes", "".join([*(_pass(*each) for each in trip.passes), *map(_revoked, trip.revoked)])
    yield "The visit", _visit(trip)
    yield "The venue", _venue(trip)
    yield "People to call", "".join(_contact(each, trip) for each in trip.contacts)
    yield "How business is done there", _guide(trip.guide, trip) if trip.guide else ""
    yield "Events near", "".join(_event(each, trip) for each in trip.events)
    yield (
        "For your calendar",
        f'<p><a download="visit.ics" href="{_data("text/calendar", trip.calendar)}">visit.ics</a></p>',
    )


def _pass(name: str, token: str, code: bytes) -> str:
    picture = f'<img alt="The code of the pass" src="{_data("image/png", code)}">'
    return f"<h3>{escape(name)}</h3><p>{picture}</p><p>If it can't be scanned: <code>{escape(token)}</code></p>"


def _revoked(name: str) -> str:
    return f"<h3>{escape(name)}</h3><p>This pass was revoked: ask the operator of your organisation's node.</p>"


def _visit(trip: Trip) -> str:
    request = trip.visit["request"]
    arrival = f", from {request['arrival']}" if "arrival" in request else ""
    return _list(
        {
            "When": f"{_days(trip)}{arrival} ({trip.visit['time_zone']})",
            "Who": ", ".join(each["name"] for each in request["people"]),
            "Company": request["company"],
            "What for": request["purpose"],
        }
    )


def _venue(trip: Trip) -> str:
    body = trip.venue["body"]
    facts = {
        "Host": trip.host,
        "Address": f"{body['address']}, {body['city']}, {body['country']}",
        "Coordinates": f"{body['geo']['lat_e6'] / 1e6:.6f}, {body['geo']['lon_e6'] / 1e6:.6f}",
        "Hours": f"{body['hours']} ({body['time_zone']})",
    }
    for field in ("alert", "directions", "accessibility", "wifi"):
        if field in body:
            facts[field.capitalize()] = labelled(body[field], trip.languages)
    return _list(facts) + _reach(body["contact"])


def _contact(record: Record, trip: Trip) -> str:
    body = record["body"]
    facts = {"Role": body["role"], "Languages": ", ".join(body["languages"])}
    if body.get("topics"):
        facts["Topics"] = ", ".join(body["topics"])
    if "hours" in body:
        facts["Hours"] = f"{body['hours']} ({trip.visit['time_zone']})"
    return f"<h3>{escape(body.get('name', body['role']))}</h3>" + _list(facts) + _reach(body)


def _reach(body: Mapping[str, Any]) -> str:
    found = []
    if "phone" in body:
        found.append(f'<a href="tel:{quote(body["phone"], safe="+")}">{escape(body["phone"])}</a>')
    if "email" in body:
        found.append(f'<a href="mailto:{quote(body["email"], safe="@")}">{escape(body["email"])}</a>')
    return f"<p>{' · '.join(found)}</p>" if found else ""


def _guide(record: Record, trip: Trip) -> str:
    body = record["body"]
    told = {
        name.replace("_", " ").capitalize(): labelled(body["sections"][name], trip.languages)
        for name in SECTIONS
        if name in body["sections"]
    }
    return _list(told) + f"<p>{escape(record['organisation'])}, reviewed on {escape(body['reviewed'])}</p>"


def _event(record: Record, trip: Trip) -> str:
    body = record["body"]
    when = f"{body['start'].replace('T', ' ')} to {body['end'].replace('T', ' ')} ({body['time_zone']})"
    told = (
        f"<h3>{escape(labelled(body['title'], trip.languages))}</h3><p>{escape(when)}, {escape(body['organiser'])}</p>"
    )
    address = body.get("registration") or body.get("online_url")
    # A record's addresses are https alone (`kinds.fields`); one that isn't is shown, and leads nowhere.
    if address and address.startswith("https://"):
        return f'{told}<p><a rel="noreferrer" href="{escape(uri(address))}">{escape(address)}</a></p>'
    return told


def _days(trip: Trip) -> str:
    first, last = trip.visit["days"]
    return first if first == last else f"{first} to {last}"


def _list(facts: Mapping[str, str]) -> str:
    return (
        "<dl>"
        + "".join(f'<dt>{escape(name)}</dt><dd class="prose">{escape(value)}</dd>' for name, value in facts.items())
        + "</dl>"
    )


def _data(form: str, data: bytes) -> str:
    return f"data:{form};base64,{base64.b64encode(data).decode()}"
