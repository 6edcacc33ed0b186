"""`bra status` tells what the operator of a real node has to know."""

import sqlite3
from contextlib import closing

from tests.nodes import venue
from tests.system.conftest import Make


def test_records_that_are_not_searchable_yet_are_told_where_there_are_any(make: Make) -> None:
    node = make("Ahti Park")
    node.publish("venue", [venue("one"), venue("two")])
    node.serve()
    assert node.status()["backlog"] == 0
    assert "not searchable" not in node.bra("status")
    # As a large block leaves them. Behind its back, so that the node doesn't begin to work them off.
    with closing(sqlite3.connect(node.home / "var" / "node.db")) as db, db:
        db.execute("INSERT INTO backlog (no, value) SELECT no, value FROM records WHERE kind = 'venue'")
    assert node.status()["backlog"] == 2
    assert "2 of them not searchable yet" in node.bra("status")
