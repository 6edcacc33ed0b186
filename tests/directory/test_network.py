"""The network as a list: who is in it, how each is known, and what of that a reader may see."""

from dataclasses import replace
from pathlib import Path

from node.directory.draft import Change
from node.directory.network import Listed, network
from node.directory.reader import EVERYTHING, PUBLIC
from tests.directory.small_node import SmallNode, organisation, organisation_body, signatory
from tests.kinds.kind_examples import example


async def _listed(node: SmallNode, visibilities: frozenset[str] = PUBLIC) -> list[Listed]:
    async with node.indexer.running() as indexer:
        await indexer.done()
    reader = node.reader(visibilities)
    return node.database.read_now(lambda db: network(db, reader)).organisations


async def test_organisations_stand_by_country_with_what_they_open_and_how_they_are_known(tmp_path: Path) -> None:
    tartu, lund = SmallNode(tmp_path), signatory("lund")
    tartu.befriend(lund)
    lund.put(
        "organisation", organisation_body("Lund Park", city="Lund", country="SE", languages=["sv", "en-GB"]), "self"
    )
    lund.put("venue", example("venue"), "hall")
    lund.commit()
    lund.beat(tartu.clock.time)
    await tartu.take(lund.block_lines(), lund)
    await tartu.publish(
        organisation("Tartu Park"),
        Change("venue", example("venue"), id="open"),
        Change("venue", example("venue"), id="hidden", visibility="members"),
        # It describes others, too: they are not signatories.
        Change("organisation", organisation_body("Member Company"), id="member"),
    )
    own, other = await _listed(tartu)
    assert (own.author, own.name, own.country, own.venues) == (tartu.id, "Tartu Park", "EE", 1)
    assert (other.name, other.city, other.languages, other.venues) == ("Lund Park", "Lund", ("en", "sv"), 1)
    assert (other.standing, other.through, other.stale, other.warning) == ("honoured", (), False, "")
    assert [each.venues for each in await _listed(tartu, EVERYTHING)] == [2, 1]
    tartu.clock.pass_by(400 * 86_400)
    assert (await _listed(tartu))[1].stale
    tartu.close()


async def test_who_tells_its_name_to_members_alone_is_in_no_list_for_others(tmp_path: Path) -> None:
    tartu = SmallNode(tmp_path)
    await tartu.publish(replace(organisation("Tartu Park"), visibility="members"))
    assert await _listed(tartu) == []
    assert [each.name for each in await _listed(tartu, EVERYTHING)] == ["Tartu Park"]
    tartu.close()


async def test_who_looks_like_another_is_told_apart(tmp_path: Path) -> None:
    tartu, real, false = SmallNode(tmp_path), signatory("lund"), signatory("false")
    false.put("organisation", organisation_body("Lund  Pärk"), "self")
    false.commit()
    false.beat(tartu.clock.time)
    tartu.befriend(real)
    await tartu.take(real.block_lines(), real)
    tartu.clock.pass_by(60)
    tartu.befriend(false)
    await tartu.take(false.block_lines(), false)
    tartu.reconsider()
    warned = {each.author: bool(each.warning) for each in await _listed(tartu)}
    assert warned == {real.id: False, false.id: True}
    tartu.close()
