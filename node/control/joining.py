"""Operations on joining: invitations, links, key cards, and the confirmation that makes a partner of a node."""

import asyncio
import sqlite3
from typing import Any

from node.control import endorsing
from node.control.parts import Operation, Parts, Report
from node.control.who import meant
from node.directory.draft import Change
from node.errors import BraError, InputError
from node.federation.wire import parse_url
from node.joining.invitation import LASTS, SECRET_BYTES, Link
from node.joining.pairing import waiting_with
from node.protocol.names import NodeId, format_time
from node.storage import joining, partners
from node.storage.joining import Invitation, Join
from node.trust.safety_words import safety_words


class Joining:
    """invite, invitation-list, invitation-cancel, join, join-list, join-show, partner-add, -confirm, -refuse."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pairing = parts.pairing
        self._newcomer = parts.newcomer

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {
            "invite": self.invite,
            "invitation-list": self.invitation_list,
            "invitation-cancel": self.invitation_cancel,
            "join": self.join,
            "join-list": self.join_list,
            "join-show": self.join_show,
            "partner-add": self.partner_add,
            "partner-confirm": self.partner_confirm,
            "partner-refuse": self.partner_refuse,
        }

    async def invite(self, *, label: str = "") -> dict[str, Any]:
        """A link for one newcomer. It is told here once, and its secret is kept nowhere."""
        if not self._parts.url:
            raise InputError(
                "this node has no URL at which a newcomer could reach it: let the partner invite you, or swap key "
                "cards ('bra card', 'bra partner add')"
            )
        now = int(self._parts.world.now())
        link = Link(self._parts.url, self._pairing.me, self._parts.world.random(SECRET_BYTES))
        made = Invitation(link.id, link.key, label, now, now + LASTS, None, None, None)

        def keep(db: sqlite3.Connection) -> None:
            joining.forget_old(db, now)
            if sum(_state(each, now) == "open" for each in joining.invitations(db)) >= joining.MOST:
                raise InputError(f"{joining.MOST} invitations are open already: cancel some ('bra invite --list')")
            joining.invite(db, made)

        await self._parts.database.write(keep)
        serving = self._parts.schedule is not None
        return {"link": str(link), "id": link.id, "expires": format_time(made.expires), "serving": serving}

    async def invitation_list(self) -> dict[str, Any]:
        now = self._parts.world.now()
        found = await self._parts.database.read(joining.invitations)
        return {
            "invitations": [
                {
                    "id": each.id,
                    "label": each.label,
                    "created": format_time(each.created),
                    "expires": format_time(each.expires),
                    "state": _state(each, now),
                    **({"used_by": each.used_by} if each.used_by else {}),
                }
                for each in found
            ]
        }

    async def invitation_cancel(self, *, id: str) -> dict[str, Any]:  # noqa: A002
        now = self._parts.world.now()

        def cancel(db: sqlite3.Connection) -> None:
            held = joining.invitation(db, id)
            if held is None:
                raise InputError("there is no such invitation: 'bra invite --list' shows those there are")
            if held.used_by:
                raise InputError(f"{held.used_by} has used it: end that with 'bra partner refuse'")
            joining.cancel(db, id, now)

        await self._parts.database.write(cancel)
        return {"id": id}

    async def join(self, *, link: str) -> dict[str, Any]:
        """Uses a partner's invitation; who it is from, and what its operator and this one compare."""
        join = await self._newcomer.join(Link.parse(link))
        if join.agreed:
            await self._pairing.finish(join)
        return await self._described(join)

    async def join_list(self) -> dict[str, Any]:
        """Who waits to become a partner."""
        return {"joins": [_shown(each) for each in await self._parts.database.read(joining.waiting)]}

    async def join_show(self, *, who: str | None = None) -> dict[str, Any]:
        """One that waits, the only one where none is named, with what the two operators compare."""
        return await self._described(await self._parts.database.read(lambda db: _find(db, who)))

    async def partner_add(
        self, *, key_card: dict[str, Any], url: str | None = None, words: str | None = None
    ) -> dict[str, Any]:
        """Takes a key card that was carried here. Its node waits until it is confirmed, at once with `words`."""
        card = self._pairing.read_card(key_card)
        reached = parse_url(url) if url else card.url
        new = await self._parts.database.read(lambda db: partners.find(db, card.node_id)) is None
        # The other side confirms for itself, and isn't asked.
        join = await self._pairing.change(
            lambda db: self._pairing.keep(db, card, "card", url=reached, confirmed_there=True)
        )
        if words is not None and not join.agreed:
            join = await self._pairing.confirm(join.node_id, words, join.digest)
        if join.agreed:
            await self._pairing.finish(join)
            return {**_shown(join), "new": new}
        return {**await self._described(join), "new": new}

    async def partner_confirm(
        self, *, node_id: str, words: str | None = None, shown: str | None = None
    ) -> dict[str, Any]:
        """Confirms for this side, with the words that the other side read; once confirmed, asks how things stand.

        `shown` is what `join-show` gave by that name: nothing is confirmed where the other side says something else
        now.
        """
        join = await self._parts.database.read(lambda db: waiting_with(db, NodeId(node_id)))
        if not join.confirmed_here:
            join = await self._pairing.confirm(join.node_id, words or "", shown)
        problem = None
        if join.side == "newcomer" and not join.agreed:
            try:
                join = await self._newcomer.ask(join)
            except BraError as error:
                # It is confirmed here all the same; the other side is asked again.
                problem = str(error)
        if join.agreed:
            await self._pairing.finish(join)
        return _shown(join) | ({"problem": problem} if problem else {})

    async def partner_refuse(self, *, who: str) -> dict[str, Any]:
        """Ends a join: the other side is told when it asks. Who is a partner by it already stays one."""

        def end(db: sqlite3.Connection) -> tuple[Join, bool]:
            join = _find(db, who)
            joining.end(db, join.node_id)
            return join, partners.find(db, join.node_id) is not None

        join, partner = await self._parts.database.write(end)
        return _shown(join) | {"partner": partner}

    async def _described(self, join: Join) -> dict[str, Any]:
        """A join with both organisations, the safety words, and what to be careful about."""
        words = await asyncio.to_thread(safety_words, self._pairing.me, join.node_id)
        own = (await self._pairing.own_card())["record"]["body"]
        me = {
            "node_id": self._pairing.me,
            "organisation": own["name"],
            "website": own["website"],
            "url": self._parts.url,
        }
        warnings = await asyncio.to_thread(self._warnings, join)
        return {**_shown(join), "me": me, "words": list(words), "warnings": warnings, "shown": join.digest}

    def _warnings(self, join: Join) -> list[str]:
        """What to be careful about, a sentence each."""
        acceptance = self._parts.acceptance
        likeness = acceptance.resembles(join.node_id, join.organisation, join.website)
        if likeness is None:
            return []
        if likeness.what == "scripts":
            return ["the name mixes letters of different scripts in one word: make sure whom you speak to"]
        known = f"{dict(acceptance.answer.names)[likeness.of].name} ({likeness.of})"
        if likeness.what == "website":
            poses = "either it has a new key, or somebody poses as it: ask them which by phone"
            return [f"{known} is known here with this website; {poses}"]
        return [f"the name looks like that of {known}, which is known here: make sure whom you speak to"]


