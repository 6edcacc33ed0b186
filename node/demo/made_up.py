"""The records that a demonstration node publishes: real organisations by their public facts, all else made up.

Rules (the product, "Demonstration data"):

- About a real body we state what `organisations.json` holds, and that it is *not* a signatory. Nothing else.
- Venues, events, offers and contacts are made up; their addresses are on `.example` hosts, which can't exist
  (RFC 2606). No persons, no phone numbers: nobody may be rung up by a demonstration.
- The same organisation always gives the same records: where they vary, a hash of its slug decides.

    >>> tartu = load()[0]
    >>> slug_of(tartu["name"])
    'tartu-science-park'
    >>> [kind for kind, _ in records_of(tartu)]
    ['organisation', 'venue', 'venue', 'contact', 'event', 'offer', 'culture_guide']
"""

import copy
import hashlib
import json
import re
import unicodedata
from importlib import resources
from typing import Any

Entry = dict[str, Any]
"""One organisation of `organisations.json`."""
Body = dict[str, Any]
Record = tuple[str, Body]
"""A kind, and a body of that kind."""

NOT_A_SIGNATORY = {
    "en": "Demonstration: this organisation is not a signatory.",
    "de": "Demonstration: Diese Organisation hat das Abkommen nicht unterzeichnet.",
    "et": "Näidis: see organisatsioon ei ole lepingule alla kirjutanud.",
    "fr": "Démonstration : cette organisation n'est pas signataire.",
    "lt": "Demonstracija: ši organizacija nėra sutarties signatarė.",
    "lv": "Demonstrācija: šī organizācija nav līguma parakstītāja.",
    "pl": "Demonstracja: ta organizacja nie jest sygnatariuszem.",
    "sv": "Demonstration: den här organisationen har inte undertecknat avtalet.",
}
MADE_UP = {"en": "Demonstration: made up, nobody waits for you there."}

_HOUSES = ("Linden House", "North Yard", "Mill Court", "Garden Wing", "Harbour Room", "Station House", "Red Barn")
_HOURS = ("Mo-Fr 09:00-17:00", "Mo-Fr 08:30-17:30", "Mo-Th 09:00-18:00; Fr 09:00-15:00")
_HOURS_FROM_SUNDAY = "Su-Th 08:00-16:00"
_FACILITIES = ("wifi", "coffee", "printer", "parking", "video", "kitchen")
_EVENTS = (
    ("Breakfast for visitors", "08:30", "10:00"),
    ("Open desk day", "10:00", "16:00"),
    ("How business is done here", "15:00", "17:30"),
)
_OFFERS = (
    ("Help desk for newcomers", "expansion", "help_desk"),
    ("A place at a collective booth", "commercial_cooperation", "collective_booth"),
    ("Information desk for funding", "research_and_networking", "funding_information_desk"),
    ("Mentor for a first visit", "research_and_networking", "mentorship_programme"),
)


def load() -> list[Entry]:
    """The organisations, in the order of the file; the first of each node is that node's own."""
    text = resources.files("node").joinpath("demo", "organisations.json").read_text(encoding="utf-8")
    entries: list[Entry] = json.loads(text)["organisations"]
    return entries


