"""B passes A's records on to C, and lies: its stopped database is changed, so that the real server serves the lie.

C refuses, says why, keeps what it had, and goes on taking B's own records.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.nodes import PYTHON, Node, until, venue
from tests.system.conftest import Make
from tests.system.inside import editing, moved, states

LIAR = (*PYTHON, "tests.system.lying")
BEFORE = ["Room v1", "Room v2", "Room v3", "Room v4"]
AFTER = ["Room v1", "Room v3", "Room v5", "Room with a window"]


@dataclass
class Prepared:
    """Stopped nodes: B has A's second state; C has the first; `fresh` is befriended with B and has nothing."""

    a: Node
    b: Node
    c: Node
    fresh: Node
    older: Path


@pytest.fixture(scope="module")
def prepared(make_once: Make, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    a, b, c, fresh = (make_once(f"{name} Park") for name in ("Ahti", "Bergen", "Cork", "Dover"))
    a.befriend(b)
    b.befriend(c)
    b.befriend(fresh)
    ids = a.publish("venue", [venue(ref) for ref in ("v1", "v2", "v3", "v4")])["ids"]
    for node in (a, b, c):
        node.serve()
    until(lambda: names(c, a) == BEFORE, "C does not get A's first state")
    c.kill()
    # As SQLite itself copies, so that what only stands in the write-ahead log comes too.
    older = tmp_path_factory.mktemp("older") / "node.db"
    with sqlite3.connect(b.home / "var" / "node.db") as db:
        db.execute("VACUUM INTO ?", (str(older),))
    db.close()
    a.bra("withdraw", "venue", ids[3])
    a.publish("venue", [venue("v2", name="Room with a window"), venue("v5")])
    until(lambda: names(b, a) == AFTER, "B does not get A's second state")
    a.kill()
    b.kill()
    yield Prepared(a, b, c, fresh, older)


@dataclass
class Scene:
    a: Node
    b: Node
    c: Node


@pytest.fixture
def stage(prepared: Prepared, tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    """The prepared nodes again, stopped; those that serve in the end are killed."""
    scenes: list[Scene] = []

    def build(*, fresh: bool = False) -> Scene:
        c = prepared.fresh if fresh else prepared.c
        scenes.append(Scene(prepared.a, moved(prepared.b, tmp_path), moved(c, tmp_path)))
        # An honest program would notice what is done to its database.
        scenes[-1].b.program = LIAR
        # B's copy needn't ask anybody first: what it has is what B has.
        scenes[-1].b.bra("resume")
        return scenes[-1]

    yield build
    for scene in scenes:
        scene.b.kill()
        scene.c.kill()


def names(node: Node, author: Node) -> list[str]:
    return sorted(each["body"]["name"] for each in node.listed("venue") if each["author"] == author.id)


def alter_a_byte(db: sqlite3.Connection, author: int, older: Path) -> None:
    line = db.execute(
        "SELECT line FROM records WHERE author = ? AND instr(line, CAST('window' AS BLOB))", (author,)
    ).fetchone()[0]
    assert b"window" in line
    db.execute("UPDATE records SET line = ? WHERE line = ?", (line.replace(b"window", b"widdow"), line))


def alter_a_byte_and_its_hash(db: sqlite3.Connection, author: int, older: Path) -> None:
    """B also makes its tree fit the altered record."""
    import hashlib

    line = db.execute(
        "SELECT line FROM records WHERE author = ? AND instr(line, CAST('window' AS BLOB))", (author,)
    ).fetchone()[0]
    altered = line.replace(b"window", b"widdow")
    value = hashlib.sha256(altered).digest()
    db.execute("UPDATE records SET line = ?, value = ? WHERE line = ?", (altered, value, line))


def hide_a_record(db: sqlite3.Connection, author: int, older: Path) -> None:
    hidden = db.execute(
        "DELETE FROM records WHERE author = ? AND instr(line, CAST('Room v5' AS BLOB))", (author,)
    ).rowcount
    assert hidden == 1


def hide_a_withdrawal(db: sqlite3.Connection, author: int, older: Path) -> None:
    assert db.execute("DELETE FROM removals WHERE author = ?", (author,)).rowcount == 1
    bring_back(db, author, older, "instr(line, CAST('Room v4' AS BLOB))")


def remove_what_was_not_withdrawn(db: sqlite3.Connection, author: int, older: Path) -> None:
    key = db.execute(
        "SELECT key FROM records WHERE author = ? AND instr(line, CAST('Room v1' AS BLOB))", (author,)
    ).fetchone()[0]
    seq = db.execute("SELECT seq FROM authors WHERE no = ?", (author,)).fetchone()[0]
    db.execute("DELETE FROM records WHERE author = ? AND key = ?", (author, key))
    db.execute("INSERT INTO removals (author, key, seq, at) VALUES (?, ?, ?, 0)", (author, key, seq))


def serve_the_older_head(db: sqlite3.Connection, author: int, older: Path) -> None:
    """A's whole first state, with its own head: all that A ever signed, but not the newest."""
    columns = "head, head_hash, head_at, seq, count, size, root, beat, beat_time, beat_expires"
    db.execute("ATTACH ? AS older", (str(older),))
    db.execute(
        f"UPDATE authors SET ({columns}) = (SELECT {columns} FROM older.authors AS was WHERE was.no = authors.no), "
        "arrival = (SELECT max(arrival) + 1 FROM authors), news = (SELECT max(arrival) + 1 FROM authors) WHERE no = ?",
        (author,),
    )
    db.execute("DELETE FROM heads WHERE author = ?", (author,))
    db.execute("INSERT INTO heads SELECT * FROM older.heads WHERE author = ?", (author,))
    db.execute("DELETE FROM removals WHERE author = ?", (author,))
    db.execute("DELETE FROM records WHERE author = ?", (author,))
    unindex(db)
    db.commit()
    db.execute("DETACH older")
    bring_back(db, author, older, "1")


def bring_back(db: sqlite3.Connection, author: int, older: Path, which: str) -> None:
    columns = "author, key, value, seq, kind, id, visibility, expires, line, problem"
    db.commit()
    db.execute("ATTACH ? AS older", (str(older),))
    # Numbers below nothing: those above are the node's to give.
    back = db.execute(
        f"INSERT INTO records (no, {columns}) SELECT -no, {columns} FROM older.records WHERE author = ? AND {which}",
        (author,),
    )
    assert back.rowcount >= 1
    db.commit()
    db.execute("DETACH older")


LIES = {
    "alters one byte of a body": alter_a_byte,
    "alters one byte of a body and its hash": alter_a_byte_and_its_hash,
    "hides a record": hide_a_record,
    "hides a withdrawal": hide_a_withdrawal,
    "removes what was not withdrawn": remove_what_was_not_withdrawn,
}
TO_A_NEWCOMER = {
    "alters one byte of a body": "wrong set",
    "alters one byte of a body and its hash": "wrong set",
    "hides a record": "wrong set",
    # The head bounds what follows, so that one record too many need not be hashed.
    "hides a withdrawal": "malformed",
}


def unindex(db: sqlite3.Connection) -> None:
    """Takes what is no longer held out of B's search, so that nothing but the lie is wrong with its database."""
    for table in ("texts", "places"):
        db.execute(f"DELETE FROM {table} WHERE no NOT IN (SELECT no FROM records)")


def lie(scene: Scene, how: Callable[[sqlite3.Connection, int, Path], None], older: Path) -> None:
    with editing(scene.b) as db:
        author = db.execute("SELECT no FROM authors WHERE node_id = ?", (scene.a.id,)).fetchone()[0]
        how(db, author, older)
        unindex(db)


def refusal(scene: Scene) -> dict:
    found = until(lambda: scene.c.status()["refusals"], f"C refuses nothing: {scene.c.log()}")
    assert [(each["partner"], each["author"]) for each in found] == [(scene.b.id, scene.a.id)]
    assert f"{found[0]['reason']}: {found[0]['sentence']}" in scene.c.bra("status")
    return found[0]


def takes_bs_own_records(scene: Scene) -> None:
    scene.b.publish("venue", [venue("b1", name="Room at Bergen")])
    until(lambda: names(scene.c, scene.b) == ["Room at Bergen"], f"B's own record does not come: {scene.c.log()}")


@pytest.mark.parametrize("how", LIES)
def test_c_refuses_says_why_keeps_what_it_had_and_takes_bs_own_records_when_b(how, prepared, stage) -> None:
    scene = stage()
    held = states(scene.c)[scene.a.id]
    lie(scene, LIES[how], prepared.older)
    scene.b.serve()
    scene.c.serve()

    told = refusal(scene)
    assert told["reason"] == "wrong set"
    assert "one was altered, hidden or added on the way" in told["sentence"]
    takes_bs_own_records(scene)
    assert names(scene.c, scene.a) == BEFORE
    assert states(scene.c)[scene.a.id] == held


@pytest.mark.parametrize("how", TO_A_NEWCOMER)
def test_a_newcomer_shows_nothing_of_a_but_bs_own_records_when_b(how, prepared, stage) -> None:
    scene = stage(fresh=True)
    lie(scene, LIES[how], prepared.older)
    scene.b.serve()
    scene.c.serve()

    assert refusal(scene)["reason"] == TO_A_NEWCOMER[how]
    takes_bs_own_records(scene)
    assert names(scene.c, scene.a) == []
    assert scene.a.id not in states(scene.c)


def test_an_older_head_is_refused_as_rolled_back_and_the_newer_state_stays(prepared, stage) -> None:
    scene = stage()
    scene.b.serve()
    scene.c.serve()
    until(lambda: names(scene.c, scene.a) == AFTER, "C does not get A's second state")
    held = states(scene.c)[scene.a.id]
    scene.b.kill()
    lie(scene, serve_the_older_head, prepared.older)
    scene.b.serve()

    told = refusal(scene)
    assert told["reason"] == "rolled back"
    assert "what is held here stays" in told["sentence"]
    takes_bs_own_records(scene)
    assert names(scene.c, scene.a) == AFTER
    assert states(scene.c)[scene.a.id] == held


def test_a_head_that_a_did_not_sign_is_never_taken_and_bs_own_records_come(prepared, stage) -> None:
    scene = stage()
    held = states(scene.c)[scene.a.id]
    with editing(scene.b) as db:
        number, line = db.execute("SELECT no, head FROM authors WHERE node_id = ?", (scene.a.id,)).fetchone()
        start = line.index(b'"signature":"') + 13
        forged = line[:start] + line[start : start + 80][::-1] + line[start + 80 :]
        db.execute("UPDATE authors SET head = ? WHERE no = ?", (forged, number))
        db.execute("UPDATE heads SET line = ? WHERE line = ?", (forged, line))
    scene.b.serve()
    scene.c.serve()

    scene.b.publish("venue", [venue("b1", name="Room at Bergen")])
    until(lambda: names(scene.c, scene.b) == ["Room at Bergen"], "B's own record does not come", deadline=5)
    assert refusal(scene)["reason"] == "forged"
    assert states(scene.c)[scene.a.id] == held


def test_once_b_serves_the_truth_again_c_takes_it_and_forgets_the_refusal(prepared, stage) -> None:
    scene = stage()
    with editing(scene.b) as db:
        row = db.execute("SELECT no, line FROM records WHERE instr(line, CAST('window' AS BLOB))").fetchone()
        db.execute("UPDATE records SET line = ? WHERE no = ?", (row[1].replace(b"window", b"widdow"), row[0]))
    scene.b.serve()
    scene.c.serve()
    assert refusal(scene)["reason"] == "wrong set"
    scene.b.kill()
    with editing(scene.b) as db:
        db.execute("UPDATE records SET line = ? WHERE no = ?", (row[1], row[0]))
    scene.b.serve()

    until(lambda: names(scene.c, scene.a) == AFTER, f"C does not take the truth: {scene.c.status()}")
    assert scene.c.status()["refusals"] == []


def test_a_withheld_body_leaves_the_root_verified_and_comes_from_another_partner(prepared, stage, make: Make) -> None:
    scene = stage()
    with editing(scene.b) as db:
        leaf = "line = NULL, kind = NULL, id = NULL, visibility = NULL"
        assert db.execute(f"UPDATE records SET {leaf} WHERE instr(line, CAST('window' AS BLOB))").rowcount == 1
    scene.b.serve()
    scene.c.serve()
    without = [name for name in AFTER if name != "Room with a window"]
    until(lambda: names(scene.c, scene.a) == without, f"C does not verify: {scene.c.log()}")
    assert states(scene.c)[scene.a.id] == states(scene.a)[scene.a.id]
    status = scene.c.status()
    assert (status["without_body"], status["refusals"]) == (1, [])

    d = make("Espoo Park")
    scene.a.befriend(d)
    d.befriend(scene.c)
    scene.a.serve()
    d.serve()
    try:
        until(lambda: names(scene.c, scene.a) == AFTER, f"C does not get the body from D: {scene.c.status()}")
    finally:
        scene.a.kill()
    assert scene.c.status()["without_body"] == 0
    assert scene.c.json("search", "window")["records"][0]["known"]["path"][-1]["author"] == scene.a.id
