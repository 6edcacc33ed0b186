"""Joining with real processes: in two terminals, without a way in, and killed between any two steps."""

import codecs
import json
import os
import pty
import random
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import nodes
from tests.nodes import Failed, Node, until, venue
from tests.system.conftest import Make

LINK = re.compile(r"http://127\.0\.0\.1:\d+/join#bra1[a-z2-7]{32}\.[A-Za-z0-9_-]{22}")
WORD = re.compile(r" \d ([a-z]+)")


def names(node: Node) -> set[str]:
    return {each["body"]["name"] for each in node.listed("venue")}


def partners(node: Node) -> set[str]:
    return {each["node_id"] for each in node.json("partner", "list")["partners"]}


def confirm(node: Node) -> None:
    node.bra("partner", "confirm", stdin=b"yes\n")


class Terminal:
    """A command in a terminal of its own, typed at as a person does."""

    def __init__(self, *arguments: str) -> None:
        self._end, inner = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "node", *arguments], stdin=inner, stdout=inner, stderr=inner
        )
        os.close(inner)
        self.said = ""
        # A character may come in two parts.
        self._decode = codecs.getincrementaldecoder("utf-8")().decode

    def until(self, part: str) -> str:
        until(lambda: part in self.read(), f"{part!r} does not come; there is {self.said!r}")
        return self.said

    def read(self) -> str:
        while select.select([self._end], [], [], 0.05)[0]:
            try:
                self.said += self._decode(os.read(self._end, 65536))
            except OSError:
                break
        return self.said

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def ended(self) -> int:
        code = self.process.wait(30)
        self.read()
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._end)


Open = Callable[..., Terminal]


@pytest.fixture
def terminal() -> Iterator[Open]:
    """Opens terminals, which are closed whatever happens."""
    opened: list[Terminal] = []

    def open_(*arguments: str) -> Terminal:
        opened.append(Terminal(*arguments))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


def test_in_two_terminals_both_are_asked_at_once_and_see_each_others_rooms(make: Make, terminal: Open) -> None:
    lund, tartu = make("Lund Park"), make("Tartu Forum")
    lund.publish("venue", [venue("lund")])
    tartu.publish("venue", [venue("tartu")])
    for node in (lund, tartu):
        node.serve()
    inviting = terminal("invite", "--home", str(lund.home))
    [link] = LINK.findall(inviting.until("Waiting for them"))
    assert "█" in inviting.said
    joining = terminal("join", link, "--home", str(tartu.home))
    for shown, other in ((inviting, tartu), (joining, lund)):
        shown.until("Type yes")
        assert other.name in shown.said
        assert other.id in shown.said
    assert WORD.findall(inviting.said) == WORD.findall(joining.said)
    assert len(WORD.findall(joining.said)) == 8
    for shown in (inviting, joining):
        shown.type("yes\n")
        assert shown.ended() == 0
    until(lambda: names(lund) == names(tartu) == {"Room lund", "Room tartu"}, f"{lund.log()} {tartu.log()}")
    for node in (lund, tartu):
        assert link.rpartition(".")[2] not in node.log()


def test_ctrl_c_leaves_the_invitation_standing(make: Make, terminal: Open) -> None:
    lund, tartu = make("Lund Park"), make("Tartu Forum")
    lund.serve()
    inviting = terminal("invite", "--home", str(lund.home))
    [link] = LINK.findall(inviting.until("Waiting for them"))
    inviting.process.send_signal(signal.SIGINT)
    assert inviting.ended() == 0
    assert "stands until" in inviting.said
    assert tartu.json("join", link)["node_id"] == lund.id


def test_a_newcomer_that_nobody_can_reach_is_a_full_member(make: Make) -> None:
    hidden = make("Oulu Park", url="", federation={"outbound_only": True})
    lund = make("Lund Park")
    hidden.publish("venue", [venue("hidden")])
    lund.publish("venue", [venue("lund")])
    for node in (hidden, lund):
        node.serve()
    hidden.bra("join", "-", stdin=lund.bra("invite").encode())
    confirm(lund)
    confirm(hidden)
    until(lambda: names(lund) == names(hidden) == {"Room lund", "Room hidden"}, f"{lund.log()} {hidden.log()}")


def test_a_join_that_has_to_wait_is_told_and_leaves_the_output_to_programs(make: Make) -> None:
    lund, tartu = make("Lund Park"), make("Tartu Forum")
    lund.serve()
    tartu.bra("join", lund.bra("invite").strip())
    lund.kill()
    synced = nodes.bra("sync", "--json", "--home", str(tartu.home))
    assert json.loads(synced.stdout)["partners"] == []
    assert b"a join waits" in synced.stderr


def test_killed_after_each_step_both_go_on_where_they_were(make: Make) -> None:
    lund, tartu = make("Lund Park"), make("Tartu Forum")
    tartu.publish("venue", [venue("tartu")])
    link = ""

    def begin() -> None:
        nonlocal link
        link = lund.bra("invite").strip()

    steps = [
        begin,
        lambda: tartu.bra("join", link),
        lambda: tartu.bra("join", link),
        lambda: confirm(tartu),
        lambda: confirm(lund),
    ]
    for step in steps:
        for node in (lund, tartu):
            node.serve()
        step()
        for node in (lund, tartu):
            node.kill()
    for node in (lund, tartu):
        node.serve()
    until(lambda: names(lund) == {"Room tartu"}, f"{lund.log()} {tartu.log()}")
    until(lambda: endorsements(lund) == {lund.id: tartu.id, tartu.id: lund.id}, "they do not endorse each other")
    for node in (lund, tartu):
        until(lambda node=node: node.json("partner", "list")["waiting"] == [], "the join does not end")


