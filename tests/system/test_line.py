"""Three organisations in a line, A - B - C: C knows B alone, and finds A's records, verified, through B."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.nodes import Node, get, until, venue
from tests.system.conftest import Make
from tests.system.inside import cursor, states


class Wire:
    """A way to a node that notes which calls pass through it."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.calls: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
                called = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                return
            threading.Thread(target=self._carry, args=(caller, called, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(called, caller, False), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, note: bool) -> None:
        try:
            while data := source.recv(65536):
                if note and data.split(b" ", 1)[0] in (b"GET", b"POST"):
                    self.calls.append(data.split(b" HTTP/")[0].decode())
                target.sendall(data)
        except OSError:
            pass
        finally:
            # Whichever side ends, both do; the other thread's socket is closed by that thread.
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            source.close()


@dataclass
class Line:
    a: Node
    b: Node
    c: Node
    wire: Wire
    first: list[dict]


@pytest.fixture(scope="module")
def line(make_once: Make) -> Iterator[Line]:
    """A has ended before C was founded: whatever C gets of A's came through B."""
    a, b = make_once("Ahti Park"), make_once("Bergen Park")
    a.befriend(b)
    a.publish("venue", [venue("r1"), venue("r2"), venue("r3")])
    a.serve()
    wire = Wire(b.port)
    # Where C calls it: a node greets nobody who calls it elsewhere.
    b.configure(node={"url": wire.url})
    b.serve()
    until(lambda: len(b.listed("venue")) == 3, "B does not get A's venues")
    a.kill()
    c = make_once("Cork Park")
    b.add(c)
    c.add(b, "--url", wire.url)
    c.serve()
    first = until(lambda: c.listed("venue"), "C does not get A's venues")
    a.serve()
    yield Line(a, b, c, wire, first)
    wire.close()


def in_step(line: Line) -> bool:
    mine = states(line.a)[line.a.id]
    return states(line.b).get(line.a.id) == mine == states(line.c).get(line.a.id)


def converge(line: Line) -> None:
    until(lambda: in_step(line), f"A's state does not reach C: {line.c.log()}")


def test_c_lists_as_venues_with_as_verified_root_though_a_does_not_run(line: Line) -> None:
    converge(line)
    assert [each["body"]["name"] for each in line.first] == ["Room r1", "Room r2", "Room r3"]
    assert {each["author"] for each in line.first} == {line.a.id}
    assert line.c.author(line.a)["root"] == line.a.author(line.a)["root"] == line.b.author(line.a)["root"]
    assert [each["node_id"] for each in line.c.json("partner", "list")["partners"]] == [line.b.id]


def test_provenance_names_the_organisation_and_the_path_through_b(line: Line) -> None:
    found = line.first[0]
    assert found["organisation"] == "Ahti Park"
    assert found["known"]["path"] == [
        {"author": line.b.id, "organisation": "Bergen Park"},
        {"author": line.a.id, "organisation": "Ahti Park"},
    ]
    # The agreement and who endorses it may come in another round than the rooms.
    until(lambda: line.c.listed("venue")[0]["known"]["standing"] == "listed", "it is not listed")
    assert found["heard"].endswith("Z")
    assert "through Bergen Park" in line.c.bra("search", "room r1")


def test_an_edit_and_a_withdrawal_at_a_travel_to_c(line: Line) -> None:
    [edited, gone] = line.a.publish("venue", [venue("edited"), venue("gone")])["ids"]
    until(lambda: {edited, gone} <= {each["id"] for each in line.c.listed("venue")}, "the venues do not come")

    line.a.publish("venue", [venue("edited", name="Room with a view")])
    line.a.bra("withdraw", "venue", gone)

    until(lambda: gone not in {each["id"] for each in line.c.listed("venue")}, "the withdrawal does not come")
    assert get(f"{line.c.url}/api/v1/venue/{line.a.id}/{edited}")["body"]["name"] == "Room with a view"
    assert get(f"{line.c.url}/api/v1/search?q=view")["records"][0]["id"] == edited
    converge(line)


def test_a_members_contact_is_seen_by_cs_operator_and_not_by_everybody(line: Line) -> None:
    row = {"ref": "desk", "role": "Landing manager", "languages": ["et"], "email": "landing@park.example"}
    [id_] = line.a.publish("contact", [row])["ids"]

    held = until(lambda: line.c.json("list", "contact")["records"], "the contact does not come")

    assert [(each["id"], each["visibility"], each["author"]) for each in held] == [(id_, "members", line.a.id)]
    assert line.c.listed("contact") == []
    assert get(f"{line.c.url}/api/v1/search?q=landing")["records"] == []
    with pytest.raises(OSError, match="404"):
        get(f"{line.c.url}/api/v1/contact/{line.a.id}/{id_}")


def test_a_local_record_never_leaves(line: Line) -> None:
    converge(line)
    before = line.a.status()["seq"]
    line.a.publish("venue", [venue("cellar", name="Unmistakablecellar", visibility="local")])
    # The next state that is shared has passed the line after the local record was there.
    [shown] = line.a.publish("venue", [venue("attic")])["ids"]
    until(lambda: shown in {each["id"] for each in line.c.listed("venue")}, "the shared venue does not come")

    assert line.a.status()["seq"] == before + 1
    assert len(line.a.json("search", "unmistakablecellar")["records"]) == 1
    assert get(f"{line.a.url}/api/v1/search?q=unmistakablecellar")["records"] == []
    for node in (line.b, line.c):
        assert node.json("search", "unmistakablecellar")["records"] == []
        for path in (node.home / "var").glob("node.db*"):
            assert b"Unmistakablecellar" not in path.read_bytes()


def test_publishing_the_same_file_twice_changes_nothing(line: Line) -> None:
    rows = [venue("same-1"), venue("same-2")]
    first = line.a.publish("venue", rows)
    converge(line)
    held = states(line.c)

    again = line.a.publish("venue", rows)

    assert (again["created"], again["changed"], again["unchanged"]) == (0, 0, 2)
    assert (again["seq"], again["ids"]) == (first["seq"], first["ids"])
    assert states(line.a)[line.a.id] == held[line.a.id]
    assert states(line.c) == held


def test_a_record_of_as_exported_at_c_verifies_offline(line: Line, tmp_path) -> None:
    [id_] = line.a.publish("venue", [venue("portable", name="Portable room")])["ids"]
    converge(line)
    file = tmp_path / "record.json"
    file.write_text(line.c.bra("export", "venue", id_, "--author", line.a.id))

    # `bra verify` takes no home: everything that it needs is in the file.
    verified = verify(str(file))
    assert verified["author"] == line.a.id
    assert verified["body"]["name"] == "Portable room"

    file.write_text(file.read_text().replace("Portable room", "Portable tomb"))
    assert "does not hold" in verify(str(file), code=1)


def verify(file: str, code: int = 0):
    from tests import nodes

    done = nodes.bra("verify", file, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr.decode()


def test_a_node_that_was_down_catches_up_and_after_a_restart_needs_nothing_again(line: Line) -> None:
    converge(line)
    line.c.kill()
    [id_] = line.a.publish("venue", [venue("meanwhile")])["ids"]
    line.a.publish("venue", [venue("meanwhile", name="Room meanwhile edited")])
    until(lambda: states(line.b)[line.a.id] == states(line.a)[line.a.id], "B does not follow A")

    line.c.serve()
    converge(line)
    assert get(f"{line.c.url}/api/v1/venue/{line.a.id}/{id_}")["body"]["name"] == "Room meanwhile edited"

    until(lambda: line.wire.calls[-1].startswith("GET /federation/v1/feed?since="), "C does not wait for news")
    line.c.stop()
    kept = cursor(line.c, line.b)
    with_all = states(line.c)
    line.wire.calls.clear()
    line.c.serve()
    until(lambda: len([call for call in line.wire.calls if "/feed?" in call]) == 2, "C does not ask for news")

    assert kept is not None
    greeted, caught_up, waits = line.wire.calls
    assert greeted.startswith("GET /.well-known/bra-node?nonce=")
    assert f"since={kept.replace(':', '%3A')}" in caught_up.replace(":", "%3A")
    assert "wait=25" in waits
    assert states(line.c) == {**with_all, line.c.id: states(line.c)[line.c.id]}
