"""All that a node answers to people and their programs: the members' API, and the pages.

attach(app, directory, tokens, photos, links, operate, http, api=config.api, oidc=config.oidc)
"""

import aiohttp
from aiohttp import web

from node.api.access import Access
from node.api.directory import Directory
from node.api.routes import Api
from node.api.tokens import Tokens
from node.api.writing import Operate
from node.config import Api as ApiSettings
from node.config import Oidc
from node.photos.photos import Photos
from node.roaming.links import Links
from node.web import routes
from node.web.ground import Ground, Owner
from node.web.sessions import Sessions


def attach(
    app: web.Application, directory: Directory, tokens: Tokens, photos: Photos, links: Links, operate: Operate,
    http: aiohttp.ClientSession, *, api: ApiSettings, oidc: Oidc,
) -> Owner:  # fmt: skip
    """Puts all of it on `app`; who owns the node, to be told when own records change."""
    access = Access(tokens, http, api=api, oidc=oidc, world=directory.world)
    owner = Owner(directory)
    sessions = Sessions(access, directory.database, directory.world, secure=directory.url.startswith("https:"))
    sessions.protect(app)
    served = Api(directory, access, photos, operate)
    served.attach(app)
    # The pages come last: those of records begin with any kind.
    routes.attach(app, Ground(directory, photos, operate, served.endpoints), access, sessions, owner, links)
    return owner