def slug_of(name: str) -> str:
    """The name in `[a-z0-9-]`, fit for a host name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def records_of(organisation: Entry) -> list[Record]:
    """What the demonstration node publishes about it, the organisation itself first."""
    slug = slug_of(organisation["name"])
    records: list[Record] = [("organisation", _organisation(organisation)), ("venue", _venue(organisation, 0))]
    if slug in GUIDES or _pick(slug, "venues", 2):
        records.append(("venue", _venue(organisation, 1)))
    if slug in GUIDES or _pick(slug, "contact", 2):
        records.append(("contact", _contact(organisation)))
    if slug in GUIDES or _pick(slug, "event", 3) == 0:
        records.append(("event", _event(organisation)))
    if slug in GUIDES or _pick(slug, "offer", 3) == 0:
        records.append(("offer", _offer(organisation)))
    if slug in GUIDES:
        records.append(("culture_guide", _culture_guide(organisation)))
    return copy.deepcopy(records)  # the caller's own: nothing in it is shared with the entry or the tables here


def _organisation(organisation: Entry) -> Body:
    facts = {fact: organisation[fact] for fact in ("name", "city", "country", "website", "languages", "geo")}
    # A park is one by its own name; of the others we claim nothing.
    role = "science_park" if "park" in organisation["name"].lower() else "other"
    return {**facts, "roles": [role], "description": NOT_A_SIGNATORY}


def _venue(organisation: Entry, number: int) -> Body:
    slug = slug_of(organisation["name"])
    seed = f"venue {number}"
    house = _HOUSES[(_pick(slug, "house", len(_HOUSES)) + number) % len(_HOUSES)]
    what, kind = (("Visiting desk", "desk"), ("Meeting room", "meeting"))[number]
    first = _pick(slug, seed, len(_FACILITIES) - 2)
    return {
        "name": f"{what}, {house}",
        "type": kind,
        "address": f"Example street {number + 1}",
        "city": organisation["city"],
        "country": organisation["country"],
        "geo": _near(organisation["geo"], slug, seed),
        "time_zone": organisation["time_zone"],
        "hours": _HOURS_FROM_SUNDAY if organisation["country"] == "QA" else _HOURS[_pick(slug, "hours", len(_HOURS))],
        "contact": {"email": f"desk@{slug}.example"},
        "terms": {
            "free_days": 1 + _pick(slug, f"{seed} days", 5),
            "notice_hours": (24, 48, 72)[_pick(slug, "notice", 3)],
        },
        "capacity": 2 + _pick(slug, f"{seed} seats", 11),
        "facilities": list(_FACILITIES[first : first + 3]),
        "directions": MADE_UP,
    }


def _contact(organisation: Entry) -> Body:
    return {
        "role": "Welcome desk for visiting companies",
        "languages": organisation["languages"],
        "email": f"welcome@{slug_of(organisation['name'])}.example",
        "topics": ["A first visit"],
    }


def _event(organisation: Entry) -> Body:
    # Online: a venue is named by its record's id, which is drawn at random when the venue is published.
    slug = slug_of(organisation["name"])
    title, start, end = _EVENTS[_pick(slug, "title", len(_EVENTS))]
    # The 4th to the 24th of a month from February to November: never a new year's eve, never a 29 February.
    day = f"2027-{2 + _pick(slug, 'month', 10):02}-{4 + _pick(slug, 'day', 21):02}"
    return {
        "title": {"en": f"{title}, {organisation['city']} (made up)"},
        "start": f"{day}T{start}",
        "end": f"{day}T{end}",
        "time_zone": organisation["time_zone"],
        "status": "confirmed",
        "organiser": organisation["name"],
        "online_url": f"https://events.{slug}.example/{day}",
        "open_to": "members",
        "languages": organisation["languages"],
        "capacity": 10 + 5 * _pick(slug, "seats", 9),
    }


def _offer(organisation: Entry) -> Body:
    slug = slug_of(organisation["name"])
    title, category, service = _OFFERS[_pick(slug, "service", len(_OFFERS))]
    return {
        "title": {"en": f"{title} (made up)"},
        "category": category,
        "service": service,
        "status": "available",
        "eligibility": {"en": "Member companies of every signatory."},
        "how_to_get": {"en": f"Write to offers@{slug}.example and say when you come."},
        "languages": organisation["languages"],
    }


def _culture_guide(organisation: Entry) -> Body:
    return {
        "place": organisation["city"],
        "language": "en",
        "sections": GUIDES[slug_of(organisation["name"])],
        "reviewed": "2026-11-01",
        "author": "Demonstration, written without asking anybody there",
    }


def _near(centre: dict[str, int], slug: str, seed: str) -> dict[str, int]:
    """A point within about 2 km of the city's centre, so that venues don't hide each other on the map."""
    return {axis: centre[axis] - 15_000 + _pick(slug, f"{seed} {axis}", 30_001) for axis in ("lat_e6", "lon_e6")}


def _pick(slug: str, what: str, below: int) -> int:
    """A number from 0 to below - 1: always the same for the same organisation and question."""
    return int.from_bytes(hashlib.sha256(f"{slug}\n{what}".encode()).digest()[:8]) % below


GUIDES: dict[str, dict[str, str]] = {
    "tartu-science-park": {
        "greeting": "A short handshake and the first name. Small talk may be left out without offence.",
        "punctuality": "Be there on the minute; write a message if you are five minutes late.",
        "meetings": "Short and to the point. A silence means that somebody thinks, not that something is wrong.",
        "decisions": "Taken fast, often by the person in front of you, and confirmed by e-mail.",
        "hierarchy": "Flat: titles are seldom used, and an engineer may well contradict a director.",
        "gifts_and_meals": "No gifts are expected. Lunch is early and quick; coffee is always offered.",
        "contracts_and_payment": "Contracts are signed digitally, often the same day. Invoices go by e-mail.",
        "holidays": "24 February, 23 and 24 June and Christmas. July is quiet.",
        "dress": "Neat and casual; shoes for snow from December to March.",
        "taboos": "Loud praise of oneself, and calling before writing.",
        "first_people_to_meet": "The desk at your host, then one company of your own field.",
    },
    "ideon-science-park": {
        "greeting": "A handshake with everybody in the room, first names only.",
        "punctuality": "On time means two minutes before. Meetings end on time too.",
        "meetings": "There is an agenda, everybody is asked, and coffee is a part of it.",
        "decisions": "By agreement among those concerned: it takes longer, and then it holds.",
        "hierarchy": "Flat. Ask the person who does the work, not only the manager.",
        "gifts_and_meals": "Lunch is at half past eleven. Each often pays for oneself.",
        "contracts_and_payment": "A short contract in English is usual; thirty days to pay.",
        "holidays": "Midsummer, Christmas, and most of July.",
        "dress": "Casual and well kept; a tie stands out.",
        "taboos": "Pushing for an answer today, and boasting.",
        "first_people_to_meet": "Your host's desk, then a research group of your own field.",
    },
    "werk1": {
        "greeting": "A handshake; 'Sie' and the family name until the other side offers 'du', which young firms do.",
        "punctuality": "Five minutes early. Late by ten without a message is remembered.",
        "meetings": "Prepared, with numbers and an agenda. Questions are direct and not meant as an attack.",
        "decisions": "Carefully prepared, slow to change once they are taken.",
        "hierarchy": "Clear in larger firms: find out who signs.",
        "gifts_and_meals": "Small gifts at most. At lunch one may talk about other things than business.",
        "contracts_and_payment": "In writing and in detail. Payment within 14 to 30 days.",
        "holidays": "Bavaria has more holidays than other parts of Germany; August and Christmas are quiet.",
        "dress": "Business casual; a suit at banks and insurers.",
        "taboos": "Calling after six in the evening, and promises that are not kept.",
        "first_people_to_meet": "Your host's desk, then the local chamber of industry and commerce.",
    },
    "level39": {
        "greeting": "A handshake and the first name, with a minute about the weather or the journey.",
        "punctuality": "On time; for dinners ten minutes later is polite. Leave time for the trains.",
        "meetings": "Friendly at the start, to the point in the middle, next steps at the end.",
        "decisions": "'Interesting' may mean no. Ask for the next step and a date.",
        "hierarchy": "Informal in tone, but it matters who decides: ask.",
        "gifts_and_meals": "No gifts. A coffee or a drink after work is where much is said.",
        "contracts_and_payment": "Drafted by lawyers on both sides; thirty days to pay.",
        "holidays": "Bank holidays in May and August; the last week of December.",
        "dress": "Smart casual in technology, a suit in finance.",
        "taboos": "Jumping a queue, and asking what somebody earns.",
        "first_people_to_meet": "Your host's desk, then a meet-up of your own field.",
    },
    "hong-kong-science-and-technology-parks-corporation": {
        "greeting": "A light handshake. Give and take a business card with both hands, and read it.",
        "punctuality": "On time. A message when the traffic is heavy is welcome.",
        "meetings": "Fast and bilingual; the most senior person is greeted first.",
        "decisions": "Quick once trust is there; trust is made over meals.",
        "hierarchy": "Respected: don't contradict a senior in front of others.",
        "gifts_and_meals": "A small wrapped gift is kind. The host orders and pays; return the invitation.",
        "contracts_and_payment": "Common-law contracts in English or Chinese; deposits are usual.",
        "holidays": "Lunar New Year is long; also Ching Ming, Dragon Boat and Mid-Autumn.",
        "dress": "Business dress, light for the summer; rooms are cold.",
        "taboos": "Clocks as gifts, and making somebody lose face.",
        "first_people_to_meet": "Your host's desk, and somebody who introduces you: an introduction opens doors.",
    },
}
