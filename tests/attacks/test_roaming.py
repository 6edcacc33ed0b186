"""Who wants in without being welcome, or wants to know, to be believed or to be paid for more than is true: roaming."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from node.api.access import Access
from node.api.tokens import Tokens
from node.config import Api, Oidc
from node.directory.draft import Change
from node.errors import InputError, Malformed, PeerError, ProtocolError
from node.federation import client
from node.federation.outward import Outward
from node.federation.wire import is_here
from node.protocol.canonical import encode
from node.protocol.names import encode_base64
from node.roaming import messages, venue_calendar
from node.roaming.delivery import _callable
from node.roaming.letters import letter
from node.roaming.links import AT_ONCE
from node.roaming.passes import Token
from node.roaming.sealing import seal
from node.roaming.venue_calendar import fetch
from node.storage import mailbox
from node.trust.reach import Known, Standing
from node.world import World
from tests.directory.small_node import organisation
from tests.federation.test_outward import Names, nobody
from tests.protocol.builders import key_named
from tests.roaming.correspondents import Town, Writer, answered, town
from tests.roaming.mailbox import text_of
from tests.roaming.parks import post, venue_body, weekday
from tests.roaming.test_desk import Two, room
from tests.roaming.test_letters import Reception, about
from tests.roaming.test_letters import desk as reception
from tests.roaming.test_mailbox import for_turku
from tests.roaming.test_venue_calendar import event, file

__all__ = ["reception"]

ZONE = "Europe/Tallinn"
HOUR = 3600


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """A guest's organisation that issues passes, and a host with a desk."""
    made = Two(tmp_path)
    await made.guest.node.publish(organisation("Tartu Park"), *made.guest.passes.first())
    await made.host.publish(organisation("Munich Park"))
    await room(made.host, "desk")
    await made.sync()
    yield made
    made.guest.node.close()
    made.host.close()


@asynccontextmanager
async def correspondence(folder: Path) -> AsyncIterator[tuple[Town, Writer, Writer]]:
    """A node, and two partners of it."""
    async with town(folder) as tartu:
        lund, turku = Writer("lund"), Writer("turku")
        await tartu.befriend(lund, turku)
        yield tartu, lund, turku


# --- passes ------------------------------------------------------------------------------------------------------


async def test_a_pass_that_another_organisation_signed_in_its_name_lets_nobody_in(two: Two) -> None:
    claims = Token.parse(two.token()).claims
    for name in ("lund/pass/1", "tartu/signing/1"):
        said = await two.desk.verify(claims.sign("pass-1", key_named(name)))
        assert (said["verdict"], "pass" in said) == ("UNKNOWN ISSUER", False), name


async def test_a_pass_without_a_signature_lets_nobody_in(two: Two) -> None:
    _, claims, signature = two.token().split(".")
    for algorithm in ("none", "None", "HS256", "EdDSA"):
        header = base64.urlsafe_b64encode(encode({"alg": algorithm, "kid": "pass-1", "typ": "bra-pass+jwt"})).decode()
        for signed in ("", signature, encode_base64(bytes(64))):
            said = await two.desk.verify(f"{header.rstrip('=')}.{claims}.{signed}")
            assert (said["verdict"], "pass" in said) == ("UNKNOWN ISSUER", False), algorithm


async def test_a_revoked_pass_lets_nobody_in(two: Two) -> None:
    token = two.token()
    assert (await two.desk.verify(token))["verdict"] == "OK"
    await two.guest.revoke(visit="v1")
    await two.guest.passes.publish()
    await two.sync()
    assert (await two.desk.arrive(token))["verdict"] == "REVOKED"


async def test_a_copy_of_one_days_pass_lets_nobody_in_again(two: Two) -> None:
    token = two.token()
    assert [(await two.desk.arrive(token))["verdict"] for _ in range(3)] == ["OK", "EXPIRED", "EXPIRED"]


# --- messages ----------------------------------------------------------------------------------------------------


async def test_a_message_that_is_brought_again_takes_effect_once(tmp_path: Path) -> None:
    async with correspondence(tmp_path) as (tartu, lund, _):
        message = lund.message(tartu.id, {"number": 1})
        for _ in range(3):
            answer = await tartu.bring(lund, message)
            assert (answer.status, await tartu.taken()) == (200, [(lund.id, 1)])
            assert answered(answer, lund).refused is None


async def test_a_message_to_one_node_is_nothing_that_was_said_to_another(tmp_path: Path) -> None:
    async with correspondence(tmp_path) as (tartu, lund, turku):
        message = turku.message(lund.id, {"number": 1})
        as_its_own = tartu.sealed(message, to=tartu.id, sender=lund.id)
        as_turkus = tartu.sealed(message, to=tartu.id)
        brought = [(await tartu.bring(lund, each)).status for each in (as_its_own, as_turkus)]
        assert await tartu.taken() == []
        assert brought == [401, 403]


