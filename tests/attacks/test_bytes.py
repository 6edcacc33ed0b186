"""Whatever a partner's node sends, however much and however slowly, costs the victim a bounded piece of its day."""

import contextlib
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from node.protocol.blocks import Want
from node.protocol.canonical import decode, encode
from node.protocol.record import Record
from node.protocol.statements import Head, sign
from tests.attacks.conftest import TAKEN, Scene, befriend, room, staged
from tests.attacks.intruder import Answer, Handler, Intruder, ask, signed
from tests.nodes import until
from tests.protocol.builders import card_line, head_line, next_line, put_line
from tests.system.conftest import Make

MIB = 1024 * 1024
PUSH = "/federation/v1/push"
SECONDS = 5
"""How long a request of the victim's, or to it, may take: the shortest that may be configured."""


@pytest.fixture(scope="module")
def stage(make_once: Make) -> Iterator[Scene]:
    yield from staged(make_once, "Bergen", limits={"request_seconds": SECONDS})


BODIES = {
    "deep nesting": b'{"a":%b%b}' % (b"[" * 40, b"]" * 40),
    "a huge number": b'{"a":9007199254740992}',
    "a fraction": b'{"a":1.5}',
    "a doubled key": b'{"a":1,"a":2}',
    "a lone surrogate": b'{"a":"\xed\xa0\x80"}',
    "an escaped lone surrogate": b'{"a":"\\ud800"}',
}


@pytest.mark.parametrize("what", BODIES)
def test_a_record_is_refused_though_its_author_signed_it_with(what: str, scene: Scene) -> None:
    author = scene.introduce(what.replace(" ", "-"))
    author.seq += 1
    honest = author.record("dance", {}, "odd", author.seq)
    odd = honest._replace(line=honest.line.replace(b'"body":{}', b'"body":%b' % BODIES[what]))
    author.records[odd.key] = odd
    author.commit()
    assert scene.offer(author) == "malformed"
    assert scene.row(author, "seq") < author.seq
    scene.goes_on()


def test_a_statement_of_another_type_is_not_taken_for_a_head(scene: Scene) -> None:
    author = scene.introduce("unknown-types")
    author.put("venue", room("Room two"), "two")
    members = decode(author.head_with().signed.line)["statement"] | {"type": "greeting"}
    decree = sign(author.signing_key, members)
    author.heads.append(Head(decree, author.id, 1, author.seq, 0, 0, b"", b""))
    assert scene.offer(author) == "malformed"
    assert scene.names(author) == ["Room one"]


def test_a_record_of_an_unknown_kind_with_unknown_members_is_passed_on_as_it_came(scene: Scene) -> None:
    author = scene.introduce("unknown-kinds")
    author.seq += 1
    honest = author.record("dance", {"steps": ["slow"]}, "tango", author.seq)
    tango = Record.parse(encode(decode(honest.line) | {"tempo": 3}))
    author.records[tango.key] = tango
    author.commit()
    assert scene.offer(author) == TAKEN
    body = encode([Want(author.id).as_value()])
    status, answer = scene.intruder.ask(scene.victim, "POST", "/federation/v1/pull", body)
    assert (status, put_line(tango) in answer.splitlines()) == (200, True)


