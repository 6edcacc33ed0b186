"""Operations on passes of this node's own."""

import asyncio
import base64
import sqlite3
from functools import partial
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.directory import views
from node.errors import InputError, Malformed, ProtocolError
from node.protocol import names
from node.protocol.names import format_time
from node.roaming import rendering
from node.roaming.availability import each_day, unasked_days
from node.roaming.passes import Pass, Token
from node.roaming.rendering import Sheet
from node.roaming.visit import Days
from node.sentence import said
from node.storage import authors, passes, records

FORMS = ("pdf", "png", "svg")


class Passing:
    """pass-issue, pass-list, pass-render, pass-revoke."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {
            "pass-issue": self.issue,
            "pass-list": self.list_all,
            "pass-render": self.render,
            "pass-revoke": self.revoke,
        }

    async def issue(self, *, venue: str, days: list[str], person: str, company: str) -> dict[str, Any]:
        """A pass without a visit that was asked for: `venue` as `node id/record id`, `days` the first and the last."""
        try:
            host, id_ = names.parse_node_id(venue.partition("/")[0]), names.parse_record_id(venue.partition("/")[2])
            period = Days.parse(days)
        except Malformed as error:
            raise InputError(f"no pass can be issued for this: {error}") from error

        def issue(db: sqlite3.Connection) -> str:
            author = authors.find(db, host)
            body = records.body(db, author.no, "venue", id_) if author else None
            if body is None:
                raise InputError(f"there is no venue {venue} here: look with 'bra list venue'")
            if host != self._parts.acceptance.me and len(each_day(period)) > unasked_days(body):
                raise InputError(f"{body['name']} has to be asked for these days: ask for a visit ('bra visit ask')")
            visit = base64.b32encode(self._parts.world.random(10)).decode().lower()
            zone = body["time_zone"]
            return self._parts.passes.issue(
                db, host=host, venues=[id_], visit=visit, days=period, zone=zone, name=person, company=company
            )

        token = await self._parts.database.write(issue)
        claims = Token.parse(token).claims
        return {"id": claims.id, "ends": format_time(claims.ends), "token": token}

    async def list_all(self) -> dict[str, Any]:
        """The passes that haven't ended. They name nobody: the visit tells who they are for."""
        found = await self._parts.database.read(passes.everything)
        return {
            "passes": [
                {
                    "id": each.id,
                    "visit": each.visit,
                    "ends": format_time(each.ends),
                    **({"revoked": format_time(each.revoked_at)} if each.revoked_at is not None else {}),
                }
                for each in found
            ]
        }

    async def revoke(self, *, id: str) -> dict[str, Any]:  # noqa: A002
        """Revokes a pass, and publishes that at once; desks know it when the new state has come to them."""
        if not await self._parts.database.write(lambda db: self._parts.passes.revoke(db, ids=[id])):
            raise InputError(f"there is no pass {id[:64]!r} that is good: look with 'bra pass list'")
        await self._parts.passes.publish()
        return {"id": id}

    async def render(self, *, token: str, form: str) -> dict[str, Any]:
        """An own pass as a file's bytes (base64): the code alone as png or svg, or a page as pdf."""
        if form not in FORMS:
            raise InputError(f"a pass is made as {', '.join(FORMS)}, not as {form[:16]!r}")
        token = token.strip()
        sheet = await self._parts.database.read(partial(self._sheet, token=token))
        make = {
            "pdf": partial(rendering.pdf, sheet),
            "png": partial(rendering.png, token),
            "svg": partial(rendering.svg, token),
        }
        return {"data": base64.b64encode(await asyncio.to_thread(make[form])).decode()}

    def _sheet(self, db: sqlite3.Connection, *, token: str) -> Sheet:
        """What is printed with a pass, which has to be this node's own: nobody else's is given its looks."""
        claims = self._own(token)
        host = authors.find(db, claims.host)
        venue = (records.body(db, host.no, "venue", claims.venues[0]) if host else None) or {}
        home = views.organisation_names(db, [claims.issuer]).get(claims.issuer, claims.issuer)
        first, last = claims.days
        place = ", ".join(venue[part] for part in ("address", "city") if part in venue)
        days = first if first == last else f"{first} to {last}"
        return Sheet(token, claims.name, claims.company, days, venue.get("name", ""), place, home)

    def _own(self, token: str) -> Pass:
        name, key = self._parts.node_keys.pass_key
        try:
            read = Token.parse(token)
            if read.kid == name and read.claims.issuer == self._parts.acceptance.me:
                read.check(key.public)
                return read.claims
        except ProtocolError:
            pass
        raise InputError(
            said("this is no pass that this node's key of now has signed: issue a new one ('bra pass issue')")
        )
