"""The demonstration: five real nodes on this machine, founded, linked and filled, until they all hold the same.

Rules:

- each node is a process of its own, and is told what to do by the operations that an operator's commands use
- whatever happens, every process has ended when the context ends
- the nodes have converged when all of them hold every record, in equal states; after the deadline, an error says
  which node lacks what

    async with standing(folder, tell) as federation:
        findings = await federation.converge()
        findings.sample.path     # ['Ideon Science Park', 'WERK1']
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from node import founding
from node.demo import questions
from node.demo.convergence import Comparison, compare
from node.demo.processes import NodeProcess, end_all, forget_settings, free_ports
from node.demo.questions import Sample, View
from node.demo.sites import Site, sites
from node.errors import BraError
from node.protocol import names
from node.protocol.names import NodeId
from node.trust.safety_words import safety_words

T = TypeVar("T")
Tell = Callable[[str, int, int], None]
"""Takes what is being done now, how many records all nodes hold together, and how many they will."""

NETWORK = "demo"
DEADLINE = 60.0
"""Seconds for the nodes to serve, and then for them to converge."""

_BETWEEN_LOOKS = 0.1


class NotConverged(BraError):
    """The nodes don't hold the same at the deadline."""


@dataclass(frozen=True, slots=True)
class Member:
    """One node of the demonstration."""

    site: Site
    process: NodeProcess


@dataclass(frozen=True, slots=True)
class Way:
    """How a node knows the farthest other node: through whom, its own partner first."""

    to: str
    through: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found when the nodes had converged. `records`: of all authors, and each node holds all of them."""

    nodes: int
    organisations: int
    records: int
    ways: Mapping[str, Way]
    sample: Sample


class Federation:
    """The five nodes, and what is done with all of them."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        places = sites()
        ports = free_ports(len(places))
        self.members = {
            site.slug: Member(site, NodeProcess(site.title, folder / site.slug, port))
            for site, port in zip(places, ports, strict=True)
        }
        self._titles = {site.slug: site.title for site in places}
        self._node_ids: dict[str, NodeId] = {}
        self._planned = {site.slug: site.records for site in places}
        self._comparison = Comparison(0, len(places) * sum(self._planned.values()), roots_equal=False, lacks=())
        self._tell_of = tell

    async def start(self) -> None:
        """Founds the nodes and starts them; NotStarted, naming it, where one doesn't come to serve."""
        self._tell("Founding five nodes")
        await _together(*map(self._found, self.members.values()))
        self._tell("Starting five nodes")
        await _together(*(member.process.until_serving(DEADLINE) for member in self.members.values()))

    def end(self) -> None:
        end_all(member.process for member in self.members.values())

    async def converge(self, seconds: float = DEADLINE) -> Findings:
        """Exchanges cards, publishes all records, waits until each node holds them; NotConverged at the deadline."""
        try:
            async with asyncio.timeout(seconds):
                await _together(self._publish(), self._until_complete())
        except TimeoutError as error:
            lacks = "; ".join(self._comparison.lacks) or "no node has told what it holds"
            raise NotConverged(f"after {seconds:.0f} seconds the nodes don't hold the same: {lacks}") from error
        answers = await _together(*(questions.view(member.process.url) for member in self.members.values()))
        views = dict(zip(self.members, answers, strict=True))
        # A desk in Munich, asked at Tartu, which knows Munich through Lund.
        sample = await questions.sample(self.members["tartu"].process.url, self._node_ids["munich"])
        return Findings(
            nodes=len(self.members),
            organisations=self._organisations(views),
            records=sum(self._planned.values()),
            ways={slug: self._farthest(view) for slug, view in views.items()},
            sample=sample,
        )

    async def _found(self, member: Member) -> None:
        process = member.process
        founded = await founding.found(
            process.home,
            member.site.organisation,
            url=process.url,
            network=NETWORK,
            signatory_role="operator of the node",
        )
        self._node_ids[member.site.slug] = founded.node_id
        process.start()

    async def _publish(self) -> None:
        """What five operators do: each gives its card to its partners, adds theirs, and publishes."""
        members = self.members
        answers = await _together(*(member.process.ask("card") for member in members.values()))
        cards = {slug: answer["signed_record"] for slug, answer in zip(members, answers, strict=True)}
        await _together(
            *(self._add(member, cards[partner]) for member in members.values() for partner in member.site.partners),
            *(member.process.ask("publish", changes=member.site.changes) for member in members.values()),
        )

    async def _add(self, member: Member, card: dict[str, Any]) -> None:
        """Adds a partner; the words that two operators would compare by phone are the same for both."""
        me, other = self._node_ids[member.site.slug], names.parse_node_id(card["record"]["author"])
        words = await asyncio.to_thread(safety_words, me, other)
        await member.process.ask("partner-add", key_card=card, words=" ".join(words))

    async def _until_complete(self) -> None:
        while not self._comparison.complete:
            answers = await _together(*(member.process.ask("status") for member in self.members.values()))
            self._comparison = compare(dict(zip(self.members, answers, strict=True)), self._titles, self._planned)
            self._tell("Exchanging key cards and records")
            await asyncio.sleep(_BETWEEN_LOOKS)

    def _organisations(self, views: Mapping[str, View]) -> int:
        """How many organisations every node shows to everybody; NotConverged where one doesn't show all."""
        count = sum(len(member.site.entries) for member in self.members.values())
        for slug, view in views.items():
            if view.organisations != count:
                raise NotConverged(f"{self._titles[slug]} shows {view.organisations} of {count} organisations")
        return count

    def _farthest(self, view: View) -> Way:
        """How a node knows the node that is farthest from it; of several, the last in the line."""
        titles = {self._node_ids[slug]: title for slug, title in self._titles.items()}
        path = max((view.paths.get(node_id, ()) for node_id in reversed(titles)), key=len)
        *through, to = (titles[node_id] for node_id in path)
        return Way(to, tuple(through))

    def _tell(self, step: str) -> None:
        self._tell_of(step, self._comparison.held, self._comparison.expected)


@asynccontextmanager
async def standing(folder: Path, tell: Tell) -> AsyncIterator[Federation]:
    """The five nodes, serving, with their homes in `folder`; they end with the context."""
    forget_settings()
    federation = Federation(folder, tell)
    try:
        await federation.start()
        yield federation
    finally:
        federation.end()


async def _together(*work: Coroutine[Any, Any, T]) -> list[T]:
    """The results of all; at the first error, the others are cancelled and have ended before it is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
