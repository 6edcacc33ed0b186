"""Two whole nodes in this process, each with a home, a clock of its own, and a server on the loopback."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from node import founding
from node.app import App
from node.control.parts import unreported
from node.founding import Organisation
from node.home import Home
from node.protocol.keys import PrivateKey, root_from_words
from node.world import World
from tests.nodes import free_port


class Side:
    """One operator's node. What it does is done by its operations."""

    def __init__(self, app: App, url: str, words: str, ahead: list[float]) -> None:
        self.app = app
        self.url = url
        self.id = app.acceptance.me
        self._words = words
        self._ahead = ahead

    @property
    def root(self) -> PrivateKey:
        return root_from_words(self._words)

    def pass_by(self, seconds: float) -> None:
        """Moves this node's clock."""
        self._ahead[0] += seconds

    async def does(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return await self.app.operations.run(operation, parameters, unreported)

    async def invite(self) -> str:
        return str((await self.does("invite"))["link"])

    async def confirm(self, other: "Side") -> dict[str, Any]:
        """As its operator does, who is read the words that the other node shows."""
        words = (await self.does("join-show", who=other.id))["words"]
        return await self.does("partner-confirm", node_id=other.id, words=" ".join(words))

    async def waiting(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.does("join-list"))["joins"]
        return found

    async def partners(self) -> list[str]:
        return [each["node_id"] for each in (await self.does("partner-list"))["partners"]]

    async def endorsed(self) -> dict[str, str]:
        """Whom this node endorses, and by what method."""
        found = (await self.does("list", kind="endorsement"))["records"]
        return {each["body"]["node_id"]: each["body"]["method"] for each in found if each["author"] == self.id}

    async def rows(self, table: str) -> list[Any]:
        return await self.app.database.read(lambda db: db.execute(f"SELECT * FROM {table}").fetchall())


Found = Callable[..., Any]


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Found]:
    """Founds a node and serves it until the test ends."""
    async with AsyncExitStack() as stack:

        async def make(name: str, *, url: str | None = None, network: str = "test", website: str | None = None) -> Side:
            port, ahead, short = free_port(), [0.0], name.split(maxsplit=1)[0].lower()
            base = f"http://127.0.0.1:{port}" if url is None else url
            world = World(now=lambda: time.time() + ahead[0])
            home = Home(tmp_path / f"{port}")
            organisation = Organisation(name, "EE", "Tartu", website or f"https://{short}.example/")
            made = await founding.found(home, organisation, url=base, network=network, world=world)
            app = await stack.enter_async_context(App.opened(home, world))
            await stack.enter_async_context(app.serving(port=port))
            return Side(app, base, made.words, ahead)

        yield make


@pytest.fixture
async def lund(found: Found) -> Side:
    """The inviter."""
    return await found("Lund Park")


@pytest.fixture
async def tartu(found: Found) -> Side:
    """The newcomer."""
    return await found("Tartu Forum")


async def until(condition: Callable[[], Any], otherwise: str, deadline: float = 15.0) -> Any:
    """The first true value of a coroutine function; fails with `otherwise` when the deadline passes."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline):
            while True:
                if found := await condition():
                    return found
                await asyncio.sleep(0.02)
    raise AssertionError(otherwise)
