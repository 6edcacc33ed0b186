"""One session with one partner, without I/O: which question comes next, and what follows from each answer.

A session yields actions and is sent their results; whoever drives it does the talking, the hashing and the storing.
The order of things (SPEC, "The wire"):

1. greet: the server proves, by signing our nonce, that it is the partner and not the new owner of its domain; and
   shows its clock
2. read the feed; an idle round ends here, after one request and without a write. Small changes come with it and are
   applied at once
3. pull what else the partner has newer than we of everybody who is accepted here; what was just applied may introduce
   more authors, so go on until there is nothing more
4. where the changes don't add up, compare trees, pull what differs, and judge again
5. ask for bodies of which only the leaf is held, once for each
6. if nobody can reach us, push what we have newer than the partner

    round = session.round(wait=25)
    action = next(round)                     # Greet(nonce=…)
    action = round.send(greeting)            # ReadFeed(cursor=None, wait=25)
    …                                        # StopIteration.value is the RoundDone
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from node.errors import Declined, Malformed
from node.federation.actions import (
    Apply,
    Greet,
    Hear,
    HeldTree,
    News,
    Pull,
    PullPart,
    Push,
    ReadFeed,
    ReadTree,
    Refuse,
    StartOver,
    Steps,
    Survey,
    ask,
)
from node.federation.clocks import check_hello
from node.federation.holdings import Holdings
from node.federation.wire import DEEPEST_LOOK, WANTS_AT_ONCE
from node.protocol.blocks import Block, Want
from node.protocol.names import NodeId
from node.protocol.statements import NO_HASH, Card
from node.protocol.tree import Subtree, Tree, prefix_of
from node.protocol.verdicts import Accepted, Compare, Reason, Refusal, Verdict

LOOKS_AT_MOST = 64
"""Tree requests of one comparison; what differs beyond is pulled in larger parts."""
SMALL = 32
"""Leaves of a differing subtree that are pulled rather than looked into."""
PREFIXES_AT_ONCE = 1_000

_MOVED = "its set changed while the trees were compared: asked again later"


@dataclass(slots=True)
class RoundDone:
    """What one round did. `kept`: whether the cursor is stored already, with what the feed said. `mail`: whether the
    partner keeps messages for us.
    """

    cursor: str
    kept: bool = False
    news: int = 0
    applied: int = 0
    refused: int = 0
    pushed: int = 0
    mail: bool = False


_State = tuple[NodeId, bytes, int, int]
"""What is brought of an author: its head, this node's own newest beat (0 of others), the epoch that it forked in."""


