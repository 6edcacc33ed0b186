"""The members' API, put together: every endpoint under `/api/v1`, their description, and `/healthz`.

Api(directory, access, photos, operate).attach(app)
"""

from aiohttp import web

from node.api.access import Access
from node.api.description import Description
from node.api.desk import DeskEndpoints
from node.api.directory import Directory
from node.api.importing import ImportEndpoints
from node.api.photos import PhotoEndpoints
from node.api.reading import Reading
from node.api.visits import VisitEndpoints
from node.api.writing import Operate, Writing
from node.errors import BraError
from node.photos.photos import Photos
from node.problem import problem


class Api:
    """The routes. `operate` does an operation of the node's (see `control.operations`) for an operator's token."""

    def __init__(self, directory: Directory, access: Access, photos: Photos, operate: Operate) -> None:
        self._directory = directory
        self._access = access
        reading = Reading(directory)
        writing = Writing(operate, directory)
        self.endpoints = Description(
            [
                *reading.endpoints(),
                *PhotoEndpoints(photos, directory).endpoints(),
                *writing.endpoints(),
                *ImportEndpoints(operate).endpoints(),
                *DeskEndpoints(operate).endpoints(),
                *VisitEndpoints(operate).endpoints(),
            ],
            directory.url,
        ).endpoints

    def attach(self, app: web.Application) -> None:
        self._access.protect(app)
        app.router.add_get("/healthz", self._health)
        for endpoint in self.endpoints:
            app.add_routes(endpoint.routes(self._access))

    async def _health(self, request: web.Request) -> web.Response:
        """200 while the database answers."""
        del request
        try:
            await self._directory.database.read(lambda db: db.execute("SELECT 1").fetchone())
        except BraError:
            return problem(503, "this node can't answer now: try again later")
        return web.json_response({"status": "ok"})
