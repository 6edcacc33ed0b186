"""A pass: what a guest shows at the desk. A signed token, small enough for a QR code; made and read here. Pure.

    {"alg":"Ed25519","kid":"pass-1","typ":"bra-pass+jwt"}
    {"aud":"bra1…host","company":"Nordic Sensors","days":["2027-06-02","2027-06-03"],"exp":1811970000,"iat":1811700000,
     "iss":"bra1…home","jti":"k5v2q7xw3hzn4p6a","name":"Liis Tamm","nbf":1811797200,
     "status":{"status_list":{"idx":48713,"uri":"bra:status_list/passes"}},"venues":["delta-desk"],"visit":"v3k…"}

Rules (SPEC, "Passes"; RFC 7519, 8725, 9864; IETF Token Status List):

- a JWS in its compact form, of one algorithm, with exactly these three header members: what says where a key could be
  had (`jku`, `jwk`, `x5c`), or that something is critical, is no pass
- header and claims are canonical JSON, each part the one spelling of its bytes: a pass that was changed in any bit is
  another one, or none
- `kid` is the record of the issuer's pass key, and its number the epoch: with the epoch its passes end
- `aud` is the host, `venues` are that host's; `days` are the first and the last, by the venue's own clock. It is good
  between `nbf` and `exp`: 72 hours, or as long as these days last
- `jti` is drawn for each pass and means nobody; there is no other number of a person
- nothing that it says is true before `check`

    token = issued.sign("pass-1", key)
    read = Token.parse(token)
    read.check(public)
    read.claims.name
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import TypeAdapter, ValidationError

from node.errors import Forged, InputError, Malformed
from node.kinds.fields import Name
from node.protocol import canonical, names
from node.protocol.keys import PrivateKey, public_key
from node.protocol.names import NodeId
from node.roaming.visit import Days
from node.sentence import said

ALGORITHM = "Ed25519"
TYPE = "bra-pass+jwt"
LONGEST = 2048
"""Characters of a pass: a QR code of the middle grade takes 2331."""
MOST_VENUES = 8
HOURS = 72
_DAY = 86_400
_HOUR = 3_600
_URI = "bra:status_list/"
_HEADER = frozenset(("alg", "kid", "typ"))
CLAIMS = frozenset(("aud", "company", "days", "exp", "iat", "iss", "jti", "name", "nbf", "status", "venues", "visit"))
_KID = re.compile(r"pass-[1-9][0-9]{0,15}", re.ASCII).fullmatch
_NAMED = TypeAdapter(Name)


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass says. Times in seconds since 1970; `venues`, `status_list`: ids of records, of `host` and `issuer`.

    `index`: its place in the status list.
    """

    id: str
    issuer: NodeId
    host: NodeId
    venues: tuple[str, ...]
    visit: str
    name: str
    company: str
    days: Days
    issued: int
    begins: int
    ends: int
    status_list: str
    index: int

    @classmethod
    def parse(cls, claims: Any) -> Self:
        """Raises Malformed for anything that no honest node would issue."""
        if not isinstance(claims, dict) or claims.keys() != CLAIMS:
            raise Malformed(f"a pass has the claims {', '.join(sorted(CLAIMS))}, and no others")
        status_list, index = _status(claims["status"])
        found = cls(
            id=names.parse_record_id(claims["jti"]),
            issuer=names.parse_node_id(claims["iss"]),
            host=names.parse_node_id(claims["aud"]),
            venues=_venues(claims["venues"]),
            visit=names.parse_record_id(claims["visit"]),
            name=_line(claims["name"]),
            company=_line(claims["company"]),
            days=Days.parse(claims["days"]),
            issued=names.parse_integer(claims["iat"]),
            begins=names.parse_integer(claims["nbf"]),
            ends=names.parse_integer(claims["exp"]),
            status_list=status_list,
            index=index,
        )
        if found.ends <= found.begins or found.ends <= found.issued:
            raise Malformed("the pass ends before it begins")
        if found.ends - found.begins > max(HOURS * _HOUR, found.lasts + 2 * _HOUR):
            raise Malformed(f"a pass is good for {HOURS} hours, or for the days of the visit")
        return found

    def as_claims(self) -> dict[str, Any]:
        return {
            "aud": self.host,
            "company": self.company,
            "days": list(self.days),
            "exp": self.ends,
            "iat": self.issued,
            "iss": self.issuer,
            "jti": self.id,
            "name": self.name,
            "nbf": self.begins,
            "status": {"status_list": {"idx": self.index, "uri": _URI + self.status_list}},
            "venues": list(self.venues),
            "visit": self.visit,
        }

    def sign(self, kid: str, key: PrivateKey) -> str:
        """The pass as its bearer shows it; InputError where it would be too long."""
        signing = OKPKey.import_key(key.ed25519())
        # joserfc writes the header as it comes: in the canonical order.
        header = {"alg": ALGORITHM, "kid": kid, "typ": TYPE}
        token = jws.serialize_compact(header, canonical.encode(self.as_claims()), signing, algorithms=[ALGORITHM])
        if len(token) > LONGEST:
            sentence = said(
                "the pass would have {length} characters, and {most} fit: shorten the names",
                length=len(token),
                most=LONGEST,
            )
            raise InputError(sentence)
        return token

    @property
    def single_day(self) -> bool:
        return self.days.first == self.days.last

    @property
    def lasts(self) -> int:
        """Seconds of its days, when no clock is changed."""
        first, last = map(date.fromisoformat, self.days)
        return ((last - first).days + 1) * _DAY


