"""Who was put out stays out, and what was erased stays erased when two machines on one key become one again."""

from pathlib import Path

from node.trust.reach import Standing
from tests.attacks.conftest import Scene, befriend, room
from tests.attacks.intruder import Intruder
from tests.directory.small_node import contact_body
from tests.nodes import until
from tests.system.conftest import Make
from tests.system.inside import moved

ERASED = {"Erased manager", "Erased director"}


def test_a_node_that_was_blocked_does_not_come_back_by_another_introduction(scene: Scene) -> None:
    author = scene.introduce("blocked")
    assert len(scene.shown(author)) == 1
    scene.victim.bra("block", author.id, "--yes")
    assert scene.shown(author) == []
    other = Intruder("mallory-other")
    try:
        author.put("venue", room("Room two"), "two")
        author.commit()
        for partner in (scene.intruder, other):
            partner.endorse(author)
        befriend(scene.victim, other, other.url)
        until(lambda: scene.holds(other), f"the other partner's records do not come: {scene.victim.log()}")
        scene.goes_on()
        assert scene.shown(author) == []
        assert not scene.holds(author)
        assert (scene.row(author, "standing") or 0) == Standing.UNKNOWN
        assert scene.intruder.ask(scene.victim, "GET", "/federation/v1/feed", by=author)[0] == 403
    finally:
        other.close()


def test_what_was_erased_does_not_come_back_when_a_fork_is_healed(make: Make, tmp_path: Path) -> None:
    node, partner = make("Espoo Park"), make("Faro Park")
    node.befriend(partner)
    contacts = [{"ref": role, **contact_body(role)} for role in ERASED]
    ids = node.publish("contact", contacts)["ids"]
    partner.serve()
    node.serve()

    def known() -> set[str]:
        return {each["body"]["role"] for each in partner.json("list", "contact")["records"]}

    until(lambda: known() == ERASED, f"the contacts do not come: {partner.log()}")
    node.stop()
    # Set back to a snapshot: the second machine never hears that the first has erased them, and goes on with one.
    twin = moved(node, tmp_path / "twin")
    twin.bra("resume")
    twin.publish("contact", [contacts[0] | {"languages": ["et"]}])
    for id_ in ids:
        node.bra("withdraw", "contact", id_)
    try:
        twin.serve()
        seq = twin.status()["seq"]
        until(lambda: partner.author(twin)["seq"] == seq, f"the twin is not heard: {partner.log()}")
    finally:
        twin.kill()
    node.serve()
    until(lambda: node.status()["authority"]["state"] == "forked", f"the fork is not noticed: {node.log()}")
    node.stop()
    node.bra("heal", "--yes", "--words-file", str(node.words))
    node.serve()
    until(lambda: partner.author(node)["epoch"] == 2, f"what was healed does not come: {partner.log()}")
    assert known() == set()
    assert node.json("list", "contact")["records"] == []
