"""Operations on visits: asked here, answered here, and what they left behind.

`asker` is the member who asks over the API, and empty for staff, who see every visit of their organisation.
"""

import base64
import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.directory.reader import EVERYTHING, Reader
from node.errors import InputError
from node.protocol.names import NodeId, parse_node_id, parse_record_id
from node.roaming import receipts, whom
from node.roaming.arrivals import shown
from node.roaming.packing import FORMS, pack
from node.roaming.visit import Event, Side, Stage
from node.roaming.visits import LARGEST_PAGE
from node.storage import arrivals

ANSWERS = {"accept": Event.ACCEPT, "decline": Event.DECLINE, "propose": Event.PROPOSE, "agree": Event.AGREE}
ANSWERS |= {"cancel": Event.CANCEL, "arrived": Event.ARRIVE, "no-show": Event.MISS}
GUESTS = frozenset(("agree", "cancel"))
"""What members say of their own visits; the rest is the host's."""


class Visiting:
    """reciprocity; visit-ask, -confirm, -contacts, -list, -pack, -passes, -receipt, -rules, -say, -show."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {
            "reciprocity": self.reciprocity,
            "visit-ask": self.ask,
            "visit-confirm": self.confirm,
            "visit-contacts": self.contacts,
            "visit-list": self.listing,
            "visit-pack": self.pack,
            "visit-passes": self.passes,
            "visit-receipt": self.receipt,
            "visit-rules": self.rules,
            "visit-say": self.say,
            "visit-show": self.show,
        }

    async def ask(
        self,
        *,
        request: dict[str, Any],
        asker: str = "",
        visibilities: Sequence[str] = tuple(EVERYTHING),
        key: str = "",
    ) -> dict[str, Any]:
        """Asks a host for a visit (`roaming.request`), of a venue that the asker may see. `key`: see `Visits.ask`."""
        return await self._parts.visits.ask(request, asker=asker, reader=self._reader(visibilities), key=key)

    async def rules(self) -> dict[str, Any]:
        """What who asks for a visit should know of this node: for how many days what they say is kept."""
        return {"keep_days": self._parts.visits.keep_days}

    async def say(
        self,
        *,
        visit: str,
        answer: str,
        days: list[str] | None = None,
        note: str = "",
        asker: str = "",
    ) -> dict[str, Any]:
        """Says one of `ANSWERS` of a visit; `days`, first and last, are those that are proposed."""
        if answer not in ANSWERS:
            raise InputError(f"{answer[:32]!r} is no answer: give {', '.join(ANSWERS)}")
        period = (days[0], days[-1]) if days else None
        found = await self._parts.visits.say(visit, ANSWERS[answer], days=period, note=note, asker=asker)
        if answer == "cancel":
            await self._parts.passes.publish()
        return found

    async def confirm(self, *, visit: str, asker: str = "") -> dict[str, Any]:
        """The guests' word that they came, where their host says so and was shown no pass."""
        return await self._parts.visits.confirm(visit, asker=asker)

    async def listing(
        self,
        *,
        side: str | None = None,
        asker: str = "",
        stage: str | None = None,
        before: int | None = None,
        limit: int = LARGEST_PAGE,
    ) -> dict[str, Any]:
        """The newest visits first, of one side ("guest" or "host") or of both, and of one stage or of all."""
        if side not in (None, *Side):
            raise InputError(f"{side!r} is no side: give guest or host")
        if stage not in (None, *Stage):
            raise InputError(f"{stage!r} is no stage: give {', '.join(Stage)}")
        chosen, far = Side(side) if side else None, Stage(stage) if stage else None
        most = min(limit, LARGEST_PAGE)
        return await self._parts.visits.listing(side=chosen, asker=asker, stage=far, before=before, most=most)

    async def show(self, *, visit: str, asker: str = "") -> dict[str, Any]:
        return await self._parts.visits.show(visit, asker=asker)

    async def passes(self, *, visit: str, asker: str = "") -> dict[str, Any]:
        """The passes of an accepted visit: who they are for, and their tokens, or that they are `revoked`."""
        return {"passes": await self._parts.visits.passes(visit, asker=asker)}

    async def pack(
        self, *, visit: str, form: str = "html", asker: str = "", visibilities: Sequence[str] = tuple(EVERYTHING)
    ) -> dict[str, Any]:
        """The trip pack of a visit as a file's bytes (base64), with the records that the asker may see."""
        if form not in FORMS:
            raise InputError(f"a trip pack is made as {', '.join(FORMS)}, not as {form[:16]!r}")
        found = await pack(self._parts.visits, self._reader(visibilities), visit, asker=asker)
        return {"data": base64.b64encode(await found.made(form)).decode()}

    async def contacts(
        self,
        *,
        venue: str,
        topic: str = "",
        languages: Sequence[str] = (),
        visibilities: Sequence[str] = tuple(EVERYTHING),
    ) -> dict[str, Any]:
        """Whom to call about a venue (`node id/record id`), the best first, and how business is done there."""
        author, id_ = parse_node_id(venue.partition("/")[0]), parse_record_id(venue.partition("/")[2])
        job = partial(
            whom.to_call, reader=self._reader(visibilities), author=author, venue=id_, topic=topic, languages=languages
        )
        return await self._parts.database.query(job, whom.SECONDS)

    async def receipt(self, *, visit: str) -> dict[str, Any]:
        """What both sides signed when the guests of a visit came."""

        def read(db: sqlite3.Connection) -> dict[str, Any]:
            guest, _, id_ = visit.rpartition("/")
            held = arrivals.find(db, NodeId(guest), id_) if guest else arrivals.named(db, id_)
            if held is None:
                raise InputError(f"nothing was signed of a visit {visit[:120]!r}: its guests haven't arrived yet")
            return shown(held)

        return await self._parts.database.read(read)

    async def reciprocity(self) -> dict[str, Any]:
        """Visits and days hosted for each other organisation, and travelled to it."""
        return {"partners": await self._parts.database.read(receipts.reciprocity)}

    def _reader(self, visibilities: Sequence[str]) -> Reader:
        return Reader.of(self._parts.acceptance, frozenset(visibilities), self._parts.world.now())
