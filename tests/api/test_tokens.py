"""Tokens: shown once, kept as a hash, good until they expire or are revoked."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.api import tokens
from node.api.role import VISIBLE, Role
from node.api.tokens import DAY, Tokens, mint, parse
from node.directory.reader import EVERYTHING
from node.errors import HomeError, InputError
from node.protocol.record import VISIBILITIES
from node.storage import tokens as rows
from tests.directory.small_node import SmallNode


@pytest.fixture
def held(tartu: SmallNode) -> Tokens:
    return Tokens(tartu.database, tartu.world)


def again(node: SmallNode) -> Tokens:
    """The same tokens, as the next run of the program finds them."""
    return Tokens(node.database, node.world)


def test_each_role_sees_what_the_one_before_it_sees_and_one_visibility_more() -> None:
    steps = [VISIBLE[role] - (VISIBLE[Role(role - 1)] if role else frozenset()) for role in Role]
    assert steps == [{"public"}, {"members"}, {"partners"}, {"local"}]
    assert VISIBLE[Role.OPERATOR] == EVERYTHING == set(VISIBILITIES)


async def test_a_token_opens_what_it_was_made_for_also_after_a_restart(tartu: SmallNode, held: Tokens) -> None:
    text, made = await held.create(Role.DESK, "Reception", DAY)
    for side in held, again(tartu):
        found = await side.find(text)
        assert (found.id, found.role, found.label) == (made.id, "desk", "Reception")


async def test_a_token_has_a_form_that_scanners_know_and_is_kept_as_a_hash_alone(
    tartu: SmallNode, held: Tokens, tmp_path: Path
) -> None:
    text, made = await held.create(Role.MEMBER, "Reception", DAY)
    assert re.fullmatch("bra_[a-z2-7]{8}_[a-z2-7]{59}", text)
    secret = text.split("_")[2]
    tartu.close()
    for file in tmp_path.glob("tartu.db*"):
        assert secret[:16].encode() not in file.read_bytes()
    assert made.hash.hex() not in repr(made)
    assert text not in repr(held)


@given(st.binary(min_size=5, max_size=5), st.binary(min_size=32, max_size=32), st.data())
def test_a_token_with_any_one_letter_changed_is_none(id_: bytes, secret: bytes, data: st.DataObject) -> None:
    text = mint(id_, secret)
    assert parse(text) == text[4:12]
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("abz27_ A0"))
    changed = text[:place] + letter + text[place + 1 :]
    assert parse(changed) == (text[4:12] if changed == text else None)


NONE = {
    "nothing": "",
    "another's": mint(b"other", bytes(32)),
    "cut short": mint(b"other", bytes(32))[:-1],
    "with a line after it": mint(b"other", bytes(32)) + "\n",
    "in capitals": mint(b"other", bytes(32)).upper(),
    "of a code host": "ghp_" + "a" * 36,
    "half a letter": "bra_\udcff",
    "very long": "bra_" + "a" * 100_000,
}


@pytest.mark.parametrize("what", NONE)
async def test_a_token_is_not_known_when_it_is(held: Tokens, what: str) -> None:
    await held.create(Role.MEMBER, "Reception", DAY)
    with pytest.raises(InputError, match="not known here: copy the whole of it") as refused:
        await held.find(NONE[what])
    assert len(str(refused.value)) < 200


async def test_the_secret_counts_and_not_the_id_alone(held: Tokens) -> None:
    text, made = await held.create(Role.MEMBER, "Reception", DAY)
    forged = f"bra_{made.id}_" + mint(bytes(5), bytes(32)).split("_")[2][:52]
    forged += tokens._checksum(forged)
    assert parse(forged) == parse(text)
    with pytest.raises(InputError, match="not known here"):
        await held.find(forged)


async def test_a_token_ends_at_its_second(tartu: SmallNode, held: Tokens) -> None:
    text, _ = await held.create(Role.MEMBER, "Reception", DAY)
    tartu.clock.pass_by(DAY - 1)
    await held.find(text)
    tartu.clock.pass_by(1)
    with pytest.raises(InputError, match="has expired"):
        await held.find(text)


async def test_a_revoked_token_opens_nothing_at_once_and_for_ever(tartu: SmallNode, held: Tokens) -> None:
    text, made = await held.create(Role.MEMBER, "Reception", DAY)
    tartu.clock.pass_by(5)
    revoked = await held.revoke(made.id)
    tartu.clock.pass_by(5)
    assert await held.revoke(made.id) == revoked
    for side in held, again(tartu):
        with pytest.raises(InputError, match="was revoked"):
            await side.find(text)
        assert [each.revoked_at for each in side.listed()] == [revoked.revoked_at]


async def test_who_is_not_there_is_not_revoked(held: Tokens) -> None:
    with pytest.raises(InputError, match="'bra token list' shows"):
        await held.revoke("abcdefgh")


async def test_use_is_written_once_a_day(tartu: SmallNode, held: Tokens) -> None:
    text, _ = await held.create(Role.MEMBER, "Reception", 10 * DAY)
    before = await tartu.database.write(lambda db: db.total_changes)
    for day in range(3):
        for _ in range(5):
            await held.find(text)
        today = int(tartu.clock.time // DAY)
        assert [each.used_on for each in again(tartu).listed()] == [today] == [each.used_on for each in held.listed()]
        assert await tartu.database.write(lambda db: db.total_changes) == before + day + 1
        tartu.clock.pass_by(DAY)


async def test_a_full_disk_keeps_nobody_out(tartu: SmallNode, held: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = await held.create(Role.MEMBER, "Reception", DAY)

    def full(*_: object, **__: object) -> None:
        raise HomeError("the disk is full")

    monkeypatch.setattr(rows, "used", full)
    assert (await held.find(text)).label == "Reception"


async def test_there_are_only_so_many_tokens_and_those_that_ended_make_room(
    tartu: SmallNode, held: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST", 3)
    made = [(await held.create(Role.MEMBER, str(number), DAY))[1] for number in range(3)]
    with pytest.raises(InputError, match="revoke some"):
        await held.create(Role.MEMBER, "one more", DAY)
    await held.revoke(made[0].id)
    await held.create(Role.MEMBER, "one more", DAY)
    tartu.clock.pass_by(DAY)
    await held.create(Role.MEMBER, "after a day", DAY)
    assert len(held.listed()) == 5


async def test_what_ended_a_month_ago_is_forgotten_with_its_label(tartu: SmallNode, held: Tokens) -> None:
    _, made = await held.create(Role.MEMBER, "Mari", 300 * DAY)
    await held.create(Role.MEMBER, "Jaan", DAY)
    await held.revoke(made.id)
    tartu.clock.pass_by(30 * DAY)
    await held.create(Role.MEMBER, "now", DAY)
    assert {each.label for each in held.listed()} == {"Mari", "Jaan", "now"}
    tartu.clock.pass_by(DAY + 1)
    await held.create(Role.MEMBER, "later", DAY)
    for side in held, again(tartu):
        assert {each.label for each in side.listed()} == {"now", "later"}
        assert len(side._held) == 2


REFUSED = {
    "without a label": ({"label": " "}, "a label has 1 to 100"),
    "with a long label": ({"label": "x" * 101}, "a label has 1 to 100"),
    "for no time": ({"lasts": 0}, "at most 366 days"),
    "for ever": ({"lasts": 366 * DAY + 1}, "at most 366 days"),
    "for a desk's feed": ({"role": Role.DESK, "feed": "/api/v1/event.ics"}, "give it the role member"),
    "for a feed with a query": ({"feed": "/api/v1/event.ics?city=Lund"}, "a feed is a path"),
    "for a feed elsewhere": ({"feed": "https://evil.example/"}, "a feed is a path"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_no_token_is_made(held: Tokens, what: str) -> None:
    changes, sentence = REFUSED[what]
    with pytest.raises(InputError, match=sentence):
        await held.create(**{"role": Role.MEMBER, "label": "Reception", "lasts": DAY, **changes})
    assert held.listed() == []


async def test_a_label_can_steer_no_terminal(held: Tokens) -> None:
    _, made = await held.create(Role.MEMBER, "Desk\x1b[2J\u202e", DAY)
    assert made.label == "Desk [2J"


@pytest.mark.parametrize("name", ["public", "Desk", "", "admin", "desk ", "x" * 1000])
def test_a_role_is_refused_by_name(name: str) -> None:
    with pytest.raises(InputError, match=r"give member, desk, operator$"):
        Role.named(name)


FEED = "/api/v1/event.ics"


async def test_a_member_has_one_token_of_a_feed_which_ends_with_its_own(tartu: SmallNode, held: Tokens) -> None:
    _, member = await held.create(Role.MEMBER, "Liis", 5 * DAY)
    first, made = await held.create_own(FEED, member.id, "Liis")
    assert (made.role, made.feed, made.expires) == ("member", FEED, member.expires)
    second, _ = await held.create_own(FEED, member.id, "Liis")
    other, _ = await held.create_own("/api/v1/search.atom", member.id, "Liis")
    for side in held, again(tartu):
        with pytest.raises(InputError, match="was revoked"):
            await side.find(first)
        await side.find(second)
        await side.find(other)
    await held.revoke(member.id)
    for side in held, again(tartu):
        for text in second, other:
            with pytest.raises(InputError, match="was revoked"):
                await side.find(text)
    with pytest.raises(InputError, match="your own token is over"):
        await held.create_own(FEED, member.id, "Liis")


async def test_members_feeds_take_no_place_from_the_operators_tokens(
    held: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST", 2)
    for who in "ab":
        _, made = await held.create_own(FEED, f"oidc:{who}", who)
        assert made.expires - made.created == tokens.LASTS
    await held.create_own(FEED, "oidc:a", "a")
    with pytest.raises(InputError, match="2 tokens already"):
        await held.create_own(FEED, "oidc:c", "c")
    await held.create(Role.OPERATOR, "Operator", DAY)
