"""An empty database of the newest schema, made once for all tests of a process: to migrate one for each takes longer
than most of them do.
"""

from functools import cache

from node.storage.database import prepare
from node.storage.transactions import connect


@cache
def prepared() -> bytes:
    """The whole file."""
    connection = connect(":memory:")
    prepare(connection)
    try:
        return connection.serialize()
    finally:
        connection.close()
