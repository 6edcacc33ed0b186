"""What a relay passes on of others is the authors' own, newest and whole, or it is refused (SPEC, "Applying a block").

The relay is a partner, and whoever it introduces is listed: nothing here is stopped by not being known.
"""

import json
import time

import pytest

from node.protocol.blocks import Want
from node.protocol.statements import Beat
from tests.attacks.conftest import TAKEN, Scene, room
from tests.directory.small_node import contact_body
from tests.nodes import until
from tests.protocol.builders import beat_line, card_line, del_line, head_line, next_line, put_line
from tests.system.inside import reading


def test_a_state_that_its_author_did_not_sign_is_refused(scene: Scene) -> None:
    author = scene.introduce("forged")
    forger = author.twin()
    forger.put("venue", room("Room of a forger"), "forged")
    forger.heads.append(forger.head_with(key=scene.intruder.signing_key))
    assert scene.offer(forger) == "forged"
    assert scene.names(author) == ["Room one"]
    scene.goes_on()


def test_a_record_that_was_altered_on_the_way_is_refused(scene: Scene) -> None:
    author = scene.introduce("altered")
    author.put("venue", room("Room with a window"), "room")
    author.commit()

    def altered(want: Want) -> list[bytes]:
        return [line.replace(b"with a window", b"with a widdow") for line in author.block_lines(want)]

    assert scene.offer(author, block=altered) == "wrong set"
    assert scene.names(author) == ["Room one"]
    assert scene.offer_again(author) == TAKEN


def test_an_old_version_of_a_record_is_refused_under_the_newest_head(scene: Scene) -> None:
    author = scene.introduce("replayed")
    old = author.put("venue", room("Room for nothing"), "room")
    author.commit()
    author.put("venue", room("Room with its price"), "room")
    author.commit()

    def replayed(want: Want) -> list[bytes]:
        return [put_line(old) if line.startswith(b'{"put":') else line for line in author.block_lines(want)]

    assert scene.offer(author, block=replayed) == "wrong set"
    assert scene.names(author) == ["Room one"]


def test_a_record_that_is_hidden_is_missed(scene: Scene) -> None:
    author = scene.introduce("hidden")
    author.put("venue", room("Room two"), "two")
    author.put("venue", room("Room three"), "three")
    author.commit()

    def hiding(want: Want) -> list[bytes]:
        return [line for line in author.block_lines(want) if b"Room three" not in line]

    assert scene.offer(author, block=hiding) == "wrong set"
    assert scene.names(author) == ["Room one"]


def test_an_older_state_is_refused_though_its_author_signed_it(scene: Scene) -> None:
    author = scene.introduce("rolled-back")
    older = author.twin()
    room_two = author.put("venue", room("Room two"), "two")
    author.commit()
    assert scene.offer(author) == TAKEN
    author.put("venue", room("Room three"), "three")
    newest = author.commit()

    def rolled_back(want: Want) -> list[bytes]:
        """All that leads back to the first state, under the head that its author signed over it."""
        head = head_line(older.head)
        return [card_line(author.card), head, del_line(room_two.key, older.seq), next_line(author.id)]

    feed = [card_line(author.card), head_line(newest)]
    assert scene.offer(older, feed=feed, block=rolled_back) == "rolled back"
    assert scene.names(author) == ["Room one", "Room two"]


def test_a_card_of_an_epoch_that_is_over_is_refused(scene: Scene) -> None:
    author = scene.introduce("stolen-key")
    thief = author.twin()
    author.rotate(from_seq=0)
    author.commit()
    assert scene.offer(author) == TAKEN
    thief.put("venue", room("Room of a thief"), "two")
    thief.commit()
    announced = author.twin()
    announced.put("venue", room("Room three"), "three")
    feed = [card_line(author.card), head_line(announced.commit())]
    assert scene.offer(thief, feed=feed) == "rolled back"
    assert scene.names(author) == ["Room one"]


