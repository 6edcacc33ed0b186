"""Every page shows each role what it may see and nothing else (`tests.api.test_visibility` says the same of the API).

The addresses come from the site itself, so that a page that is added later is walked, too.
"""

import re
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from node.api.directory import Directory
from node.api.endpoint import PREFIX
from node.api.role import VISIBLE, Role
from node.directory.draft import OWN_ORGANISATION, Change
from node.exports import FORMATS
from node.web.ground import Owner
from tests.kinds.kind_examples import example
from tests.web.served import NAME, Served, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEVELS = ("public", "members", "partners", "local")
NAMED = {
    "venue": "name", "event": "title", "offer": "title", "contact": "role", "practice": "title", "need": "summary",
    "adoption": "by",
}  # fmt: skip
"""Kinds, and the field in which each says "word", and who may see it."""
SHOW_NO_RECORDS = ("/operate/live", "/assets", "/federation", "/healthz", "/.well-known", "/api")
QUERIES = {
    "/search": "q=word",
    "/points": "q=word",
    "/calendar": "month=2027-06",
    "/trip": "near=Tartu&from=2027-06-02&until=2027-06-02",
}
"""What is asked of a page that shows nothing without a question."""
STANDS_IN = {
    "id": (*LEVELS, OWN_ORGANISATION), "kind": (*NAMED, "organisation"), "format": tuple(FORMATS),
    "hash": ("0" * 64,), "secret": ("x" * 43,),
}  # fmt: skip
"""What stands in the places of a page's address, beside the node's own id."""
OF_A_ROLE = ("/operate", "/host", "/visits", "/desk")
"""What begins so is no record's page: there is nothing at any of these addresses but for who may be there at all."""
SHOW_ALL = ("/search", "/points")
"""Pages that show everything that the role may see: so the walk would notice if it saw nothing."""
RECORD, FILE = "/{kind}/{author}/{id}", "/{kind}/{author}/{id}.{format}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A node with a record of each of these kinds for each circle of people."""
    async with served(Path(tmp_path_factory.mktemp("walked"))) as node:
        await node.publish(
            *(
                Change(kind, _body(kind, field, level), id=level, visibility=level)
                for kind, field in NAMED.items()
                for level in LEVELS
            )
        )
        yield node


def _body(kind: str, field: str, level: str) -> dict[str, Any]:
    said: Any = f"word {level}"
    body = example(kind, **{field: {"en": said} if isinstance(example(kind)[field], dict) else said})
    for unnamed in ("name", "consent") if kind == "contact" else ():
        del body[unnamed]
    # Nothing leads from one circle to another.
    return {**body, "venue": level} if kind == "event" else body


class Walked(NamedTuple):
    """A page's pattern and address, and what stands in its places."""

    path: str
    address: str
    places: Mapping[str, str]


def addresses(node: Served) -> Iterator[Walked]:
    """Each page, with all that may stand in its places."""
    there = {**STANDS_IN, "author": (node.id,)}
    for resource in node.site.router.resources():
        about = resource.get_info()
        path = about.get("path") or about.get("formatter", "")
        gets = any(route.method == "GET" for route in resource)
        if not gets or path.startswith((*SHOW_NO_RECORDS, PREFIX)):
            continue
        names = re.findall(r"\{(\w+)\}", path)
        anything = ("x",) if path.startswith(OF_A_ROLE) else ()
        assert anything or there.keys() >= set(names), f"say in STANDS_IN what stands in the places of {path}"
        for values in product(*(there.get(name, anything) for name in names)):
            places = dict(zip(names, values, strict=True))
            address = path.format(**places)
            if not names or about["pattern"].fullmatch(address):
                yield Walked(path, address + (f"?{QUERIES[path]}" if path in QUERIES else ""), places)


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.label)
async def test_no_page_shows_more_than_the_role_may_see(node: Served, role: Role) -> None:
    walked = list(addresses(node))
    assert {each.path for each in walked} >= {*SHOW_ALL, RECORD, FILE}
    for path, address, places in walked:
        response, body = await node.get(address, role)
        assert response.status < 500, address
        seen = {level for level in LEVELS if f"word {level}" in body}
        assert seen <= VISIBLE[role], address
        if path in SHOW_ALL:
            assert seen == VISIBLE[role], address
        if path in (RECORD, FILE) and places["kind"] in NAMED and places["id"] in LEVELS:
            there = places["id"] in VISIBLE[role] and _has_words(places)
            assert response.status == (200 if there else 404), address
            assert path == FILE or not there or places["id"] in seen, address


def _has_words(places: Mapping[str, str]) -> bool:
    """Whether the format that the address asks for, if any, can say this record at all."""
    form = FORMATS.get(places.get("format", ""))
    return form is None or (places["kind"] in form.kinds and not (form.signed and places["id"] == "local"))


async def test_a_page_for_members_asks_others_to_log_in_and_comes_back(node: Served) -> None:
    response, _ = await node.get(f"/why/{node.id}")
    assert (response.status, response.headers["Location"]) == (303, f"/login?next=%2Fwhy%2F{node.id}")
    response, body = await node.get(f"/why/{node.id}", Role.MEMBER)
    assert (response.status, "This is our own organisation." in body) == (200, True)


async def test_a_member_is_not_told_whom_the_operator_has_blocked(node: Served) -> None:
    blocked, unknown = (f"bra1{letter * 32}" for letter in "bu")
    await node.does("block", node=blocked, reason="a rumour")
    told = [await node.get(f"/why/{each}", Role.MEMBER) for each in (blocked, unknown)]
    assert [response.status for response, _ in told] == [404, 404]
    assert len({html.partition("<main")[2].partition("</main>")[0] for _, html in told}) == 1


async def test_an_organisation_that_tells_its_name_to_members_alone_is_named_to_nobody_else(node: Served) -> None:
    own = await node.does("show", kind="organisation", id=OWN_ORGANISATION, author=node.id)
    await node.publish(Change("organisation", own["body"], id=OWN_ORGANISATION, visibility="members"))
    for path in ("/", "/network", "/search?q=word", f"/adoption/{node.id}/public", f"/venue/{node.id}/public", "/nope"):
        assert NAME not in (await node.get(path))[1], path
    assert NAME in (await node.get(f"/adoption/{node.id}/public", Role.MEMBER))[1]
    await node.publish(Change("organisation", own["body"], id=OWN_ORGANISATION, visibility="partners"))
    for path in (f"/why/{node.id}", f"/adoption/{node.id}/public"):
        assert NAME not in (await node.get(path, Role.MEMBER))[1], path
        assert NAME in (await node.get(path, Role.DESK))[1], path


class Renamed(Owner):
    """An organisation whose record changes while its name is read."""

    reads = 0

    def _find(self, db: sqlite3.Connection) -> str:
        self.reads += 1
        found = super()._find(db)
        if self.reads == 1:
            self.forget()
        return found


async def test_a_name_that_changes_while_it_is_read_is_not_kept(node: Served) -> None:
    app = node.app
    owner = Renamed(Directory(app.database, app.acceptance, app.trees, app.world, ""))
    for reads in (1, 2, 2):
        await owner.name()
        assert owner.reads == reads
