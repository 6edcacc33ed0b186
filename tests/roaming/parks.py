"""Two small parks whose people visit each other, and the post between them, which a test delivers as it likes.

with parks(folder) as (guest, host):
    visit = await guest.ask(host.place())
    await post(guest, host)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from node.directory.draft import Change
from node.directory.reader import EVERYTHING
from node.home import Home
from node.protocol.messages import Message
from node.protocol.verdicts import Accepted
from node.roaming import journal
from node.roaming.issuing import Passes
from node.roaming.messages import Messages
from node.roaming.node_keys import NodeKeys
from node.roaming.visit import Event
from node.roaming.visits import Visits
from node.storage import messages as outbox
from node.storage.messages import Outgoing
from tests.directory.small_node import Clock, SmallNode, organisation, signature
from tests.nodes import venue
from tests.protocol.builders import NOW

KEEP_DAYS = 90
MOST = 1_000


def venue_body(**fields: Any) -> dict[str, Any]:
    """A venue that is open on weekdays and wants to be asked a day ahead."""
    found = venue("desk", **fields)
    del found["ref"]
    return found


def weekday(weeks: int = 2, day: int = 1) -> str:
    """A Tuesday some weeks from the tests' now on; or another day of that week, 0 being Monday."""
    today = datetime.fromtimestamp(NOW, UTC).date()
    return (today - timedelta(days=today.weekday()) + timedelta(weeks=weeks, days=day)).isoformat()


class Park(SmallNode):
    """A small node with messages, passes and visits."""

    def __init__(self, folder: Path, name: str, clock: Clock) -> None:
        super().__init__(folder, name, clock=clock)
        home = Home(folder / f"{name}-home")
        home.signing_key.parent.mkdir(parents=True)
        self.messages = Messages(self.acceptance, self.world)
        keys = NodeKeys(home, self.authority, None, self.world)
        self.passes = Passes(self.database, self.publisher, self.authority, keys, self.world)
        self.visits = Visits(
            self.database, self.acceptance, self.messages, self.passes, self.key, self.world, keep_days=KEEP_DAYS
        )

    async def open(self, **fields: Any) -> None:
        """Publishes who it is, and a desk."""
        place = Change("venue", venue_body(**fields), id="desk")
        await self.publish(organisation(f"{self.name.title()} Park"), signature(), place)

    def place(self) -> str:
        return f"{self.id}/desk"

    async def hear(self, other: "Park") -> None:
        """Takes what the other published, and looks into it."""
        assert isinstance(await self.pull(other, other), Accepted)
        async with self.indexer.running() as indexer:
            await indexer.done()

    async def ask(self, place: str, *, asker: str = "", key: str = "", **fields: Any) -> str:
        request = {
            "venue": place,
            "days": [weekday(), weekday()],
            "company": "Nordic Sensors",
            "people": [{"name": "Zephyrina Quackenbush", "email": "zq@sensors.example"}],
            "purpose": "To meet Ottokar Pfefferkorn",
            **fields,
        }
        found = await self.visits.ask(request, asker=asker, reader=self.reader(EVERYTHING), key=key)
        return str(found["visit"])

    async def say(self, visit: str, event: Event, **others: Any) -> None:
        await self.visits.say(visit, event, **others)

    async def state(self, visit: str) -> str:
        return str((await self.visits.show(visit))["state"])

    def waiting(self, to: "Park") -> list[Outgoing]:
        return self.database.read_now(lambda db: outbox.due(db, to.id, self.clock.time + 1e9, MOST))

    def moves(self, visit: str) -> Any:
        return self.database.read_now(lambda db: journal.course_of(db, journal.find(db, visit)))

    def moves_of(self, visit: str) -> int:
        """How much this side holds of a visit that it may not have heard of."""
        found = "SELECT count(*) FROM visits WHERE id = ? AND state <> ''"
        return int(self.database.read_now(lambda db: db.execute(found, (visit,)).fetchone()[0]))

    def rows(self, table: str) -> int:  # type: ignore[override]
        return int(self.database.read_now(lambda db: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))


async def deliver(sent: Outgoing, by: Park, to: Park) -> str | None:
    """Brings one message, and its answer back; why it was refused."""
    message = Message.make(
        by.key, sender=by.id, to=to.id, epoch=1, id=sent.id, kind=sent.kind, body=sent.body, sent=by.clock.time,
        expires=by.clock.time + 3600,
    )  # fmt: skip
    received = await to.database.write(lambda db: to.messages.receive(db, message))
    await by.database.write(lambda db: by.messages.acknowledged(db, to.id, sent.id, received.refused))
    return received.refused


async def post(one: Park, other: Park) -> list[str]:
    """Brings all that waits, to and fro until nothing does; what was refused."""
    refused: list[str] = []
    while waiting := [(one, other, sent) for sent in one.waiting(other)] + [
        (other, one, sent) for sent in other.waiting(one)
    ]:
        refused += filter(None, [await deliver(sent, by, to) for by, to, sent in waiting])
    return refused


@contextmanager
def parks(folder: Path) -> Iterator[tuple[Park, Park]]:
    clock = Clock()
    guest, host = Park(folder, "tartu", clock), Park(folder, "munich", clock)
    yield guest, host
    guest.close()
    host.close()


async def open_both(guest: Park, host: Park, **fields: Any) -> None:
    """Both publish, honour each other, and hold each other's records."""
    await guest.open()
    await host.open(**fields)
    for one, other in ((guest, host), (host, guest)):
        one.befriend(other)
        await one.hear(other)
