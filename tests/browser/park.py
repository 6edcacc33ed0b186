"""A small world for the pages: two partners who serve, and what each offers the other's members.

    Tartu Science Park (`park.home`) - WERK1, Munich (`park.host`)

Rules:

- both publish what the demonstration says of them and of the organisations around them, with dates from today on
- what is hard to show is there, too: a name that fills lines, texts in one language alone, an event that was cancelled,
  a contact for members only
- each node sends its letters to `park.mail`, so the host's links to answer visits by can be followed

    visitor = await visit(park.home)
    await visitor.page.goto(park.path("venue", "desk"))
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from node.demo.sites import sites
from tests.nodes import Node, until, venue
from tests.roaming.mailbox import MailServer, text_of
from tests.system.conftest import Make

MUNICH = "Europe/Berlin"
GUEST = ("--name", "Liis Tamm", "--email", "liis@sensors.example", "--company", "Nordic Sensors")
FREELY: dict[str, Any] = {"terms": {"free_days": 3, "notice_hours": 0}}
SOON = 60.0
"""Seconds that two partners have for getting to know what is new at the other's."""


@dataclass
class Park:
    """`ids`: what the host's records are called, by their refs; `home_desk`: one of the home's, whole."""

    home: Node
    host: Node
    mail: MailServer
    ids: dict[str, str] = field(default_factory=dict)
    home_desk: str = ""
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def token(self, role: str, node: Node | None = None) -> str:
        """A token of `member`, `desk` or `operator`, at the home node unless another is named; empty for `public`."""
        node = node or self.home
        if role == "public":
            return ""
        if (node.id, role) not in self._tokens:
            made = node.json("token", "create", "--role", role, "--label", f"A {role} of these tests")
            self._tokens[node.id, role] = made["token"]
        return self._tokens[node.id, role]

    def place(self, ref: str) -> str:
        """A record of the host, as commands and addresses name it."""
        return f"{self.host.id}/{self.ids[ref]}"

    def path(self, kind: str, ref: str) -> str:
        """The path of its page."""
        return f"/{kind}/{self.place(ref)}"

    def ask(self, purpose: str = "Meeting a first customer", *, back: bool = False) -> str:
        """Asks the host for tomorrow, or the home for the host's members (`back`); the visit's id."""
        guest, place = (self.host, self.home_desk) if back else (self.home, self.place("desk"))
        day = _day(1)
        asked = guest.json(
            "visit", "ask", "--venue", place, "--from", day, "--until", day, *GUEST, "--purpose", purpose
        )
        return str(asked["visit"])

    def link(self, purpose: str = "Meeting a first customer") -> str:
        """A new visit, and the link in the letter that the host's desk got about it."""
        self.ask(purpose)
        return self.link_to(purpose)

    def link_to(self, purpose: str) -> str:
        """The link in the letter about the visit that was asked for with these words."""
        letters = partial(self._letters, purpose)
        letter = until(letters, f"no letter comes: {self.host.log()}", SOON)[0]
        return str(re.findall(r"https?://\S+/visit/\S+", letter)[0])

    def _letters(self, purpose: str) -> list[str]:
        return [text for text in map(text_of, self.mail.letters) if purpose in text]


@contextmanager
def opened(make: Make) -> Iterator[Park]:
    """Both nodes, serving, when each shows what the other has."""
    with MailServer() as mail:
        posting = {"host": "127.0.0.1", "port": mail.port, "security": "none", "sender": "roaming@werk1.example"}
        # A browser in a hurry asks more often than people may by default.
        patient = {"reads": 1_000_000, "searches": 1_000_000, "writes": 1_000_000}
        settings: dict[str, Any] = {"mail": posting, "api": patient}
        park = Park(
            make("Tartu Science Park", **settings),
            make("WERK1", city="Munich", country="DE", **settings),
            mail,
        )
        park.home.befriend(park.host)
        own = _publish(park.home, "tartu", {"venue": [venue("home-desk", hours="24/7", **FREELY)]})
        park.home_desk = f"{park.home.id}/{own['home-desk']}"
        park.ids |= _publish(park.host, "munich", _at_the_host())
        park.home.serve()
        park.host.serve()
        for node, other in ((park.home, park.host), (park.host, park.home)):
            until(partial(_knows, node, other), f"{node.name} never knows {other.name}: {node.log()}", SOON)
        yield park


def _knows(node: Node, other: Node) -> bool:
    """Whether it honours the other, and has all of its newest state."""
    seen, own = node.author(other), other.author(other)
    return seen.get("standing") == "honoured" and seen.get("root") == own.get("root")


def _publish(node: Node, slug: str, more: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Publishes what the demonstration's site has, and more of each kind; the ids by their refs."""
    [site] = [each for each in sites() if each.slug == slug]
    rows: dict[str, list[dict[str, Any]]] = {}
    # The node's own organisation is there since it was founded.
    for number, (ref, kind, body) in enumerate(site.bodies[1:]):
        dates = _soon(number) if kind == "event" else {}
        rows.setdefault(kind, []).append({"ref": ref, **body, **dates})
    for kind, bodies in more.items():
        rows.setdefault(kind, []).extend(bodies)
    return {
        row["ref"]: id_
        for kind, bodies in rows.items()
        for row, id_ in zip(bodies, node.publish(kind, bodies)["ids"], strict=True)
    }


def _day(ahead: int) -> str:
    return (datetime.now(ZoneInfo(MUNICH)).date() + timedelta(days=ahead)).isoformat()


def _soon(number: int) -> dict[str, str]:
    day = _day(3 + number)
    return {"start": f"{day}T15:00", "end": f"{day}T17:30"}


def _at_the_host() -> dict[str, list[dict[str, Any]]]:
    in_munich = partial(
        venue,
        city="Munich",
        country="DE",
        geo={"lat_e6": 48_124_000, "lon_e6": 11_604_000},
        time_zone=MUNICH,
        contact={"email": "desk@werk1.example", "phone": "+49891234567"},
    )
    event = {
        **_soon(1),
        "time_zone": MUNICH,
        "organiser": "WERK1",
        "open_to": "members",
        "online_url": "https://werk1.example/live",
    }
    return {
        "venue": [
            in_munich(
                "desk",
                name="Desks in the Yard",
                hours="24/7",
                terms={"free_days": 3, "notice_hours": 0, "price": "25.00", "currency": "EUR"},
                capacity=8,
                facilities=["wifi", "coffee", "printer"],
                accessibility={"en": "No steps; a lift to all floors.", "de": "Stufenlos; ein Aufzug in alle Etagen."},
                directions={"de": "Mit der S-Bahn bis Ostbahnhof, dann drei Minuten zu Fuß."},
            ),
            in_munich(
                "long",
                name="Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsversammlungsraum",
                type="meeting",
                alert={"en": "Closed for building works until the end of the month."},
            ),
        ],
        "event": [
            {"ref": "demo-day", "title": {"en": "Demo day", "de": "Vorführtag"}, "status": "confirmed", **event},
            {"ref": "cancelled", "title": {"en": "Breakfast for visitors"}, "status": "cancelled", **event},
        ],
        "contact": [
            {
                "ref": "reception",
                "role": "Reception",
                "languages": ["de", "en", "et"],
                "phone": "+49891234567",
                "topics": ["Visits", "Keys and badges"],
            }
        ],
        "need": [
            {
                "ref": "distributor",
                "type": "business_request",
                "summary": {"en": "A distributor in Estonia for sensors"},
                "partner_sought": {"en": "A company that sells to factories"},
                "expires": _day(90),
            }
        ],
    }
