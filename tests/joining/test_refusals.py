"""What goes wrong at joining has its own sentence, and leaves nothing behind at the newcomer."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from node.errors import BraError
from node.joining.invitation import Link
from node.protocol.statements import Card
from node.storage import authors, blocks, joining
from node.storage.joining import Join
from tests.joining.conftest import Found, Side
from tests.nodes import free_port
from tests.protocol.builders import Author

DAY = 86_400
SECRET = bytes(16)

Case = Callable[[Side, Side, Found], Awaitable[Any]]


async def malformed(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.does("join", link="https://lund.example/join")


async def not_encrypted(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.does("join", link=str(Link("http://node.lund.example", lund.id, SECRET)))


async def expired(lund: Side, tartu: Side, found: Found) -> None:
    link = await lund.invite()
    for side in (lund, tartu):
        side.pass_by(DAY + 1)
    await tartu.does("join", link=link)


async def used(lund: Side, tartu: Side, found: Found) -> None:
    link = await lund.invite()
    await (await found("Paris Park")).does("join", link=link)
    await tartu.does("join", link=link)


async def cancelled(lund: Side, tartu: Side, found: Found) -> None:
    made = await lund.does("invite")
    await lund.does("invitation-cancel", id=made["id"])
    await tartu.does("join", link=made["link"])


async def refused(lund: Side, tartu: Side, found: Found) -> None:
    link = await lund.invite()
    await tartu.does("join", link=link)
    await lund.does("partner-refuse", who=tartu.id)
    await tartu.does("partner-refuse", who=lund.id)
    await tartu.does("join", link=link)


async def unknown(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.does("join", link=str(Link(lund.url, lund.id, SECRET)))


async def wrong_network(lund: Side, tartu: Side, found: Found) -> None:
    rehearsal = await found("Riga Park", network="rehearsal")
    await tartu.does("join", link=await rehearsal.invite())


async def wrong_id(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.does("join", link=str(Link(lund.url, Author("paris").id, SECRET)))


async def unreachable(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.does("join", link=str(Link(f"http://127.0.0.1:{free_port()}", lund.id, SECRET)))


async def another_service(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.does("join", link=str(Link(f"{lund.url}/elsewhere", lund.id, SECRET)))


async def clock_off(lund: Side, tartu: Side, found: Found) -> None:
    link = await lund.invite()
    tartu.pass_by(-700)
    await tartu.does("join", link=link)


async def older_card(lund: Side, tartu: Side, found: Found) -> None:
    newer = Card.make(lund.root, network="test", epoch=2, signing=Author("lund").card.signing, issued=0)
    await tartu.app.database.write(lambda db: authors.introduce(db, newer))
    await tartu.does("join", link=await lund.invite())


async def oneself(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.does("join", link=await tartu.invite())


async def partner_already(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.does("join", link=await lund.invite())
    await lund.confirm(tartu)
    await tartu.confirm(lund)
    await tartu.does("join", link=await lund.invite())


async def blocked(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.app.database.write(lambda db: blocks.block(db, lund.id, "", 0))
    await tartu.does("join", link=await lund.invite())


async def blocked_there(lund: Side, tartu: Side, found: Found) -> None:
    await lund.app.database.write(lambda db: blocks.block(db, tartu.id, "", 0))
    await tartu.does("join", link=await lund.invite())


async def too_many(lund: Side, tartu: Side, found: Found) -> None:
    await full(tartu)
    await tartu.does("join", link=await lund.invite())


async def too_many_there(lund: Side, tartu: Side, found: Found) -> None:
    await full(lund)
    await tartu.does("join", link=await lund.invite())


async def full(side: Side) -> None:
    """As many wait as may."""
    now = int(side.app.world.now())

    def fill(db: Any) -> None:
        for number in range(joining.MOST):
            name = Author(f"park {number}").id
            joining.wait(db, Join(name, "card", "", None, "Park", "", "", b"", False, True, now, None))

    await side.app.database.write(fill)


async def wrong_words(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.does("join", link=await lund.invite())
    words = (await tartu.does("join-show"))["words"]
    await tartu.does("partner-confirm", node_id=lund.id, words=" ".join(reversed(words)))


async def too_few_words(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.does("join", link=await lund.invite())
    words = (await tartu.does("join-show"))["words"]
    await tartu.does("partner-confirm", node_id=lund.id, words=" ".join(words[:7]))


async def nobody_waits(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.does("join-show")


async def several_wait(lund: Side, tartu: Side, found: Found) -> None:
    await full(tartu)
    await tartu.does("join-show")


async def a_stranger(lund: Side, tartu: Side, found: Found) -> None:
    await tartu.does("partner-confirm", node_id=lund.id, words="a")


async def no_url(lund: Side, tartu: Side, found: Found) -> None:
    await (await found("Oulu Park", url="")).does("invite")


async def too_many_invitations(lund: Side, tartu: Side, found: Found) -> None:
    for _ in range(joining.MOST + 1):
        await lund.invite()


async def no_such_invitation(lund: Side, tartu: Side, found: Found) -> None:
    await lund.does("invitation-cancel", id="0123456789abcdef")


async def cancelled_after_use(lund: Side, tartu: Side, found: Found) -> None:
    made = await lund.does("invite")
    await tartu.does("join", link=made["link"])
    await lund.does("invitation-cancel", id=made["id"])


SENTENCES: dict[str, tuple[Case, str]] = {
    "a malformed link": (malformed, "cut short or was changed"),
    "http to another machine": (not_encrypted, "not encrypted"),
    "an expired invitation": (expired, "expired at 20"),
    "one that another node has used": (used, "another node has used this invitation"),
    "one that was cancelled": (cancelled, "was cancelled"),
    "one that was used and refused": (refused, "was refused or has ended there"),
    "one that nobody made": (unknown, "no invitation of this node fits"),
    "another network": (wrong_network, "belongs to the network 'rehearsal', this one to 'test'"),
    "another node at the URL": (wrong_id, "answers there, not bra1"),
    "a URL that can't be reached": (unreachable, "ask the partner whether its node serves"),
    "a URL of something else": (another_service, "answered 404: ask its operator"),
    "a clock that is off": (clock_off, "its clock is ahead by .*: it said .* when it was .* here"),
    "an older card than is known": (older_card, "an old key is in use there"),
    "the own invitation": (oneself, "invitation of this very node"),
    "a partner": (partner_already, "is a partner of this node already"),
    "one that is blocked here": (blocked, "is blocked here"),
    "one that is blocked there, who isn't told": (blocked_there, "no invitation of this node fits"),
    "too many that wait": (too_many, "100 nodes wait"),
    "too many that wait there": (too_many_there, "100 nodes wait"),
    "wrong words": (wrong_words, "not the safety words"),
    "a word left out": (too_few_words, "8 safety words, not 7"),
    "nobody to confirm": (nobody_waits, "nobody waits"),
    "several to confirm": (several_wait, "100 nodes wait to become partners: name one"),
    "a stranger to confirm": (a_stranger, "doesn't wait to become a partner"),
    "an invitation to a node without a URL": (no_url, "has no URL"),
    "too many invitations": (too_many_invitations, "100 invitations are open"),
    "cancelling what there isn't": (no_such_invitation, "no such invitation"),
    "cancelling what was used": (cancelled_after_use, "has used it"),
}


@pytest.mark.parametrize("what", SENTENCES)
async def test_one_sentence_and_no_partner_for(what: str, lund: Side, tartu: Side, found: Found) -> None:
    case, part = SENTENCES[what]
    with pytest.raises(BraError, match=part) as told:
        await case(lund, tartu, found)
    assert "\n" not in str(told.value)
    if case is not partner_already:
        assert await tartu.partners() == []
        assert await lund.partners() == []
        assert not any(each["confirmed_here"] for each in await tartu.waiting())
