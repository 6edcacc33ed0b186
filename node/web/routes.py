"""All pages of the node."""

from aiohttp import web

from node.roaming.links import Links
from node.web import assets, documentation
from node.web.visit import VisitPage


def pages(links: Links) -> list[web.RouteDef]:
    return [*assets.routes(), *documentation.routes(), *VisitPage(links).routes()]
