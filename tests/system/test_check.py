"""A disk that lost or altered records: `bra check` says so, and the next sync with a partner repairs them."""

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from tests import nodes
from tests.nodes import Node, until, venue
from tests.system.conftest import Make
from tests.system.inside import editing, reading

ROOMS = [f"r{number}" for number in range(30)]


@pytest.fixture
def pair(make: Make) -> tuple[Node, Node]:
    """Tartu serves; Lund holds what it published, and is stopped."""
    tartu, lund = make("Tartu Park"), make("Lund Park")
    tartu.befriend(lund)
    tartu.publish("venue", [venue(ref) for ref in ROOMS])
    tartu.serve()
    lund.bra("sync")
    assert len(rows(lund)) == len(ROOMS)
    return tartu, lund


def rows(node: Node) -> list[tuple[bytes, bytes]]:
    with reading(node) as db:
        return db.execute("SELECT value, line FROM records WHERE kind = 'venue' ORDER BY key").fetchall()


def checked(node: Node) -> tuple[int, dict[str, Any], str]:
    """The exit code of `bra check`, what it says to programs, and what it says to people."""
    done, told = (nodes.bra("check", *options, "--home", str(node.home)) for options in (("--json",), ()))
    return done.returncode, json.loads(done.stdout), told.stdout.decode()


def lose(db: sqlite3.Connection) -> None:
    assert db.execute("DELETE FROM records WHERE instr(line, CAST('Room r1' AS BLOB))").rowcount == 11


def alter(db: sqlite3.Connection) -> None:
    altered = "CAST(replace(line, 'street', 'avenue') AS BLOB)"
    assert db.execute(f"UPDATE records SET line = {altered} WHERE kind = 'venue'").rowcount == len(ROOMS)


HARMS = [
    pytest.param(lose, "its records are not the set that it signed", id="lost"),
    pytest.param(alter, f"{len(ROOMS)} of its records are not what was verified", id="altered"),
]


@pytest.mark.parametrize(("harm", "sentence"), HARMS)
def test_a_check_tells_what_the_disk_damaged_and_a_sync_repairs_it(
    pair: tuple[Node, Node], harm: Callable[[sqlite3.Connection], None], sentence: str
) -> None:
    tartu, lund = pair
    assert checked(lund) == (0, {"checked": 2, "damaged": []}, "2 organisations checked, 0 damaged here.\n")
    with editing(lund) as db:
        harm(db)
    code, found, _ = checked(lund)
    assert code == 1
    assert [(each["node_id"], each["own"]) for each in found["damaged"]] == [(tartu.id, False)]
    assert sentence in found["damaged"][0]["sentence"]
    lund.bra("sync")
    assert rows(lund) == rows(tartu)
    assert checked(lund)[0] == 0
    assert lund.status()["refusals"] == []


@pytest.mark.parametrize(("harm", "sentence"), HARMS)
def test_a_node_that_starts_notices_damage_and_repairs_it_by_itself(
    pair: tuple[Node, Node], harm: Callable[[sqlite3.Connection], None], sentence: str
) -> None:
    tartu, lund = pair
    with editing(lund) as db:
        harm(db)
    lund.serve()
    until(lambda: rows(lund) == rows(tartu), f"Lund doesn't repair: {sentence}: {lund.log()}")
    assert lund.status()["refusals"] == []


@pytest.mark.parametrize(("harm", "sentence"), HARMS)
def test_what_was_damaged_of_a_node_that_nobody_can_reach_comes_back_when_it_brings_its_state(
    make: Make, harm: Callable[[sqlite3.Connection], None], sentence: str
) -> None:
    hidden, lund = make("Tartu Park", url="", federation={"outbound_only": True}), make("Lund Park")
    hidden.befriend(lund)
    hidden.publish("venue", [venue(ref) for ref in ROOMS])
    lund.serve()
    hidden.bra("sync")
    assert rows(lund) == rows(hidden)
    lund.stop()
    with editing(lund) as db:
        harm(db)
    assert sentence in checked(lund)[1]["damaged"][0]["sentence"]
    lund.serve()
    hidden.bra("sync")
    assert rows(lund) == rows(hidden)
    assert lund.status()["refusals"] == []


def test_a_nodes_own_damaged_records_come_back_from_its_partner_before_it_publishes(pair: tuple[Node, Node]) -> None:
    tartu, lund = pair
    lund.serve()
    whole = rows(tartu)
    tartu.stop()
    with editing(tartu) as db:
        lose(db)
    code, _, told = checked(tartu)
    assert (code, "this node's own records were damaged on its disk" in told) == (1, True)
    assert "'bra sync' brings them back" in tartu.bra("withdraw", "venue", "nothing", code=1)
    tartu.bra("sync")
    assert rows(tartu) == whole
    tartu.publish("venue", [venue("one more")])
    tartu.serve()
    until(lambda: len(rows(lund)) == len(ROOMS) + 1, f"Lund doesn't get the new room: {lund.log()}")
