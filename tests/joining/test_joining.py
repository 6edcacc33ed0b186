"""Two nodes become partners when both operators have confirmed, and not before, whatever is repeated or interrupted."""

import pytest

from node.errors import InputError
from node.joining.invitation import Link
from node.storage import joining
from node.trust.reach import Standing
from tests.joining.conftest import Found, Side, until

WEEK = 7 * 86_400


async def met(lund: Side, tartu: Side) -> bool:
    return await lund.partners() == [tartu.id] and await tartu.partners() == [lund.id]


async def over(side: Side) -> bool:
    return await side.waiting() == []


async def joined(lund: Side, tartu: Side) -> None:
    """Both are partners, said so to everybody, and keep nothing of the joining."""
    await until(lambda: met(lund, tartu), "the two are not partners")
    for side, other in ((lund, tartu), (tartu, lund)):
        await until(lambda side=side: over(side), "the join does not end")
        assert await side.endorsed() == {other.id: "invitation"}
        assert side.app.acceptance.standing(other.id) is Standing.HONOURED
        kept = side.app.home.partners / f"{other.id}.json"
        assert other.id in kept.read_text()


@pytest.mark.parametrize("first", ["the inviter", "the newcomer"])
async def test_both_are_partners_once_both_have_confirmed_and_not_before(first: str, lund: Side, tartu: Side) -> None:
    shown = await tartu.does("join", link=await lund.invite())
    for side, other in ((lund, tartu), (tartu, lund)):
        described = await side.does("join-show")
        assert described["node_id"] == other.id
        assert described["words"] == shown["words"]
        assert described["me"]["node_id"] == side.id
    assert (shown["organisation"], shown["website"], shown["url"]) == ("Lund Park", "https://lund.example/", lund.url)
    one, two = (lund, tartu) if first == "the inviter" else (tartu, lund)
    waits = await one.confirm(two)
    assert (waits["partner"], waits["confirmed_here"]) == (False, True)
    for side, other in ((lund, tartu), (tartu, lund)):
        assert await side.partners() == []
        assert await side.endorsed() == {}
        assert side.app.acceptance.standing(other.id) is Standing.UNKNOWN
    await two.confirm(one)
    await joined(lund, tartu)


async def test_using_a_link_again_goes_on_with_the_same_join(lund: Side, tartu: Side) -> None:
    link = await lund.invite()
    await tartu.does("join", link=link)
    before = await lund.rows("joins"), await lund.rows("invitations")
    await tartu.confirm(lund)
    for side in (lund, tartu):
        side.pass_by(2 * 86_400)
    assert (await tartu.does("join", link=link))["confirmed_here"]
    [join] = await lund.waiting()
    assert join["confirmed_there"]
    assert len(await lund.rows("joins")) == len(before[0]) == 1
    assert await lund.rows("invitations") == before[1]
    await lund.confirm(tartu)
    await joined(lund, tartu)


async def test_asking_again_writes_nothing_at_the_inviter(lund: Side, tartu: Side) -> None:
    await tartu.does("join", link=await lund.invite())
    commits: list[None] = []
    lund.app.database.on_commit(lambda _: commits.append(None))
    [join] = await tartu.app.database.read(joining.waiting)
    for _ in range(3):
        await tartu.app.parts.newcomer.ask(join)
    assert commits == []


async def test_the_inviters_confirmation_reaches_a_newcomer_that_only_serves(lund: Side, tartu: Side) -> None:
    await tartu.does("join", link=await lund.invite())
    await tartu.confirm(lund)
    await lund.confirm(tartu)
    # From here on nobody does anything: the newcomer's node asks again by itself.
    await joined(lund, tartu)


async def test_a_round_by_hand_asks_too(lund: Side, tartu: Side) -> None:
    await tartu.does("join", link=await lund.invite())
    await tartu.confirm(lund)
    await lund.confirm(tartu)
    await tartu.does("sync")
    assert await tartu.partners() == [lund.id]


async def test_a_newcomer_that_nobody_can_reach_joins_too(found: Found, lund: Side) -> None:
    hidden = await found("Oulu Park", url="")
    await hidden.does("join", link=await lund.invite())
    await lund.confirm(hidden)
    await hidden.confirm(lund)
    await joined(lund, hidden)
    [partner] = (await lund.does("partner-list"))["partners"]
    assert partner["url"] == ""


async def test_each_invites_the_other_at_the_same_time(lund: Side, tartu: Side) -> None:
    links = await lund.invite(), await tartu.invite()
    await tartu.does("join", link=links[0])
    await lund.does("join", link=links[1])
    await lund.confirm(tartu)
    await tartu.confirm(lund)
    await joined(lund, tartu)


async def test_what_the_operator_refuses_ends_here_and_is_told_there(lund: Side, tartu: Side) -> None:
    await tartu.does("join", link=await lund.invite())
    await tartu.confirm(lund)
    await lund.does("partner-refuse", who="tartu f")
    assert await lund.waiting() == []
    asked = await tartu.does("partner-confirm", node_id=lund.id)
    assert "refused or has ended" in asked["problem"]
    assert not asked["partner"]
    # It asks again, and nothing begins anew by that.
    await tartu.does("sync")
    assert await lund.waiting() == []
    assert await lund.partners() == []


