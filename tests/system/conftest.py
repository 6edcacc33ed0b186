"""Nodes for these tests: made in a folder of their own, and ended, each by its own process id, whatever happens."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import nodes
from tests.nodes import Node
from tests.shell import Shell

Make = Callable[..., Node]


@pytest.fixture(scope="session")
def shell() -> Shell:
    return nodes.shell()


def making(folder: Path) -> Iterator[Make]:
    """Makes nodes below `folder` and ends those that still serve."""
    made: list[Node] = []

    def make(name: str, **settings: Any) -> Node:
        node = Node(folder / f"{len(made)}-{name.split(maxsplit=1)[0].lower()}", name, **settings)
        made.append(node)
        return node

    yield make
    for node in made:
        node.kill()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    yield from making(tmp_path)


@pytest.fixture(scope="module")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    yield from making(tmp_path_factory.mktemp("nodes"))
