"""Sheets that were sent to be imported and aren't published yet: each is read, looked at, and published as it was read.

Rules:

- a sheet stays here between its preview and its publication, so that nobody sends it twice and what is published is
  what was looked at. It is held in memory alone: nothing of it is left on a disk, and a node that restarts has
  forgotten it
- one session has one sheet, and all sessions together have `MOST`; each is forgotten after `LASTS`, and its bytes once
  it is published. No session sees another's
- reading and publishing go on by themselves, however often somebody looks; a sheet is read or published once at a time

    sheet = sheets.keep(session, "venue", "rooms.csv", data, source="rooms.csv")
    await sheets.read(sheet)        # returns when it is done, or after a moment
    sheet.result["problems"], sheet.done, sheet.of
"""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import web

from node.api.refusals import Refused
from node.api.writing import Operate
from node.errors import BraError
from node.protocol.names import encode_base64
from node.sentence import said
from node.world import World

log = structlog.get_logger()

MOST = 4
"""Sheets that are held at the same time."""
LASTS = 1_800.0
"""Seconds for which one is held."""
PATIENCE = 1.0
"""Seconds for which whoever sent it waits before they are told how far it is."""


@dataclass(eq=False, slots=True)
class Sheet:
    """One file, and what has come of it. `done` of `of` rows are read; `result` is the operation's (see `control`)."""

    id: str
    session: str
    kind: str
    name: str
    source: str
    data: str
    """The file in base64, as the operation takes it."""
    mapping: dict[str, str] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    problem: str = ""
    done: int = 0
    of: int = 0
    task: "asyncio.Task[None] | None" = None
    """What is done with it just now, or was last."""

    @property
    def busy(self) -> bool:
        return self.task is not None and not self.task.done()

    @property
    def published(self) -> bool:
        return self.result is not None and bool(self.result["published"])


class Sheets:
    """Those of one node."""

    def __init__(self, operate: Operate, world: World) -> None:
        self._operate = operate
        self._world = world
        self._held: dict[str, Sheet] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def keep(self, session: str, kind: str, name: str, data: bytes, source: str) -> Sheet:
        """Holds a file for a session, instead of the one that it sent before; Refused where there is no room."""
        for held in [each for each in self._held.values() if each.session == session and not each.busy]:
            self._forget(held.id)
        if len(self._held) >= MOST:
            raise Refused(said("others import at the moment: try again when they are done, or in half an hour"), 409)
        sheet = Sheet(encode_base64(self._world.random(16)), session, kind, name, source, "")
        self._held[sheet.id] = sheet
        self._timers[sheet.id] = asyncio.get_running_loop().call_later(LASTS, self._forget, sheet.id)
        sheet.data = await asyncio.to_thread(lambda: base64.b64encode(data).decode())
        return sheet

    def find(self, session: str, id_: str) -> Sheet:
        """A session's own sheet; Refused with 404 where it isn't held any more, or never was."""
        sheet = self._held.get(id_)
        if sheet is None or sheet.session != session:
            raise Refused(said("this file is not held here any more: send it again"), 404)
        return sheet

    async def read(self, sheet: Sheet, mapping: Mapping[str, str] | None = None) -> None:
        """Looks what importing it would do, with these headers mapped beside those that are."""
        self._free(sheet)
        sheet.mapping |= mapping or {}
        sheet.result = None
        await self._begin(sheet, {})

    async def publish(self, sheet: Sheet, withdraw: Sequence[str]) -> None:
        """Publishes what was looked at, and withdraws these of the rows that went missing."""
        self._free(sheet)
        if sheet.result is None or sheet.published:
            raise Refused(said("look at the preview first"), 409)
        await self._begin(sheet, {"commit": True, "digest": sheet.result["digest"], "missing": list(withdraw)})

    async def end(self, app: web.Application) -> None:
        """To be called when the node stops: nothing is read any more. What is being published still is, or isn't."""
        del app
        for id_ in list(self._held):
            sheet = self._held[id_]
            self._forget(id_)
            if sheet.task is not None:
                sheet.task.cancel()

    def _free(self, sheet: Sheet) -> None:
        if sheet.busy:
            raise Refused(said("it is still being read: wait until that is done"), 409)

    async def _begin(self, sheet: Sheet, how: Mapping[str, Any]) -> None:
        sheet.problem, sheet.done, sheet.of = "", 0, 0
        sheet.task = asyncio.create_task(self._import(sheet, how))
        await asyncio.wait({sheet.task}, timeout=PATIENCE)

    async def _import(self, sheet: Sheet, how: Mapping[str, Any]) -> None:
        def report(piece: dict[str, Any]) -> None:
            sheet.done, sheet.of = piece["rows"], piece["of"]

        about = {"kind": sheet.kind, "file": sheet.name, "source": sheet.source, "mapping": sheet.mapping}
        try:
            sheet.result = await self._operate("import", {**about, "data": sheet.data, **how}, report=report)
        except BraError as error:
            sheet.problem = str(error)
        except Exception:
            log.exception("import failed", kind=sheet.kind)
            sheet.problem = "this node met an error of its own: its operator finds it in the log"
        if sheet.published:
            sheet.data = ""

    def _forget(self, id_: str) -> None:
        self._held.pop(id_, None)
        if timer := self._timers.pop(id_, None):
            timer.cancel()
