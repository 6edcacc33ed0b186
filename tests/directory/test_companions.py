"""What goes along with records that are exported: nothing of it tells a reader more than the reader may see."""

from pathlib import Path

from node.directory import companions, views
from node.directory.draft import Change
from node.directory.reader import EVERYTHING, PUBLIC
from node.federation import sending
from node.protocol.signed_record import SignedRecord
from tests.directory.small_node import SmallNode, organisation, signatory
from tests.kinds.kind_examples import example


async def test_an_event_brings_its_venue_along_and_no_more_than_its_reader_may_see(tmp_path: Path) -> None:
    tartu, lund = SmallNode(tmp_path), signatory("lund")
    tartu.befriend(lund)
    lund.put("venue", example("venue", name="In Lund"), "hall")
    lund.commit()
    lund.beat(tartu.clock.time)
    await tartu.take(lund.block_lines(), lund)
    await tartu.publish(
        organisation("Tartu Park"),
        Change("venue", example("venue", name="Open"), id="open"),
        Change("venue", example("venue", name="Hidden"), id="hidden", visibility="members"),
        *(
            Change("event", example("event", venue=venue), id=name)
            for name, venue in (("a", "open"), ("b", "hidden"), ("c", f"{lund.id}/hall"), ("d", "nowhere"))
        ),
    )

    def found(visibilities: frozenset[str]) -> set[str]:
        reader = tartu.reader(visibilities)
        events = tartu.database.read_now(lambda db: views.listing(db, reader, "event")).records
        venues = tartu.database.read_now(lambda db: companions.venues_of(db, reader, events))
        assert all(key == f"{venue['author']}/{venue['id']}" for key, venue in venues.items())
        return {venue["body"]["name"] for venue in venues.values()}

    assert found(PUBLIC) == {"Open", "In Lund"}
    assert found(EVERYTHING) == {"Open", "In Lund", "Hidden"}
    tartu.close()


async def test_a_record_that_was_hidden_after_it_was_shown_is_not_handed_out_signed(tmp_path: Path) -> None:
    tartu = SmallNode(tmp_path)
    await tartu.publish(
        organisation("Tartu Park"),
        *(Change("venue", example("venue", name=name), id=name.lower()) for name in ("Stays", "Hides")),
        Change("venue", example("venue", name="Own"), id="own", visibility="local"),
    )
    reader = tartu.reader(EVERYTHING)
    shown = tartu.database.read_now(lambda db: views.listing(db, reader, "venue")).records
    tartu.clock.pass_by(2)
    await tartu.publish(Change("venue", example("venue", name="Hides"), id="hides", visibility="partners"))
    signed = tartu.database.read_now(lambda db: sending.signed_values(db, tartu.trees, shown))
    assert [SignedRecord.parse(value).record.id for value in signed] == ["stays"]
    tartu.close()


async def test_own_records_are_called_what_their_publisher_calls_them(tmp_path: Path) -> None:
    tartu = SmallNode(tmp_path)
    outcome = await tartu.publish(
        organisation("Tartu Park"), Change("venue", example("venue"), ref="desk-1"), Change("venue", example("venue"))
    )
    assert tartu.database.read_now(lambda db: companions.own_names(db, "venue")) == {outcome.ids[1]: "desk-1"}
    tartu.close()
