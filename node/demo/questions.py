"""What the demonstration asks its nodes over HTTP, as anybody could; the answers come with where they are from.

Rules:

- asked is a node that neither wrote the record nor is a partner of who did: the answer was relayed to it
- a question that isn't answered so is a fault of the demonstration, and is told
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import aiohttp

from node.errors import BraError
from node.protocol.names import NodeId

WORDS = "desk munich"


class NotAnswered(BraError):
    """A node didn't answer a question as a converged node does."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A question, and the first venue of its answer."""

    url: str
    found: int
    record: dict[str, Any]

    @property
    def venue(self) -> str:
        return f"{self.record['body']['name']}, {self.record['body']['city']}"

    @property
    def path(self) -> list[str]:
        """The organisations that the venue is known through, its author last."""
        return [str(step["organisation"]) for step in self.record["known"]["path"]]

    def as_json(self) -> dict[str, Any]:
        record = self.record
        return {
            "url": self.url,
            "found": self.found,
            "venue": self.venue,
            "author": record["author"],
            "organisation": record["organisation"],
            "path": self.path,
        }


@dataclass(frozen=True, slots=True)
class View:
    """What one node shows of the network: how many organisations, and the way to each author, the author last."""

    organisations: int
    paths: dict[NodeId, tuple[NodeId, ...]]


async def sample(url: str, author: NodeId) -> Sample:
    """Asks the node at `url` for a desk in Munich; NotAnswered unless a venue of `author` comes back, by relaying."""
    address = f"{url}/api/v1/search?q={quote_plus(WORDS)}"
    records = (await _get(address))["records"]
    venue = next((each for each in records if each["kind"] == "venue"), None)
    if venue is None:
        raise NotAnswered(f"{address} finds no venue, though its node holds every record")
    found = Sample(address, len(records), venue)
    if venue["author"] != author or len(found.path) < 2:
        raise NotAnswered(f"{address} finds a venue of {venue['organisation']} first, or one that was not relayed")
    return found


async def view(url: str) -> View:
    """What the node at `url` shows of the network."""
    records = (await _get(f"{url}/api/v1/organisation?limit=1000"))["records"]
    paths = {
        NodeId(each["author"]): tuple(NodeId(step["author"]) for step in each["known"]["path"]) for each in records
    }
    return View(len(records), paths)


async def _get(address: str) -> Any:
    timeout = aiohttp.ClientTimeout(total=10)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as http, http.get(address) as response:
            answer = await response.json(content_type=None)
            if response.status != 200:
                raise NotAnswered(f"{address} answers {response.status}: {answer.get('detail', '')}")
            return answer
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise NotAnswered(f"{address} can't be asked ({error})") from error
