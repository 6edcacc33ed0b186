"""A visit from the question to the receipt: three real nodes, the guest's and the host's no direct partners."""

import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.nodes import Node, until, venue
from tests.roaming.mailbox import MailServer, calendar_of, text_of
from tests.system.conftest import Make

ZONE = "Europe/Tallinn"
NEAR = {"trust": {"vouches_honoured": 1}}
SOON = 60.0


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def days() -> list[str]:
    today = datetime.now(ZoneInfo(ZONE)).date()
    return [today.isoformat(), (today + timedelta(days=1)).isoformat()]


def line(make: Make, mail: MailServer) -> tuple[Node, Node, Node, str]:
    """Guest, the one between, host; and the host's venue, as the guest knows it."""
    posting = {"host": "127.0.0.1", "port": mail.port, "security": "none", "sender": "roaming@host.example"}
    guest, between = make("Ahti Park", **NEAR), make("Bergen Park")
    host = make("Cork Park", city="Cork", country="IE", mail=posting, **NEAR)
    guest.befriend(between)
    between.befriend(host)
    for node in (guest, between, host):
        node.serve()
    [id_] = host.publish("venue", [venue("desk", hours="24/7", terms={"free_days": 3, "notice_hours": 0})])["ids"]
    until(
        lambda: any(each["id"] == id_ for each in guest.json("list", "venue")["records"]), "the venue never comes", SOON
    )
    for node, other in ((guest, host), (host, guest)):
        until(lambda n=node, o=other: n.author(o).get("standing") == "honoured", "they never honour each other", SOON)
    return guest, between, host, f"{host.id}/{id_}"


def ask(guest: Node, place: str) -> str:
    first, last = days()
    return guest.json(
        "visit", "ask", "--venue", place, "--from", first, "--until", last, "--name", "Liis Tamm", "--email",
        "liis@sensors.example", "--company", "Nordic Sensors", "--purpose", "Meeting a first customer",
    )["visit"]  # fmt: skip


def state(node: Node, visit: str) -> str:
    found = [each["state"] for each in node.json("visit", "list")["visits"] if each["visit"] == visit]
    return found[0] if found else ""


def becomes(node: Node, visit: str, wanted: str) -> None:
    until(lambda: state(node, visit) == wanted, f"at {node.name} the visit is never {wanted}: {node.log()}", SOON)


def test_a_visit_is_asked_answered_by_the_link_verified_without_a_network_and_signed_by_both(
    make: Make, mail: MailServer
) -> None:
    guest, between, host, place = line(make, mail)
    visit = ask(guest, place)
    becomes(host, visit, "asked")
    letter = until(lambda: mail.letters and mail.letters[0], "no letter comes", SOON)
    assert letter["To"] == "desk@park.example"
    assert b"STATUS:TENTATIVE" in calendar_of(letter)
    [link] = re.findall(r"https?://\S+/visit/\S+", text_of(letter))
    # A scanner opens every link: nothing is decided by it.
    for _ in range(2):
        with urllib.request.urlopen(link, timeout=10) as page:
            assert "Liis Tamm" in page.read().decode()
    assert state(host, visit) == "asked"
    answer = urllib.parse.urlencode({"answer": "accept", "note": "See you"}).encode()
    with urllib.request.urlopen(link, data=answer, timeout=10) as page:
        assert "they are welcome" in page.read().decode()
    becomes(guest, visit, "accepted")
    [shown] = guest.json("visit", "passes", visit)["passes"]
    until(
        lambda: any(each["author"] == guest.id for each in host.json("list", "node_key")["records"]),
        "no keys come",
        SOON,
    )
    # With everybody else gone, the desk still knows whom to let in.
    between.kill()
    guest.kill()
    desk = place.partition("/")[2]
    found = host.json("desk", "verify", shown["token"], "--venue", desk)
    assert found["verdict"] == "OK", found
    assert host.json("desk", "arrived", shown["token"], "--venue", desk)["verdict"] == "OK"
    assert state(host, visit) == "arrived"
    guest.serve()
    between.serve()
    becomes(guest, visit, "arrived")
    signed = until(lambda: (r := host.json("visit", "receipt", visit)).get("guest") and r, "no receipt comes", SOON)
    assert guest.json("visit", "receipt", visit) == signed
    assert host.json("visit", "reciprocity")["partners"][0]["hosted"] == {"visits": 1, "days": 2}
    assert guest.json("visit", "reciprocity")["partners"][0]["travelled"] == {"visits": 1, "days": 2}


REFUSED = {
    "a visit that isn't there": (("show", "nothing"), 1, "there is no visit"),
    "an answer that is none": (("answer", "v1", "perhaps"), 2, "accept, decline, propose"),
    "another date without one": (("answer", "v1", "propose"), 2, "--from"),
    "a date that isn't another": (("answer", "v1", "accept", "--from", "2027-06-02"), 2, "--from"),
    "a confirmation of nothing": (("confirm", "nothing"), 1, "there is no visit"),
    "a receipt of nothing": (("receipt", "nothing"), 1, "nothing was signed"),
    "a side that is none": (("list", "--side", "left"), 1, "guest or host"),
}


@pytest.fixture(scope="module")
def quiet(make_once: Make) -> Node:
    """A node that has no visits."""
    return make_once("Ahti Park")


@pytest.mark.parametrize("what", REFUSED)
def test_one_sentence_and_the_exit_code_for(what: str, quiet: Node) -> None:
    arguments, code, said = REFUSED[what]
    told = quiet.bra("visit", *arguments, code=code)
    assert said in told and len(told.strip().splitlines()) == 1
