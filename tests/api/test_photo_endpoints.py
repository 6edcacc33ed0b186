"""Photos by the API: added by operators, shown to whoever may see the venue, in a way that no browser can misread."""

import hashlib
from io import BytesIO
from typing import Any

import pytest

from node.api.role import VISIBLE, Role
from node.directory.draft import Change
from node.photos.reencoding import LARGEST_FILE
from tests.api.conftest import Asked
from tests.nodes import venue
from tests.photos.pictures import encoded, noise, opened, small_jpeg

JPEG = {"Content-Type": "image/jpeg"}


async def added(asked: Asked, visibility: str | None = None) -> str:
    """The path of a photo that a venue of this visibility names; without one, no record does."""
    response, _ = await asked.ask(
        "POST", "/api/v1/photo", role=Role.OPERATOR, headers=JPEG, data=encoded(noise(900, 600))
    )
    assert response.status == 201
    said: dict[str, Any] = await response.json()
    path = f"/api/v1/photo/{said['photo'].removeprefix('sha256:')}"
    assert response.headers["Location"] == path
    if visibility:
        body = {key: value for key, value in venue("desk", photos=[said["photo"]]).items() if key != "ref"}
        asked.node.clock.pass_by(2)
        await asked.node.publish(Change("venue", body, id="desk", visibility=visibility))
    return path


@pytest.mark.parametrize("visibility", ["public", "members", "partners", "local"])
@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.label)
async def test_a_photo_is_shown_to_the_roles_that_may_see_its_venue(asked: Asked, role: Role, visibility: str) -> None:
    path = await added(asked, visibility)
    for query in ("", "?size=preview"):
        response, body = await asked.ask("GET", path + query, role=role)
        if visibility not in VISIBLE[role]:
            assert response.status == 404
            continue
        assert response.status == 200
        shared = (visibility, role) == ("public", Role.PUBLIC)
        assert response.headers["Cache-Control"].startswith("public" if shared else "private")
        assert opened(body).format == "JPEG"


async def test_no_record_names_it_and_only_the_operator_sees_it(asked: Asked) -> None:
    path = await added(asked)
    found = [(await asked.ask("GET", path, role=role))[0].status for role in Role]
    assert found == [404, 404, 404, 200]


async def test_a_photo_comes_with_what_keeps_a_browser_from_misreading_it(asked: Asked) -> None:
    path = await added(asked, "public")
    response, body = await asked.ask("GET", path)
    assert hashlib.sha256(body).hexdigest() == path.rpartition("/")[2]
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["Cache-Control"] == "public, max-age=86400"
    assert response.headers["ETag"] == f'"{path.rpartition("/")[2]}"'


async def test_who_has_it_already_is_sent_nothing(asked: Asked) -> None:
    path = await added(asked, "public")
    whole, _ = await asked.ask("GET", path)
    again, body = await asked.ask("GET", path, headers={"If-None-Match": whole.headers["ETag"]})
    assert (again.status, body) == (304, b"")
    preview, body = await asked.ask("GET", f"{path}?size=preview", headers={"If-None-Match": whole.headers["ETag"]})
    assert (preview.status, bool(body)) == (200, True)


REFUSED = {
    "a member": (Role.MEMBER, JPEG, small_jpeg(), 403),
    "the public": (Role.PUBLIC, JPEG, small_jpeg(), 401),
    "another media type": (Role.OPERATOR, {"Content-Type": "image/svg+xml"}, b"<svg/>", 415),
    "what is no picture": (Role.OPERATOR, JPEG, b"<svg/>", 400),
    "too many bytes": (Role.OPERATOR, JPEG, bytes(LARGEST_FILE + 1), 413),
    "nothing": (Role.OPERATOR, JPEG, b"", 400),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_nothing_is_added_by_or_of(asked: Asked, what: str) -> None:
    role, headers, data, status = REFUSED[what]
    response, body = await asked.ask("POST", "/api/v1/photo", role=role, headers=headers, data=BytesIO(data))
    assert response.status == status, body
    assert response.content_type == "application/problem+json"
    assert asked.node.database.read_now(lambda db: db.execute("SELECT count(*) FROM photos").fetchone()) == (0,)


@pytest.mark.parametrize("name", ["x", "..%2fnode.db", "AB" * 32, "ab" * 33, "sha256:" + "ab" * 32])
async def test_what_is_no_hash_is_refused(asked: Asked, name: str) -> None:
    assert (await asked.get(f"/api/v1/photo/{name}"))[0] in (400, 404)
