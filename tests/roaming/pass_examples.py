"""A pass, who issued it, the desk at which it is shown, and what is known there: all small, all by hand.

desk = KnownToDesk()
verify(pass_of().sign("pass-1", KEY), desk, PLACE, now=NOON, rules=Rules())
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from node.protocol.names import NodeId
from node.roaming.passes import Pass
from node.roaming.status import StatusList, pack, read
from node.roaming.verdicts import Agreed, Issuer, Place
from node.roaming.visit import Days
from tests.protocol.builders import Author, key_named

HOME, HOST, OTHER = (Author(name).id for name in ("tartu", "munich", "lund"))
KEY = key_named("tartu/pass/1")
ZONE = "Europe/Berlin"
PLACE = Place(HOST, "desk", "Werk 1, desk room", ZONE, unasked_days=3)


def at(local: str) -> int:
    """The moment at which the desk's clock shows this."""
    return int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(ZONE)).timestamp())


NOON = at("2027-06-02T12:00")


def pass_of(**fields: Any) -> Pass:
    """A pass of one day, today."""
    made = Pass(
        id="k5v2q7xw3hzn4p6a",
        issuer=HOME,
        host=HOST,
        venues=("desk",),
        visit="v1",
        name="Liis Tamm",
        company="Nordic Sensors OÜ",
        days=Days("2027-06-02", "2027-06-02"),
        issued=at("2027-05-30T09:00"),
        begins=at("2027-06-02T00:00"),
        ends=at("2027-06-03T00:00"),
        status_list="passes",
        index=7,
    )
    return replace(made, **fields)


def revocations(*revoked: int, issued: str = "2027-05-30T09:00:00Z", ttl: int = 30 * 86_400) -> StatusList:
    return read({"bits": 1, "list": pack(revoked), "issued": issued, "ttl": ttl})


def issuer_of(**fields: Any) -> Issuer:
    """An honoured issuer that was heard from an hour ago."""
    made = Issuer(HOME, "Tartu Science Park", "+3725551234", "", {"pass-1": KEY.public}, NOON - 3_600, NOON + 86_400)
    return replace(made, **fields)


@dataclass
class KnownToDesk:
    """What a desk knows, as `verdicts.Known` asks for it."""

    issuers: dict[NodeId, Issuer] = field(default_factory=lambda: {HOME: issuer_of()})
    lists: dict[tuple[NodeId, str], StatusList] = field(default_factory=lambda: {(HOME, "passes"): revocations()})
    came: list[int] = field(default_factory=list)
    agreed: Agreed | None = None

    def issuer(self, node_id: NodeId) -> Issuer | None:
        return self.issuers.get(node_id)

    def revocations(self, claims: Pass) -> StatusList | None:
        return self.lists.get((claims.issuer, claims.status_list))

    def visit(self, claims: Pass) -> Agreed | None:
        del claims
        return self.agreed

    def arrivals(self, claims: Pass, place: Place) -> Sequence[int]:
        del claims, place
        return self.came