@dataclass(frozen=True, slots=True)
class Token:
    """A pass as it was read. `kid`: which key it says it was signed with."""

    claims: Pass
    kid: str
    text: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """What a token says; Malformed for anything but the one spelling of a pass."""
        if len(text) > LONGEST or not text.isascii() or text.count(".") != 2:
            raise Malformed("a pass has three parts with a dot between them, and at most 2048 characters")
        said, claimed, signature = text.split(".")
        header = canonical.decode(_bytes(said), deepest=2)
        if not isinstance(header, dict) or header.keys() != _HEADER:
            raise Malformed("a pass has the header members alg, kid and typ, and no others")
        if header["alg"] != ALGORITHM or header["typ"] != TYPE:
            raise Malformed(f"a pass is signed with {ALGORITHM} and is of the type {TYPE}")
        kid = _KID(header["kid"]) if isinstance(header["kid"], str) else None
        if kid is None:
            raise Malformed("a pass names its key like pass-1")
        names.decode_base64(signature, 64)
        return cls(Pass.parse(canonical.decode(_bytes(claimed), deepest=4)), kid[0], text)

    def check(self, public: bytes) -> None:
        """Raises Forged unless the owner of this public key (32 bytes) signed exactly this."""
        try:
            jws.deserialize_compact(self.text, OKPKey.import_key(public_key(public)), algorithms=[ALGORITHM])
        except JoseError as error:
            raise Forged("the signature does not belong to this pass and key") from error


def _bytes(part: str) -> bytes:
    return names.decode_base64(part, len(part) * 6 // 8)


def _venues(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_VENUES:
        raise Malformed(f"a pass is for 1 to {MOST_VENUES} venues of one host")
    found = tuple(map(names.parse_record_id, value))
    if len(set(found)) != len(found):
        raise Malformed("a venue is named twice")
    return found


def _line(value: object) -> str:
    """A name without what nobody sees or what turns a line round, in the one form that its letters have."""
    try:
        name = _NAMED.validate_python(value, strict=True)
    except ValidationError as error:
        raise Malformed("a name on a pass is one line of plain text") from error
    if not unicodedata.is_normalized("NFC", name) or name != name.strip():
        raise Malformed("a name on a pass is in the composed form (NFC), with nothing around it")
    return name


def _status(value: object) -> tuple[str, int]:
    place = value.get("status_list") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(place, dict) or place.keys() != {"idx", "uri"}:
        raise Malformed("a pass has one place in one status list")
    uri = place["uri"]
    if not isinstance(uri, str) or not uri.startswith(_URI):
        raise Malformed(f"a status list is named like {_URI}passes")
    return names.parse_record_id(uri.removeprefix(_URI)), names.parse_integer(place["idx"])
