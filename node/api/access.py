"""Who asks, what they may see, and how often: everything about a caller of the members' API in one place.

Rules:

- a token comes as `Authorization: Bearer` alone (RFC 6750). In a URL it would land in logs; a feed's token, which only
  reads that feed, may stand there, because calendar programs can send no header
- without a token one is public. A token that is not good is 401, never quietly public: whoever sent it should know
- a role that is too low is 403, or 401 where no token was sent, and both name the role that is needed
- a cookie is never looked at here: it belongs to the pages (see `web.sessions`), and so no other site's page can have a
  browser ask the API in its user's name
- each token, and each address that asks without one, has budgets of its own; an address that shows bad tokens is soon
  not told any more why they are bad. A good one works beside it: nobody is shut out by a neighbour

    caller = await access.admit(request, Role.DESK, Budget.SEARCH)
    reader = Reader.of(acceptance, caller.visibilities, now)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import aiohttp
from aiohttp import web

from node.api.address import client
from node.api.browsers import Browsers
from node.api.budgets import Budget, Budgets
from node.api.oidc import Provider
from node.api.refusals import Refused
from node.api.role import VISIBLE, Role
from node.api.tokens import PREFIX, Tokens
from node.config import Api, Oidc
from node.errors import InputError, PeerError, ProtocolError
from node.plain import plain
from node.sentence import said
from node.storage.tokens import Token
from node.world import World

__all__ = ["Access", "Budget", "Caller"]

REALM = 'Bearer realm="bra"'
_CALLED = {Budget.READ: said("reads"), Budget.SEARCH: said("searches"), Budget.WRITE: said("writes")}
OF_PROVIDER = "oidc:"
"""What the ids of the provider's people begin with; that of a token has no colon."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `id` names the token, or whom the provider speaks of; both are empty for the public."""

    role: Role
    id: str = ""
    label: str = ""

    @property
    def visibilities(self) -> frozenset[str]:
        """The visibilities of records that it is shown."""
        return VISIBLE[self.role]


_CALLER = web.RequestKey("caller", Caller)
_BUDGET = web.RequestKey("budget", Mapping[str, str])


