"""Bringing messages to their recipients until each is acknowledged, and fetching one's own from partners' mailboxes.

Rules (SPEC, "Messages"):

- what waits is in the database; nothing is scheduled elsewhere. A message is tried as soon as it is committed, and then
  again with growing pauses, until its recipient's own word has come that it was taken or refused, or it has expired
- a recipient is called where its beat says; one that can't be called has a mailbox with the nodes between it and us, or
  with a partner of ours. Who holds a message there is asked again until it hands out the recipient's answer
- one recipient that doesn't answer keeps no other one waiting
- an address in a beat must not make this node call its own machine or network, unless it is there itself (a
  rehearsal), or a partner's URL is at that host; where a name leads is looked at when it is called (see
  `federation.outward`)
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import structlog

from node.directory.acceptance import Acceptance
from node.directory.authority import Authority, State
from node.errors import BraError, InputError, Malformed, PeerError, ProtocolError
from node.federation.answers import NotAllowed
from node.federation.client import Client
from node.federation.schedule import Pace
from node.federation.wire import is_here, parse_url
from node.housekeeping import logged
from node.protocol.canonical import encode
from node.protocol.messages import Sealed
from node.protocol.names import NodeId
from node.roaming.messages import Messages
from node.roaming.post_office import AT_ONCE, PostOffice
from node.roaming.sealing import Sealing
from node.storage import authors, partners
from node.storage import messages as stored
from node.storage.database import Database
from node.storage.messages import Outgoing
from node.storage.partners import Partner
from node.trust.reach import Standing
from node.world import World

log = structlog.get_logger()

RECIPIENTS_AT_ONCE = 8
OF_RECIPIENT_AT_ONCE = 50
ADDRESSES = 8
"""Nodes and URLs that are tried for one message."""
LOOK_EVERY = 60.0
"""Seconds after which the outbox is looked at, whatever is due: clocks are set, and messages expire."""
PAGES = 8
"""Requests in which one mailbox is emptied; what is more waits for the next round."""


class Address(NamedTuple):
    """A node that takes the message, and where it is called; no URL is this node's own mailbox."""

    node: NodeId
    url: str


class Ready(NamedTuple):
    """A message as it is sent now."""

    sealed: Sealed
    addresses: list[Address]


