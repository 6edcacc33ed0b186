"""What operations work with: the parts of one running node, and the shape of an operation.

An operation takes parameters and gives a result, both JSON objects. Operations stand together by their noun, a file
each (`records`, `partnership`, ...), as a class that names them:

    class Records:
        def operations(self, report: Report) -> dict[str, Operation]:
            return {"list": self.list_kind, "search": self.search}
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from node.api.tokens import Tokens
from node.config import Config
from node.directory.acceptance import Acceptance
from node.directory.authority import Authority
from node.directory.draft import Change, Outcome
from node.directory.indexing import Indexer
from node.directory.publishing import Condition, Publisher
from node.directory.reader import EVERYTHING, Reader
from node.directory.testimony import KINDS
from node.federation.connections import Connections
from node.federation.exchange import Exchange, Progress
from node.federation.schedule import Schedule
from node.home import Home
from node.housekeeping import Housekeeping
from node.joining.newcomer import Newcomer
from node.joining.pairing import Pairing
from node.photos.photos import Photos
from node.roaming.desk import Desk
from node.roaming.issuing import Passes
from node.roaming.mailing import Mailing
from node.roaming.messages import Messages
from node.roaming.node_keys import NodeKeys
from node.roaming.visits import Visits
from node.storage import sets
from node.storage.database import Database
from node.storage.partners import Partner
from node.storage.scrub import Scrub
from node.world import World

Report = Callable[[dict[str, Any]], None]
"""Takes one piece of progress."""

Operation = Callable[..., Awaitable[dict[str, Any]]]
"""Takes parameters by name; raises BraError with a sentence where it can't be done."""


def unreported(piece: dict[str, Any]) -> None:
    """Progress that nobody watches."""


@dataclass(slots=True)
class Parts:
    """The parts of one running node. `url` is empty where it can't be reached; without `schedule` it doesn't serve."""

    home: Home
    database: Database
    trees: sets.Trees
    acceptance: Acceptance
    authority: Authority
    publisher: Publisher
    indexer: Indexer
    scrub: Scrub
    exchange: Callable[[Partner, Progress], Exchange]
    pairing: Pairing
    newcomer: Newcomer
    photos: Photos
    tokens: Tokens
    node_keys: NodeKeys
    passes: Passes
    desk: Desk
    messages: Messages
    visits: Visits
    mailing: Mailing
    network: str
    url: str
    config: Config
    world: World
    schedule: Schedule | None = None
    housekeeping: Housekeeping | None = None
    connections: Connections | None = None

    def reader(self) -> Reader:
        """The operator, who sees everything."""
        return Reader.of(self.acceptance, EVERYTHING, self.world.now())

    async def publish(self, changes: Sequence[Change], *, provided: Condition | None = None) -> Outcome:
        """All changes in one new state or none, and what follows of them; see `Publisher.publish`."""
        outcome = await self.publisher.publish(changes, provided=provided)
        if any(change.kind in KINDS for change in changes):
            await self.reconsider()
        return outcome

    async def reconsider(self) -> None:
        """Works out anew who is accepted, after this node published something that it depends on."""
        answer = await self.database.write(lambda db: self.acceptance.recompute(db, self.world.now()))
        self.acceptance.replace(answer)


class Noun(Protocol):
    """Operations on one kind of thing."""

    def operations(self, report: Report) -> dict[str, Operation]:
        """By their names; those that take long tell `report` how far they are."""
        ...
