"""The page behind a link in a letter: a visit that somebody asks for, and the answer to it.

Rules:

- GET shows, whoever asks: mail scanners open every link. POST decides, once; afterwards GET shows what was decided
- there is no account, so there is no session that another site could ride on: whoever can send the POST has the secret
  of the link, and with it the right to decide. That is why there is no token against forged requests
- the secret stands in the address alone: no referrer is sent, nothing is kept by caches, no search engine lists it
- it works without scripts
"""

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from node.errors import BraError, InputError
from node.roaming.links import DECISIONS, PATH, Links, NoLink
from node.roaming.visit import LONGEST_NOTE, Event
from node.web import assets
from node.web.assets import PREFIX as ASSETS

LARGEST_FORM = 16 * 1024
"""Bytes."""
_ROUTE = f"{PATH}/{{secret:[A-Za-z0-9_-]{{1,64}}}}"
_TOLD = {
    "accepted": "Accepted: the guests have been told that they are welcome.",
    "offered-another-date": "Another date was offered: the guests have been told.",
    "declined": "Declined: the guests have been told.",
    "cancelled": "The guests have cancelled this visit.",
    "arrived": "The guests have arrived.",
    "no-show": "Nobody came.",
    "expired": "Nobody answered in time.",
}
_PAGE = (assets.FOLDER / "visit.html").read_text()


class VisitPage:
    """GET and POST of the page."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def routes(self) -> list[web.RouteDef]:
        return [web.get(_ROUTE, self._show), web.post(_ROUTE, self._decide)]

    async def _show(self, request: web.Request) -> web.Response:
        return await self._page(request.match_info["secret"])

    async def _decide(self, request: web.Request) -> web.Response:
        secret = request.match_info["secret"]
        try:
            given = await _form(request)
            event = _answer(given.get("answer", ""))
            days = (given.get("first", ""), given.get("last", "") or given.get("first", ""))
            offered = days if event is Event.PROPOSE else None
            await self._links.decide(secret, event, days=offered, note=given.get("note", "").strip())
        except NoLink:
            return await self._page(secret)
        except InputError as error:
            return await self._page(secret, problem=str(error), status=422)
        raise web.HTTPSeeOther(request.path)

    async def _page(self, secret: str, *, problem: str = "", status: int = 200) -> web.Response:
        try:
            shown = await self._links.look(secret)
        except NoLink as error:
            title, body, status = "No such link", f"<p>{escape(str(error))}</p>", 404
        except BraError:
            title, body, status = "Try again later", "<p>This node can't answer now: try again in a minute.</p>", 503
        else:
            title, body = _title(shown), _body(shown, problem)
        html = _PAGE.format(assets=ASSETS, title=escape(title), body=body)
        answer = assets.page(html.encode(), status=status, forms=True)
        answer.headers.update({"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"})
        return answer


async def _form(request: web.Request) -> Mapping[str, str]:
    """The form's fields; InputError for what no browser sends from this page."""
    if request.content_type != "application/x-www-form-urlencoded" or (request.content_length or 0) > LARGEST_FORM:
        raise InputError("send the form of this page")
    data = bytearray()
    # Nobody has to tell how much there is.
    async for chunk in request.content.iter_chunked(LARGEST_FORM):
        data += chunk
        if len(data) > LARGEST_FORM:
            break
    if len(data) > LARGEST_FORM:
        raise InputError("the note is too long: write less")
    return _fields(bytes(data))


def _answer(text: str) -> Event:
    if text not in DECISIONS:
        raise InputError("choose one of the answers")
    return Event(text)


def _fields(data: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=16))
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError("send the form of this page") from error


def _title(shown: Mapping[str, Any]) -> str:
    return f"{shown['request']['company']} asks to visit: {_days(shown)}"


def _days(shown: Mapping[str, Any]) -> str:
    first, last = shown["days"]
    return first if first == last else f"{first} to {last}"


def _body(shown: Mapping[str, Any], problem: str) -> str:
    request = shown["request"]
    facts = {
        "When": f"{_days(shown)} ({shown['time_zone']})"
        + (f", from {request['arrival']}" if "arrival" in request else ""),
        "Who": ", ".join(each["name"] for each in request["people"]),
        "Company": request["company"],
        "E-mail": ", ".join(each["email"] for each in request["people"] if "email" in each),
        "Language": request["language"],
        "What for": request["purpose"],
    }
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    said = f'<p role="alert" class="problem">{escape(problem[:1].upper() + problem[1:])}.</p>' if problem else ""
    if not shown["waiting"]:
        decided = _TOLD.get(shown["state"], "Nothing is to be answered here now.")
        return f'{said}<p role="status" class="decided">{escape(decided)}</p><dl>{listed}</dl>'
    return f"{said}<dl>{listed}</dl>{_FORMS}"


_NOTE = (
    '<label for="{id}">A word to the guests (not needed)</label>'
    f'<textarea id="{{id}}" name="note" rows="2" maxlength="{LONGEST_NOTE}"></textarea>'
)
_FORMS = (
    '<form method="post"><h2>They are welcome</h2>' + _NOTE.format(id="note-accept") + "<p>"
    '<button name="answer" value="accept">Accept</button></p></form>'
    '<form method="post"><h2>Another date</h2><p><label for="first">From</label> '
    '<input type="date" id="first" name="first" required> <label for="last">until</label> '
    '<input type="date" id="last" name="last"></p>' + _NOTE.format(id="note-propose") + "<p>"
    '<button name="answer" value="propose">Offer this date</button></p></form>'
    '<form method="post"><h2>It can\'t be</h2>' + _NOTE.format(id="note-decline") + "<p>"
    '<button name="answer" value="decline">Decline</button></p></form>'
)