def endorse(db: sqlite3.Connection, join: Join, *, me: NodeId, now: float) -> Change | None:
    """The change that endorses a new partner; None where an endorsement of it stands."""
    held = endorsing.of(db, me, join.node_id)
    if any(map(endorsing.stands, held)):
        return None
    method = "key_card" if join.side == "card" else "invitation"
    return endorsing.endorsement(
        join.node_id, join.organisation, method=method, now=now, held=held[0] if held else None
    )


def _find(db: sqlite3.Connection, who: str | None) -> Join:
    """The join that an operator means: by an id, the beginning of one or of a name; the only one without any."""
    waiting = joining.waiting(db)
    if not waiting:
        raise InputError("nobody waits to become a partner: 'bra invite' or 'bra join' begins it")
    if who is None:
        if len(waiting) > 1:
            listed = ", ".join(f"{each.node_id} ({each.organisation})" for each in waiting[:5])
            raise InputError(f"{len(waiting)} nodes wait to become partners: name one of {listed}")
        return waiting[0]
    by_id = {each.node_id: each for each in waiting}
    fitting = meant(who, {each.node_id: each.organisation for each in waiting})
    if len(fitting) != 1:
        raise InputError(f"{who!r} is not one node that waits to become a partner: 'bra partner list' shows who does")
    return by_id[fitting[0]]


def _shown(join: Join) -> dict[str, Any]:
    return {
        "node_id": join.node_id,
        "organisation": join.organisation,
        "website": join.website,
        "url": join.url,
        "side": join.side,
        "invitation": join.invitation,
        "since": format_time(join.at),
        "confirmed_here": join.confirmed_here,
        "confirmed_there": join.confirmed_there and join.side != "card",
        "partner": join.agreed,
        **({"problem": join.problem} if join.problem else {}),
    }


def _state(invitation: Invitation, now: float) -> str:
    if invitation.used_by:
        return "used"
    if invitation.cancelled_at is not None:
        return "cancelled"
    return "open" if now < invitation.expires else "expired"