class Delivery:
    """Sends what is in the outbox while this node serves."""

    def __init__(
        self,
        database: Database,
        acceptance: Acceptance,
        authority: Authority,
        messages: Messages,
        sealing: Sealing,
        office: PostOffice,
        client: Callable[[str, NodeId], Client],
        *,
        pace: Pace,
        own_url: str,
        world: World,
    ) -> None:
        self._database = database
        self._acceptance = acceptance
        self._authority = authority
        self._messages = messages
        self._sealing = sealing
        self._office = office
        self._client = client
        self._pace = pace
        self._own_url = own_url
        self._world = world
        self._under_way: dict[NodeId, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(RECIPIENTS_AT_ONCE)
        self._look = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Delivers while the context lasts."""
        loop = asyncio.get_running_loop()

        def committed(_: sqlite3.Connection) -> None:
            if self._messages.take_news() and not loop.is_closed():
                loop.call_soon_threadsafe(self._look.set)

        self._database.on_commit(committed)
        await self._database.write(stored.try_now)
        task = asyncio.create_task(self._go_on())
        try:
            yield
        finally:
            task.cancel()
            tasks = [task, *self._under_way.values()]
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def collect(self, partner: Partner) -> None:
        """Fetches this node's messages from a partner's mailbox, and leaves the answers there."""
        try:
            client = self._client(partner.url or "", partner.node_id)
            for _ in range(PAGES):
                if await self._database.read(self._authority.state) is not State.OPEN:
                    return
                answers = [await self._answered(each) for each in _mail(await client.mailbox())]
                if not answers:
                    return
                await client.post("mailbox", encode({"answers": answers}))
        except BraError as error:
            log.warning("mail not fetched", partner=partner.node_id, problem=str(error))

    async def _answered(self, sealed: Sealed) -> dict[str, Any]:
        """What becomes of a message in a mailbox. One that doesn't hold is ended without an answer: its sender, if it
        was that, sends it again, signed and sealed with the newest keys.
        """
        answer: dict[str, Any] = {"from": sealed.sender, "id": sealed.id}
        try:
            answer["acknowledgement"] = (await self._office.receive(sealed)).as_value()
        except (ProtocolError, InputError, NotAllowed) as error:
            log.warning("message not taken", sender=sealed.sender, problem=str(error))
        return answer

    async def _go_on(self) -> None:
        while True:
            self._look.clear()
            wait = LOOK_EVERY
            try:
                wait = await self._begin()
            except BraError as error:
                # A full disk: what waits goes on waiting.
                log.error("messages are not sent", problem=str(error))
            except Exception:
                log.exception("messages are not sent")
            try:
                async with asyncio.timeout(wait):
                    await self._look.wait()
            except TimeoutError:
                pass

    async def _begin(self) -> float:
        """Begins to deliver what is due; the seconds until the next look."""
        now = self._world.now()
        await logged(self._give_up, "expired messages")
        for node in await self._database.read(lambda db: stored.recipients_due(db, now)):
            if node not in self._under_way:
                self._under_way[node] = asyncio.create_task(self._deliver_to(node))
        due = await self._database.read(lambda db: stored.next_due(db, now))
        return LOOK_EVERY if due is None else min(max(due - self._world.now(), 0.0), LOOK_EVERY)

    async def _give_up(self) -> None:
        while await self._database.read(lambda db: bool(stored.expired(db, self._world.now(), 1))):
            await self._database.write(self._messages.give_up)

    async def _deliver_to(self, node: NodeId) -> None:
        """Tries the messages that are due to a node, one after the other."""
        try:
            async with self._room:
                now = self._world.now()
                waiting = await self._database.read(lambda db: stored.due(db, node, now, OF_RECIPIENT_AT_ONCE))
                for place, sent in enumerate(waiting):
                    if not await self._deliver(sent, waiting[place:]):
                        break
        except BraError as error:
            log.error("messages are not sent", recipient=node, problem=str(error))
            # A full disk: it isn't even written down that they were tried.
            await self._world.sleep(LOOK_EVERY)
        except Exception:
            log.exception("messages are not sent", recipient=node)
            await self._world.sleep(LOOK_EVERY)
        finally:
            del self._under_way[node]
            self._look.set()

    async def _deliver(self, sent: Outgoing, waiting: list[Outgoing]) -> bool:
        """Tries one message; where its recipient can't be reached, all that `waiting` waits. Whether to go on."""
        try:
            ready = await self._database.read(lambda db: self._prepare(db, sent))
        except (InputError, ProtocolError) as error:
            await self._postpone(waiting, str(error))
            return False
        problem = "it has no address, and no partner of it is known that has one"
        for address in ready.addresses:
            try:
                answer = await self._bring(ready.sealed, address)
                if answer is not None:
                    await self._end(answer, sent)
                    return True
            except (PeerError, ProtocolError, InputError, NotAllowed) as error:
                problem = str(error)
            else:
                await self._postpone([sent], f"it waits in a mailbox at {address.node}")
                return True
        await self._postpone(waiting, problem)
        return False

    async def _bring(self, sealed: Sealed, address: Address) -> Sealed | None:
        """The recipient's answer; None where the message is held for it."""
        if not address.url:
            return await self._office.hold(sealed)
        answer = await self._client(address.url, address.node).post("inbox", sealed.line)
        if not isinstance(answer, dict) or answer.keys() not in ({"held"}, {"acknowledgement"}):
            raise Malformed("the answer to a message is neither `held` nor an acknowledgement")
        return Sealed.of(answer["acknowledgement"]) if "acknowledgement" in answer else None

    async def _end(self, answer: Sealed, sent: Outgoing) -> None:
        """Takes the recipient's own word; whoever brought the message can't make it up."""
        said = await self._database.read(lambda db: self._sealing.open_acknowledgement(db, answer))
        if (said.sender, said.id) != (sent.recipient, sent.id):
            raise Malformed("the acknowledgement is of another message")
        await self._database.write(lambda db: self._messages.acknowledged(db, said.sender, said.id, said.refused))

    async def _postpone(self, waiting: list[Outgoing], problem: str) -> None:
        until = self._world.now() + self._pace.pause(waiting[0].tries, self._world.random(4))
        await self._database.write(lambda db: stored.postpone(db, [each.no for each in waiting], until, problem))

    def _prepare(self, db: sqlite3.Connection, sent: Outgoing) -> Ready:
        if self._authority.state(db) is not State.OPEN:
            raise InputError("this home may not sign now: see 'bra status'")
        if self._acceptance.standing(sent.recipient) is not Standing.HONOURED:
            raise InputError(f"{sent.recipient} is not honoured here any more")
        return Ready(self._sealing.message(db, sent), self._addresses(db, sent.recipient))

    def _addresses(self, db: sqlite3.Connection, to: NodeId) -> list[Address]:
        """Where a message to a node is brought, the likeliest first."""
        everyone = {each.node_id: each for each in partners.everyone(db)}
        rehearsal = is_here(self._own_url)
        confirmed = {urlsplit(each.url).hostname for each in everyone.values() if each.url}

        def of(node: NodeId) -> list[Address]:
            found, partner = authors.find(db, node), everyone.get(node)
            told = (partner.url or "" if partner else "", *(found.beat.urls if found and found.beat else ()))
            urls = [url for url in dict.fromkeys(told) if _callable(url, rehearsal=rehearsal, confirmed=confirmed)]
            return [Address(node, url) for url in urls[:2]]

        if own := of(to):
            return own
        mailboxes = [Address(self._acceptance.me, "")] if to in self._acceptance.partners else []
        known = self._acceptance.known.get(to)
        for node in dict.fromkeys((*reversed(known.path[:-1] if known else ()), *everyone)):
            if node != to and len(mailboxes) < ADDRESSES:
                mailboxes += of(node)[:1]
        return mailboxes


def _callable(url: str, *, rehearsal: bool, confirmed: Collection[str | None] = ()) -> bool:
    """Whether a node is called there. `confirmed`: the hosts of partners' URLs."""
    try:
        return not is_here(parse_url(url)) or rehearsal or urlsplit(url).hostname in confirmed
    except InputError:
        return False


def _mail(value: Any) -> list[Sealed]:
    """The messages that a mailbox gave."""
    found = value.get("messages") if isinstance(value, dict) else None
    if not isinstance(found, list) or len(found) > AT_ONCE:
        raise Malformed(f"`messages` is an array of at most {AT_ONCE} sealed messages")
    return [Sealed.of(each) for each in found]