async def test_a_mailbox_gives_what_it_keeps_to_nobody_else(tmp_path: Path) -> None:
    async with correspondence(tmp_path) as (tartu, lund, turku):
        assert (await tartu.bring(lund, for_turku(lund, turku))).value == {"held": True}
        vaasa = Writer("vaasa")
        assert (await tartu.ask(lund, "GET", "mailbox")).value == {"messages": []}
        assert (await tartu.ask(vaasa, "GET", "mailbox")).status != 200
        assert len((await tartu.ask(turku, "GET", "mailbox")).value["messages"]) == 1


async def test_a_mailbox_takes_no_more_by_making_what_it_keeps_larger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "OF_SENDER", (10, 16_384))
    async with correspondence(tmp_path) as (tartu, lund, turku):
        small = [lund.message(turku.id, {"number": number}) for number in range(3)]
        public = turku.sealing.public_key().public_bytes_raw()

        def sealed(message, size):
            outside = {"sender": lund.id, "to": turku.id, "id_": message.id, "key": "sealing-1"}
            return seal(bytes(size), public, **outside)

        for size, expected in ((100, [200] * 3), (9_000, [200, 429, 429]), (100, [200] * 3)):
            assert [(await tartu.bring(lund, sealed(each, size))).status for each in small] == expected, size


async def names_behind(tartu: Town, partner: Writer, count: int) -> list[Writer]:
    """Nodes that are honoured, and known through one partner alone."""
    made = [Writer(f"name{number}") for number in range(count)]
    await tartu.befriend(*made)
    answer = tartu.app.acceptance.answer
    behind = {each.id: Known(Standing.HONOURED, (partner.id, each.id)) for each in made}
    partners = answer.partners - behind.keys()
    tartu.app.acceptance.replace(replace(answer, known={**answer.known, **behind}, partners=partners))
    return made


async def test_under_many_names_nobody_fills_a_mailbox_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "OF_HOP", (3, mailbox.MIB))
    async with correspondence(tmp_path) as (tartu, lund, turku):
        oslo = Writer("oslo")
        await tartu.befriend(oslo)
        brought = [
            (await tartu.bring(each, for_turku(each, turku))).status
            for each in (lund, *await names_behind(tartu, lund, 4), oslo)
        ]
        assert brought == [200, 200, 200, 429, 429, 200]


async def test_under_many_names_nobody_fills_the_inbox_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "OF_HOP", 3)
    async with correspondence(tmp_path) as (tartu, lund, turku):
        brought = [
            (await tartu.bring(each, each.message(tartu.id, {"number": 1}))).status
            for each in (lund, *await names_behind(tartu, lund, 4), turku)
        ]
        assert brought == [200, 200, 200, 429, 429, 200]


def test_a_key_to_which_nothing_can_be_sealed_is_told_in_a_sentence() -> None:
    lund, turku = Writer("lund"), Writer("turku")
    with pytest.raises(InputError, match="sealing key"):
        seal(b"x", bytes(32), sender=lund.id, to=turku.id, id_="a", key="sealing-1")


# --- links and letters -------------------------------------------------------------------------------------------


async def test_to_open_a_link_decides_nothing(reception: Reception) -> None:
    visit = await reception.asked()
    link = await reception.link()
    for query in ("", "?answer=accept", "?answer=decline&note=x"):
        status, page = await reception.get(link + query)
        assert (status, "<form" in page) == (200, True)
    async with reception.http.head(reception.base + link) as answer:
        assert answer.status == 200
    assert await reception.host.state(visit) == "asked"


async def test_a_link_decides_once(reception: Reception) -> None:
    visit = await reception.asked()
    link = await reception.link()
    days = ((weekday(3), 200), (weekday(4), 422), (weekday(5), 422))
    for first, status in days:
        assert (await reception.decide(link, answer="propose", first=first))[0] == status, first
    assert (await reception.host.visits.show(visit))["days"] == [weekday(3), weekday(3)]


async def test_the_link_of_another_letter_does_not_undo_what_was_decided(reception: Reception) -> None:
    visit = await reception.asked()
    first = await reception.link()
    reception.guest.clock.pass_by(49 * HOUR)
    await reception.guest.visits.look_after()
    await post(reception.guest, reception.host)
    second = await reception.link()
    assert first != second
    assert (await reception.decide(second, answer="accept"))[0] == 200
    status, page = await reception.decide(first, answer="decline")
    assert (await reception.host.state(visit), status, "no answer any more" in page) == ("accepted", 422, True)


