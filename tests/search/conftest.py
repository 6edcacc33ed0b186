"""A small node to ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.directory.small_node import SmallNode


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SmallNode]:
    node = SmallNode(tmp_path)
    yield node
    node.close()
