"""Nobody learns from a search of what they may not see: not from pages, totals, facets, corrections or sentences."""

from collections.abc import Collection

import pytest

from node.directory.draft import Change
from node.directory.reader import EVERYTHING, PUBLIC
from node.directory.search import Found
from node.protocol.names import LONGEST_BEAT
from node.protocol.verdicts import Accepted
from tests.directory.small_node import SmallNode, adoption, contact_body, organisation, organisation_body
from tests.protocol.builders import Author
from tests.search.asking import ask, event, ids, venue

LEVELS = ("public", "members", "partners", "local")


@pytest.fixture
async def layered(node: SmallNode) -> SmallNode:
    """A venue of each visibility, each with a word, a city, a country and a facility of its own."""
    countries = ("EE", "SE", "DE", "GB")
    await node.publish(
        organisation("Tartu Park"),
        *(
            venue(level, name=f"Room{level}", city=f"{level.title()}ville", country=country, facilities=[level],
                  visibility=level, time_zone="UTC", hours="24/7")
            for level, country in zip(LEVELS, countries, strict=True)
        ),
    )  # fmt: skip
    return node


READERS = [
    pytest.param(PUBLIC, 1, id="anybody"),
    pytest.param({"public", "members"}, 2, id="a member"),
    pytest.param({"public", "members", "partners"}, 3, id="a partner's staff"),
    pytest.param(EVERYTHING, 4, id="the operator"),
]

QUESTIONS = [
    pytest.param({"kind": "venue"}, id="a kind"),
    pytest.param({"q": "example street"}, id="words"),
    pytest.param({"near": "58.378,26.729", "kind": "venue"}, id="a place"),
    pytest.param({"bbox": "26,58,27,59", "kind": "venue"}, id="a box"),
    pytest.param({"type": "desk"}, id="a type"),
    pytest.param({"open_at": "2027-06-01T10:00"}, id="a time"),
    pytest.param({"organisation": "tartu", "kind": "venue"}, id="an organisation"),
    pytest.param({"country": "EE,SE,DE,GB", "kind": "venue"}, id="countries"),
]


@pytest.mark.parametrize(("visibilities", "many"), READERS)
@pytest.mark.parametrize("question", QUESTIONS)
async def test_pages_totals_and_facets_are_of_what_the_reader_may_see(
    layered: SmallNode, question: dict[str, str], visibilities: Collection[str], many: int
) -> None:
    found = ask(layered, visibilities, **question, facets="true", explain="true")
    seen = set(LEVELS[:many])
    assert (set(ids(found)), found.total) == (seen, many)
    assert {each["value"] for each in found.facets["facilities"]} == seen
    assert {each["value"] for each in found.facets["city"]} == {f"{level.title()}ville" for level in seen}
    assert sum(each["count"] for each in found.facets["kind"]) == many


@pytest.mark.parametrize(("visibilities", "many"), READERS)
async def test_a_hidden_word_corrects_nothing_and_keeps_nothing_from_being_corrected(
    node: SmallNode, visibilities: Collection[str], many: int
) -> None:
    await node.publish(
        adoption("incubator", id="shown"),
        adoption("incubatur", id="hidden", visibility="local"),
        adoption("zeppelin", id="secret", visibility="local"),
    )
    hidden, secret = ask(node, visibilities, q="incubatur"), ask(node, visibilities, q="zepelin")
    if "local" in visibilities:
        assert (ids(hidden), ids(secret)) == (["hidden"], ["secret"])
        assert "corrected" not in hidden.understood
    else:
        # As if the hidden records weren't there.
        assert (ids(hidden), hidden.understood["corrected"]) == (["shown"], {"incubatur": ["incubator"]})
        assert (ids(secret), "corrected" in secret.understood) == ([], False)
    del many


async def without_and_with(node: SmallNode, hidden: Change, question: dict[str, str]) -> tuple[Found, Found]:
    before = ask(node, **question, explain="true", limit="1")
    node.clock.pass_by(2)
    await node.publish(hidden)
    return before, ask(node, **question, explain="true", limit="1")


