"""What goes along with records that are exported: nothing of it tells a reader more than the reader may see."""

from pathlib import Path

from node.directory import companions, views
from node.directory.draft import Change
from node.directory.reader import EVERYTHING, PUBLIC
from node.federation import sending
from node.protocol.signed_record import SignedRecord
from tests.directory.small_node import SmallNode, organisation, signatory
from tests.kinds.kind_examples import LUND, example


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


async def _with(folder: Path, *changes: Change) -> SmallNode:
    """A node that has these, found by their words."""
    node = SmallNode(folder)
    await node.publish(organisation("Tartu Park"), *changes)
    async with node.indexer.running() as indexer:
        await indexer.done()
    return node


def _event(id_: str, day: str, **fields: str) -> Change:
    body = example("event", start=f"{day}T09:00", end=f"{day}T10:00", venue=fields.get("venue", "hall"))
    return Change("event", body, id=id_, visibility=fields.get("visibility", "public"))


async def test_a_venues_events_are_those_to_come_that_the_reader_may_see(tmp_path: Path) -> None:
    tartu = await _with(
        tmp_path, _event("over", "2020-01-01"), _event("later", "2037-06-03"), _event("soon", "2037-06-01"),
        _event("hidden", "2037-06-02", visibility="members"), _event("elsewhere", "2037-06-02", venue="other"),
        _event("at-a-namesake", "2037-06-02", venue=f"{LUND}/hall"),
    )  # fmt: skip

    def found(visibilities: frozenset[str], few: int = 10) -> list[str]:
        reader, venue = tartu.reader(visibilities), f"{tartu.id}/hall"
        events = tartu.database.read_now(lambda db: companions.events_at(db, reader, venue, few=few))
        return [event["id"] for event in events]

    assert found(PUBLIC) == ["soon", "later"]
    assert found(EVERYTHING) == ["soon", "hidden", "later"]
    assert found(EVERYTHING, few=1) == ["soon"]
    tartu.close()


async def test_a_practice_was_taken_over_by_those_who_name_this_very_one(tmp_path: Path) -> None:
    tartu = await _with(
        tmp_path,
        *(
            Change("adoption", example("adoption", practice=practice), id=name, visibility=visibility)
            for name, practice, visibility in (
                ("own", "week", "public"), ("hidden", "week", "members"), ("another", "week-2", "public"),
                ("a-namesake", f"{LUND}/week", "public"),
            )
        ),
    )  # fmt: skip

    def found(visibilities: frozenset[str], practice: str) -> set[str]:
        reader = tartu.reader(visibilities)
        adoptions = tartu.database.read_now(lambda db: companions.adoptions_of(db, reader, practice, few=10))
        return {adoption["id"] for adoption in adoptions}

    assert found(PUBLIC, f"{tartu.id}/week") == {"own"}
    assert found(EVERYTHING, f"{tartu.id}/week") == {"own", "hidden"}
    assert found(PUBLIC, f"{LUND}/week") == {"a-namesake"}
    tartu.close()


async def test_what_an_author_has_is_counted_whole_and_told_in_part_as_its_reader_may_see_it(
    tmp_path: Path,
) -> None:
    tartu = await _with(
        tmp_path,
        *(Change("venue", example("venue", name=name), id=name.lower()) for name in ("Cellar", "Attic", "Barn")),
        Change("venue", example("venue", name="Aisle"), id="hidden", visibility="members"),
        _event("over", "2020-01-01"), _event("later", "2037-06-03"), _event("soon", "2037-06-01"),
    )  # fmt: skip

    def found(visibilities: frozenset[str]) -> dict[str, tuple[int, list[str]]]:
        reader = tartu.reader(visibilities)
        has = tartu.database.read_now(lambda db: companions.of_author(db, reader, tartu.id, few=2))
        return {kind: (several.total, [each["id"] for each in several.first]) for kind, several in has.items()}

    public = {"organisation": (1, ["self"]), "venue": (3, ["attic", "barn"]), "event": (2, ["soon", "later"])}
    assert found(PUBLIC) == public
    assert found(EVERYTHING) == {**public, "venue": (4, ["hidden", "attic"])}
    tartu.close()
