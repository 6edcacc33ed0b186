"""The small node that most of these tests work with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.photos.ground import Ground, ground


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground(tmp_path) as found:
        yield found
