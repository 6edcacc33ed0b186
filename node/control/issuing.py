"""Operations on tokens and sessions: by whom this node may be asked, and as what, and who is logged in at its pages."""

from collections import Counter
from functools import partial
from typing import Any

from node.api.role import Role
from node.api.tokens import DAY
from node.control.parts import Operation, Parts, Report
from node.errors import InputError
from node.protocol.names import format_time
from node.storage import sessions
from node.storage.sessions import Session
from node.storage.tokens import Token


class Issuing:
    """token-create, token-list, token-revoke, feed-create, session-list, session-end."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {
            "token-create": self.create,
            "feed-create": self.create_feed,
            "token-list": self.list_all,
            "token-revoke": self.revoke,
            "session-list": self.list_sessions,
            "session-end": self.end_session,
        }

    async def create(
        self, *, role: str, label: str, lasts: int, feed: str | None = None, link: bool = False
    ) -> dict[str, Any]:
        """A token for `lasts` seconds. It is told here once, and kept nowhere; a feed's with the URL it is for.

        `link`: with the link that logs in at the pages, too, whose fragment no browser sends.
        """
        if link and feed is not None:
            raise InputError("a feed's token logs nobody in: leave out --feed or --link")
        if link and not self._parts.url:
            raise InputError("this node has no url ([node] in config/node.toml) to make a link of: leave out --link")
        text, made = await self._parts.tokens.create(Role.named(role), label, lasts, feed)
        url = {"url": f"{self._parts.url}{feed}?token={text}"} if feed and self._parts.url else {}
        if link:
            url = {"link": f"{self._parts.url}/login#{text}"}
        return {"token": text, **self._shown(made, 0), **url}

    async def create_feed(self, *, feed: str, maker: str, label: str) -> dict[str, Any]:
        """A member's own token for a feed; the one that it had for this feed is over."""
        text, made = await self._parts.tokens.create_own(feed, maker, label)
        return {"token": text, **self._shown(made, 0)}

    async def list_all(self) -> dict[str, Any]:
        """All tokens, without what they open, and how many sessions were begun with each."""
        begun = Counter(each.caller for each in await self._sessions())
        return {"tokens": [self._shown(each, begun[each.id]) for each in self._parts.tokens.listed()]}

    async def revoke(self, *, id: str) -> dict[str, Any]:  # noqa: A002
        """Ends a token, and the sessions that were begun with it."""
        return self._shown(await self._parts.tokens.revoke(id), 0)

    async def list_sessions(self) -> dict[str, Any]:
        """Who is logged in at the pages, the newest first."""
        return {
            "sessions": [
                {
                    "id": each.id,
                    "caller": each.caller,
                    "role": each.role,
                    "label": each.label,
                    "since": format_time(each.created),
                    "until": format_time(each.ends),
                    "used": format_time(each.used_on * DAY)[:10],
                }
                for each in await self._sessions()
            ]
        }

    async def end_session(self, *, id: str) -> dict[str, Any]:  # noqa: A002
        """Logs somebody out."""
        for each in await self._sessions():
            if each.id == id:
                await self._parts.database.write(partial(sessions.end, hash_=each.hash))
                return {"id": each.id, "label": each.label}
        raise InputError("there is no such session: 'bra session list' shows those there are")

    async def _sessions(self) -> list[Session]:
        return await self._parts.database.read(partial(sessions.everything, now=self._parts.world.now()))

    def _shown(self, token: Token, begun: int) -> dict[str, Any]:
        state = "good" if token.good(self._parts.world.now()) else "revoked" if token.revoked_at else "expired"
        return {
            "id": token.id,
            "role": token.role,
            "label": token.label,
            "state": state,
            "created": format_time(token.created),
            "expires": format_time(token.expires),
            **({"used": format_time(token.used_on * DAY)[:10]} if token.used_on is not None else {}),
            **({"feed": token.feed} if token.feed else {}),
            **({"sessions": begun} if begun else {}),
        }
