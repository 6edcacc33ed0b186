"""How a join ends where something comes in between: a caller hangs up, a node is put out, nothing can be signed."""

import asyncio
import sqlite3
import threading
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from node import home
from node.cli.pairing import ask, tell
from node.errors import InputError
from node.joining.pairing import waiting_with
from node.storage import blocks, joining, partners
from node.storage.joining import Join
from node.trust.reach import Standing
from tests.joining.conftest import Side, until
from tests.protocol.builders import Author

WEEK = 7 * 86_400


@pytest.fixture
async def unendorsed(lund: Side, tartu: Side, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Both have confirmed, and Tartu can publish nothing until this is undone."""

    async def dies(changes: object, **conditions: object) -> None:
        raise InputError("nothing can be published now")

    await tartu.does("join", link=await lund.invite())
    await lund.confirm(tartu)
    monkeypatch.setattr(tartu.app.publisher, "publish", dies)
    with pytest.raises(InputError, match="nothing can be published"):
        await tartu.confirm(lund)
    assert await tartu.partners() == [lund.id]
    [join] = await tartu.waiting()
    assert join["partner"]
    return monkeypatch


async def test_a_caller_that_hangs_up_leaves_no_partner_of_whom_memory_does_not_know(lund: Side, tartu: Side) -> None:
    await tartu.does("partner-add", key_card=(await lund.does("card"))["signed_record"])
    loop = asyncio.get_running_loop()

    def confirm_and_hang_up(db: sqlite3.Connection) -> Join:
        join = replace(waiting_with(db, lund.id), confirmed_here=True)
        joining.wait(db, join)
        # The caller goes while the writer is at it, and so before memory has heard of anything.
        loop.call_soon_threadsafe(calling.cancel)
        return join

    calling = asyncio.create_task(tartu.app.parts.pairing.change(confirm_and_hang_up))
    with pytest.raises(asyncio.CancelledError):
        await calling
    await until(tartu.partners, "the change was lost with its caller")

    async def known() -> bool:
        return tartu.app.acceptance.standing(lund.id) is Standing.HONOURED

    await until(known, "it is a partner in the database alone")


@pytest.mark.parametrize("put_out", ["partner-remove", "expel", "block"])
async def test_who_is_put_out_after_both_have_confirmed_is_not_endorsed(
    put_out: str, lund: Side, tartu: Side, unendorsed: pytest.MonkeyPatch
) -> None:
    reason = {"reason": "fraud"} if put_out == "expel" else {}
    await tartu.does(put_out, node=lund.id, **reason)
    assert await tartu.waiting() == []
    unendorsed.undo()
    await tartu.app.parts.newcomer.go_on()
    assert await tartu.endorsed() == {}


@pytest.mark.parametrize("put_out", ["partner-remove", "expel", "block"])
async def test_who_is_put_out_while_its_endorsement_waits_to_be_signed_is_not_endorsed(
    put_out: str, lund: Side, tartu: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tartu.does("join", link=await lund.invite())
    await lund.confirm(tartu)

    async def meanwhile() -> None:
        reason = {"reason": "fraud"} if put_out == "expel" else {}
        await tartu.does(put_out, node=lund.id, **reason)

    monkeypatch.setattr(tartu.app.publisher, "_pause", meanwhile)
    await tartu.confirm(lund)
    assert await tartu.endorsed() == {}
    assert await tartu.waiting() == []
    assert (tartu.app.home.partners / f"{lund.id}.json").exists() == (put_out == "block")


async def test_a_join_that_two_finish_at_once_is_finished_once(
    lund: Side, tartu: Side, unendorsed: pytest.MonkeyPatch
) -> None:
    unendorsed.undo()
    both = threading.Barrier(2)

    def write_new(*given: Any) -> None:
        known(*given)
        # Whoever else writes the same file is as far by now.
        with suppress(threading.BrokenBarrierError):
            both.wait(0.2)

    known = home.write_new
    unendorsed.setattr(home, "write_new", write_new)
    [join] = await tartu.app.database.read(joining.waiting)
    await asyncio.gather(*(tartu.app.parts.pairing.finish(join) for _ in range(2)))
    assert await tartu.waiting() == []
    assert await tartu.endorsed() == {lund.id: "invitation"}
    assert lund.id in (tartu.app.home.partners / f"{lund.id}.json").read_text()


async def test_a_join_that_an_older_process_left_behind_endorses_nobody_who_was_put_out(
    lund: Side, tartu: Side, unendorsed: pytest.MonkeyPatch
) -> None:
    await tartu.app.database.write(lambda db: partners.remove(db, lund.id))
    unendorsed.undo()
    await tartu.app.parts.newcomer.go_on()
    assert await tartu.endorsed() == {}
    assert await tartu.waiting() == []
    assert not (tartu.app.home.partners / f"{lund.id}.json").exists()


@pytest.mark.usefixtures("unendorsed")
async def test_a_join_that_can_not_be_finished_is_refused_or_forgotten_and_its_partner_stays(
    lund: Side, tartu: Side
) -> None:
    assert (await tartu.does("partner-refuse", who=lund.id))["partner"]
    assert await tartu.waiting() == []
    assert await tartu.partners() == [lund.id]


@pytest.mark.usefixtures("unendorsed")
async def test_a_join_that_can_not_be_finished_is_forgotten_after_a_second_week(tartu: Side) -> None:
    tartu.pass_by(WEEK + 60)
    await tartu.app.parts.pairing.forget_old()
    assert len(await tartu.waiting()) == 1
    tartu.pass_by(WEEK)
    await tartu.app.parts.pairing.forget_old()
    assert await tartu.waiting() == []


@pytest.mark.usefixtures("unendorsed")
async def test_a_newcomer_erases_the_key_when_both_have_confirmed_whatever_comes_after(tartu: Side) -> None:
    [join] = await tartu.app.database.read(joining.waiting)
    assert join.agreed
    assert join.key is None


async def test_only_a_partner_that_is_blocked_is_said_to_be_blocked(lund: Side) -> None:
    riga, oulu = Author("riga").id, Author("oulu").id

    def add(db: sqlite3.Connection) -> None:
        # As two that memory doesn't know of.
        for node in (riga, oulu):
            partners.add(db, node, None, 0)
        blocks.block(db, oulu, "", 0)

    await lund.app.database.write(add)
    shown = {each["node_id"]: each.get("problem", "") for each in (await lund.does("partner-list"))["partners"]}
    assert "blocked" in shown[oulu]
    assert shown[riga] == ""


def test_the_operator_is_sent_to_a_number_that_the_other_side_did_not_give(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    side = {"organisation": "Lund Park", "website": "https://not-given.invalid/", "url": "", "node_id": "bra1x"}
    shown = side | {"me": side, "words": ["zoo"] * 8, "warnings": []}
    tell(shown)
    monkeypatch.setattr("sys.stdin.readline", lambda: "no\n", raising=False)
    with pytest.raises(InputError, match="the answer was not yes"):
        ask(tmp_path, shown)
    said = capsys.readouterr().out
    assert said.count("no website, node") == 2
    assert "a number that you had before" in said
    assert "not the one shown here" in said
