"""What a session asks for, to be done by whoever drives it (see `session`).

result: Greeting = yield from ask(Greet(nonce, url))
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from node.federation.greeting import Greeting
from node.federation.hearing import Heeded, Told
from node.federation.holdings import Holdings
from node.protocol.blocks import Block, Want
from node.protocol.evidence import Evidence
from node.protocol.names import NodeId
from node.protocol.tree import Subtree, Tree
from node.protocol.verdicts import Refusal, Verdict
from node.storage.partners import Heard

R = TypeVar("R")


class Action(Generic[R]):
    """Something to be done for the session; its result is an R."""


@dataclass(frozen=True, slots=True)
class News:
    """A page of the partner's feed, and the cursor after it. `refused`: what of it can't be, and whose.

    `evidence`: of forks. `others`: what it says that it has of authors who are neither accepted nor held here, which
    nobody has checked. `mail`: whether the partner keeps messages for us.
    """

    told: tuple[Told, ...]
    cursor: str
    refused: tuple[tuple[NodeId, Refusal], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    others: tuple[Heard, ...] = ()
    mail: bool = False

    @property
    def is_none(self) -> bool:
        """Whether it says nothing of any author."""
        return not (self.told or self.refused or self.evidence or self.others)


@dataclass(frozen=True)
class Greet(Action[Greeting]):
    nonce: str
    url: str


@dataclass(frozen=True)
class ReadFeed(Action[News]):
    """Declined with status 410 where the cursor belongs to another database."""

    cursor: str | None
    wait: int


@dataclass(frozen=True)
class Hear(Action[Heeded]):
    """Apply the changes that the feed brought, and store what else it says."""

    news: News


@dataclass(frozen=True)
class StartOver(Action[None]):
    """Forget what the partner said: its database is another one."""


@dataclass(frozen=True)
class Survey(Action[Holdings]):
    """What the partner has, what is held, who is accepted; of everybody, or of these authors."""

    of: frozenset[NodeId] | None = None


@dataclass(frozen=True)
class Pull(Action[list[Verdict]]):
    """Get these blocks, judge and apply each as it comes; the verdicts in the order of the wants, as many as came."""

    wants: tuple[Want, ...]


@dataclass(frozen=True)
class PullPart(Action[Block | Refusal]):
    """Get one block, all its pages, and don't judge it."""

    want: Want


@dataclass(frozen=True)
class ReadTree(Action[list[Subtree] | None]):
    """The partner's subtrees below a prefix; None where its head has moved."""

    author: NodeId
    head: bytes
    prefix: str
    depth: int


@dataclass(frozen=True)
class HeldTree(Action[Tree]):
    author: NodeId


@dataclass(frozen=True)
class Apply(Action[Verdict]):
    """Judge and apply a block that was put together by comparing."""

    block: Block


@dataclass(frozen=True)
class Refuse(Action[None]):
    author: NodeId
    refusal: Refusal
    head: bytes


@dataclass(frozen=True)
class Push(Action[frozenset[NodeId]]):
    """Bring the partner what it is missing; each: what it holds now. The authors of whom it refused it."""

    wants: tuple[Want, ...]


Steps = Generator[Action[Any], Any, R]


def ask(action: Action[R]) -> Steps[R]:
    """The action's result, with its type."""
    result: R = yield action
    return result
