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
    """A question and the first record of its answer. `path`: the organisations that it is known through, author last."""

    url: str
    found: int
    record: dict[str, Any]

    @property
    def path(self) -> list[str]:
        return [str(step["organisation"]) for step in self.record["known"]["path"]]

    def as_json(self) -> dict[str, Any]:
        record = self.record
        return {
            "url": self.url,
            "found": self.found,
            "kind": record["kind"],
            "name": record["body"].get("name", ""),
            "city": record["body"].get("city", ""),
            "author": record["author"],
            "organisation": record["organisation"],
            "path": self.path,
        }


@dataclass(frozen=True, slots=True)
class View:
    """What one node shows of the network: how many organisations, and the way to each author, itself last."""

    organisations: int
    paths: dict[NodeId, tuple[NodeId, ...]]

    def farthest(self) -> tuple[NodeId, ...]:
        """The longest way; of several, to whom this node heard of last."""
        return max(reversed(list(self.paths.values())), key=len)


async def sample(url: str, author: NodeId) -> Sample:
    """Asks the node at `url` for a desk in Munich; NotAnswered unless the best answer is `author`'s, by relaying."""
    address = f"{url}/api/v1/search?q={quote_plus(WORDS)}"
    records = (await _get(address))["records"]
    if not records:
        raise NotAnswered(f"{address} finds nothing, though its node holds every record")
    found = Sample(address, len(records), records[0])
    if found.record["author"] != author or len(found.path) < 2:
        raise NotAnswered(f"{address} finds a record of {found.record['organisation']} first, and not by relaying")
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