@pytest.mark.parametrize(
    "question",
    [
        pytest.param({"q": "room"}, id="a word"),
        pytest.param({"q": "rom"}, id="a slip"),
        pytest.param({"q": "zeppelinhalle"}, id="a word of the hidden one alone"),
        pytest.param({"q": "zepelinhalle"}, id="a slip of the hidden one's word"),
        pytest.param({"organisation": "tartu"}, id="an organisation"),
        pytest.param({"near": "Tartu", "facets": "true"}, id="a city"),
    ],
)
async def test_a_hidden_record_changes_no_answer(node: SmallNode, question: dict[str, str]) -> None:
    await node.publish(organisation("Tartu Park"), venue("v", name="Room"), venue("w", directions={"en": "A room"}))
    hidden = venue("h", name="Zeppelinhalle, room", facilities=["hangar"], visibility="members")
    before, after = await without_and_with(node, hidden, question)
    # The reasons and the cursor, too: with bm25 both would tell how many records hold the word.
    for record in (*before.records, *after.records):
        # Publishing is a sign of life.
        record.pop("heard")
    assert before == after


async def test_a_person_is_found_by_no_word_of_their_own(node: SmallNode) -> None:
    person = {**contact_body("Landing manager"), "name": "Ada Veryrarename", "consent": "2026-01-15"}
    await node.publish(Change("contact", person, id="c", visibility="public"))
    for text in ("veryrarename", "veryrarenam", "verirarename", "landing@park.example", "ada"):
        assert ids(ask(node, EVERYTHING, q=text)) == []
        assert "corrected" not in ask(node, EVERYTHING, q=text).understood
    [found] = ask(node, EVERYTHING, q="landing", explain="true", languages="en").records
    assert "Veryrarename" not in str(found["why"])
    stored = node.database.read_now(lambda db: db.execute("SELECT * FROM facts WHERE kind = 'contact'").fetchall())
    assert "rarename" not in str(stored).lower()


async def test_people_of_an_organisation_that_fell_silent_are_counted_nowhere(node: SmallNode) -> None:
    lund = Author("lund")
    lund.put("organisation", organisation_body("Lund Park"), "self")
    lund.put("contact", contact_body("Landing manager"), "c", "public")
    lund.commit()
    lund.beat(lund.now)
    node.befriend(lund)
    assert isinstance(await node.take(lund.block_lines(node.want(lund)), lund), Accepted)
    assert ask(node, q="landing", facets="true").total == 1
    node.clock.pass_by(LONGEST_BEAT + 1)
    found = ask(node, q="landing", facets="true")
    assert (found.total, found.records, found.facets) == (0, [], {})
    assert {each["value"] for each in ask(node, facets="true").facets["kind"]} == {"organisation"}


async def test_an_expired_record_is_found_no_more(node: SmallNode) -> None:
    lund = Author("lund")
    lund.seq += 1
    from node.protocol.names import format_time

    record = lund.record(
        "adoption", {"practice": "p", "by": "soon over", "since": "2027-01-15"}, "f", lund.seq,
        expires=format_time(lund.now + 60),
    )  # fmt: skip
    lund.records[record.key] = record
    lund.put("organisation", organisation_body("Lund Park"), "self")
    lund.commit()
    lund.beat(lund.now)
    node.befriend(lund)
    assert isinstance(await node.take(lund.block_lines(node.want(lund)), lund), Accepted)
    assert ids(ask(node, q="soon")) == ["f"]
    node.clock.pass_by(61)
    assert ask(node, q="soon").total == 0


async def test_organisations_are_named_by_what_the_reader_may_see(node: SmallNode) -> None:
    await node.publish(Change("organisation", organisation_body("Hidden Park"), id="self", visibility="members"))
    await node.publish(event("e", "2027-06-01T09:00", "2027-06-01T17:00"))
    assert ask(node, organisation="hidden").understood["organisations"] == []
    assert ids(ask(node, organisation="hidden")) == []
    assert set(ids(ask(node, {"public", "members"}, organisation="hidden"))) == {"self", "e"}
    assert ids(ask(node, organisation=node.id)) == ["e"]
