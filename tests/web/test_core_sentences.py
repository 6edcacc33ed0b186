"""What the core says on a page: in the visitor's language, while the API says the same English as ever."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from babel.messages.extract import extract_from_file

from node.api.access import Access, Caller
from node.api.directory import Directory
from node.api.refusals import Refused
from node.api.role import Role
from node.api.tokens import Tokens
from node.config import Api, Oidc
from node.directory.draft import Change
from node.directory.reader import EVERYTHING
from node.roaming import links, verdicts, visits
from node.roaming.desk import WHY
from node.roaming.visit import CALLED, Event
from node.sentence import Sentence, said
from node.web import assets
from node.web.ground import Ground
from node.web.languages import Language
from node.web.page import Asked, View
from node.web.pages.visiting import VisitingPages
from node.web.rendering import Rendering
from node.web.sessions import Visitor
from node.web.visit import VisitPage
from tests.kinds.kind_examples import example
from tests.roaming.parks import Park, open_both, parks, post, weekday
from tests.web.catalogues import TRANSLATED
from tests.web.forms import hidden
from tests.web.served import Served, served

_ALERT = re.compile(r'<(p|div)([^>]* role="alert"[^>]*)>(.*?)</\1>', re.DOTALL)


def alert(html: str) -> tuple[str, bool]:
    """What a page says is wrong, and whether it says that this is English."""
    found = _ALERT.search(html)
    assert found, html
    return unescape(re.sub(r"<[^>]*>|\s+", " ", found[3])).strip(), 'lang="en"' in found[0]


# --- a language


HINT = said("did you mean {city}?", city="Tartu")
TOLD: dict[str, tuple[str, str, str]] = {
    "a sentence": (said("ask for a new one"), "Fragen Sie einen neuen an", ""),
    "a plain text that the catalogue has": ("ask for a new one", "Fragen Sie einen neuen an", ""),
    "one within another": (said("no city is called {city} here: {hint}", city="X", hint=HINT),
                           "keine Stadt heißt hier X: Meinten Sie Tartu?", ""),
    "a fault of a field": (Sentence("{field}: {fault}", field="near", fault=HINT), "near: Meinten Sie Tartu?", ""),
    "a text of somebody's": (Sentence("{text}", text="ask for a new one"), "ask for a new one", ""),
    "a value that looks like a place": (said("{city} or {other}", city="{other}", other="B"), "{other} oder B", ""),
    "one that no catalogue has": (Sentence("this is {new} here", new="odd"), "this is odd here", "en"),
    "one of which a part is in no catalogue": (said("no city is called {city} here: {hint}", city="X",
                                                   hint=Sentence("look elsewhere")),
                                               "no city is called X here: look elsewhere", "en"),
    "a plain text that no catalogue has": ("the disk is full", "the disk is full", "en"),
    "nothing": ("", "", ""),
}  # fmt: skip


@pytest.mark.parametrize("what", TOLD)
def test_a_language_tells_what_its_catalogue_has_whole_and_the_rest_as_english(what: str) -> None:
    sentence, german, tag = TOLD[what]
    told = Language("de", ("de",)).told(sentence)
    assert (told.text, told.tag) == (german, tag)
    english = Language("en", ("en",)).told(sentence)
    assert (english.text, english.tag) == (sentence, "")


# --- a member who asks for a visit


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[Park, Park]]:
    with parks(tmp_path) as (guest, host):
        await open_both(guest, host)
        yield guest, host


async def asks(guest: Park, venue: str, **typed: str) -> tuple[str, str]:
    """The page on which a German member asks for a visit that can't be; and what the API says of the same."""

    async def operate(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        if name == "visit-ask":
            reader = guest.reader(EVERYTHING)
            return await guest.visits.ask(given["request"], asker=given["asker"], reader=reader, key=given["key"])
        return {"visit-list": {"visits": []}, "visit-rules": {"keep_days": 90}}[name]

    directory = Directory(guest.database, guest.acceptance, guest.trees, guest.world, "")
    ground = Ground(directory, None, operate)  # type: ignore[arg-type] # no page here shows a photo
    [page] = VisitingPages(ground).pages()
    assert page.show is not None and page.do is not None
    author, _, id_ = venue.partition("/")
    request = make_mocked_request("POST", f"/venue/{venue}/visit", match_info={"author": author, "id": id_})
    form = {
        "from": weekday(), "company": "Nordic Sensors", "name1": "Zephyrina", "email1": "zq@sensors.example",
        "purpose": "A customer", "language": "de", "key": "A" * 22, "people": "1", **typed,
    }  # fmt: skip
    visitor = Visitor(Caller(Role.MEMBER, "abcd1234"))
    asked = Asked(request, visitor, Language("de", ("de",)), form=form)
    with pytest.raises(Refused) as refused:
        await page.do(asked)
    again = asked.wrong(refused.value)
    view = await page.show(again)
    assert isinstance(view, View)
    return Rendering().render(again, view.template, {"owner": "", **view.values}), str(refused.value)


async def test_a_german_member_reads_in_german_that_the_day_is_too_far_away(both: tuple[Park, Park]) -> None:
    guest, host = both
    day = weekday(60)
    html, english = await asks(guest, host.place(), **{"from": day})
    assert english.endswith(f" can't be asked for that: {day} is too far away: ask for days within a year")
    told, is_english = alert(html)
    assert (is_english, f"kann dafür nicht angefragt werden: {day} ist zu weit weg" in told) == (False, True)


async def test_a_german_member_reads_in_german_that_the_venue_is_their_own(both: tuple[Park, Park]) -> None:
    guest, _ = both
    html, english = await asks(guest, guest.place())
    assert english == "that is your own venue: visits are asked of others"
    assert alert(html) == ("Das ist Ihr eigener Standort: Besuche werden bei anderen angefragt.", False)


async def test_a_german_member_reads_in_german_that_too_many_visits_are_under_way(
    both: tuple[Park, Park], monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, host = both
    monkeypatch.setattr(visits, "MOST_OF_ASKER", 1)
    await guest.ask(host.place(), asker="abcd1234")
    html, english = await asks(guest, host.place(), **{"from": weekday(3)})
    assert english == "1 visits of yours are under way: cancel some, or wait until they are over"
    told, is_english = alert(html)
    assert (is_english, told.startswith("1 Ihrer Besuche laufen: Sagen Sie einige ab")) == (False, True)


async def test_what_is_wrong_with_a_field_stands_at_it_in_german(both: tuple[Park, Park]) -> None:
    guest, host = both
    html, english = await asks(guest, host.place(), company=" ")
    assert english == "empty text is not the name of the company that comes"
    at_the_field = re.search(r'<small id="company-wrong" class="wrong">([^<]*)</small>', html)
    assert at_the_field, html
    assert at_the_field[1] == "Leerer Text passt nicht, nötig ist: der Name der Firma, die kommt."


# --- a host with a link


async def test_a_hosts_link_that_is_used_twice_says_so_in_estonian(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    await post(guest, host)

    def mint(db: Any) -> str:
        held = host.database.read_now(lambda read: links.stored.find(read, guest.id, visit))
        return links.mint(db, held, host.world.random, host.clock.time)[0]

    secret = await host.database.write(mint)
    async with aiohttp.ClientSession(headers={"Accept-Language": "et"}) as http:
        app = web.Application()
        access = Access(Tokens(host.database, host.world), http, api=Api(), oidc=Oidc(), world=host.world)
        app.add_routes(VisitPage(links.Links(host.visits, host.world), access).routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}{links.PATH}"
        for status, answer in ((200, Event.ACCEPT), (422, Event.DECLINE)):
            async with http.post(f"{base}/{secret}", data={"answer": answer}) as response:
                html = await response.text()
                assert response.status == status
        assert alert(html) == ("See link on juba otsustanud: otsus on allpool.", False)
        async with http.get(f"{base}/{'A' * 43}") as response:
            assert alert(await response.text()) == (
                "See link enam ei kehti või pole terve: kopeerige see tervikuna või küsige sõlme haldurilt.",
                False,
            )
        await runner.cleanup()


# --- a whole node


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(Path(tmp_path_factory.mktemp("sentences"))) as node:
        await node.publish(Change("venue", example("venue"), id="desk"))
        yield node


SEARCHED: dict[str, tuple[str, str, str, str]] = {
    "near a city that is unknown": (
        "fr", "near=Atlantisburg",
        'Aucune ville ne s\'appelle "Atlantisburg" ici : indiquez latitude,longitude, comme 58.38,26.72.',
        'near: no city is called "Atlantisburg" here: give latitude,longitude, such as 58.38,26.72'),
    "for no words": (
        "sv", "q=%21", "Det finns inget att söka efter: ange minst ett ord.",
        "q: there is nothing to search for: give at least one word"),
    "by a distance from nowhere": (
        "lt", "sort=distance", "Atstumas skaičiuojamas nuo kažkur: nurodykite, prie ko, arba rikiuokite kitaip.",
        "sort: a distance is from somewhere: say near what, or sort otherwise"),
    "for a time that is none": (
        "lv", "open_at=noon",
        'Open_at: "noon" nav laiks: rakstiet to kā 2027-06-02T10:00 vai 2027-06-02T10:00+02:00.',
        'open_at: "noon" is not a time: write it like 2027-06-02T10:00, or 2027-06-02T10:00+02:00'),
    "within a radius that is none": (
        "pl", "near=Tartu&radius_km=far",
        'Radius_km: "far" nie pasuje, potrzeba: odległość od `near` w kilometrach, powyżej 0 i do 20040.',
        'radius_km: "far" is not a distance from `near` in kilometres, above 0 and up to 20040'),
}  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("what", SEARCHED)
async def test_a_search_that_cannot_be_is_answered_in_the_pages_language_and_the_api_in_english(
    node: Served, what: str
) -> None:
    tag, query, told, english = SEARCHED[what]
    response, html = await node.get(f"/search?{query}", Accept_Language=tag)
    assert (response.status, alert(html)) == (400, (told, False))
    _, answer = await node.get(f"/api/v1/search?{query}", Accept_Language=tag)
    assert english in answer.replace('\\"', '"')


@pytest.mark.asyncio(loop_scope="module")
async def test_a_wrong_token_is_refused_in_polish(node: Served) -> None:
    _, page = await node.get("/login", Accept_Language="pl")
    form = {**hidden(page, "/login"), "token": "bra_wrong"}
    response, html = await node.post("/login", form, Accept_Language="pl")
    assert response.status == 401
    assert alert(html) == (
        "Ten token nie jest tu znany: proszę skopiować go w całości albo poprosić operatora węzła o token.", False
    )  # fmt: skip
    _, answer = await node.get("/api/v1/venue", Accept_Language="pl", Authorization="Bearer bra_wrong")
    assert "this token is not known here: copy the whole of it, or ask the node's operator for one" in answer


@pytest.mark.asyncio(loop_scope="module")
async def test_a_desks_verdict_is_said_in_its_language_with_scripts_and_without(node: Served) -> None:
    _, page = await node.get("/desk", Role.DESK, Accept_Language="et")
    form = {**hidden(page, "/desk"), "token": "x", "venue": "desk"}
    told = Language("et", ("et",)).gettext(verdicts.NOT_A_PASS)
    response, html = await node.post("/desk", form, Role.DESK, Accept_Language="et")
    assert (response.status, "see pole läbipääs" in told) == (200, True)
    assert f'<p class="sentence" data-is="sentence">S{told[1:]}.</p>' in html
    _, answer = await node.post("/desk/verdict", form, Role.DESK, Accept_Language="et")
    found = json.loads(answer)
    assert (found["verdict"], found["sentence"], "lang" in found) == ("UNKNOWN ISSUER", told, False)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("tag", TRANSLATED)
async def test_the_desks_page_has_a_translation_of_all_that_its_script_says(node: Served, tag: str) -> None:
    core = {str(text) for _, text, *_ in extract_from_file("python", verdicts.__file__, keywords={"said": None})}
    script = (assets.FOLDER / "verdict.js").read_text()
    assert core == set(re.findall(r'said\(\s*"([^"]+)"', script))
    _, page = await node.get("/desk", Role.DESK, Accept_Language=tag)
    held = re.search("data-sentences='([^']*)'", page)
    assert held
    language = Language(tag, (tag,))
    told = {str(each): language.gettext(each) for each in (*core, *WHY.values(), *CALLED.values())}
    assert json.loads(unescape(held[1])) == told
    _, page = await node.get("/desk", Role.DESK, Accept_Language="en")
    assert "data-sentences='{}'" in page
