"""The operator's pages over HTTP: who may ask for them, what they never do, and the stream that tells what changed."""

import asyncio
import re
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from node.api.role import Role
from node.directory.acceptance import Answer
from node.directory.draft import OWN_ORGANISATION, Change
from node.errors import HomeError
from node.federation.reading import read_block
from node.protocol.blocks import Block, Want
from node.protocol.verdicts import Accepted
from node.storage import authors, partners, tokens
from node.web import live
from node.web.pages.operate.partners import PARTNERS
from node.world import World
from tests.directory.small_node import endorsement_body, signatory
from tests.kinds.kind_examples import example
from tests.protocol.builders import NOW, Author
from tests.web.served import Served, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER = "bra1" + "o" * 32
STANDS_IN = {"node": OTHER, "act": "expel", "kind": "venue", "sheet": "x" * 22, "hash": "0" * 64}
PATIENCE = 10.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A node that vouches for somebody."""
    async with served(Path(tmp_path_factory.mktemp("operated"))) as node:
        await node.does("endorse", node=OTHER, method="phone", organisation="Oslo Hub")
        yield node


def addresses(node: Served) -> dict[str, set[str]]:
    """The methods of each of the operator's addresses, with something that fits in its places."""
    found: dict[str, set[str]] = {}
    for resource in node.site.router.resources():
        about = resource.get_info()
        path = about.get("path") or about["formatter"]
        if path.startswith("/operate"):
            found[path.format_map(defaultdict(lambda: "x", STANDS_IN))] = {route.method for route in resource}
    return found


async def csrf(node: Served, role: Role = Role.OPERATOR) -> str:
    if role is Role.PUBLIC:
        return ""
    _, html = await node.get("/", role)
    found = re.search('name="csrf" value="([^"]+)"', html)
    assert found
    return found[1]


@pytest.mark.parametrize("role", [Role.PUBLIC, Role.MEMBER, Role.DESK], ids=lambda role: role.label)
async def test_nobody_but_an_operator_sees_or_does_anything_here(node: Served, role: Role) -> None:
    walked = addresses(node)
    assert len(walked) > 12
    for path, methods in walked.items():
        if "GET" in methods:
            response, html = await node.get(path, role)
            assert response.status == (303 if role is Role.PUBLIC else 403), path
            assert "Oslo" not in html
        if "POST" in methods:
            form = {"csrf": await csrf(node, role), "name": "Oslo Hub", "reason": "None", "what": "endorse"}
            response, _ = await node.post(path, {**form, "method": "phone"}, role)
            # Who isn't logged in is asked to.
            assert response.status == (303 if role is Role.PUBLIC else 403), path
            assert response.headers.get("Location", "/login").startswith("/login"), path


async def test_each_page_is_there_for_an_operator(node: Served) -> None:
    for path, methods in addresses(node).items():
        # Of a thing that isn't there, there is no page.
        if "GET" in methods and path != "/operate/live" and not re.search("/x|/0", path):
            response, _ = await node.get(path, Role.OPERATOR)
            assert response.status == 200, path
            assert response.headers["Cache-Control"] == "no-store", path


async def test_a_first_step_is_done_when_it_is(node: Served) -> None:
    async def done() -> set[str]:
        return {name for name, step in (await node.does("overview"))["steps"].items() if step["done"]}

    assert await done() == {"agreement", "url"}
    organisation = {
        "name": "Tartu Science Park", "roles": ["science_park"], "city": "Tartu", "country": "EE",
        "website": "https://park.example/", "languages": ["et"], "description": {"en": "A park by the river."},
    }  # fmt: skip
    await node.publish(
        Change("organisation", organisation, id=OWN_ORGANISATION),
        Change("venue", example("venue"), id="v"),
        Change("contact", example("contact"), id="c"),
    )
    response, _ = await node.post("/operate", {"csrf": await csrf(node)}, Role.OPERATOR)
    assert response.headers["Location"] == "/operate?done=backup"
    assert await done() == {"agreement", "url", "organisation", "venue", "contact", "backup"}
    _, html = await node.get("/operate", Role.OPERATOR)
    assert "First steps: 6 of 9 done" in html


UNREACHED = {
    "no URL": ("", "no URL is set"),
    "nobody there": ("http://127.0.0.1:1", "can't be reached"),
}


@pytest.mark.parametrize("name", UNREACHED)
async def test_a_node_that_others_can_t_reach_is_told_so(name: str, tmp_path: Path) -> None:
    url, said = UNREACHED[name]
    async with served(tmp_path, url=url) as node:
        step = (await node.does("overview"))["steps"]["url"]
        assert (step["done"], said in step["problem"]) == (False, True), step


