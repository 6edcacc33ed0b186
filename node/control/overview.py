"""Operations that tell an operator how the node is doing: what is left to set up, what waits, what went wrong.

What can be looked up is looked up; only that there is a backup has to be said by somebody (`backup-noted`). Nothing
that is told here holds a secret.
"""

import asyncio
import shutil
import sqlite3
from collections import Counter
from importlib.metadata import version
from typing import Any

from node.control import custody, partnership
from node.control.parts import Operation, Parts, Report
from node.directory import own, word_check
from node.directory.draft import OWN_ORGANISATION
from node.directory.draft import own as shared
from node.errors import BraError
from node.federation import client
from node.federation.client import Client
from node.protocol.blocks import Limits
from node.protocol.names import encode_base64, format_time
from node.roaming.visit import Side, State
from node.storage import authors, backlog, mailbox, messages, meta, partners, records, visits

LATELY = 7 * 86_400
REACH_SECONDS = 3.0
_REACHED_FOR, _UNREACHED_FOR = 300.0, 20.0
"""Seconds for which what this node's own URL answered, or didn't, is told again."""
_BACKUP = "backup_noted"
_WAITING = (State.ASKED, State.REMINDED)

_TOLD = {
    "node": ("network", "url", "host", "port", "security_contact"),
    "trust": ("depth", "vouches_listed", "vouches_honoured", "introductions", "grace_days"),
    "federation": ("outbound_only", "poll_seconds", "beat_hours"),
    "directory": ("kinds",),
    "limits": ("records_per_author", "bytes_per_author", "requests", "connections"),
    "api": ("trusted_proxies", "cors_origins"),
    "oidc": ("issuer",),
    "mail": ("host", "port", "security", "sender"),
    "roaming": ("keep_days",),
    "log": ("level",),
}
"""The settings that are told: none of them is a secret, nor the name of a file that holds one."""


