"""An author that signs two histories is found out, told of and healed (SPEC, "Evidence")."""

from node.protocol.blocks import Want
from node.protocol.statements import Card
from tests.attacks.conftest import TAKEN, Scene, room
from tests.nodes import until
from tests.protocol.builders import NETWORK, Author, card_line, compare_line, head_line, key_named, next_line


def found_out(scene: Scene, author: Author) -> None:
    """Fails unless the victim says that it forked, keeps what it had, passes the proof on, and is healed."""
    assert scene.row(author, "forked_epoch") == 1
    assert [each["body"]["name"] for each in scene.shown(author)] == ["Room one"]
    assert "two histories" in scene.shown(author)[0]["warning"]
    status, feed = scene.intruder.ask(scene.victim, "GET", "/federation/v1/feed")
    assert status == 200
    assert any(line.startswith(b'{"evidence"') and author.id.encode() in line for line in feed.splitlines())
    author.rotate(from_seq=0)
    author.put("venue", room("Room two"), "two")
    author.commit()
    scene.intruder.tell(author)
    until(lambda: scene.holds(author), f"a new epoch does not heal it: {scene.victim.log()}")
    assert scene.names(author) == ["Room one", "Room two"]


def test_two_heads_of_one_place_are_a_fork_at_once(scene: Scene) -> None:
    author = scene.introduce("forked")
    twin = author.twin()
    author.put("venue", room("Room one"), "room")
    author.commit()
    assert scene.offer(author) == TAKEN
    twin.put("venue", room("Room of a twin"), "room")
    assert twin.commit().seq == author.head.seq
    twin.beat(twin.now)
    # The second machine is the one that the relay hears of, under a head that it calls newer.
    assert scene.offer(twin) == "forked"
    found_out(scene, author)


def test_a_chain_that_steps_over_a_head_is_a_fork(scene: Scene) -> None:
    author = scene.introduce("skipping")
    twin = author.twin()
    for _ in range(2):
        author.put("venue", room("Room one"), "room")
    author.commit()
    author.put("venue", room("Room one"), "room")
    author.commit()
    assert scene.offer(author) == TAKEN
    # Neither of the twin's heads has the place or the seq of the one that is held: only the gap between them tells.
    twin.put("venue", room("Room of a twin"), "room")
    before = twin.commit()
    for _ in range(4):
        twin.put("venue", room("Room of a twin"), "room")
    after = twin.commit()
    assert before.seq < author.head.seq < after.seq
    assert after.prev == before.hash
    assert author.head.prev not in (before.prev, after.prev)

    def stepping_over(want: Want) -> list[bytes]:
        return [card_line(twin.card), head_line(before), head_line(after), compare_line(), next_line(twin.id)]

    assert scene.offer(twin, block=stepping_over) == "forked"
    found_out(scene, author)


def test_two_cards_of_one_epoch_are_a_fork(scene: Scene) -> None:
    author = scene.introduce("two-cards")
    twin = author.twin()
    twin.signing_key = key_named("a second machine's")
    twin.card = Card.make(
        twin.root_key, network=NETWORK, epoch=1, signing=twin.signing_key.public, issued=twin.now + 60
    )
    twin.put("venue", room("Room of a twin"), "room")
    twin.commit()
    assert scene.offer(twin) == "forked"
    found_out(scene, author)