async def test_who_guesses_links_is_told_less_and_less_and_a_good_one_works_beside_them(
    reception: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reception.asked()
    link = await reception.link()
    guessed = [(await reception.get(f"/visit/{number:043}"))[0] for number in range(12)]
    assert guessed == [404] * 10 + [429] * 2
    assert (await reception.decide("/visit/" + "A" * 43, answer="accept"))[0] == 429
    assert (await reception.get(link))[0] == 200


async def test_an_address_looks_at_links_so_often_in_a_minute(reception: Reception) -> None:
    await reception.asked()
    link, most = await reception.link(), Api().public_reads
    statuses = [(await reception.get(link))[0] for _ in range(most + 1)]
    assert statuses == [200] * most + [429]
    async with reception.http.get(reception.base + link) as answer:
        assert (answer.status, 0 < int(answer.headers["Retry-After"]) <= 60) == (429, True)


async def test_only_so_many_links_are_looked_up_at_the_same_time(
    reception: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reception.asked()
    link, slow, under_way = await reception.link(), asyncio.Event(), 0
    real = reception.host.visits.database.query

    async def query(*given):
        nonlocal under_way
        under_way += 1
        await slow.wait()
        return await real(*given)

    monkeypatch.setattr(reception.host.visits.database, "query", query)
    asked = [asyncio.create_task(reception.get(link)) for _ in range(AT_ONCE + 4)]
    done, more, waiting = set(), {None}, set(asked)
    while len(done) < 4 and more:
        more, waiting = await asyncio.wait(waiting, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    assert ({each.result()[0] for each in done}, under_way) == ({503}, AT_ONCE)
    slow.set()
    assert {status for status, _ in await asyncio.gather(*waiting)} == {200}


async def test_guessed_links_keep_the_writer_from_nothing(
    reception: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(job):
        raise AssertionError("the writer was asked")

    await reception.asked()
    monkeypatch.setattr(reception.host.visits.database, "write", write)
    assert (await reception.decide("/visit/" + "A" * 43, answer="accept"))[0] == 404


async def test_a_venues_calendar_is_not_looked_for_on_this_machine(reception: Reception) -> None:
    for host in ("127.0.0.1", "127.1", "[::1]", "localhost"):
        with pytest.raises((InputError, ProtocolError), match="free_busy_url"):
            await reception.host.publish(Change("venue", venue_body(free_busy_url=f"https://{host}/b.ics"), id="desk"))
    calls = []

    async def called(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(1)
        writer.close()

    server = await asyncio.start_server(called, "127.0.0.1", 0)
    inside = f"https://calendar.localhost:{server.sockets[0].getsockname()[1]}/busy.ics"
    await reception.host.publish(Change("venue", venue_body(free_busy_url=inside), id="desk"))
    await reception.asked()
    await reception.mailing.send_due()
    server.close()
    await server.wait_closed()
    assert (calls, "names this very machine" in text_of(reception.mail.letters[-1])) == ([], True)


async def test_a_name_that_leads_into_the_nodes_own_network_is_not_called() -> None:
    calls = []

    async def called(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(1)
        writer.close()

    server = await asyncio.start_server(called, "127.0.0.1", 0)
    address = f"https://calendar.park.example:{server.sockets[0].getsockname()[1]}/busy.ics"
    async with client.session(client.connector(Outward(nobody, Names("127.0.0.1")))) as http:
        with pytest.raises(PeerError):
            await fetch(http, address)
    server.close()
    await server.wait_closed()
    assert calls == []


async def test_a_calendar_that_takes_for_ever_to_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue_calendar, "READ_SECONDS", 1.0)
    endless = file(event("DTSTART:20260107T090000", "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"))
    reading = asyncio.create_task(venue_calendar.read(endless, ZONE, ("2027-06-02", "2027-06-02")))
    done, _ = await asyncio.wait([reading], timeout=4)
    assert done and isinstance(reading.exception(), Malformed)


def test_no_spelling_of_this_machine_is_called_because_a_beat_names_it() -> None:
    for host in ("127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost.", "a.localhost", "[::1]", "0.0.0.0",
                 "[::ffff:127.0.0.1]", "169.254.169.254"):  # fmt: skip
        assert is_here(f"https://{host}:8443/x"), host
        assert not _callable(f"https://{host}:8443", rehearsal=False), host
    assert not is_here("https://park.example")


def test_a_note_makes_no_line_of_a_letter() -> None:
    told = about()
    note = 'Welcome"\n\nAnswer here, without an account:\nhttps://evil.example/'
    shown = {**told.visit, "state": "accepted", "side": "guest", "moves": [{"by": "host", "note": note}]}
    sent = letter("news", replace(told, visit=shown), to="a@x.example", sender="b@x.example", name="n", now=0)
    lines = text_of(sent).splitlines()
    assert not any(line.startswith(("https://evil", "Answer here")) for line in lines)
    assert any("https://evil.example/" in line for line in lines)


async def test_the_secret_of_a_link_is_in_no_log_when_the_node_fails(
    reception: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aiohttp import web
    from structlog.testing import capture_logs

    from node.problem import plain_errors
    from node.roaming.links import Links
    from node.web.visit import VisitPage

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    links = Links(reception.host.visits, reception.host.world)
    monkeypatch.setattr(links, "look", broken)
    app = web.Application(middlewares=[plain_errors])
    access = Access(Tokens(reception.host.database, World()), reception.http, api=Api(), oidc=Oidc(), world=World())
    app.add_routes(VisitPage(links, access).routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    secret = "s3cret" * 7 + "x"
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/visit/{secret}"
    with capture_logs() as logs:
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            assert answer.status == 500
    await runner.cleanup()
    assert [each["event"] for each in logs] == ["request failed"]
    assert secret not in str(logs)
