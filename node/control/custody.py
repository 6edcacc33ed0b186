"""Whether this home signs for its organisation, and an operator's word that it may."""

import sqlite3
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.directory.authority import SENTENCES, State
from node.errors import InputError


class Custody:
    """authority, resume."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {"authority": self.authority, "resume": self.resume}

    async def authority(self) -> dict[str, Any]:
        """The state of `directory.authority`, and its sentence."""
        return await self._parts.database.read(lambda db: shown(db, self._parts))

    async def resume(self) -> dict[str, Any]:
        """Lets a restored home sign, though no partner could be asked."""
        found = await self.authority()
        if found["state"] not in (State.OPEN, State.RESTORED):
            raise InputError(found["sentence"])
        if found["state"] == State.RESTORED:
            self._parts.authority.resume()
            await self._parts.publisher.beat()
        return {"resumed": found["state"] == State.RESTORED}


def shown(db: sqlite3.Connection, parts: Parts) -> dict[str, Any]:
    state = parts.authority.state(db)
    return {"state": str(state), "sentence": SENTENCES[state]}