class Access:
    """Lets callers in. `provider` is the organisation's own, where the configuration names one."""

    def __init__(self, tokens: Tokens, http: aiohttp.ClientSession, *, api: Api, oidc: Oidc, world: World) -> None:
        self.provider: Provider | None = None
        if oidc.issuer:
            self.provider = Provider(http, issuer=oidc.issuer, audience=oidc.audience, world=world)
        self.oidc = oidc
        self._tokens = tokens
        self._trusted = tuple(map(ip_network, api.trusted_proxies))
        self._browsers = Browsers(api.cors_origins)
        self._known = Budgets(
            {Budget.READ: api.reads, Budget.SEARCH: api.searches, Budget.WRITE: api.writes}, world.uptime
        )
        self._addresses = Budgets(
            {
                Budget.READ: api.public_reads,
                Budget.SEARCH: api.public_searches,
                # The public may write nothing: this is how often it is told so.
                Budget.WRITE: api.refused_tokens,
                Budget.REFUSED: api.refused_tokens,
            },
            world.uptime,
        )

    def protect(self, app: web.Application) -> None:
        """Puts the headers for browsers and caches on each answer of the API, and what is left of the budget."""

        async def tell(request: web.Request, response: web.StreamResponse) -> None:
            caller = request.get(_CALLER)
            self._browsers.tell(request, response, public=caller is not None and caller.role is Role.PUBLIC)
            response.headers.update(request.get(_BUDGET, {}))

        app.middlewares.append(self._browsers.middleware())
        app.on_response_prepare.append(tell)

    async def admit(self, request: web.Request, role: Role, budget: Budget, *, feed: bool = False) -> Caller:
        """Who asks, where they may and not too often; Refused with 401, 403, 429 or 503 where not.

        `role`: the least that may ask; `feed`: whether a feed's token in the URL counts here.
        """
        caller = await self.caller(request, feed=feed)
        self.spend(caller, request, budget)
        self.require(caller, role)
        return caller

    async def caller(self, request: web.Request, *, feed: bool = False) -> Caller:
        """Who asks; Refused with 401 for a token that is not good, and 503 where that can't be known now."""
        shown = request.headers.getall("Authorization", [])
        in_url = request.query.getall("token", []) if feed else []
        if not shown and not in_url:
            caller = Caller(Role.PUBLIC)
        elif len(shown) + len(in_url) > 1:
            raise Refused("more than one token was sent: send one", 400)
        else:
            try:
                caller = await (self._subscriber(request, in_url[0]) if in_url else self._bearer(shown[0]))
            except (InputError, ProtocolError) as error:
                raise self.refused(request, str(error)) from error
            except PeerError as error:
                raise Refused(str(error), 503, headers={"Retry-After": "60"}) from error
        request[_CALLER] = caller
        return caller

    async def typed(self, request: web.Request, text: str) -> tuple[Caller, int]:
        """Whose token was typed into a form, and until when it is good; Refused with 401 or 429 where it isn't.

        It is one of this node's own: the provider's people log in there.
        """
        try:
            held = await self._own(text)
        except InputError as error:
            raise self.refused(request, str(error)) from error
        return _bearer_of(held), held.expires

    async def again(self, caller: Caller) -> Caller | None:
        """Who was let in before, as it is now; None where its token is not good any more, or its provider not asked.

        What the provider said of its people is as old as their login; other settings end that (see `web.sessions`).
        """
        if caller.id.startswith(OF_PROVIDER):
            return caller if self.provider is not None else None
        try:
            return _bearer_of(await self._tokens.known(caller.id))
        except InputError:
            return None

    def require(self, caller: Caller, role: Role) -> None:
        """Refused where the caller's role is too low: with 401 where a token could help, with 403 otherwise."""
        if caller.role >= role:
            return
        if caller.role is Role.PUBLIC:
            sentence = said(
                "this needs a token of the role {role}: send it as 'Authorization: Bearer …'", role=role.label
            )
            raise Refused(sentence, 401, headers={"WWW-Authenticate": REALM})
        sentence = said(
            "this needs the role {role}, and your token has {own}: ask the node's operator",
            role=role.label,
            own=caller.role.label,
        )
        raise Refused(sentence, 403, headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope"'})

    def spend(self, caller: Caller, request: web.Request, budget: Budget) -> None:
        """Counts a request; Refused with 429, which says when to go on, where the budget is spent."""
        known = caller.role is not Role.PUBLIC
        budgets, who = (self._known, caller.id) if known else (self._addresses, self._address(request))
        spent = budgets.spend(budget, who)
        request[_BUDGET] = spent.headers()
        if not spent.allowed:
            raise Refused(
                said(
                    "{number} {requests} a minute are enough: try again in {seconds} seconds",
                    number=spent.limit,
                    requests=_CALLED[budget],
                    seconds=spent.resets,
                ),
                429,
            )

    async def _bearer(self, header: str) -> Caller:
        scheme, _, text = header.partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not text:
            raise InputError("a token is sent as 'Authorization: Bearer bra_…': send it so")
        if self.provider is not None and not text.startswith(PREFIX):
            return self.member(await self.provider.claims(text))
        return _bearer_of(await self._own(text))

    async def _own(self, text: str) -> Token:
        held = await self._tokens.find(text)
        if held.feed is not None:
            raise InputError(said("this token is for {feed} alone: put it in that URL, as '?token=…'", feed=held.feed))
        return held

    async def _subscriber(self, request: web.Request, text: str) -> Caller:
        """A calendar program. An ordinary token is refused in a URL, so that nobody gets used to it."""
        held = await self._tokens.find(text)
        if held.feed != request.path or request.method not in ("GET", "HEAD"):
            raise InputError("this token is not for reading this URL: make one with 'bra token create --feed'")
        return _bearer_of(held)

    def member(self, claims: Mapping[str, Any]) -> Caller:
        """Whom the provider speaks of, with the highest role that the configuration gives to what it says."""
        claimed = claims.get(self.oidc.role_claim)
        groups = {each for each in (claimed if isinstance(claimed, list) else [claimed]) if isinstance(each, str)}
        roles = (Role.named(role) for group, role in self.oidc.roles.items() if group in groups)
        subject = str(claims["sub"])
        # Another provider may call somebody else so (OpenID Connect Core, 5.7); no issuer has a fragment.
        person = f"{OF_PROVIDER}{self.oidc.issuer}#{subject}"
        return Caller(max((Role.MEMBER, *roles)), person, plain(subject, 100))

    def refused(self, request: web.Request, sentence: str) -> Refused:
        """What a bad token is answered: 401 and why, or 429 where there were too many."""
        spent = self._addresses.spend(Budget.REFUSED, self._address(request))
        if not spent.allowed:
            request[_BUDGET] = spent.headers()
            sentence = said("too many tokens were refused: try again in {seconds} seconds", seconds=spent.resets)
            return Refused(sentence, 429)
        return Refused(sentence, 401, headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'})

    def _address(self, request: web.Request) -> str:
        return client(request.remote, request.headers.getall("X-Forwarded-For", []), self._trusted)


def _bearer_of(token: Token) -> Caller:
    return Caller(Role.named(token.role), token.id, token.label)
