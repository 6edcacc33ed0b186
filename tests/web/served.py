"""A whole node that serves in this process, and browsers that are logged in there with each role.

async with served(folder) as node:
    await node.publish(Change("venue", body, id="desk"))
    response, html = await node.get("/venue/…", Role.MEMBER)
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from node import founding
from node.api.role import Role
from node.api.tokens import DAY
from node.app import App
from node.control.parts import unreported
from node.directory.draft import Change, Outcome
from node.founding import Organisation
from node.home import Home
from node.housekeeping import Housekeeping
from node.world import World
from tests.nodes import free_port

NAME = "Riverside Park"
# Tests ask more often than anybody may by default.
_PATIENT = "".join(f"{name} = 1000000\n" for name in ("reads", "searches", "writes", "public_reads", "public_searches"))


@dataclass
class Served:
    """The node and its address. `get` and `post` ask with a role's browser; nobody is sent on elsewhere."""

    app: App
    site: web.Application
    base: str
    stack: AsyncExitStack
    browsers: dict[Role, aiohttp.ClientSession] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.app.acceptance.me

    async def publish(self, *changes: Change) -> Outcome:
        """Publishes, and waits until it can be found."""
        outcome = await self.app.publisher.publish(changes)
        await self.app.indexer.done()
        return outcome

    async def does(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return await self.app.operations.run(operation, parameters, unreported)

    async def get(self, path: str, role: Role = Role.PUBLIC, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
        """The answer and its text; `headers` with '_' for '-'. A path is sent as it is."""
        http, told = await self._browser(role), {name.replace("_", "-"): value for name, value in headers.items()}
        async with http.get(URL(self.base + path, encoded=True), headers=told, allow_redirects=False) as response:
            return response, (await response.read()).decode(errors="replace")

    async def post(
        self, path: str, form: Mapping[str, str], role: Role = Role.PUBLIC, **headers: str
    ) -> tuple[aiohttp.ClientResponse, str]:
        http = await self._browser(role)
        told = {"Origin": self.base, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with http.post(self.base + path, data=form, headers=told, allow_redirects=False) as response:
            return response, await response.text()

    async def _browser(self, role: Role) -> aiohttp.ClientSession:
        if role not in self.browsers:
            http = aiohttp.ClientSession(
                cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Accept": "text/html,*/*;q=0.8"}
            )
            self.browsers[role] = await self.stack.enter_async_context(http)
            if role is not Role.PUBLIC:
                token, _ = await self.app.parts.tokens.create(role, role.label, 30 * DAY)
                answer, html = await self.post("/login", {"token": token}, role)
                assert answer.status == 303, html
        return self.browsers[role]


@asynccontextmanager
async def served(folder: Path, *, world: World | None = None, url: str | None = None) -> AsyncIterator[Served]:
    """A new node of `NAME` in Tartu, signed; `url`: its own, empty for none."""
    port, home = free_port(), Home(folder / "node")
    base = f"http://127.0.0.1:{port}"
    park = Organisation(NAME, "EE", "Tartu", "https://park.example/", ("et", "en"))
    await founding.found(
        home, park, url=base if url is None else url, network="test", signatory_role="Director", world=world
    )
    text = home.config.read_text()
    home.config.write_text(text.replace("[api]\n", f"[api]\n{_PATIENT}"))
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(App.opened(home, world))
        runner = await stack.enter_async_context(app.answering(Housekeeping()))
        await web.TCPSite(runner, "127.0.0.1", port).start()
        assert runner.app is not None
        yield Served(app, runner.app, base, stack)
