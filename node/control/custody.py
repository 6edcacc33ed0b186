"""The keys of this home: whether it signs for its organisation, how old they are, and who still has the words."""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.directory import word_check
from node.directory.authority import SENTENCES, State
from node.directory.draft import own
from node.directory.word_check import Sample
from node.errors import InputError
from node.protocol.names import format_time


class Custody:
    """authority, keys, resume, words-check, words-had."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {
            "authority": self.authority,
            "keys": self.keys,
            "resume": self.resume,
            "words-check": self.words_check,
            "words-had": self.words_had,
        }

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

    async def keys(self) -> dict[str, Any]:
        """How old each key is, whether a passphrase guards them, and when somebody had the recovery words."""
        encrypted = await asyncio.to_thread(lambda: self._parts.home.needs_passphrase)
        return {"passphrase": encrypted, **await self._parts.database.read(self._keys)}

    async def words_check(self, *, words: Sequence[str]) -> dict[str, Any]:
        """Notes that somebody has the recovery words, if these are the ones that `keys` asks for."""
        sample = await self._parts.database.read(word_check.kept)
        if sample is None:
            raise InputError("this home has never seen its recovery words: check them in a terminal, with 'bra words'")
        if not await asyncio.to_thread(sample.fits, words):
            raise InputError(
                "these are not this node's words at those places: compare them with your sheet, and try again"
            )
        now = self._parts.world.now()
        await self._parts.database.write(lambda db: word_check.note(db, now))
        return {"checked": format_time(now)}

    async def words_had(self, *, sample: str) -> dict[str, Any]:
        """Notes that all words were typed in a terminal (`bra words`), which drew what is asked for from now on."""
        kept, now = Sample.parse(sample), self._parts.world.now()
        await self._parts.database.write(lambda db: word_check.keep(db, kept, now))
        return {"checked": format_time(now)}

    def _keys(self, db: sqlite3.Connection) -> dict[str, Any]:
        card, sample, checked = self._parts.authority.card, word_check.kept(db), word_check.checked(db)
        there = own(db, self._parts.acceptance.me, "node_key")
        return {
            "node_id": card.author,
            "epoch": card.epoch,
            "since": format_time(card.issued),
            "authority": shown(db, self._parts),
            "node_keys": [{"name": each.id, "use": each.body["use"], "since": each.body["since"]} for each in there],
            "words": {
                "places": list(sample.places) if sample else [],
                **({"checked": format_time(checked)} if checked is not None else {}),
            },
        }


def shown(db: sqlite3.Connection, parts: Parts) -> dict[str, Any]:
    state = parts.authority.state(db)
    return {"state": str(state), "sentence": SENTENCES[state]}
