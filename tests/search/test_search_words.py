"""Words: in any script, as beginnings, with slips forgiven, and never more than words to the full text."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.directory.search import words
from node.errors import InputError
from tests.directory.small_node import SmallNode, adoption, organisation
from tests.search.asking import ask, ids, venue


async def test_every_word_is_wanted_as_a_beginning(node: SmallNode) -> None:
    await node.publish(adoption("meeting room in Tartu", id="a"), adoption("meeting in Lund", id="b"))
    found = {text: set(ids(ask(node, q=text))) for text in ("meet", "room meet", "TARTU", "room lund")}
    assert found == {"meet": {"a", "b"}, "room meet": {"a"}, "TARTU": {"a"}, "room lund": set()}


@pytest.mark.parametrize(
    ("text", "query"),
    [
        pytest.param("Õpetajate Maja, Tõrva", "torva opetajate", id="Estonian"),
        pytest.param("Łódź", "lodz", id="Polish"),
        pytest.param("Große Straße", "grosse strasse", id="German"),
        pytest.param("香港科技園", "香港", id="Chinese"),
        pytest.param("مدينة العلوم في تارتو", "العلوم", id="Arabic"),
        pytest.param("विज्ञान पार्क", "विज्ञान", id="Hindi"),
        pytest.param("Công viên khoa học", "cong vien", id="Vietnamese"),
        pytest.param("Mu\u0308nchen", "MÜNCHEN", id="letters in two pieces"),
    ],
)
async def test_letters_are_found_however_they_are_typed(node: SmallNode, text: str, query: str) -> None:
    await node.publish(adoption(text, id="a"), adoption("something else", id="b"))
    assert ids(ask(node, q=query)) == ["a"]


SLIPS = [
    pytest.param("munch", {"munch": ["munich"]}, id="a letter too few"),
    pytest.param("munnich", {"munnich": ["munich"]}, id="a letter too many"),
    pytest.param("munikh", {"munikh": ["munich"]}, id="a wrong letter"),
    pytest.param("muinch", {"muinch": ["munich"]}, id="two that changed places"),
    pytest.param("nunich", {"nunich": ["munich"]}, id="the first letter"),
    pytest.param("unich", {"unich": ["munich"]}, id="no first letter"),
    pytest.param("umnich", {"umnich": ["munich"]}, id="the first two"),
    pytest.param("ünich", {"ünich": ["munich"]}, id="with an accent that isn't there"),
    pytest.param("burau munich", {"burau": ["bureau"]}, id="of two words one"),
    pytest.param("laboratoire", None, id="two slips in a long word, and right anyhow"),
    pytest.param("laburatoirre", {"laburatoirre": ["laboratoire"]}, id="two slips in a long word"),
    pytest.param("Лабаратория", {"Лабаратория": ["лаборатория"]}, id="Cyrillic"),
    pytest.param("Каборатория", {"Каборатория": ["лаборатория"]}, id="the first letter in Cyrillic"),
    pytest.param("εργαστήρι", None, id="a beginning is no slip"),
    pytest.param("ergo", {}, id="two slips in a short word"),
    pytest.param("dsk", {}, id="three letters"),
    pytest.param("zurich", {}, id="nothing like it"),
    pytest.param("+37255123457", {}, id="a number"),
]


@pytest.mark.parametrize(("text", "corrected"), SLIPS)
async def test_slips_are_forgiven_and_told(node: SmallNode, text: str, corrected: dict[str, list[str]] | None) -> None:
    said = "desk in Munich, bureau, laboratoire, лаборатория, εργαστήριο, logo, +37255123456"
    await node.publish(adoption(said, id="a"), adoption("something else", id="b"))
    found = ask(node, q=text)
    assert found.understood.get("corrected") == (corrected or None)
    assert ids(found) == ([] if corrected == {} else ["a"])


async def test_a_word_that_some_record_holds_is_not_taken_for_another(node: SmallNode) -> None:
    await node.publish(adoption("Munch museum", id="painter"), adoption("Munich desk", id="city"))
    assert ids(ask(node, q="munch")) == ["painter"]
    assert ids(ask(node, q="munich")) == ["city"]


async def test_one_slip_is_likelier_than_two(node: SmallNode) -> None:
    await node.publish(adoption("incubatora", id="near"), adoption("incubatrice", id="far"))
    found = ask(node, q="incubatorx")
    assert (ids(found), found.understood["corrected"]) == (["near"], {"incubatorx": ["incubatora"]})


async def test_what_is_as_near_is_all_meant(node: SmallNode) -> None:
    await node.publish(adoption("bonn", id="a"), adoption("born", id="b"))
    found = ask(node, q="boxn")
    assert (set(ids(found)), found.understood["corrected"]) == ({"a", "b"}, {"boxn": ["bonn", "born"]})


async def test_a_correction_that_leads_nowhere_is_not_told(node: SmallNode) -> None:
    await node.publish(adoption("munich", id="a"), adoption("tartu", id="b"))
    assert "corrected" not in ask(node, q="munch tartu").understood


HOSTILE = [
    pytest.param('"', id="a quote"),
    pytest.param('room" OR "', id="quotes"),
    pytest.param("room'; DROP TABLE records; --", id="SQL"),
    pytest.param("room AND NOT OR NEAR(room, 2)", id="operators"),
    pytest.param("heading:room", id="a column"),
    pytest.param("^room* + -room (room)", id="FTS5 signs"),
    pytest.param("room\x00room", id="NUL"),
    pytest.param("👍 room 👍🏽", id="emoji"),
    pytest.param("👍", id="nothing but an emoji"),
    pytest.param("", id="nothing"),
    pytest.param(" \t\n", id="white space"),
    pytest.param("x" * 200, id="as long as may be"),
    pytest.param("x" * 201, id="too long"),
    pytest.param("a " * 100, id="a hundred words"),
    pytest.param("香" * 200, id="two hundred words of one letter"),
    pytest.param("\ud800 room", id="a lone surrogate"),
    pytest.param("²½ ª", id="numbers that are none to SQLite"),
    pytest.param("\U0001e922\U0001e923", id="letters newer than SQLite's"),
    pytest.param("\U0010fffe" * 5, id="characters that are none"),
    pytest.param("_", id="an underscore"),
    pytest.param("\u0301\u0308", id="accents alone"),
    pytest.param("\u200b\u200broom", id="what nobody sees"),
    pytest.param("%ff%00", id="escapes"),
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_search_is_an_answer_or_an_input_error(node: SmallNode, text: str) -> None:
    await node.publish(adoption("room", id="a"), adoption("secret room", id="b", visibility="local"))
    try:
        found = ask(node, q=text, explain="true", facets="true")
    except InputError as error:
        assert error.field == "q"
    else:
        assert set(ids(found)) <= {"a"}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_any_text_may_be_searched_for(node: SmallNode, text: str) -> None:
    for field in ("q", "organisation"):
        try:
            assert ids(ask(node, **{field: text})) == []
        except InputError as error:
            assert error.field == field


@settings(max_examples=300)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12))
def test_a_word_is_spelled_as_the_index_spells_it(text: str) -> None:
    spelled = words.plain(text)
    assert words.plain(spelled) == spelled


async def test_the_reasons_name_what_was_found_where(node: SmallNode) -> None:
    others = (venue(f"v{number}") for number in range(5))
    await node.publish(organisation("Tartu Park"), venue("v", name="Munich room", facilities=["whiteboard"]), *others)
    [room] = ask(node, q="munch white", explain="true").records
    assert room["why"]["words"] == [
        {"word": "munch", "found": "munich", "in": "heading", "as": "corrected"},
        {"word": "white", "found": "whiteboard", "in": "text", "as": "beginning"},
    ]
    assert (room["why"]["points"]["heading"], "whole" in room["why"]["points"]) == (3.0, False)
    [room] = ask(node, q="whiteboard", explain="true").records
    assert [word["as"] for word in room["why"]["words"]] == ["whole"]
    assert "why" not in ask(node, q="whiteboard").records[0]
