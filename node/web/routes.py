"""All pages of the node.

attach(app, ground, access, sessions, owner, links)
"""

from aiohttp import web

from node.api.access import Access
from node.problem import plain_errors
from node.roaming.links import Links
from node.web import assets
from node.web.ground import Ground, Owner
from node.web.live import Live
from node.web.page import Pages
from node.web.pages import operate
from node.web.pages.calendar import CalendarPages
from node.web.pages.choices import ChoicePages
from node.web.pages.crawlers import CrawlerPages
from node.web.pages.desk import DeskPages
from node.web.pages.documentation import DocumentationPages
from node.web.pages.feeds import FeedPages
from node.web.pages.hosting import HostingPages
from node.web.pages.invitation import InvitationPages
from node.web.pages.login import LoginPages
from node.web.pages.network import NetworkPages
from node.web.pages.points import PointPages
from node.web.pages.records import RecordPages
from node.web.pages.search import SearchPages
from node.web.pages.trips import TripPages
from node.web.pages.visiting import VisitingPages
from node.web.pages.visits import VisitsPages
from node.web.sessions import Sessions
from node.web.sheets import Sheets
from node.web.visit import VisitPage


def attach(
    app: web.Application, ground: Ground, access: Access, sessions: Sessions, owner: Owner, links: Links
) -> None:
    """Puts what is served to people on `app`. The pages of records are last: their addresses begin with any kind."""
    app.add_routes([*assets.routes(), *VisitPage(links, access).routes()])
    login = LoginPages(sessions, access, ground.directory.url, ground.directory.world)
    live = Live(ground.directory.database, ground.directory.acceptance, sessions.visitor)
    sheets = Sheets(ground.operate, ground.directory.world)
    app.on_shutdown.extend((live.end, sheets.end))
    nouns: tuple[operate.Noun, ...] = (
        ChoicePages(),
        DocumentationPages(ground.endpoints, ground.directory.world),
        login,
        InvitationPages(),
        SearchPages(ground),
        CalendarPages(ground),
        FeedPages(ground),
        PointPages(ground),
        VisitingPages(ground),
        VisitsPages(ground),
        HostingPages(ground),
        DeskPages(ground),
        TripPages(ground),
        NetworkPages(ground),
        CrawlerPages(ground),
        live,
        *operate.nouns(ground, sheets),
        RecordPages(ground),
    )
    pages = Pages(sessions, access, owner.name, [page for noun in nouns for page in noun.pages()])
    app.add_routes(pages.routes())
    app.middlewares.insert(app.middlewares.index(plain_errors), pages.middleware())