ENDLESS = {
    "bytes": (b"x" * 60_000 + b"\n", "more than 16777216 bytes were sent"),
    "lines": (b"x\n" * 5_000, "more lines were sent"),
    "a line": (b"x" * 60_000, "a line has at most"),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_an_answer_without_an_end_is_cut_off(what: str, scene: Scene) -> None:
    piece, sentence = ENDLESS[what]

    def endless(handler: Handler) -> None:
        handler.start()
        # An end after all, so that a victim that takes everything fails the test and not the machine.
        for _ in range(64 * MIB // len(piece)):
            handler.wfile.write(piece)

    assert sentence in failure(scene, endless)
    scene.goes_on()


def test_more_changes_than_the_news_may_bring_are_not_judged_in_the_writers_time(scene: Scene) -> None:
    author = scene.introduce("talkative")

    def told_with_its_changes(size: int) -> str:
        """What becomes of a state of which nothing but the news can be had."""
        before = author.want()
        author.put("practice", {"steps": "x" * size})
        author.commit()
        changes = [line for line in author.block_lines(before) if line.startswith(b'{"put"')]
        feed = [card_line(author.card), head_line(author.head), *changes]
        return scene.offer(author, feed=feed, block=lambda _: [next_line(author.id)])

    assert told_with_its_changes(1_000) == TAKEN
    assert told_with_its_changes(40_000) in ("malformed", "incomplete")
    assert scene.offer_again(author) == TAKEN
    scene.goes_on()


@cache
def bomb() -> bytes:
    """256 MiB of lines in a quarter of a MB."""
    stream = zlib.compressobj(1, zlib.DEFLATED, 31)
    piece = (b"x" * 65_535 + b"\n") * 16
    return b"".join([*(stream.compress(piece) for _ in range(256)), stream.flush()])


def test_a_decompression_bomb_is_stopped_before_it_fills_the_memory(scene: Scene) -> None:
    def explode(handler: Handler) -> None:
        handler.start(encoding="gzip")
        handler.wfile.write(bomb())

    assert "more than 16777216 bytes were sent" in failure(scene, explode)
    headers = signed(scene.victim, "POST", PUSH, bomb(), by=scene.intruder) | {"Content-Encoding": "gzip"}
    status, answer = ask(scene.victim, "POST", PUSH, bomb(), headers)
    assert (status, b"bytes were sent" in answer) == (400, True)
    assert scene.victim.process is not None
    told = Path(f"/proc/{scene.victim.process.pid}/status").read_text()
    assert int(told.split("VmHWM:")[1].split()[0]) < 350_000, "kB were used at the most"
    scene.goes_on()


def test_an_answer_or_a_request_that_trickles_is_given_up_and_keeps_nobody_waiting(scene: Scene) -> None:
    slow = Intruder("mallory-slow")
    done = threading.Event()

    def trickle(handler: Handler) -> None:
        handler.start()
        while not done.wait(0.1):
            handler.wfile.write(b"x")

    try:
        slow.instead["pull"] = trickle
        befriend(scene.victim, slow, slow.url)
        headers = signed(scene.victim, "POST", PUSH, bytes(1000), by=scene.intruder) | {"Content-Length": "1000"}
        with socket.create_connection(("127.0.0.1", scene.victim.port), timeout=2 * SECONDS) as connection:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            connection.sendall(f"POST {PUSH} HTTP/1.1\r\nHost: node\r\n{lines}\r\n".encode())
            connection.sendall(bytes(10))
            until(lambda: "pull" in slow.asked, "the victim does not pull")
            began = time.monotonic()
            scene.goes_on()
            assert time.monotonic() - began < SECONDS / 2
            otherwise = "the victim waits without an end"
            assert "can't be reached" in until(lambda: scene.problem(slow), otherwise, 2 * SECONDS)
            assert first_line(connection).startswith(b"HTTP/1.1 503 "), "the victim waits for the request"
    finally:
        done.set()
        slow.close()


def first_line(connection: socket.socket) -> bytes:
    """Of the answer; empty where none comes."""
    with contextlib.suppress(TimeoutError):
        return connection.recv(1000).partition(b"\r\n")[0]
    return b""


def failure(scene: Scene, answer: Answer) -> str:
    """What the victim says of a round whose feed is answered so."""
    # A round that follows a failure begins with a feed that is not waited for.
    scene.intruder.interrupt()
    until(lambda: scene.problem(scene.intruder), "the round goes on")
    before = scene.problem(scene.intruder)
    scene.intruder.instead["feed"] = answer
    said = until(
        lambda: (now := scene.problem(scene.intruder)) != before and now, f"nothing failed: {scene.victim.log()}", 10
    )
    scene.intruder.instead.clear()
    return str(said)
