"""Who takes part in the demonstration, and who exchanged keys with whom. Pure.

Rules:

- a site is one node: it publishes for the organisations of its group, and the first of them is the node's own
- the sites are linked as a line with one branch, so that most of what a node shows came to it by relaying:

      Tartu - Lund - Munich - London
                        \\
                         Hong Kong

- what has no place of its own is where its author is, so a site has contacts, events and offers of its own organisation
  alone: those of the others of its group would be shown in its city
- everything is public: in a line nobody is vouched for from two sides, so what is for members alone would stay behind

    >>> tartu = sites()[0]
    >>> tartu.title, tartu.partners, tartu.organisation.name
    ('Tartu', ('lund',), 'Tartu Science Park')
"""

from dataclasses import dataclass
from typing import Any

from node.demo.made_up import Body, Entry, load, records_of, slug_of
from node.directory.draft import OWN_ORGANISATION
from node.directory.search.spots import AT_HOME
from node.founding import Organisation

LINKS = (("tartu", "lund"), ("lund", "munich"), ("munich", "london"), ("munich", "hong-kong"))

DRAWING = ("Tartu - Lund - Munich - London", "                  \\", "                   Hong Kong")


@dataclass(frozen=True, slots=True)
class Site:
    """One node to be: its short name, the sites that are its partners, and whom it publishes for."""

    slug: str
    partners: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def title(self) -> str:
        """The city, by which a person tells the five nodes apart."""
        return str(self.entries[0]["city"])

    @property
    def organisation(self) -> Organisation:
        """The node's own organisation, as it is founded."""
        body = records_of(self.entries[0])[0][1]
        return Organisation(
            body["name"], body["country"], body["city"], body["website"], tuple(body["languages"]), body["roles"][0]
        )

    @property
    def changes(self) -> list[dict[str, Any]]:
        """All that it publishes. Its own organisation is there since the founding: that record gets its full body."""
        own = {"visibility": "public", "id": OWN_ORGANISATION}
        (_, kind, body), *others = self.bodies
        return [
            {"kind": kind, "body": body, **own},
            *({"kind": kind, "body": body, "visibility": "public", "ref": ref} for ref, kind, body in others),
        ]

    @property
    def bodies(self) -> list[tuple[str, str, Body]]:
        """What it publishes as (ref, kind, body), its own organisation first."""
        return [
            (f"{slug_of(entry['name'])}-{number}", kind, body)
            for entry in self.entries
            for number, (kind, body) in enumerate(records_of(entry))
            if entry is self.entries[0] or kind not in AT_HOME
        ]

    @property
    def records(self) -> int:
        """How many records its state has in the end: what it publishes, its agreement, an endorsement per partner, and
        what each node says of itself: its two keys for roaming, and which passes are revoked.
        """
        return len(self.changes) + 1 + len(self.partners) + 3


def sites() -> tuple[Site, ...]:
    """The sites, in the order of the line."""
    entries = load()
    slugs = dict.fromkeys(slug for link in LINKS for slug in link)
    return tuple(
        Site(slug, _partners_of(slug), tuple(entry for entry in entries if entry["node"] == slug)) for slug in slugs
    )


def _partners_of(slug: str) -> tuple[str, ...]:
    return tuple(other for link in LINKS if slug in link for other in link if other != slug)
