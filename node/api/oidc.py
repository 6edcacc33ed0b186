"""OpenID Connect: an organisation's own provider says who its members are, by tokens that it signed.

Rules (OpenID Connect Discovery 1.0):

- the provider's keys come from its discovery document, over https, without redirects, with caps on bytes and time; http
  is for a provider on this very machine
- they are fetched again when they are an hour old, or when a token names one that isn't known, and never more than once
  a minute; however many ask, one question is under way
- while the provider is down, the keys that are known count for a day. A token with another key can't be judged then:
  Unreachable
- people log in there by `code_flow`, which asks the provider through here, so that the same caps hold

    provider = Provider(http, issuer="https://id.park.example", audience="bra-node", world=world)
    claims = await provider.claims(text)
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import structlog

from node.api.jwt import Jwt, KeyName, PublicKey, read_keys
from node.errors import BraError, Forged, InputError, Malformed, Unreachable
from node.sentence import said
from node.world import World

log = structlog.get_logger()

DISCOVERY = "/.well-known/openid-configuration"
FRESH = 3_600.0
"""Seconds after which keys are fetched again."""
KEPT = 86_400.0
"""Seconds for which keys count while the provider doesn't answer."""
PAUSE = 60.0
"""Seconds between two questions."""
SECONDS = 5.0
"""Seconds that one document may take."""
LARGEST = 256 * 1024
"""Bytes of one document."""
_SILENT = said("the organisation's provider doesn't answer now: try again in a minute")


class Provider:
    """One provider: its keys, and what it says of whoever brings a token."""

    def __init__(self, http: aiohttp.ClientSession, *, issuer: str, audience: str, world: World) -> None:
        if not _reachable(issuer, local=True) or not audience:
            raise InputError("config/node.toml: oidc: issuer is an https URL, and audience names this node there")
        self._http = http
        self.issuer = issuer
        self._audience = audience
        self._world = world
        self._about: Mapping[str, Any] = {}
        self._keys: Mapping[KeyName, PublicKey] = {}
        self._fetched = self._asked = float("-inf")
        self._flight: asyncio.Task[None] | None = None

    async def claims(self, text: str, audience: str = "") -> Mapping[str, Any]:
        """What the provider says in a token; Malformed or Forged where it didn't say so, Unreachable if unknown.

        `audience`: for whom it has to be, where that isn't this node as an API.
        """
        token = Jwt.parse(text)
        key = await self._key(token.key)
        return token.believed(key, issuer=self.issuer, audience=audience or self._audience, now=self._world.now())

    async def endpoint(self, name: str) -> str:
        """An address in its discovery document, such as `token_endpoint`; Unreachable where it can't be known."""
        if self._age() >= FRESH and (flight := self._fetch()) and self._age() >= KEPT:
            await asyncio.shield(flight)
        place = self._about.get(name) if self._age() < KEPT else None
        if not isinstance(place, str) or not _reachable(place, local=self._local):
            raise Unreachable(said("nobody can log in at the organisation's provider now: try again in a minute"))
        return place

    def takes(self, name: str, value: str, *, unsaid: Sequence[str] = ()) -> bool:
        """Whether a list in its discovery document has a value; `unsaid`: what holds where there is no such list."""
        known = self._about.get(name, unsaid)
        return isinstance(known, list | tuple) and value in known

    async def submit(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """What it answers to a form, a refusal, too (RFC 6749, 5.2); Unreachable where that can't be read."""
        try:
            return await self._document("POST", url, headers, form)
        except (aiohttp.ClientError, TimeoutError, Malformed) as error:
            log.warning("the OpenID provider gave no token", problem=str(error) or type(error).__name__)
            raise Unreachable(_SILENT) from error

    async def _key(self, name: KeyName) -> PublicKey:
        if key := self._known(name):
            if self._age() >= FRESH:
                # Nobody waits for it: what is known counts meanwhile.
                self._fetch()
            return key
        if flight := self._fetch():
            # It is everybody's: whoever hangs up ends it for nobody else.
            await asyncio.shield(flight)
        if key := self._known(name):
            return key
        if self._fetched < self._asked:
            raise Unreachable(_SILENT)
        raise Forged("the token was signed with a key that its provider doesn't show: sign in there again")

    def _known(self, name: KeyName) -> PublicKey | None:
        return self._keys.get(name) if self._age() < KEPT else None

    def _age(self) -> float:
        """Seconds since its documents were fetched."""
        return self._world.uptime() - self._fetched

    @property
    def _local(self) -> bool:
        return self.issuer.startswith("http:")

    def _fetch(self) -> asyncio.Task[None] | None:
        """The one question that is under way, begun now where it may be."""
        if self._flight is None or self._flight.done():
            if self._world.uptime() - self._asked < PAUSE:
                return None
            self._asked = self._world.uptime()
            self._flight = asyncio.create_task(self._renew())
        return self._flight

    async def _renew(self) -> None:
        try:
            about = await self._document("GET", self.issuer.rstrip("/") + DISCOVERY)
            if about.get("issuer") != self.issuer:
                raise Malformed(f"it calls itself {str(about.get('issuer'))[:200]!r}: set the issuer to exactly that")
            place = about.get("jwks_uri")
            if not isinstance(place, str) or not _reachable(place, local=self._local):
                raise Malformed("it names no https address for its keys ('jwks_uri'): set that at the provider")
            self._about, self._keys = about, read_keys(await self._document("GET", place))
            self._fetched = self._world.uptime()
        except (BraError, aiohttp.ClientError, TimeoutError) as error:
            log.warning("the OpenID provider's keys could not be fetched", problem=str(error) or type(error).__name__)

    async def _document(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        asking = self._http.request(
            method,
            url,
            data=form,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=SECONDS),
            # Not compressed, so that its bytes are those that are counted.
            headers={"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})},
        )
        async with asking as response:
            # What is wrong with a form is told with 400 or 401.
            wanted = (200,) if form is None else (200, 400, 401)
            if response.status not in wanted or "Content-Encoding" in response.headers:
                raise Malformed(f"{url} answers {response.status}, and not with a plain document: look at the provider")
            data = bytearray()
            async for chunk in response.content.iter_chunked(16 * 1024):
                data += chunk
                if len(data) > LARGEST:
                    raise Malformed(f"{url} has more than {LARGEST} bytes: look at the provider")
        try:
            found = orjson.loads(data)
        except ValueError as error:
            raise Malformed(f"{url} is not JSON: look at the provider") from error
        if not isinstance(found, dict):
            raise Malformed(f"{url} is no JSON object: look at the provider")
        return found


def _reachable(url: str, *, local: bool) -> bool:
    """Whether a provider may be asked there: over https; where it is `local`, over http on this very machine, too."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    return local and parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
