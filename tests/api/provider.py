"""A small OpenID provider for tests: real keys, real HTTP, a discovery document, a JWK set; it can lie and be silent.

async with Provider.running() as provider:
    token = provider.token(groups=["bra-desk"])
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import orjson
from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from node.api.oidc import DISCOVERY
from node.world import World

AUDIENCE = "bra-node"
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
        good = {"iss": self.issuer, "aud": AUDIENCE, "sub": "mari", "iat": int(NOW), "exp": int(NOW) + 3_600}
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
        return {"issuer": self.issuer, "jwks_uri": f"{place}/keys", **self.about}

    async def _keys(self, request: web.Request) -> web.Response:
        return await self._answer(request, {"keys": self.keys})

    async def _answer(self, request: web.Request, document: dict[str, Any]) -> web.Response:
        self.asked.append(request.path)
        await self.gate.wait()
        if self.status == 302:
            raise web.HTTPFound(MOVED)
        return web.json_response({**document, "padding": "x" * self.padding}, status=self.status, headers=self.headers)
