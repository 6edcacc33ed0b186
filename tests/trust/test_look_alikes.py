"""Which names and websites look alike, and who of two is warned about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.protocol.names import NodeId
from node.trust.look_alikes import Likeness, Named, look_alikes, resembles

FIRST, SECOND = NodeId("first"), NodeId("second")


def others(found: dict[NodeId, Likeness]) -> dict[NodeId, Likeness]:
    """Those that look like another, without those that are warned about for their scripts alone."""
    return {node: likeness for node, likeness in found.items() if likeness.what != "scripts"}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        pytest.param("Lund Park", "LUND PARK", id="capitals"),
        pytest.param("Lund Park", "Lünd Pàrk", id="accents"),
        pytest.param("Łódź Hub", "Lodz Hub", id="a letter that is not taken apart"),
        pytest.param("Lund Park", "Lund-Park!", id="punctuation"),
        pytest.param("Lund Park", "LundPark", id="spaces"),
        pytest.param("Lund Park", "Lund\u200bPark", id="a space that nobody sees"),
        pytest.param("Lund Park", "Park Lund", id="the order of words"),
        pytest.param("Lund Park", "Lund Рark", id="a Cyrillic letter"),
        pytest.param("TAPTY", "ТАРТУ", id="all Cyrillic capitals"),
        pytest.param("NOKIA", "ΝΟΚΙΑ", id="all Greek capitals"),
        pytest.param("Lund Park", "Ｌund Park", id="a wide letter"),
        pytest.param("Lund Park", "Lund\u3164\u115f Park\u1160\uffa0", id="letters that nobody sees"),
        pytest.param("Lund Park", "\u200b" * 60 + "Lund Park", id="spaces of no width before all that is looked at"),
        pytest.param("Lund Park", "L" + "\ufe0f" * 60 + "und Park", id="as many variation selectors"),
        pytest.param("Lund Park", "L" + "\u0301" * 60 + "und Park", id="as many accents"),
        pytest.param("Oulu", "Oսlu", id="an Armenian letter"),
        pytest.param("Åbo", "Ꭺbo", id="a Cherokee letter"),
        pytest.param("Riga Hub", "Rigɑ Hub", id="a phonetic letter"),
        pytest.param("Turku", "Tᴜrkᴜ", id="small capitals"),
        pytest.param("Lund Park", "Iund Park", id="a capital i for an l"),
        pytest.param("Lund Park", "1und Park", id="a digit for a letter"),
        pytest.param("Oslo Hub", "0slo Hub", id="a nought for an o"),
        pytest.param("Malmo", "Malrno", id="r and n for an m"),
        pytest.param("Tartu Science Park", "Tartu Sciense Park", id="one letter of a long name exchanged"),
        pytest.param("Tartu Science Park", "Tartu Scence Park", id="one letter of a long name left out"),
        pytest.param("Tartu Science Park", "Tartu Science Parks", id="one letter added to a long name"),
        pytest.param("Tartu Science Park", "Tartu Sceince Park", id="two letters of a long name swapped"),
    ],
)
def test_names_look_alike(name: str, other: str) -> None:
    assert others(look_alikes([(FIRST, Named(name)), (SECOND, Named(other))])) == {SECOND: Likeness(FIRST, "name")}
    assert others(look_alikes([(FIRST, Named(other)), (SECOND, Named(name))])) == {SECOND: Likeness(FIRST, "name")}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        pytest.param("Lund", "Lind", id="one letter of a short name"),
        pytest.param("Tartu Science Park", "Tartu Sciens Park", id="two letters of a long name"),
        pytest.param("Tartu Science Park", "Lund Science Park", id="another city"),
        pytest.param("香港科技園", "香港科学園", id="another character of a short name"),
        pytest.param("", "", id="no name at all"),
        pytest.param("!?", "--", id="names of punctuation alone"),
    ],
)
def test_names_do_not_look_alike(name: str, other: str) -> None:
    assert look_alikes([(FIRST, Named(name)), (SECOND, Named(other))]) == {}


@pytest.mark.parametrize(
    ("website", "other", "alike"),
    [
        pytest.param("https://lund.example/", "https://lund.example/en/about", True, id="pages of one host"),
        pytest.param("https://lund.example/", "https://www.LUND.example", True, id="www and capitals"),
        pytest.param("https://lund.example/", "https://lund.example:8443/", True, id="a port"),
        pytest.param("https://lund.example/", "https://lund.example./", True, id="a dot at the end"),
        pytest.param("https://lund.example/", "https://Ｌund.example/", True, id="a wide letter"),
        pytest.param("https://lund.example/", "https://park.lund.example/", False, id="a host below it"),
        pytest.param("https://not-given.invalid/", "https://not-given.invalid/", False, id="none given"),
        pytest.param("", "", False, id="nothing"),
        pytest.param("https://[bad/", "https://[bad/", False, id="no URL"),
    ],
)
def test_the_same_website_is_a_likeness(website: str, other: str, alike: bool) -> None:
    found = look_alikes([(FIRST, Named("Lund", website)), (SECOND, Named("Oslo", other))])
    assert found == ({SECOND: Likeness(FIRST, "website")} if alike else {})


def test_a_website_tells_more_than_a_name() -> None:
    named = Named("Lund Park", "https://lund.example/")
    assert look_alikes([(FIRST, named), (SECOND, named)]) == {SECOND: Likeness(FIRST, "website")}


def test_a_newcomer_is_compared_with_everybody_but_itself() -> None:
    known = [(FIRST, Named("Lund Park")), (SECOND, Named("Oslo Hub"))]
    assert resembles(NodeId("new"), Named("Oslo-Hub"), known) == Likeness(SECOND, "name")
    assert resembles(NodeId("new"), Named("Paris Park"), known) is None
    assert resembles(SECOND, Named("Oslo-Hub"), known) is None


@pytest.mark.parametrize(
    ("name", "warned"),
    [
        pytest.param("Gօthenburg", True, id="Latin and Armenian"),
        pytest.param("Ꮃien", True, id="Cherokee and Latin"),
        pytest.param("Kоkkola", True, id="Latin and Cyrillic"),
        pytest.param("Ηράκλειo", True, id="Greek and Latin"),
        pytest.param("Ta\u200brտu Park", True, id="nothing that is seen in between"),
        pytest.param("Łódź Größe Đà Nẵng", False, id="Latin with all its accents"),
        pytest.param("Москва Park", False, id="a word of each"),
        pytest.param("МТС-Hub 4U", False, id="a part of each, and digits"),
        pytest.param("香港Tech園 東京ﾊﾌﾞ 부산ABC 日本々ー", False, id="Chinese, Japanese, Korean with Latin"),
        pytest.param("ＡＢＣパーク Ⅳ º", False, id="wide letters and numbers made of letters"),
        pytest.param("Oʻzbekiston प्रौद्योगिकी پارک\u200cعلم", False, id="modifiers, signs and joiners"),
    ],
)
def test_letters_of_different_scripts_in_one_word_are_warned_about(name: str, warned: bool) -> None:
    found = look_alikes([(FIRST, Named(name))])
    assert found == ({FIRST: Likeness(FIRST, "scripts")} if warned else {})


def test_whom_a_name_looks_like_tells_more_than_its_scripts() -> None:
    known = [(FIRST, Named("Gothenburg Harbour"))]
    assert resembles(SECOND, Named("Gօthenburg Harbоur"), known) == Likeness(FIRST, "name")
    assert resembles(SECOND, Named("Mаlmö"), known) == Likeness(SECOND, "scripts")


ORGANISATIONS = st.lists(st.text("lIi1 Oо0rnm-", max_size=12), max_size=12).map(
    lambda names: [(NodeId(f"n{place}"), Named(name)) for place, name in enumerate(names)]
)


@given(ORGANISATIONS)
def test_whoever_is_warned_about_came_later_than_whom_it_looks_like(organisations: list[tuple[NodeId, Named]]) -> None:
    order = {node: place for place, (node, _) in enumerate(organisations)}
    found = others(look_alikes(organisations))
    assert all(order[likeness.of] < order[node] for node, likeness in found.items())


@given(ORGANISATIONS, st.data())
def test_what_came_later_changes_nothing_for_those_before(
    organisations: list[tuple[NodeId, Named]], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(organisations)))
    before, all_ = look_alikes(organisations[:cut]), look_alikes(organisations)
    assert before == {node: likeness for node, likeness in all_.items() if int(node[1:]) < cut}
