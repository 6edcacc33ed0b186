"""Operations on tokens: by whom the members' API may be asked, and as what."""

from typing import Any

from node.api.role import Role
from node.api.tokens import DAY
from node.control.parts import Operation, Parts, Report
from node.protocol.names import format_time
from node.storage.tokens import Token


class Issuing:
    """token-create, token-list, token-revoke."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {"token-create": self.create, "token-list": self.list_all, "token-revoke": self.revoke}

    async def create(self, *, role: str, label: str, lasts: int, feed: str | None = None) -> dict[str, Any]:
        """A token for `lasts` seconds. It is told here once, and kept nowhere; a feed's with the URL it is for."""
        text, made = await self._parts.tokens.create(Role.named(role), label, lasts, feed)
        url = {"url": f"{self._parts.url}{feed}?token={text}"} if feed and self._parts.url else {}
        return {"token": text, **self._shown(made), **url}

    async def list_all(self) -> dict[str, Any]:
        """All tokens, without what they open."""
        return {"tokens": [self._shown(each) for each in self._parts.tokens.listed()]}

    async def revoke(self, *, id: str) -> dict[str, Any]:  # noqa: A002
        return self._shown(await self._parts.tokens.revoke(id))

    def _shown(self, token: Token) -> dict[str, Any]:
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
        }
