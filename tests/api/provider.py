"""A small OpenID provider for tests: real keys, real HTTP, a discovery document, a JWK set; it can lie and be silent.

Whoever is sent to it to log in is let in at once, as `person`, and sent back with a code that is good once.

    async with Provider.running() as provider:
        token = provider.token(groups=["bra-desk"])

Started as a program, it serves until it is ended, and prints its issuer first.
"""

import asyncio
import base64
import hashlib
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import unquote_plus, urlencode

import orjson
from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from node.api.oidc import DISCOVERY
from node.world import World

AUDIENCE = "bra-node"
CLIENT = "bra pages"
SECRET = "a secret: with+signs"
MOVED = "/moved"
NOW = 1_800_000_000.0

RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")
OKP = OKPKey.generate_key("Ed25519")
STRANGERS = RSAKey.generate_key(2048)
ALGORITHMS = {"RS256": ("rsa", RSA), "ES256": ("ec", EC), "Ed25519": ("okp", OKP)}


class Time:
    """A clock and an uptime that go on when the test says so."""

    def __init__(self) -> None:
        self.passed = 1_000.0

    def pass_by(self, seconds: float) -> None:
        self.passed += seconds

    def world(self) -> World:
        return World(now=lambda: NOW - 1_000.0 + self.passed, uptime=lambda: self.passed)


def jwk(key: RSAKey | ECKey | OKPKey, kid: str, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, **more}


def signed(header: Mapping[str, Any], claims: bytes, key: Any) -> str:
    """A token of any header, signed as `alg` says, without anybody's second thoughts."""
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    return jws.serialize_compact(dict(header), claims, key, registry=registry)


class Provider:
    """One provider. `keys`: its JWK set; `about`: what stands in its discovery document instead of the truth."""

    def __init__(self) -> None:
        self.issuer = ""
        self.keys: list[Any] = [jwk(key, kid, use="sig", alg=alg) for alg, (kid, key) in ALGORITHMS.items()]
        self.about: dict[str, Any] = {}
        self.asked: list[str] = []
        self.keys_at = "127.0.0.1"
        self.status = 200
        self.padding = 0
        self.headers: dict[str, str] = {}
        self.now = NOW
        self.person: dict[str, Any] = {"sub": "mari"}
        """What is said of whoever logs in; a claim that is None is left out, one that the truth has is overwritten."""
        self.secret = SECRET
        self.codes: dict[str, dict[str, str]] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Self]:
        provider = cls()
        app = web.Application()
        app.add_routes(
            [
                web.get(DISCOVERY, provider._discovery),
                web.get(MOVED, provider._moved),
                web.get("/keys", provider._keys),
                web.get("/authorize", provider._authorize),
                web.post("/token", provider._token),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        await web.TCPSite(runner, "127.0.0.2", port).start()
        provider.issuer = f"http://127.0.0.1:{port}"
        try:
            yield provider
        finally:
            await runner.cleanup()

    def claims(self, **others: Any) -> dict[str, Any]:
        """Those of a good token; a claim that is None is left out."""
        now = int(self.now)
        good = {"iss": self.issuer, "aud": AUDIENCE, "sub": "mari", "iat": now, "exp": now + 3_600}
        return {name: value for name, value in {**good, **others}.items() if value is not None}

    def token(self, algorithm: str = "RS256", **claims: Any) -> str:
        kid, key = ALGORITHMS[algorithm]
        return signed({"alg": algorithm, "kid": kid, "typ": "JWT"}, orjson.dumps(self.claims(**claims)), key)

    async def _discovery(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._about())

    async def _moved(self, request: web.Request) -> web.Response:
        """The truth, at an address that a redirect names."""
        self.asked.append(request.path)
        return web.json_response(self._about())

    def _about(self) -> dict[str, Any]:
        place = self.issuer.replace("127.0.0.1", self.keys_at)
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{place}/keys",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            **self.about,
        }

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == ("code", CLIENT, "S256")
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        raise web.HTTPFound(f"{asked['redirect_uri']}?{back}")

    async def _token(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        await self.gate.wait()
        if self.status != 200:
            return web.Response(status=self.status)
        form = {name: str(value) for name, value in (await request.post()).items()}
        if self._client(request, form) != (CLIENT, self.secret):
            return web.json_response({"error": "invalid_client"}, status=401)
        asked = self.codes.pop(form["code"], None)
        made = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if asked is None or (asked["code_challenge"], asked["redirect_uri"]) != (made, form["redirect_uri"]):
            return web.json_response({"error": "invalid_grant"}, status=400)
        claims = {"aud": CLIENT, "nonce": asked["nonce"], **self.person}
        said = {"access_token": "a", "token_type": "Bearer", "id_token": self.token(**claims)}
        return web.json_response(said, headers=self.headers)

    def _client(self, request: web.Request, form: Mapping[str, str]) -> tuple[str, str]:
        """Who asks for a token, by the way that the discovery document names; the first one where it names none."""
        ways = self.about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if "client_secret_basic" not in ways:
            return form["client_id"], form.get("client_secret", "")
        scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic":
            return form["client_id"], ""
        name, _, secret = base64.b64decode(pair).decode().partition(":")
        return unquote_plus(name), unquote_plus(secret)

    async def _keys(self, request: web.Request) -> web.Response:
        return await self._answer(request, {"keys": self.keys})

    async def _answer(self, request: web.Request, document: dict[str, Any]) -> web.Response:
        self.asked.append(request.path)
        await self.gate.wait()
        if self.status == 302:
            raise web.HTTPFound(MOVED)
        return web.json_response({**document, "padding": "x" * self.padding}, status=self.status, headers=self.headers)


async def main() -> None:
    async with Provider.running() as provider:
        provider.now, provider.person = time.time(), {"sub": "mari", "groups": sys.argv[1:]}
        sys.stdout.write(f"{provider.issuer}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