REFUSED = {
    "no name": {"reason": "No answer"},
    "the beginning of its name": {"reason": "No answer", "name": "Oslo"},
    "another name": {"reason": "No answer", "name": "Tartu Science Park"},
    "its name, and no reason": {"name": "Oslo Hub", "reason": " "},
}


@pytest.mark.parametrize("name", REFUSED)
async def test_nobody_is_put_out_with(node: Served, name: str) -> None:
    form = {**REFUSED[name], "csrf": await csrf(node)}
    response, html = await node.post(f"{PARTNERS}/{OTHER}/expel", form, Role.OPERATOR)
    assert response.status == 422
    assert 'role="alert"' in html
    assert node.app.acceptance.standing(OTHER).name == "REACHED"


async def test_a_link_is_shown_once_and_kept_nowhere(node: Served) -> None:
    response, html = await node.post(f"{PARTNERS}/invite", {"csrf": await csrf(node), "label": "Riga"}, Role.OPERATOR)
    [secret] = set(re.findall(rf"/join#{node.id}\.([\w-]+)", html))
    assert response.headers["Cache-Control"] == "no-store"
    for path in (f"{PARTNERS}/invite", PARTNERS):
        _, html = await node.get(path, Role.OPERATOR)
        assert secret not in html
    assert "Riga" in html
    [made] = (await node.does("invitation-list"))["invitations"]
    response, _ = await node.post(
        f"{PARTNERS}/invite/cancel", {"csrf": await csrf(node), "id": made["id"]}, Role.OPERATOR
    )
    assert response.status == 303
    assert [each["state"] for each in (await node.does("invitation-list"))["invitations"]] == ["cancelled"]


async def upload(node: Served, card: bytes) -> tuple[aiohttp.ClientResponse, str]:
    form = aiohttp.FormData()
    form.add_field("csrf", await csrf(node))
    form.add_field("card", card, filename="card.json", content_type="application/json")
    http, origin = node.browsers[Role.OPERATOR], {"Origin": node.base}
    async with http.post(f"{node.base}{PARTNERS}/card", data=form, headers=origin, allow_redirects=False) as response:
        return response, await response.text()


async def test_a_card_file_makes_nobody_a_partner_before_what_was_shown_is_confirmed(
    node: Served, tmp_path: Path
) -> None:
    async with served(tmp_path, url="") as other:
        _, card = await other.get(f"{PARTNERS}/card.json", Role.OPERATOR)
    response, _ = await upload(node, card.encode())
    confirm = f"{PARTNERS}/{other.id}/confirm"
    assert (response.status, response.headers["Location"]) == (303, confirm)
    _, html = await node.get(confirm, Role.OPERATOR)
    [shown] = re.findall('name="shown" value="([0-9a-f]{64})"', html)
    assert len(re.findall("<li>[a-z]+</li>", html)) == 8
    answers = {"not heard": {"shown": shown}, "not shown": {"same": "yes"}, "other": {"same": "yes", "shown": "0" * 64}}
    for name, form in answers.items():
        response, _ = await node.post(confirm, {"csrf": await csrf(node), **form}, Role.OPERATOR)
        assert response.status == 422, name
        assert other.id not in node.app.acceptance.partners, name
    form = {"csrf": await csrf(node), "same": "yes", "shown": shown}
    response, _ = await node.post(confirm, form, Role.OPERATOR)
    assert response.headers["Location"] == f"{PARTNERS}/{other.id}?done=confirmed"
    assert other.id in node.app.acceptance.partners
    _, html = await node.get(confirm, Role.OPERATOR)
    assert "is a partner now, and endorsed" in html


NO_CARDS = {"no JSON": b"\x00", "no card": b"{}", "too large": b" " * 300_000}


@pytest.mark.parametrize("name", NO_CARDS)
async def test_no_card_is(node: Served, name: str) -> None:
    await node.get("/operate/keys", Role.OPERATOR)
    response, html = await upload(node, NO_CARDS[name])
    assert response.status in (413, 422)
    assert 'role="alert"' in html


async def test_its_own_card_is_not_taken(node: Served) -> None:
    _, card = await node.get(f"{PARTNERS}/card.json", Role.OPERATOR)
    response, _ = await upload(node, card.encode())
    assert response.status == 422


async def test_the_agreement_is_not_signed_by_a_click_alone(node: Served) -> None:
    for form in ({"role": "Director"}, {"role": " ", "read": "yes"}):
        response, _ = await node.post("/operate/agreement", {"csrf": await csrf(node), **form}, Role.OPERATOR)
        assert response.status == 422, form


