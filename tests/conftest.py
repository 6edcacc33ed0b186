"""Two small nodes that are partners, for whichever test asks for them."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.directory.small_node import SmallNode

# As the program itself does: see `node.cli.main`.
gc.set_threshold(100_000, 50, 100)
# How long an example takes says nothing where three processes share two processors.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def tartu(tmp_path: Path) -> Iterator[SmallNode]:
    node = SmallNode(tmp_path, "tartu")
    yield node
    node.close()


@pytest.fixture
def lund(tmp_path: Path, tartu: SmallNode) -> Iterator[SmallNode]:
    """Another node; the two are partners, and have one clock."""
    node = SmallNode(tmp_path, "lund", clock=tartu.clock)
    tartu.befriend(node)
    node.befriend(tartu)
    yield node
    node.close()
