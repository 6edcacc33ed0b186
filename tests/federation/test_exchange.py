"""What the acting side of a session does with a partner's answers."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence

import pytest

from node.errors import HomeError, Unreachable
from node.federation import sending
from node.federation.actions import Hear, News, Pull
from node.federation.client import Client
from node.federation.exchange import BREATH, Exchange
from node.federation.hearing import Told
from node.federation.news import read_news
from node.protocol.blocks import Want
from node.protocol.verdicts import Accepted
from node.storage import authors as stored
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, adoption, adoption_body, signatory
from tests.federation.test_session import session

PROMPTLY = 10.0


class OneByOne(Client):
    """A partner in the same process whose answers end after their first block; the last ones of all break off."""

    def __init__(self, other: SmallNode, *, answers: int = 3) -> None:
        self._other = other
        self._answers = answers
        self.asked_again = threading.Event()
        self.wishes: list[int] = []

    async def pull(self, wants: Sequence[Want]) -> AsyncIterator[list[bytes]]:
        self.wishes.append(len(wants))
        if len(self.wishes) == 2:
            self.asked_again.set()
        if len(self.wishes) > self._answers:
            raise Unreachable("the partner can't be reached: it hangs up")
        yield self._other.tell(wants[0])


@pytest.fixture
async def wanted(tartu: SmallNode, lund: SmallNode) -> Pull:
    """What Lund, which accepts them, would ask of three authors, all of whom Tartu has."""
    authors = [signatory(name) for name in ("paris", "quito", "riga")]
    for author in authors:
        author.put("adoption", adoption_body("a"), "a")
        author.commit()
        tartu.accept(author, Standing.LISTED)
        assert isinstance(await tartu.take(author.block_lines(), author), Accepted)
    for author in authors:
        for node in (tartu, lund):
            node.accept(author, Standing.LISTED)
    return Pull(tuple(Want(author.id) for author in authors))


def exchange(lund: SmallNode, partner: OneByOne) -> Exchange:
    return Exchange(session(), partner, lund.receiver, lund.database)


async def test_what_an_answer_left_out_is_asked_for_before_the_rest_is_stored(
    tartu: SmallNode, lund: SmallNode, wanted: Pull
) -> None:
    partner = OneByOne(tartu)

    def wait(_: sqlite3.Connection) -> bool:
        return partner.asked_again.wait(PROMPTLY)

    # Nothing is stored until the second question has come.
    holding = asyncio.ensure_future(lund.database.write(wait))
    verdicts = await exchange(lund, partner)._perform(wanted)
    assert await holding, "the second question waits for what the first one brought"
    assert [type(verdict) for verdict in verdicts] == [Accepted] * 3
    assert partner.wishes == [3, 2, 1]


@pytest.mark.parametrize("also", [pytest.param(False, id="all of it"), pytest.param(True, id="but for one author")])
async def test_after_news_that_brought_all_changes_the_round_takes_a_breath(
    also: bool, tartu: SmallNode, lund: SmallNode
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    await tartu.publish(adoption("a"))
    await lund.pull(tartu, tartu)
    before = tartu.database.read_now(stored.newest_arrival)
    tartu.clock.pass_by(2)
    await tartu.publish(adoption("b"))
    found = tartu.database.read_now(lambda db: sending.feed(db, before, honoured=True))
    assert found is not None
    told = read_news([*found.lines, b'{"next":{"since":"x:1"}}'], tartu.id).told
    paris = signatory("paris")
    more = (Told(paris.card, paris.head),) if also else ()
    taking = Exchange(session(), OneByOne(tartu), lund.receiver, lund.database, sleep=sleep)  # type: ignore[arg-type]
    heeded = await taking._perform(Hear(News((*told, *more), "x:1")))
    assert [type(each) for each in heeded.verdicts] == [Accepted]
    assert pauses == ([] if also else [BREATH])


async def test_where_a_later_answer_breaks_off_what_came_before_it_is_told(
    tartu: SmallNode, lund: SmallNode, wanted: Pull
) -> None:
    partner = OneByOne(tartu, answers=2)
    verdicts = await exchange(lund, partner)._perform(wanted)
    assert [type(verdict) for verdict in verdicts] == [Accepted] * 2
    assert partner.wishes == [3, 2, 1]


async def test_where_the_first_answer_breaks_off_that_is_told(tartu: SmallNode, lund: SmallNode, wanted: Pull) -> None:
    with pytest.raises(Unreachable, match="hangs up"):
        await exchange(lund, OneByOne(tartu, answers=0))._perform(wanted)


async def test_nothing_more_is_asked_for_where_nothing_can_be_stored(
    tartu: SmallNode, lund: SmallNode, wanted: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner = OneByOne(tartu)
    failed = asyncio.Event()

    async def fail(*_: object) -> None:
        failed.set()
        raise HomeError("the disk is full")

    async def later(wants: Sequence[Want]) -> AsyncIterator[list[bytes]]:
        async for lines in OneByOne.pull(partner, wants):
            yield lines
        await failed.wait()

    monkeypatch.setattr(lund.receiver, "take", fail)
    monkeypatch.setattr(partner, "pull", later)
    with pytest.raises(HomeError, match="disk is full"):
        await exchange(lund, partner)._perform(wanted)
    assert partner.wishes == [3]
