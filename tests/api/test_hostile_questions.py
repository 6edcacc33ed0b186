"""A thousand questions that nobody honest asks: each is answered, or refused with a sentence, and nothing breaks."""

import random
from urllib.parse import quote_from_bytes

from node.api.role import Role
from node.directory.search import Question
from tests.api.conftest import Asked

NASTY = [
    b"", b" ", b"\0", b"\xff\xfe", b"\xed\xa0\x80",
    b"'", b'"', b"';DROP TABLE records;--", b'" OR ""="', b"NEAR(a b)",
    b"heading:x", b"*", b"a*b*", b"(((", b"-", b"^x", b"\\", b"%", b"%25", b"{}", b"[]", b"null", b"true",
    b"NaN", b"1e999",
    b"-0", b"0x10", b"9" * 300, b"-9" * 30, b"1.5", b"1,2", b"91,181", b"90,180", b"-90,-180", b"0,0", b"nan,nan",
    b"inf,inf", b"180,90,-180,-90", b"-180,-90,180,90", b"0,0,0,0", b"2027-06-02T10:00", b"2027-13-40", b"0000-00-00",
    b"9999-12-31T23:59:59Z", b"2027-06-02T10:00+99:99", b"now", "Łódź".encode(), "香港".encode(), "ﷺ".encode() * 60,
    "\u202eevil".encode(), "e\u0301".encode() * 90, b"x" * 250, b"x " * 120, b",".join([b"a"] * 300), b"<script>",
    b"\r\nSet-Cookie: a=b", b"../../etc/passwd", b"bra1" + b"a" * 32, b"EE", b"ee,DE", b"venue", b"dance",
    b"en", b"de-CH-1996",
]  # fmt: skip
PARAMETERS = [
    *(field.alias or name for name, field in Question.model_fields.items()),
    "token",
    "format",
    "",
    "q[]",
    "Q",
]


async def test_a_thousand_hostile_questions_are_answered_or_refused(asked: Asked) -> None:
    draw = random.Random(5)
    statuses: dict[int, int] = {}
    for _ in range(1_000):
        chosen = draw.sample(PARAMETERS, draw.randint(1, 3))
        pairs = [
            f"{name}={quote_from_bytes(draw.choice(NASTY))}" for name in chosen for _ in range(draw.choice((1, 1, 2)))
        ]
        where = draw.choice(("search", "venue", "search.json", "event.ics", "search.csv", "contact"))
        path = f"/api/v1/{where}?{'&'.join(pairs)}"
        response, body = await asked.ask("GET", path, role=draw.choice((Role.PUBLIC, Role.OPERATOR)))
        statuses[response.status] = statuses.get(response.status, 0) + 1
        assert response.status in (200, 400, 401), (path, response.status, body[:300])
        assert "Set-Cookie" not in response.headers, path
        if response.status != 200:
            sentence = (await response.json(content_type=None))["detail"]
            assert 10 < len(sentence) < 2_000, (path, sentence)
    assert statuses[200] > 10, statuses
    assert statuses[400] > 300, statuses