class Session:
    """What is remembered between the rounds with one partner while this process runs."""

    def __init__(
        self,
        partner: NodeId,
        *,
        network: str,
        url: str,
        cursor: str | None,
        nonce: str,
        now: Callable[[], float],
        newest_card: Card | None = None,
        outbound_only: bool = False,
    ) -> None:
        self.partner = partner
        self._network = network
        self._url = url
        self._cursor = cursor
        self._nonce = nonce
        self._now = now
        self._newest_card = newest_card
        self._outbound_only = outbound_only
        self._greeted = False
        self._surveyed = False
        self._accepted: frozenset[NodeId] = frozenset()
        self._tried: set[tuple[NodeId, bytes]] = set()
        self._put_off: set[tuple[NodeId, bytes]] = set()
        """Of those, what was refused because of who is accepted: asked for once more when that has changed."""
        self._asked_bodies: dict[tuple[NodeId, bytes], str] = {}
        """By author and head, the last of the keys whose bodies were asked for."""
        self._pushed: set[_State] = set()
        self._unwanted: set[_State] = set()
        """Of those, what the partner refused of authors of whom it has an older state."""

    def round(self, wait: int) -> Steps[RoundDone]:
        """One round; `wait`: seconds that the partner may hold the question for news open."""
        if not self._greeted:
            yield from self._greet()
        # A first round catches up before it waits.
        news = yield from self._read_feed(wait if self._surveyed else 0)
        done = RoundDone(news.cursor, news=len(news.told) + len(news.others) + len(news.evidence), mail=news.mail)
        everything = not self._surveyed
        if everything or not news.is_none:
            self._surveyed = True
            yield from self._hear(news, done)
            yield from self._catch_up(news, done, everything=everything)
        self._cursor = news.cursor
        return done

    def _hear(self, news: News, done: RoundDone) -> Steps[None]:
        if news.told or news.others or news.evidence:
            heeded = yield from ask(Hear(news))
            done.kept = True
            for verdict in heeded.verdicts:
                yield from self._follow(verdict, done)
            if heeded.revived:
                # Its personal records may come back.
                self.look_again(retry=True)
        for author, refusal in news.refused:
            yield from ask(Refuse(author, refusal, b""))

    def look_again(self, *, retry: bool = False) -> None:
        """Who is accepted has changed, or there is something to push: the next round looks at everything, unasked.

        With `retry`, what was refused, or could not be given, is asked for once more, or brought.
        """
        self._surveyed = False
        self._tried -= self._put_off
        self._put_off.clear()
        if retry:
            self._tried.clear()
            self._asked_bodies.clear()
            self._pushed -= self._unwanted
            self._unwanted.clear()

    def _greet(self) -> Steps[None]:
        greeting = yield from ask(Greet(self._nonce, self._url))
        greeting.check(
            self.partner, network=self._network, newest_card=self._newest_card, nonce=self._nonce, url=self._url
        )
        check_hello(greeting.hello, self._now())
        self._greeted = True

    def _read_feed(self, wait: int) -> Steps[News]:
        try:
            return (yield from ask(ReadFeed(self._cursor, wait)))
        except Declined as error:
            if error.status != 410 or self._cursor is None:
                raise
        yield from ask(StartOver())
        self._cursor = None
        return (yield from ask(ReadFeed(None, 0)))

    def _catch_up(self, news: News, done: RoundDone, *, everything: bool) -> Steps[None]:
        # What a round costs follows from what is new, not from how much is known. But who is accepted since, or is to
        # be brought something, can be anybody.
        told = frozenset(each.card.author for each in news.told)
        everybody = everything or self._outbound_only
        while True:
            holdings = yield from ask(Survey(None if everybody else told))
            if not everybody and holdings.accepted != self._accepted:
                everybody = True
                continue
            self._accepted = holdings.accepted
            wants = self._wants(holdings)
            if not wants:
                break
            verdicts = yield from ask(Pull(wants))
            for want, verdict in zip(wants, verdicts, strict=False):
                tried = want.author, holdings.heard[want.author].head
                self._tried.add(tried)
                followed = yield from self._follow(verdict, done)
                if isinstance(followed, Refusal) and followed.reason is Reason.NOT_ACCEPTED:
                    # Perhaps nobody endorses it until the set after it is whole again.
                    self._put_off.add(tried)
        holdings = yield from self._ask_bodies(holdings, None if everybody else told)
        if self._outbound_only and (pushes := self._pushes(holdings)):
            refused = yield from ask(Push(tuple(pushes.values())))
            # Whom the partner has held before it may accept again, and it can't ask. Of all others, the farthest ones,
            # it would be brought whole sets for nothing, again and again.
            again = refused & holdings.heard.keys()
            self._unwanted.update(state for state, want in pushes.items() if want.author in again)
            done.pushed = len(pushes)

    def _follow(self, verdict: Verdict, done: RoundDone) -> Steps[Verdict]:
        if isinstance(verdict, Compare):
            verdict = yield from self._compare(verdict.block)
        done.applied += isinstance(verdict, Accepted)
        done.refused += isinstance(verdict, Refusal)
        return verdict

    def _wants(self, holdings: Holdings) -> tuple[Want, ...]:
        wants: list[Want] = []
        for author, heard in holdings.heard.items():
            if author not in holdings.accepted or (author, heard.head) in self._tried:
                continue
            held = holdings.held.get(author)
            if held is None:
                wants.append(Want(author))
            elif heard.order > held.order or (heard.order == held.order and heard.head != held.head):
                wants.append(Want(author, held.epoch, held.seq, held.head))
        return tuple(wants[:WANTS_AT_ONCE])

    def _compare(self, block: Block) -> Steps[Verdict]:
        """Puts a block together from what differs between our tree and the partner's, and has it judged."""
        head = block.head
        mine = yield from ask(HeldTree(block.author))
        prefixes = yield from self._differing(block, mine)
        if prefixes is None:
            refusal = Refusal(Reason.INCOMPLETE, _MOVED)
            yield from ask(Refuse(block.author, refusal, head.hash))
            return refusal
        part: Block | Refusal = Block(block.author)
        if prefixes:
            part = yield from ask(PullPart(Want(block.author, head.epoch, 0, head.hash, prefixes=tuple(prefixes))))
        if isinstance(part, Block) and (part.compare or (prefixes and not part.heads)):
            part = Refusal(Reason.INCOMPLETE, _MOVED)
        if isinstance(part, Refusal):
            yield from ask(Refuse(block.author, part, head.hash))
            return part
        here = {key for prefix in prefixes for key, _ in mine.items(prefix)}
        removed = here - part.records.keys() - part.leaves.keys()
        whole = replace(block, compare=False, removed=removed, records=part.records, leaves=part.leaves)
        return (yield from ask(Apply(whole)))

    def _differing(self, block: Block, mine: Tree) -> Steps[list[str] | None]:
        """Prefixes below which the sets differ; None where the partner's head has moved."""
        looks, found, look_into = 0, list[str](), [""]
        while look_into:
            prefix = look_into.pop()
            looks += 1
            theirs = yield from ask(ReadTree(block.author, block.head.hash, prefix, DEEPEST_LOOK))
            if theirs is None:
                return None
            _check_subtrees(theirs, prefix)
            ours = {subtree.prefix: subtree.hash for subtree in mine.subtrees(prefix, DEEPEST_LOOK)}
            for subtree in theirs:
                if ours.pop(subtree.prefix, None) == subtree.hash:
                    continue
                small = subtree.leaves <= SMALL or looks + len(look_into) >= LOOKS_AT_MOST
                (found if small else look_into).append(subtree.prefix)
            found += ours
        return found if len(found) <= PREFIXES_AT_ONCE else [""]

    def _ask_bodies(self, holdings: Holdings, of: frozenset[NodeId] | None) -> Steps[Holdings]:
        """Asks for each missing body once a head, some of each author at a time; what is held after that."""
        while wants := self._bodies(holdings):
            verdicts = yield from ask(Pull(wants))
            for want in wants[: len(verdicts)]:
                self._asked_bodies[want.author, want.head] = want.prefixes[-1]
            holdings = yield from ask(Survey(of))
        return holdings

    def _bodies(self, holdings: Holdings) -> tuple[Want, ...]:
        wants: list[Want] = []
        for author, keys in holdings.without_body.items():
            held, heard = holdings.held.get(author), holdings.heard.get(author)
            if held is None or heard is None or held.head != heard.head:
                continue
            last = self._asked_bodies.get((author, held.head), "")
            if prefixes := tuple(prefix for key in sorted(keys) if (prefix := prefix_of(key, 256)) > last):
                wants.append(Want(author, held.epoch, 0, held.head, prefixes=prefixes))
        return tuple(wants[:WANTS_AT_ONCE])

    def _pushes(self, holdings: Holdings) -> dict[_State, Want]:
        """What the partner lacks, as the wants that it would ask with; each state is brought once."""
        wants: dict[_State, Want] = {}
        for author, held in holdings.held.items():
            # Of its own author nobody but this node has the newest beat.
            beat = holdings.own_beat if author == holdings.me else 0
            # Nobody can ask this node for what it can prove.
            forked = holdings.forked.get(author, 0)
            state = author, held.head, beat, forked
            theirs = holdings.heard.get(author)
            if state in self._pushed or len(wants) == WANTS_AT_ONCE:
                continue
            if author not in holdings.accepted and author != holdings.me:
                # Nobody is told of it.
                continue
            if held.head == NO_HASH and not (forked and theirs):
                # It is damaged here: nothing of it can be given, but to whom holds it that it forked.
                continue
            if author == self.partner and not forked and (theirs is None or theirs.order >= held.order):
                # Only where its disk was set back does it lack what it once said itself.
                continue
            if theirs is None or theirs.order < held.order or (beat and theirs.order == held.order) or forked:
                wants[state] = Want(author, theirs.epoch, theirs.seq, theirs.head) if theirs else Want(author)
                self._pushed.add(state)
        return wants


def _check_subtrees(subtrees: Iterable[Subtree], prefix: str) -> None:
    seen: set[str] = set()
    for subtree in subtrees:
        if len(subtree.prefix) != len(prefix) + DEEPEST_LOOK or not subtree.prefix.startswith(prefix):
            raise Malformed("the partner showed another part of the tree than it was asked for")
        if subtree.prefix in seen:
            raise Malformed("the partner showed one part of the tree twice")
        seen.add(subtree.prefix)
