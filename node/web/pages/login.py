"""Logging in and out: with a token, or at the organisation's provider.

Rules:

- a token link is `/login#bra_…`: what stands behind the '#' never leaves the browser, so it is in no log and no
  referrer; `login.js` puts it into the form and takes it out of the address. It is sent when somebody presses the
  button: by itself, a link could log one in as somebody else unseen
- a wrong token counts against its address's budget, as at the API; so does a wrong answer of a provider
- after that one goes on at an address of this node, and at no other (`own_path`)
- who set out to the provider has a cookie for ten minutes, which holds all that is known of it (see `api.code_flow`)

    LoginPages(sessions, access, url, world).pages()
"""

import re
from urllib.parse import quote, unquote

from node.api.access import Access
from node.api.code_flow import CodeFlow
from node.api.refusals import Refused
from node.errors import InputError, PeerError, ProtocolError
from node.protocol.names import encode_base64
from node.web.page import Answer, Asked, Page, View, see
from node.web.sessions import Sessions, own_path
from node.world import World

PATH = "/login"
CALLBACK = "/login/oidc/callback"
LONGEST_TOKEN = 200
_COOKIE = "login"
_SETTING_OUT = 600
"""Seconds that a login at the provider may take."""
_SET_OUT = re.compile(r"([A-Za-z0-9_-]{43})([A-Za-z0-9_.~%-]{0,3000})", re.ASCII)


class LoginPages:
    """`url`: the node's own, to which the provider sends people back; InputError where it has none."""

    def __init__(self, sessions: Sessions, access: Access, url: str, world: World) -> None:
        self._sessions = sessions
        self._access = access
        self._world = world
        self._flow: CodeFlow | None = None
        if access.provider is not None and access.oidc.client_id:
            if not url:
                raise InputError("config/node.toml: oidc: client_id needs the url of [node], to come back to: set both")
            self._flow = CodeFlow(access.provider, access.oidc, returns=url + CALLBACK)

    def pages(self) -> list[Page]:
        own = [Page(PATH, show=self._show, do=self._with_token), Page("/logout", do=self._log_out)]
        if self._flow is None:
            return own
        return [*own, Page("/login/oidc", show=self._set_out), Page(CALLBACK, show=self._come_back)]

    async def _show(self, asked: Asked) -> Answer:
        return self._form(asked)

    def _form(self, asked: Asked, wrong: Refused | None = None) -> View:
        if wrong is not None:
            asked = asked.wrong(wrong)
        values = {
            "asked": asked,
            "next": own_path(asked.form.get("next") or asked.request.query.get("next")),
            "by_provider": self._flow is not None,
        }
        kept = {name: value for name, value in wrong.headers.items() if name == "Retry-After"} if wrong else {}
        return View("login.html", values, wrong.status if wrong else 200, headers=kept)

    async def _with_token(self, asked: Asked) -> Answer:
        token = asked.form.get("token", "").strip()[:LONGEST_TOKEN]
        try:
            caller, until = await self._access.typed(asked.request, token)
        except Refused as error:
            return self._form(asked, error)
        await self._sessions.begin(asked.request, caller, until)
        return see(own_path(asked.form.get("next")))

    async def _log_out(self, asked: Asked) -> Answer:
        await self._sessions.end(asked.request)
        return see(PATH)

    async def _set_out(self, asked: Asked) -> Answer:
        assert self._flow is not None
        secret = encode_base64(self._world.random(32))
        try:
            answer = see(await self._flow.address(secret))
        except PeerError as error:
            return self._form(asked, Refused(str(error), 503, headers={"Retry-After": "60"}))
        then = quote(own_path(asked.request.query.get("next")), safe="")
        self._sessions.keep(answer, _COOKIE, secret + (then if len(then) <= 3_000 else ""), _SETTING_OUT)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def _come_back(self, asked: Asked) -> Answer:
        assert self._flow is not None
        kept = _SET_OUT.fullmatch(self._sessions.kept(asked.request, _COOKIE) or "")
        secret, then = kept.groups() if kept else ("", "")
        try:
            claims = await self._flow.redeem(secret, asked.request.query)
        except (InputError, ProtocolError) as error:
            return self._form(asked, self._access.refused(asked.request, str(error)))
        except PeerError as error:
            return self._form(asked, Refused(str(error), 503, headers={"Retry-After": "60"}))
        await self._sessions.begin(asked.request, self._access.member(claims))
        answer = see(own_path(unquote(then)))
        self._sessions.keep(answer, _COOKIE, "", 0)
        return answer
