"""A member's own address of a feed: for calendars and readers, which can't log in.

Rules:

- the address opens this one feed, with what members see of it (see `api.tokens`), and ends the one that its maker had
- it is shown in the answer to the form and nowhere else: it isn't kept, so no other page could show it
"""

from urllib.parse import parse_qsl

from node.api.endpoint import PREFIX, parse_query
from node.api.refusals import Refused
from node.api.role import Role
from node.directory.search import Question
from node.exports import FORMATS
from node.sentence import said
from node.web import asking
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View

FEEDS = frozenset(("event.ics", *(f"search.{extension}" for extension in FORMATS)))


class FeedPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [Page("/feeds", do=self._make, role=Role.MEMBER)]

    async def _make(self, asked: Asked) -> Answer:
        feed, caller = asked.form.get("feed", ""), asked.visitor.caller
        if feed not in FEEDS:
            raise Refused(said("there is no such feed: choose one of those that the page offers"), 400)
        question = parse_query(Question, _fields(asked.form.get("query", "")))
        asked_for = {"feed": f"{PREFIX}/{feed}", "maker": caller.id, "label": caller.label or caller.id}
        made = await self._ground.operate("feed-create", asked_for)
        address = feed_address(self._ground, asked, feed, question, made["token"])
        return View("feed.html", {"address": address, "expires": made["expires"]})


def feed_address(ground: Ground, asked: Asked, feed: str, question: Question, token: str = "") -> str:
    """Where programs fetch a feed: a whole address."""
    own = ground.directory.url or asked.origin
    return own + asking.address(f"{PREFIX}/{feed}", question, {"token": token} if token else None)


def _fields(query: str) -> dict[str, list[str]]:
    """What a query says, but what no question can ask."""
    pairs = parse_qsl(query)
    names = {field.alias or name for name, field in Question.model_fields.items()}
    return {name: [value] for name, value in pairs if name in names}
