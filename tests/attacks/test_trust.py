"""What a hostile partner can do by introducing others, and what those get who were merely introduced."""

from collections.abc import Iterator

import pytest

from node.protocol.blocks import Want
from node.protocol.canonical import encode
from node.protocol.record import tree_key
from node.trust.reach import Standing
from tests.attacks.conftest import TAKEN, Scene, befriend, staged
from tests.attacks.intruder import Intruder
from tests.directory.small_node import adoption_body, contact_body, endorsement_body, signatory
from tests.nodes import until
from tests.protocol.builders import Author
from tests.system.conftest import Make
from tests.system.inside import reading

INTRODUCTIONS = 30
SECRET = "Secret landing manager"


@pytest.fixture(scope="module")
def stage(make_once: Make) -> Iterator[Scene]:
    limits = {"records_per_author": 10_000}
    for scene in staged(make_once, "Cork", limits=limits, trust={"introductions": INTRODUCTIONS}):
        scene.victim.publish("contact", [{"ref": "c", **contact_body(SECRET)}])
        yield scene


def standing(scene: Scene, author: Author) -> Standing:
    return Standing(scene.row(author, "standing") or 0)


def test_a_ring_that_vouches_for_itself_is_listed_and_never_honoured(scene: Scene) -> None:
    ring = [signatory(f"ring-{number}") for number in range(5)]
    for author in ring:
        for other in ring:
            if other is not author:
                author.put("endorsement", endorsement_body(other.id), f"e-{other.name}")
        author.commit()
    scene.intruder.endorse(*ring)
    for author in ring:
        assert scene.outcome(author) == TAKEN
    scene.goes_on()
    assert {standing(scene, author) for author in ring} == {Standing.LISTED}


def test_a_flood_of_introductions_drowns_its_own_source_alone(scene: Scene) -> None:
    flood = Intruder("mallory-flood")
    sybils = [signatory(f"sybil-{number}") for number in range(INTRODUCTIONS + 20)]
    try:
        flood.endorse(*sybils)
        befriend(scene.victim, flood, flood.url)

        def taken() -> int:
            with reading(scene.victim) as db:
                held = {row[0] for row in db.execute("SELECT node_id FROM authors WHERE head IS NOT NULL")}
            return sum(each.id in held for each in sybils)

        until(lambda: taken() >= INTRODUCTIONS, f"the flood does not come: {scene.victim.log()}")
        scene.goes_on()
        flood.put("venue", {}, "after")
        flood.commit()
        flood.tell(flood)
        until(lambda: scene.holds(flood), "the flood's own news does not come")
        assert taken() == INTRODUCTIONS
    finally:
        flood.close()


def test_an_author_with_more_records_than_the_victim_takes_keeps_its_last_state(scene: Scene) -> None:
    author = scene.introduce("over-quota")
    for number in range(10_000):
        author.put("adoption", adoption_body("a"), f"r{number}")
    author.commit()
    assert len(author.records) > 10_000
    # In one page: the intruder keeps no bound that the victim does not make it keep.
    assert scene.offer(author) == "over quota"
    assert scene.names(author) == ["Room one"]
    scene.goes_on()


def test_an_author_that_understates_its_bytes_is_refused(scene: Scene) -> None:
    author = scene.introduce("understating")
    author.put("adoption", adoption_body("x" * 50), "big")
    author.heads.append(author.head_with(size=100))
    assert scene.offer(author) == "malformed"
    assert scene.names(author) == ["Room one"]


def test_who_is_merely_listed_gets_no_body_that_is_not_public_however_it_asks(scene: Scene) -> None:
    author = scene.introduce("merely-listed")
    scene.goes_on()
    assert standing(scene, author) is Standing.LISTED
    with reading(scene.victim) as db:
        [(head, epoch, id_)] = db.execute(
            "SELECT head_hash, epoch, id FROM records JOIN authors ON authors.no = author "
            "WHERE node_id = ? AND kind = 'contact'",
            (scene.victim.id,),
        )
    wishes = [
        Want(scene.victim.id),
        Want(scene.victim.id, epoch, 0, head, prefixes=("",)),
        Want(scene.victim.id, epoch, 0, head, prefixes=(f"{int.from_bytes(tree_key('contact', id_)):0256b}",)),
    ]
    body = encode([wish.as_value() for wish in wishes])
    asked = [
        ("POST", "/federation/v1/pull", body),
        ("GET", f"/federation/v1/authors/{scene.victim.id}/records/contact/{id_}", None),
        ("GET", "/federation/v1/feed", None),
        ("GET", "/api/v1/search?q=landing", None),
        ("GET", "/api/v1/contact", None),
    ]
    for method, path, question in asked:
        _, answer = scene.intruder.ask(scene.victim, method, path, question, by=author)
        assert SECRET.encode() not in answer, f"{method} {path} tells it"
    # A partner is told, so that what is asked for is there.
    assert SECRET.encode() in scene.intruder.ask(scene.victim, "POST", "/federation/v1/pull", body)[1]
    status, _ = scene.intruder.ask(scene.victim, "POST", "/federation/v1/push", b"", by=author)
    assert status == 403
