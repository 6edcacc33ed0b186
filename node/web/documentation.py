"""The API's page: what it can do, three questions to begin with, and every endpoint to try out, by Swagger UI."""

from html import escape

from aiohttp import web

from node.problem import problem
from node.web import assets
from node.web.assets import PREFIX as ASSETS

PATH = "/api"

_PAGE = (assets.FOLDER / "documentation.html").read_bytes().replace(b"{assets}", ASSETS.encode())


def routes() -> list[web.RouteDef]:
    return [web.get(PATH, _serve)]


async def _serve(request: web.Request) -> web.StreamResponse:
    try:
        origin = request.url.origin()
    except ValueError:
        return problem(400, "the Host header holds no address: call this node by its own")
    # The examples are for copying: they ask where the page came from.
    answer = assets.page(_PAGE.replace(b"{origin}", escape(str(origin)).encode()))
    # Kept for somebody else, it would have them send their tokens to whatever host was asked for here.
    answer.headers["Cache-Control"] = "no-store"
    return answer