async def test_a_refusal_while_the_other_side_answers_is_not_undone_by_the_answer(lund: Side, tartu: Side) -> None:
    await tartu.does("join", link=await lund.invite())
    [join] = await tartu.app.database.read(joining.waiting)
    await tartu.does("partner-refuse", who=lund.id)
    with pytest.raises(InputError, match="doesn't wait"):
        await tartu.app.parts.newcomer.ask(join)
    assert await tartu.waiting() == []


async def test_a_join_that_nobody_confirms_ends_after_a_week_and_its_key_with_it(lund: Side, tartu: Side) -> None:
    await tartu.does("join", link=await lund.invite())
    for side in (lund, tartu):
        side.pass_by(WEEK - 60)
        await side.app.parts.pairing.forget_old()
        assert len(await side.waiting()) == 1
        side.pass_by(120)
        await side.app.parts.pairing.forget_old()
        assert await side.rows("joins") == []
    assert await lund.rows("invitations") == []


async def test_the_invitations_key_goes_when_the_newcomer_has_been_met(lund: Side, tartu: Side) -> None:
    await tartu.does("join", link=await lund.invite())
    await lund.confirm(tartu)
    await tartu.confirm(lund)
    await joined(lund, tartu)
    lund.pass_by(60)
    await lund.does("sync")
    await lund.app.parts.pairing.forget_old()
    assert await lund.rows("invitations") == []


async def test_a_process_that_ended_before_it_endorsed_goes_on_from_there(lund: Side, tartu: Side) -> None:
    await tartu.does("join", link=await lund.invite())
    await lund.confirm(tartu)
    publish = tartu.app.publisher.publish

    async def dies(changes: object, **conditions: object) -> None:
        raise InputError("ended here")

    tartu.app.publisher.publish = dies  # type: ignore[assignment]
    with pytest.raises(InputError, match="ended here"):
        await tartu.confirm(lund)
    assert await tartu.partners() == [lund.id]
    assert await tartu.endorsed() == {}
    tartu.app.publisher.publish = publish
    await joined(lund, tartu)


async def test_the_secret_is_in_no_file_of_either_node(lund: Side, tartu: Side) -> None:
    link = Link.parse(await lund.invite())
    await tartu.does("join", link=str(link))
    await lund.confirm(tartu)
    needles = (link.secret, link.secret.hex().encode(), str(link).rpartition(".")[2].encode())
    for side in (lund, tartu):
        files = [path for path in side.app.home.path.rglob("*") if path.is_file()]
        assert any(link.key in path.read_bytes() for path in files)
        for path in files:
            assert not any(needle in path.read_bytes() for needle in needles), path


async def test_an_organisation_that_looks_like_one_known_is_shown_with_a_warning(
    found: Found, lund: Side, tartu: Side
) -> None:
    assert (await tartu.does("join", link=await lund.invite()))["warnings"] == []
    await lund.confirm(tartu)
    await tartu.confirm(lund)
    await joined(lund, tartu)
    await until(lambda: knows(lund, "Tartu Forum"), "the partner's records do not come")
    twin, moved = await found("Tаrtu Forum"), await found("Other Name", website="https://tartu.example/")
    for newcomer, part in ((twin, "the name looks like that of Tartu Forum"), (moved, "either it has a new key")):
        await newcomer.does("join", link=await lund.invite())
        [warning] = (await lund.does("join-show", who=newcomer.id))["warnings"]
        assert part in warning


async def knows(side: Side, name: str) -> bool:
    return any(each["organisation"] == name for each in (await side.does("status"))["authors"])


async def test_a_card_that_was_carried_waits_and_each_side_confirms_for_itself(lund: Side, tartu: Side) -> None:
    card = (await lund.does("card"))["signed_record"]
    added = await tartu.does("partner-add", key_card=card)
    assert (added["partner"], added["new"]) == (False, True)
    assert await tartu.partners() == []
    with pytest.raises(InputError, match="not the safety words"):
        await tartu.does("partner-add", key_card=card, words=" ".join(["zoo"] * 8))
    assert await tartu.partners() == []
    await tartu.confirm(lund)
    assert await tartu.partners() == [lund.id]
    assert await tartu.endorsed() == {lund.id: "key_card"}
    assert (await lund.partners(), await lund.waiting()) == ([], [])
    assert not (await tartu.does("partner-add", key_card=card))["new"]


async def test_a_newcomer_whose_card_was_added_before_needs_the_inviters_word_no_more(lund: Side, tartu: Side) -> None:
    added = await lund.does("partner-add", key_card=(await tartu.does("card"))["signed_record"])
    await lund.does("partner-confirm", node_id=tartu.id, words=" ".join(added["words"]))
    await tartu.does("join", link=await lund.invite())
    assert (await tartu.confirm(lund))["partner"]


async def test_a_newcomer_that_heard_of_the_inviters_confirmation_first_still_tells_of_its_own(
    lund: Side, tartu: Side
) -> None:
    await tartu.does("join", link=await lund.invite())
    await lund.confirm(tartu)
    await tartu.app.parts.newcomer.go_on()
    assert await tartu.partners() == []
    await tartu.confirm(lund)
    assert await met(lund, tartu)


def test_neither_an_invitation_nor_a_join_shows_its_key_in_a_log() -> None:
    invitation = joining.Invitation("ab", b"secret", "", 0, 0, None, None, None)
    join = joining.Join("bra1", "newcomer", "ab", b"secret", "", "", "", b"", False, False, 0, None)
    assert "secret" not in f"{invitation!r} {join!r} {invitation} {join}"
