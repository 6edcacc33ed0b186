"""A node that serves its API over real HTTP, and those who ask it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from node.api.access import Access
from node.api.directory import Directory
from node.api.role import Role
from node.api.routes import Api
from node.api.tokens import DAY, Tokens
from node.config import Api as Settings
from node.config import Oidc
from node.config import Photos as PhotoSettings
from node.directory.draft import Change
from node.errors import InputError
from node.photos.photos import Photos
from node.problem import plain_errors
from tests.directory.small_node import SmallNode, adoption, contact_body, organisation

PLENTY = Settings(
    refused_tokens=100_000,
    reads=100_000,
    searches=100_000,
    writes=100_000,
    public_reads=100_000,
    public_searches=100_000,
)


class Asked:
    """A node that serves its API, and a browser that asks."""

    def __init__(self, node: SmallNode, http: aiohttp.ClientSession, settings: Settings = PLENTY) -> None:
        self.node = node
        self.http = http
        self.base = ""
        self.tokens = Tokens(node.database, node.world)
        access = Access(self.tokens, http, api=settings, oidc=Oidc(), world=node.world)
        directory = Directory(node.database, node.acceptance, node.trees, node.world, "")
        photos = Photos(node.database, node.acceptance, _nobody, PhotoSettings(), own_url="", world=node.world)
        self.api = Api(directory, access, photos, self._operate)
        self.shown: dict[Role, str] = {}

    async def _operate(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if name != "publish":
            raise InputError(f"this node can't {name}: it is a small one")
        return asdict(await self.node.publish(*(Change(**each) for each in parameters["changes"])))

    async def token(self, role: Role) -> str:
        """A token of this role; empty for the public."""
        if role is not Role.PUBLIC and role not in self.shown:
            self.shown[role], _ = await self.tokens.create(role, role.label, 30 * DAY)
        return self.shown.get(role, "")

    async def ask(
        self, method: str, path: str, *, role: Role = Role.PUBLIC, headers: Mapping[str, str] | None = None, **body: Any
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        """The answer, whole. `path` is sent as it is."""
        token = await self.token(role)
        told = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        url = URL(self.base + path, encoded=True)
        async with self.http.request(method, url, headers=told, **body) as response:
            return response, await response.read()

    async def get(self, path: str, role: Role = Role.PUBLIC) -> tuple[int, str, Any]:
        """Status, content type and JSON of the answer."""
        response, _ = await self.ask("GET", path, role=role)
        return response.status, response.content_type, await response.json(content_type=None)

    async def found(self, path: str, role: Role = Role.PUBLIC) -> Any:
        status, form, value = await self.get(path, role)
        assert (status, form) == (200, "application/json"), value
        return value

    async def records(self, path: str, role: Role = Role.PUBLIC) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.found(path, role))["records"]
        return found


def _nobody(url: str, node: str) -> NoReturn:
    raise AssertionError(f"nothing here asks {node} at {url}")


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    """A node with an organisation, an adoption of each visibility, and a contact."""
    node = SmallNode(tmp_path)
    await node.publish(
        organisation("Tartu Park"),
        *(
            adoption(f"word {level}", id=level, visibility=level)
            for level in ("public", "members", "partners", "local")
        ),
        Change("contact", contact_body("Landing manager"), id="c"),
    )
    async with aiohttp.ClientSession() as http:
        asked = Asked(node, http)
        app = web.Application(middlewares=[plain_errors])
        asked.api.attach(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        asked.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield asked
        await runner.cleanup()
    node.close()