def endorsements(node: Node) -> dict[str, str]:
    return {each["author"]: each["body"]["node_id"] for each in node.json("list", "endorsement")["records"]}


@pytest.mark.parametrize("number", range(int(os.environ.get("BRA_JOIN_KILLS", "2"))))
def test_killed_at_a_random_moment_of_the_last_step_both_are_partners_in_the_end(number: int, make: Make) -> None:
    seed = int(os.environ.get("BRA_SEED", time.time_ns() % 1_000_000 * 100 + number))
    chance = random.Random(seed)
    lund, tartu = make("Lund Park"), make("Tartu Forum")
    for node in (lund, tartu):
        node.serve()
    tartu.bra("join", lund.bra("invite").strip())
    first, last = chance.sample([lund, tartu], 2)
    confirm(first)
    victim, moment = chance.choice([lund, tartu]), chance.uniform(0, 1.5)
    killer = threading.Timer(moment, victim.kill)
    killer.start()
    try:
        confirm(last)
    except Failed as error:
        assert "stopped in the middle" in str(error)
    killer.join()
    victim.serve()
    until(lambda: settled(last), f"BRA_SEED={seed}: the confirmation does not come through")
    both = {lund.id: tartu.id, tartu.id: lund.id}
    for node in (lund, tartu):
        fell = f"BRA_SEED={seed}, {victim.name} at {moment:.2f} s, {last.name} last: {lund.log()} {tartu.log()}"
        until(lambda node=node: endorsements(node) == both, f"{node.name} has not all endorsements; {fell}")
        until(lambda node=node: node.json("partner", "list")["waiting"] == [], f"{node.name} does not end it; {fell}")


def settled(node: Node) -> bool:
    """Whether nothing waits for this node's operator, who confirms again where the first time was cut short."""
    for each in node.json("partner", "list")["waiting"]:
        if not each["confirmed_here"]:
            confirm(node)
    return True


def test_without_serving_a_round_by_hand_carries_the_confirmations(make: Make) -> None:
    lund, tartu = make("Lund Park"), make("Tartu Forum")
    lund.serve()
    tartu.bra("join", lund.bra("invite").strip())
    assert "waits for the other side" in tartu.bra("partner", "confirm", stdin=b"yes\n")
    assert "waits for the other side" in tartu.bra("partner", "confirm")
    assert partners(tartu) == set()
    confirm(lund)
    tartu.bra("sync")
    assert partners(tartu) == {lund.id}
    assert partners(lund) == {tartu.id}


def test_what_the_commands_of_joining_say_and_how_they_end(make: Make, tmp_path: Path) -> None:
    lund, tartu = make("Lund Park"), make("Tartu Forum")
    lund.serve()
    code = tmp_path / "code.png"
    made = lund.json("invite", "--label", "for Tartu", "--png", str(code))
    assert LINK.fullmatch(made["link"])
    assert code.read_bytes().startswith(b"\x89PNG")
    assert code.stat().st_mode & 0o777 == 0o600
    assert "is there already" in lund.bra("invite", "--png", str(code), code=1)
    [line] = lund.bra("invite", "--list").splitlines()
    assert made["id"] in line
    assert line.endswith("for Tartu")
    assert made["link"].rpartition(".")[2] not in lund.bra("invite", "--list", "--json")
    spare = lund.json("invite")
    assert "cancelled" in lund.bra("invite", "--cancel", spare["id"])
    assert "was cancelled" in tartu.bra("join", spare["link"], code=1)
    assert "two commands" in lund.bra("invite", "--list", "--cancel", "x", code=2)

    assert "type 'bra partner confirm'" in tartu.bra("join", made["link"])
    assert "nothing was answered" in tartu.bra("partner", "confirm", code=1)
    assert "the answer was not yes" in tartu.bra("partner", "confirm", stdin=b"no\n", code=1)
    assert "not the safety words" in tartu.bra("partner", "confirm", "--words", "zoo " * 8, code=1)
    assert "waits for you" in tartu.bra("partner", "list")
    assert "waits no more" in tartu.bra("partner", "refuse", lund.id[:12])
    assert "nobody waits" in tartu.bra("partner", "confirm", code=1)


def test_a_card_waits_until_somebody_confirms_it(make: Make, tmp_path: Path) -> None:
    lund, tartu = make("Lund Park"), make("Tartu Forum")
    card = tmp_path / "lund.card"
    card.write_text(lund.card())
    assert "waits: 'bra partner confirm' goes on" in tartu.bra("partner", "add", str(card), code=1)
    assert partners(tartu) == set()
    assert "is a partner now" in tartu.bra("partner", "confirm", "lund", stdin=b"yes\n")
    assert "was a partner already" in tartu.bra("partner", "add", str(card))
