"""What the tests of the storage stand on."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.storage.database import Database


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The connection of a database with the schema, without its threads."""
    Database(tmp_path / "node.db").close()
    connection = sqlite3.connect(tmp_path / "node.db", isolation_level=None)
    yield connection
    connection.close()
