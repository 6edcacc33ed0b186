"""Every route that shows records, in every format, shows each role what it may see and nothing else.

The routes come from the API itself, so that one that is added later is walked, too. `tests.web.test_page_visibility`
walks the pages.
"""

from dataclasses import replace

import pytest

from node.api.role import VISIBLE, Role
from node.exports import FORMATS
from tests.api.conftest import Asked
from tests.directory.small_node import organisation

SHOW_NO_RECORDS = ("/openapi.json", "/{kind}/template", "/visits", "/reciprocity")
TESTED_ELSEWHERE = (
    "/photo/{hash}",
    "/visits/{visit}",
    "/visits/{visit}/passes",
    "/visits/{visit}/pack",
    "/venue/{author}/{id}/contacts",
)
"""In test_photo_endpoints and test_visits."""

LEVELS = ("public", "members", "partners", "local")


def addresses(asked: Asked) -> list[tuple[str, str]]:
    """All GET addresses of the API that show records, with the format each comes in."""
    me = asked.node.id
    found = []
    for endpoint in asked.api.endpoints:
        if endpoint.method != "GET" or endpoint.path in (*SHOW_NO_RECORDS, *TESTED_ELSEWHERE):
            continue
        paths = [endpoint.path.replace("{kind}", "adoption").replace("{author}", me)]
        if "{id}" in endpoint.path:
            paths = [path.replace("{id}", level) for path in paths for level in LEVELS]
        assert not any("{" in path for path in paths), f"say here how {endpoint.path} is walked"
        found += [(f"/api/v1{path}", "") for path in paths]
        found += [(f"/api/v1{path}.{extension}", extension) for path in paths for extension in endpoint.formats]
    return found


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.label)
async def test_no_route_and_no_format_shows_more_than_the_role_may_see(asked: Asked, role: Role) -> None:
    walked = addresses(asked)
    assert len(walked) > 3 * len(FORMATS)
    for path, extension in walked:
        response, body = await asked.ask("GET", path, role=role)
        seen = {level for level in LEVELS if f"word {level}".encode() in body}
        assert seen <= VISIBLE[role], path
        of_one = path.rsplit("/", 1)[-1].split(".")[0]
        # What never leaves this node is in no signed state; a format may have no words for this kind.
        proven = {"public", "members", "partners"} if extension == "bundle" else set(LEVELS)
        if extension and "adoption" not in FORMATS[extension].kinds:
            continue
        if path == "/api/v1/search.csv":  # refused: a table has one kind of records
            continue
        wanted = VISIBLE[role] & proven & ({of_one} if of_one in LEVELS else set(LEVELS))
        assert seen == wanted, path
        assert response.status == (200 if wanted else 404), path


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.label)
async def test_counts_and_facets_tell_nothing_of_what_may_not_be_seen(asked: Asked, role: Role) -> None:
    page = await asked.found("/api/v1/search?q=word&facets=true", role)
    assert page["total"] == len(VISIBLE[role])
    for counted in page["facets"].values():
        assert all(each["count"] <= len(VISIBLE[role]) for each in counted), counted


async def test_a_token_goes_with_no_address_but_a_feeds(asked: Asked) -> None:
    token = await asked.token(Role.MEMBER)
    for path in ("/api/v1/search", "/api/v1/adoption", f"/api/v1/adoption/{asked.node.id}/members"):
        response, body = await asked.ask("GET", f"{path}?token={token}")
        assert response.status == 400
        assert b"word members" not in body
        response, body = await asked.ask("GET", f"{path}.csv?token={token}")
        assert response.status == 401


async def test_an_organisation_that_tells_its_name_to_members_alone_is_named_to_nobody_else(asked: Asked) -> None:
    await asked.node.publish(replace(organisation("Nameless Park"), visibility="members"))
    for path in ("/api/v1/adoption", "/api/v1/search?q=word&facets=true", "/api/v1/adoption.csv"):
        _, public = await asked.ask("GET", path)
        _, members = await asked.ask("GET", path, role=Role.MEMBER)
        assert (b"Nameless" in public, b"Nameless" in members) == (False, True), path