def test_an_author_that_is_frozen_shows_as_not_heard_from_and_its_people_are_hidden(scene: Scene) -> None:
    author = scene.introduce("frozen")
    author.put("contact", contact_body("manager"), "c")
    author.commit()
    now = int(time.time())
    author.beat(now, lasts=2)
    assert scene.offer(author) == TAKEN
    assert [each["stale"] for each in scene.shown(author)] == [False]
    assert len(scene.shown(author, "contact")) == 1
    # The relay hides that there is anything newer. It can repeat what was signed, and sign with its own key.
    renewed = Beat.make(scene.intruder.signing_key, head=author.head, time=now + 1, urls=())
    for beat in (author.newest_beat, renewed):
        assert beat is not None
        scene.intruder.tell(author, feed=[card_line(author.card), head_line(author.head), beat_line(beat)])
    scene.goes_on()
    until(lambda: time.time() > now + 2, "time stands still")
    assert [each["stale"] for each in scene.shown(author)] == [True]
    assert scene.shown(author, "contact") == []


@pytest.mark.parametrize("what", ["another's record", "another's card", "another's head"])
def test_what_is_one_authors_is_not_taken_as_anothers(what: str, scene: Scene) -> None:
    author, other = (scene.introduce(f"{name}-{what[10:]}") for name in ("mixed", "matched"))
    theirs = other.put("venue", room("Room of another"), "theirs")
    other.commit()
    if what == "another's record":
        # Under its own head, so that the root holds: it would be shown as its own.
        author.seq = theirs.seq
        author.records[theirs.key] = theirs
    else:
        author.put("venue", room("Room two"), "two")
    author.commit()

    def mixed(want: Want) -> list[bytes]:
        mine, others = author.block_lines(want), other.block_lines(Want(other.id))
        if what == "another's card":
            return [others[0], *mine[1:]]
        if what == "another's head":
            return [mine[0], *others[1:-1], mine[-1]]
        return mine

    assert scene.offer(author, block=mixed) == "malformed"
    assert scene.names(author) == ["Room one"]


def test_a_thief_that_counts_to_the_end_bricks_nobody(scene: Scene) -> None:
    author = scene.introduce("fast-forwarded")
    thief = author.twin()
    thief.seq = 2**53 - 2
    thief.put("venue", room("Room of a thief"), "two")
    assert thief.commit().seq == 2**53 - 1
    assert scene.offer(thief) == TAKEN
    author.rotate(from_seq=0)
    author.commit()
    assert scene.offer(author) == TAKEN
    assert scene.names(author) == ["Room one"]
    assert scene.row(author, "epoch") == 2
    author.put("venue", room("Room two"), "two")
    author.commit()
    assert scene.offer(author) == TAKEN


def test_what_was_erased_does_not_come_back_from_an_old_replica(scene: Scene) -> None:
    author = scene.introduce("erased")
    erased = author.put("contact", contact_body("Erased manager"), "c")
    author.commit()
    author.beat(int(time.time()))
    assert scene.offer(author) == TAKEN
    assert len(scene.shown(author, "contact")) == 1
    replica = author.twin()
    author.remove("contact", "c")
    author.commit()
    author.beat(int(time.time()))
    assert scene.offer(author) == TAKEN

    def push(*lines: bytes) -> str:
        """The victim's word on a whole set that a partner, whose own copy is old, brings it."""
        body = b"".join(b"%b\n" % line for line in lines)
        status, answer = scene.intruder.ask(scene.victim, "POST", "/federation/v1/push?whole=1", body)
        verdict = json.loads(answer)["verdict"]
        assert status == 200
        return str(verdict.get("reason", verdict["outcome"])).partition(":")[0]

    assert push(*replica.block_lines(Want(replica.id))) == "rolled back"
    newest = author.block_lines(Want(author.id))
    put_back = sorted([*(line for line in newest if line.startswith(b'{"put"')), put_line(erased)], key=seq_of)
    framed = [line for line in newest[:-1] if not line.startswith((b'{"put"', b'{"del"'))]
    assert push(*framed, *put_back, newest[-1]) in ("malformed", "wrong set")
    hidden = [line for line in put_back if b"Room one" not in line]
    assert push(*framed, *hidden, newest[-1]) == "wrong set"
    assert scene.shown(author, "contact") == []
    assert scene.holds(author)
    with reading(scene.victim) as db:
        kept = db.execute("SELECT count(*) FROM records WHERE instr(line, CAST('Erased manager' AS BLOB))").fetchone()
    assert kept == (0,)


def seq_of(line: bytes) -> int:
    return int(json.loads(line)["put"]["seq"])