class Overview:
    """backup-noted, health, overview."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._reached: tuple[float, str] | None = None

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {"backup-noted": self.backup_noted, "health": self.health, "overview": self.overview}

    async def overview(self) -> dict[str, Any]:
        """The steps of a first run, each `done` or not, and the numbers that an operator looks at every day."""
        parts = self._parts
        problem, found, room = await asyncio.gather(
            self._reach(), parts.database.read(self._found), asyncio.to_thread(self._room)
        )
        found["steps"]["url"] = {"done": not problem, "problem": problem}
        found["steps"]["mail"] = {"done": bool(parts.config.mail.host)}
        return {**found, **room, "version": version("bra-node"), "chores": self._chores()}

    async def health(self) -> dict[str, Any]:
        """Whether the database answers and how fast, what failed, who is connected, and what the node goes by."""
        parts, began = self._parts, self._parts.world.uptime()
        problem = ""
        try:
            found, backup = await parts.database.read(lambda db: (self._held(db), meta.get(db, _BACKUP)))
        except BraError as error:
            problem, found, backup = str(error), {}, None
        milliseconds = round((parts.world.uptime() - began) * 1000)
        watched = parts.connections
        return {
            "database": {"problem": problem, "milliseconds": milliseconds},
            "held": found,
            "chores": self._chores(),
            "connections": {"open": watched.open if watched else 0, "most": parts.config.limits.connections},
            "settings": {
                f"{section}.{name}": getattr(getattr(parts.config, section), name)
                for section, listed in _TOLD.items()
                for name in listed
            },
            "reach": await self._reach(),
            "version": version("bra-node"),
            "now": format_time(parts.world.now()),
            **({"backup": format_time(int(backup))} if backup else {}),
            **await asyncio.to_thread(self._room),
        }

    async def backup_noted(self) -> dict[str, Any]:
        """Somebody says that a backup was made, and where it is known to be."""
        now = self._parts.world.now()
        await self._parts.database.write(lambda db: meta.put(db, _BACKUP, str(int(now))))
        return {"at": format_time(now)}

    def _found(self, db: sqlite3.Connection) -> dict[str, Any]:
        parts, now = self._parts, self._parts.world.now()
        me, recognised = parts.acceptance.me, parts.acceptance.choices.recognised
        described = [each for each in shared(db, me, "organisation") if each.id == OWN_ORGANISATION]
        kinds = _kinds(db, me)
        met = partnership.shown(db, parts)
        backup, words = meta.get(db, _BACKUP), word_check.checked(db)
        steps: dict[str, dict[str, Any]] = {
            "organisation": {"done": any("description" in each.body for each in described)},
            "agreement": {"done": any(each.body["text_sha256"] in recognised for each in shared(db, me, "agreement"))},
            "url": {},
            "words": {"done": words is not None, **_at(words)},
            "partner": {"done": bool(met)},
            "venue": {"done": bool(kinds["venue"])},
            "contact": {"done": bool(kinds["contact"])},
            "mail": {},
            "backup": {"done": backup is not None, **_at(backup)},
        }
        return {
            "node_id": me,
            "steps": steps,
            "authority": custody.shown(db, parts),
            "partners": dict(Counter(each["state"] for each in met)),
            "backlog": backlog.size(db),
            "refusals": partners.refusals_since(db, now - LATELY),
            "due": len(own.due(db, parts.reader())),
            "visits": len(visits.in_states(db, Side.HOST, _WAITING, now)),
        }

    def _held(self, db: sqlite3.Connection) -> dict[str, Any]:
        everyone = authors.everyone(db)
        waiting = messages.waiting(db)
        return {
            "organisations": len(everyone),
            "records": sum(each.count or 0 for each in everyone),
            "backlog": backlog.size(db),
            "without_body": sum(map(len, records.without_bodies(db).values())),
            "damaged": sum(bool(each.damaged) for each in everyone),
            "messages": sum(each.messages for each in waiting),
            "kept": mailbox.waiting(db),
        }

    def _room(self) -> dict[str, Any]:
        """Bytes: of the database with what waits to be folded into it, and of the disk that it lies on."""
        path = self._parts.home.database
        files = (path, path.with_name(f"{path.name}-wal"))
        disk = shutil.disk_usage(path.parent)
        size = sum(each.stat().st_size for each in files if each.exists())
        return {"disk": {"database": size, "free": disk.free, "total": disk.total}}

    def _chores(self) -> list[dict[str, str]]:
        """What is done again and again, and failed the last time."""
        failed = self._parts.housekeeping.problems if self._parts.housekeeping else {}
        return [{"chore": name, "problem": problem} for name, problem in sorted(failed.items())]

    async def _reach(self) -> str:
        """Why this node can't be reached at its own URL, from where it stands; empty where it can."""
        now = self._parts.world.uptime()
        lasts = _UNREACHED_FOR if self._reached and self._reached[1] else _REACHED_FOR
        if self._reached is None or now - self._reached[0] > lasts:
            self._reached = now, await self._call()
        return self._reached[1]

    async def _call(self) -> str:
        parts = self._parts
        if not parts.url:
            return "no URL is set, so others can't connect to it: set [node] url in config/node.toml"
        nonce = encode_base64(parts.world.random(32))
        try:
            async with asyncio.timeout(REACH_SECONDS), client.session() as http:
                asking = Client(
                    http, parts.url, None, None, world=parts.world, limits=Limits(), request_seconds=REACH_SECONDS
                )
                greeting = await asking.greet(nonce, parts.url)
            greeting.check(parts.acceptance.me, network=parts.network, newest_card=None, nonce=nonce, url=parts.url)
        except TimeoutError:
            return f"nothing answered at {parts.url} within {REACH_SECONDS:.0f} seconds: look at the proxy and the name"
        except BraError as error:
            return str(error)
        return ""


def _kinds(db: sqlite3.Connection, me: str) -> Counter[str]:
    """How many own records there are of each kind."""
    rows = db.execute(
        "SELECT records.kind, count(*) FROM records JOIN authors ON authors.no = records.author "
        "WHERE authors.node_id = ? GROUP BY records.kind",
        (me,),
    )
    return Counter(dict(rows.fetchall()))


def _at(moment: int | str | None) -> dict[str, str]:
    return {} if moment is None else {"at": format_time(int(moment))}
