"""A JSON Web Token of an organisation's own provider: read, and believed only where everything fits. Pure.

Rules (RFC 7515, 7519, 8725; OpenID Connect Core 3.1.3.7; RFC 9068):

- three algorithms, and for each one type of key: RS256, ES256, Ed25519 (also under its old name EdDSA). The key is
  chosen by `kid` and type together, so that no signature is ever checked with a key that was made for another one
- keys come from the provider's own document alone: what a header says of keys (`jku`, `jwk`, `x5u`, `x5c`) isn't read
- `crit` is refused, because nothing critical is known here; so is a `typ` of another kind of token
- `iss` and `aud` are exact; `exp`, `iat` and `sub` have to be there; a minute of difference between clocks is forgiven

Raises Malformed for what is no such token, Forged for what doesn't hold. Neither repeats the token.

    keys = read_keys(document)
    token = Jwt.parse(text)
    claims = token.believed(keys[token.key], issuer="https://id.park.example", audience="bra", now=now)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from node.errors import Forged, Malformed

PublicKey = RSAKey | ECKey | OKPKey
KeyName = tuple[str, str]
"""A key's id and its type."""

LONGEST = 16 * 1024
"""Characters of a token."""
LEEWAY = 60
"""Seconds by which the provider's clock may differ from this one."""
LASTS = 86_400
"""Seconds that a token may last: it can't be revoked."""
MOST_KEYS = 100
RSA_BITS = range(2048, 8193)
_TYPES = ("JWT", "AT+JWT", "APPLICATION/AT+JWT")

# By joserfc's own name, which for EdDSA is that of the curve (RFC 9864).
_ALGORITHMS = {
    "RS256": JWSRegistry.algorithms["RS256"],
    "ES256": JWSRegistry.algorithms["ES256"],
    "EdDSA": JWSRegistry.algorithms["Ed25519"],
    "Ed25519": JWSRegistry.algorithms["Ed25519"],
}
_CURVES = {"EC": "P-256", "OKP": "Ed25519"}


@dataclass(frozen=True, slots=True)
class Jwt:
    """A token as it was read: nothing of it is true before `believed`. `key`: which key it says it was signed with."""

    key: KeyName
    algorithm: str
    claims: Mapping[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """What a token says."""
        if len(text) > LONGEST or text.count(".") != 2 or not text.isascii():
            raise Malformed("this is not a token of the organisation's provider: sign in there again")
        signed, _, signature = text.encode().rpartition(b".")
        try:
            header, claims = (orjson.loads(urlsafe_b64decode(part)) for part in signed.split(b"."))
            raw = urlsafe_b64decode(signature)
        except ValueError as error:
            raise Malformed("the token is cut short or was changed on the way: copy the whole of it") from error
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise Malformed("the token holds no claims: sign in again at the organisation's provider")
        algorithm, kid, form = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
        if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
            raise Malformed(f"a token has to be signed with {', '.join(_ALGORITHMS)}: set that at the provider")
        if not isinstance(kid, str) or not 1 <= len(kid) <= 255:
            raise Malformed("the token doesn't name its key ('kid'): set that at the provider")
        if not isinstance(form, str) or form.upper() not in _TYPES or "crit" in header:
            raise Malformed("the token is of another kind than those for signing in: send an access or ID token")
        return cls((kid, _ALGORITHMS[algorithm].key_type), algorithm, claims, signed, raw)

    def believed(self, key: PublicKey, *, issuer: str, audience: str, now: float) -> Mapping[str, Any]:
        """The claims, where the key's owner signed them, for this audience and this moment; Forged where not."""
        model = _ALGORITHMS[self.algorithm]
        if key.key_type != model.key_type or not model.verify(self.signed, self.signature, key):
            raise Forged("the token's signature doesn't hold: sign in again at the organisation's provider")
        claims = self.claims
        if claims.get("iss") != issuer:
            raise Forged("the token is of another provider than this node's: sign in at the organisation's own")
        meant = claims.get("aud")
        if audience not in (meant if isinstance(meant, list) else [meant]):
            raise Forged("the token is for another service than this node: sign in to this one")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
            raise Forged("the token doesn't say whose it is ('sub'): set that at the provider")
        self._check_times(now)
        return claims

    def _check_times(self, now: float) -> None:
        expires, issued = self._moment("exp"), self._moment("iat")
        begins = self._moment("nbf") if "nbf" in self.claims else issued
        if now >= expires + LEEWAY:
            raise Forged("the token has expired: sign in again at the organisation's provider")
        if max(issued, begins) > now + LEEWAY:
            raise Forged("the token is of the future: compare the clocks of this node and the provider")
        if expires - issued > LASTS:
            raise Forged("the token lasts longer than a day, and can't be revoked: set that at the provider")

    def _moment(self, name: str) -> float:
        found = self.claims.get(name)
        if not isinstance(found, int | float) or isinstance(found, bool) or not 0 <= found < 2**40:
            raise Forged(f"the token's {name!r} is no time: sign in again at the organisation's provider")
        return float(found)


def read_keys(document: object) -> dict[KeyName, PublicKey]:
    """The keys of a JWK set (RFC 7517) that can check tokens here; others, and broken ones, are left aside."""
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise Malformed("the provider's keys are no JWK set: check its 'jwks_uri'")
    found: dict[KeyName, PublicKey] = {}
    for each in keys[:MOST_KEYS]:
        if isinstance(each, dict) and (key := _key(each)) is not None:
            found.setdefault((each["kid"], key.key_type), key)
    return found


def _key(jwk: Mapping[str, Any]) -> PublicKey | None:
    kid, form, algorithm = jwk.get("kid"), jwk.get("kty"), jwk.get("alg")
    if not isinstance(kid, str) or jwk.get("use", "sig") != "sig":
        return None
    if algorithm is not None and (not isinstance(algorithm, str) or algorithm not in _ALGORITHMS):
        return None
    # Only what makes up the public key is looked at: a key that came with more is no other one.
    names = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}.get(form if isinstance(form, str) else "")
    if names is None or not all(isinstance(jwk.get(name), str) for name in names):
        return None
    if form in _CURVES and jwk["crv"] != _CURVES[form]:
        return None
    material = {"kty": form, **{name: jwk[name] for name in names}}
    try:
        if form == "RSA":
            return _rsa(material)
        return ECKey.import_key(material) if form == "EC" else OKPKey.import_key(material)
    except (JoseError, ValueError):
        return None


def _rsa(material: Mapping[str, str]) -> RSAKey | None:
    """The key, where it is neither weak nor so long that checking a signature with it takes long."""
    size = int.from_bytes(urlsafe_b64decode(material["n"].encode())).bit_length()
    exponent = int.from_bytes(urlsafe_b64decode(material["e"].encode()))
    return RSAKey.import_key(dict(material)) if size in RSA_BITS and exponent == 65_537 else None