async def test_what_if_names_who_is_lost_without_several_and_changes_nothing(node: Served) -> None:
    _, html = await node.get(f"/operate/trust?without={OTHER}", Role.OPERATOR)
    assert "Without Oslo Hub" in html
    assert "Nobody else is lost." in html
    response, _ = await node.get("/operate/trust?" + "&".join([f"without={OTHER}"] * 21), Role.OPERATOR)
    assert response.status == 400
    assert node.app.acceptance.standing(OTHER).name == "REACHED"


async def befriend(node: Served, other: Author) -> None:
    """Makes a partner of somebody who has no node."""

    def add(db: sqlite3.Connection) -> Answer:
        authors.introduce(db, other.card)
        partners.add(db, other.id, None, NOW)
        return node.app.acceptance.recompute(db, NOW)

    node.app.acceptance.replace(await node.app.database.write(add))


async def test_of_many_who_would_be_lost_a_hundred_are_named_and_the_others_counted(tmp_path: Path) -> None:
    oslo = signatory("oslo")
    for number in range(102):
        oslo.put("endorsement", endorsement_body(Author(f"firm {number}").id))
    oslo.commit()
    async with served(tmp_path, world=World(now=lambda: NOW + 60.0)) as node:
        await befriend(node, oslo)
        block = read_block(Want(oslo.id), oslo.block_lines(), node.app.receiver.limits)
        assert isinstance(block, Block)
        assert isinstance(await node.app.receiver.apply(oslo.id, block), Accepted)
        await node.does("endorse", node=oslo.id, method="phone", organisation="Oslo Hub")
        _, html = await node.get(f"/operate/trust?without={oslo.id}", Role.OPERATOR)
    notice = html.partition('<div class="notice bad">')[2].partition("</div>")[0]
    assert "102 organisations become unreachable" in notice
    assert (notice.count("<a "), "and 2 more" in notice) == (100, True)


async def test_only_what_is_no_secret_is_told_of_the_settings(node: Served) -> None:
    _, html = await node.get("/operate/health", Role.OPERATOR)
    told = set(re.findall(r"<dt><code>([\w.]+)</code></dt>", html))
    assert {"node.url", "mail.host"} <= told
    assert not [name for name in told if re.search("secret|password|file|user|token", name)]


class Stream:
    """An operator's page that watches."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def until(self, line: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while (read := (await self.response.content.readline()).decode()) != line:
                assert read, f"the stream ended before {line!r}"

    async def ended(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while await self.response.content.readline():
                pass


async def watch(node: Served) -> Stream:
    await node.get("/operate/keys", Role.OPERATOR)
    response = await node.browsers[Role.OPERATOR].get(f"{node.base}/operate/live")
    assert response.status == 200
    stream = Stream(response)
    await stream.until(":\n")
    return stream


async def test_what_changed_is_told_and_nothing_of_it(node: Served) -> None:
    stream = await watch(node)
    assert stream.response.headers["Content-Type"] == "text/event-stream"
    await node.publish(Change("adoption", example("adoption"), id="new"))
    await stream.until("data: records\n")
    await node.does("block", node=OTHER)
    await stream.until("data: trust\n")
    await node.does("unblock", node=OTHER)
    stream.response.close()


async def test_more_pages_than_may_don_t_watch(node: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST", 1)
    stream = await watch(node)
    response, _ = await node.get("/operate/live", Role.OPERATOR)
    assert response.status == 503
    stream.response.close()
    # Its place is free again when the node notices that it is gone.
    async with asyncio.timeout(PATIENCE):
        while (response := await node.browsers[Role.OPERATOR].get(f"{node.base}/operate/live")).status == 503:
            await asyncio.sleep(0.05)
    response.close()


async def test_a_session_whose_token_is_revoked_hears_nothing_more(tmp_path: Path) -> None:
    async with served(tmp_path) as node:
        stream = await watch(node)
        [token] = await node.app.database.read(tokens.everything)
        await node.app.parts.tokens.revoke(token.id)
        await stream.ended()


async def test_a_stream_of_a_node_that_can_t_look_any_more_ends_and_nothing_else_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path) as node:
        stream = await watch(node)

        async def broken(_: object) -> None:
            raise HomeError("the disk is broken")

        monkeypatch.setattr(node.app.database, "read", broken)
        await node.app.database.write(lambda _: None)
        async with asyncio.timeout(PATIENCE):
            assert b"HTTP" not in await stream.response.content.read()


async def test_a_node_that_stops_ends_the_streams_at_once(tmp_path: Path) -> None:
    async with served(tmp_path) as node:
        stream = await watch(node)
        # What a server that is stopped does first; those who don't end by themselves then hold it up for two seconds.
        await node.site.shutdown()
        async with asyncio.timeout(1):
            await stream.ended()
