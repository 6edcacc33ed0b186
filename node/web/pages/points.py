"""What a map shows of a question's answer, for `static/map.js`: where each hit is, what it is called, and its page.

Rules:

- it takes the query of `/api/v1/search`, so that a page's address says what its map shows; its order and
  its pages don't matter
- who asks is told what their role may see (see `reader`), out of the budget of their questions
- thousands of points are found and written in one of the threads that answer questions, and not sent again to a
  browser that has them (ETag)

    GET /points?kind=venue&near=Munich
    {"points": [[48137000, 11575000, "venue", "Desk at the river", "/venue/bra1…/v1"], …], "more": false}
"""

import sqlite3
from functools import partial

import orjson

from node.api import answers
from node.api.access import Budget
from node.api.endpoint import JSON, Call
from node.directory.reader import Reader
from node.directory.search import Question, points
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, record_path


class PointPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [Page("/points", show=self._points, budget=Budget.SEARCH)]

    async def _points(self, asked: Asked) -> Answer:
        question = asked.query(Question)
        data, tag = await self._ground.ask(
            asked, partial(_written, reader=self._ground.reader(asked), question=question)
        )
        headers = {"Cache-Control": "private, no-cache", "Vary": "Cookie", "X-Content-Type-Options": "nosniff"}
        return answers.body(Call(asked.request, asked.visitor.caller, question), data, JSON, tag=tag, headers=headers)


def _written(db: sqlite3.Connection, *, reader: Reader, question: Question) -> tuple[bytes, str]:
    """The answer's bytes and their ETag."""
    found = points(db, reader, question)
    told = [
        (each.latitude, each.longitude, each.kind, each.title, record_path(each.kind, each.author, each.id))
        for each in found.points
    ]
    data = orjson.dumps({"points": told, "more": found.more})
    return data, answers.etag(data)
