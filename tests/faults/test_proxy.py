"""The relay itself: what it does to bytes, or a fault that never strikes would prove nothing."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Corrupt, Cut, Delay, Fault, HalfClose, Proxy, Stall, Throttle
from tests.nodes import until

SENT = bytes(range(256)) * 16


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """In front of a server that sends back what it gets, and ends when it gets an end."""
    server = socket.create_server(("127.0.0.1", 0))

    def echo(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    relay = Proxy(int(server.getsockname()[1]))
    yield relay
    relay.close()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def received(connection: socket.socket, at_most: int = len(SENT)) -> bytes:
    """All that comes until that much is there, the end, or a second of silence."""
    connection.settimeout(1)
    found = b""
    try:
        while len(found) < at_most and (data := connection.recv(65536)):
            found += data
    except TimeoutError:
        pass
    return found


def corrupted(every: int) -> bytes:
    return bytes(byte ^ 0x55 if place % every == every - 1 else byte for place, byte in enumerate(SENT))


COMES: dict[str, tuple[Fault | None, bytes]] = {
    "no fault": (None, SENT),
    "a half-close": (HalfClose(1000), SENT[:1000]),
    "a stall": (Stall(1000), SENT[:1000]),
    "a loss": (Stall(1000, lost=True), SENT[:1000]),
    "corruption": (Corrupt(100), corrupted(100)),
    "a delay": (Delay(0.3), SENT),
    "a throttle": (Throttle(16 * 1024), SENT),
}


@pytest.mark.parametrize("what", COMES)
@pytest.mark.parametrize("way", ["requests", "answers"])
def test_what_comes_through_is_as_the_fault_says_with(what: str, way: str, proxy: Proxy) -> None:
    fault, comes = COMES[what]
    proxy.break_(**{way: fault})
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        began = time.monotonic()
        connection.sendall(SENT)
        assert received(connection, len(comes)) == comes
        took = time.monotonic() - began
    if fault is not None:
        until(lambda: proxy.hits, "it did not strike")
    if isinstance(fault, Delay | Throttle):
        assert took > 0.2


def test_a_cut_is_a_reset(proxy: Proxy) -> None:
    proxy.break_(answers=Cut(1000))
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(SENT)
        with pytest.raises(ConnectionResetError):
            assert received(connection) == SENT[:1000]
            connection.recv(1)


def test_mending_lets_go_on_what_stalled_and_not_what_was_lost(proxy: Proxy) -> None:
    for fault, comes in ((Stall(1000), SENT), (Stall(1000, lost=True), SENT[:1000])):
        proxy.break_(answers=fault)
        with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
            connection.sendall(SENT)
            assert received(connection, 1000) == SENT[:1000]
            proxy.mend()
            assert SENT[:1000] + received(connection, len(SENT) - 1000) == comes
