"""OpenID Connect's authorisation code: a person logs in at the organisation's provider, and comes back with a code.

Rules (OpenID Connect Core 3.1; RFC 7636, 9207, 9700):

- whoever comes back is who set out: `state`, `nonce` and the verifier (PKCE, S256) are worked out of one secret, which
  that browser alone keeps. So nothing is kept here of logins that nobody ends
- the code is exchanged by this node itself. The ID token has to be for this client alone, signed by the provider, and
  of this very login (`nonce`); what it says of its owner counts as in any other token (`Access.member`)
- at most `AT_ONCE` codes are being exchanged: a crowd that makes them up has the provider asked no more than that

    flow = CodeFlow(provider, oidc, returns="https://node.park.example/login/oidc/callback")
    where = await flow.address(secret)
    claims = await flow.redeem(secret, {"code": "…", "state": "…"})
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import structlog

from node.api.oidc import Provider
from node.config import Oidc
from node.errors import Forged, HomeError, InputError, Unreachable
from node.plain import plain
from node.protocol.names import encode_base64
from node.sentence import said

log = structlog.get_logger()

AT_ONCE = 4
LONGEST_CODE = 4_096
"""Characters."""
_BASIC = "client_secret_basic"
_AGAIN = said("begin it again at this node's page for logging in")


class CodeFlow:
    """Logins at one provider. `returns`: where it sends people back to; HomeError without the client's secret."""

    def __init__(self, provider: Provider, oidc: Oidc, *, returns: str) -> None:
        self._provider = provider
        self._client = oidc.client_id
        self._secret = _read(oidc.client_secret_file) if oidc.client_secret_file else ""
        self._scope = oidc.scope
        self._returns = returns
        self._room = asyncio.Semaphore(AT_ONCE)

    async def address(self, secret: str) -> str:
        """Where a person sets out to; Unreachable where the provider can't be asked. `secret`: 256 bits or more."""
        place = await self._provider.endpoint("authorization_endpoint")
        challenge = hashlib.sha256(_made(secret, "verifier").encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": self._returns,
            "scope": self._scope,
            "state": _made(secret, "state"),
            "nonce": _made(secret, "nonce"),
            "code_challenge": encode_base64(challenge),
            "code_challenge_method": "S256",
        }
        return f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}"

    async def redeem(self, secret: str, came: Mapping[str, str]) -> Mapping[str, Any]:
        """The claims of whoever came back with this query; else Forged, Malformed, InputError or Unreachable.

        `secret`: what this browser set out with; empty where it keeps none.
        """
        # What is made of no secret, everybody can make.
        if not secret or not hmac.compare_digest(came.get("state", "").encode(), _made(secret, "state").encode()):
            raise Forged(said("this login was not begun in this browser, or too long ago: {again}", again=_AGAIN))
        if came.get("iss", self._provider.issuer) != self._provider.issuer:
            raise Forged(said("this login comes from another provider than this node's: {again}", again=_AGAIN))
        if "error" in came:
            error = repr(plain(came["error"], 100))
            raise InputError(said("the organisation's provider says {error}: {again}", error=error, again=_AGAIN))
        code = came.get("code", "")
        if not 1 <= len(code) <= LONGEST_CODE:
            raise InputError(said("the provider sent no code: {again}", again=_AGAIN))
        if self._room.locked():
            raise Unreachable(said("too many people log in just now: try again in a minute"))
        async with self._room:
            return await self._exchange(code, secret)

    async def _exchange(self, code: str, secret: str) -> Mapping[str, Any]:
        place = await self._provider.endpoint("token_endpoint")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._returns,
            "client_id": self._client,
            "code_verifier": _made(secret, "verifier"),
        }
        headers = {}
        if self._secret and self._provider.takes("token_endpoint_auth_methods_supported", _BASIC, unsaid=(_BASIC,)):
            # Each part is form-encoded first (RFC 6749, 2.3.1).
            pair = f"{quote_plus(self._client)}:{quote_plus(self._secret)}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        elif self._secret:
            form["client_secret"] = self._secret
        found = await self._provider.submit(place, form, headers)
        token = found.get("id_token")
        if not isinstance(token, str):
            log.warning("the OpenID provider took no code", problem=plain(str(found.get("error")), 100))
            raise Forged(said("the organisation's provider did not confirm this login: {again}", again=_AGAIN))
        claims = await self._provider.claims(token, self._client)
        meant, nonce = claims["aud"], claims.get("nonce")
        only = meant in (self._client, [self._client])
        if claims.get("azp", self._client if only else None) != self._client:
            raise Forged(said("the provider's token is for another service, too: {again}", again=_AGAIN))
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), _made(secret, "nonce").encode()):
            raise Forged(said("the provider's token is of another login: {again}", again=_AGAIN))
        return claims


def _made(secret: str, what: str) -> str:
    """43 characters that tell nothing of the secret, nor of each other."""
    return encode_base64(hmac.digest(secret.encode(), what.encode(), "sha256"))


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise HomeError(f"{path} can't be read: put the client's secret into it ([oidc] client_secret_file)") from error
