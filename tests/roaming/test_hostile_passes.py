"""Passes that somebody made up, took from elsewhere or bent: each with the verdict that a real desk gives it.

The desk is a real node's: the issuers' records, cards and evidence came to it as they would from a partner.
"""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from node.directory.draft import Change
from node.protocol import canonical
from node.protocol.evidence import of_heads
from node.protocol.keys import PrivateKey
from node.protocol.names import encode_base64, format_time
from node.protocol.verdicts import Accepted
from node.roaming.desk import Desk
from node.roaming.passes import LONGEST, Pass
from node.roaming.status import pack
from node.roaming.verdicts import Rules, Word
from node.roaming.visit import Days
from node.storage import authors, blocks
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, organisation_body
from tests.protocol.builders import DAY, NOW, Author, key_named
from tests.roaming.parks import venue_body

TODAY = format_time(NOW)[:10]
TOMORROW, YESTERDAY = (Days(day, day) for day in (format_time(NOW + DAY)[:10], format_time(NOW - DAY)[:10]))
MIDNIGHT = NOW - 14 * 3_600
"""Of the desk's day: it is 14 o'clock there, in Tallinn."""
HEADER = {"alg": "Ed25519", "kid": "pass-1", "typ": "bra-pass+jwt"}


def issuing(name: str) -> Author:
    """An organisation with a pass key, a sealing key, a status list on which pass 9 is revoked, and a contact."""
    author = Author(name)
    author.put("organisation", organisation_body(f"{name.title()} Park"), "self")
    since = format_time(NOW - DAY)
    for use, kid in (("pass", "pass-1"), ("sealing", "sealing-1")):
        author.put("node_key", {"use": use, "public_key": encode_base64(key_of(name, use).public), "since": since}, kid)
    author.put("status_list", {"bits": 1, "list": pack([9]), "issued": since, "ttl": 30 * DAY}, "passes")
    contact = {"role": "Desk", "languages": ["en"], "phone": f"+37255512{len(name):02d}"}
    author.put("contact", contact, visibility="members")
    author.commit()
    author.beat(NOW - 3_600)
    return author


def key_of(name: str, use: str = "pass") -> PrivateKey:
    return key_named(f"{name}/{use}/1")


@dataclass
class Reception:
    """The desk of a node that knows several organisations."""

    node: SmallNode
    desk: Desk
    home: Author
    others: dict[str, Author]

    def good(self, **fields: Any) -> Pass:
        made = Pass(
            id="k5v2q7xw3hzn4p6a", issuer=self.home.id, host=self.node.id, venues=("desk",), visit="v1",
            name="Liis Tamm", company="Nordic Sensors", days=Days(TODAY, TODAY), issued=NOW - DAY, begins=MIDNIGHT,
            ends=MIDNIGHT + DAY, status_list="passes", index=7,
        )  # fmt: skip
        return replace(made, **fields)

    async def says(self, token: str) -> dict[str, Any]:
        return await self.desk.verify(token)


async def received(folder: Path) -> Reception:
    """The desk of a park in Munich that knows five others; most passes here are of Tartu's."""
    node = SmallNode(folder, "munich")
    await node.publish(
        Change("organisation", organisation_body("Munich Park"), id="self"),
        Change("venue", venue_body(terms={"free_days": 3, "notice_hours": 0}), id="desk"),
    )
    authors_of = {name: issuing(name) for name in ("tartu", "lund", "riga", "oulu", "paris")}
    for author in authors_of.values():
        node.accept(author, Standing.HONOURED)
        assert isinstance(await node.take(author.block_lines(), author), Accepted)
    for author in authors_of.values():
        # What was taken has made the rules count again.
        node.accept(author, Standing.HONOURED)
    home = authors_of.pop("tartu")
    return Reception(node, Desk(node.database, node.acceptance, Rules(), node.world), home, authors_of)


@pytest.fixture
async def reception(tmp_path: Path) -> AsyncIterator[Reception]:
    it = await received(tmp_path)
    yield it
    it.node.close()


def raw(header: bytes, claims: bytes, sign: Callable[[bytes], bytes]) -> str:
    """A token of whatever bytes, signed however."""
    said = f"{encode_base64(header)}.{encode_base64(claims)}"
    return f"{said}.{encode_base64(sign(said.encode()))}"


def ed25519(name: str = "tartu", use: str = "pass") -> Callable[[bytes], bytes]:
    return key_of(name, use).ed25519().sign


def headed(it: Reception, **members: Any) -> str:
    """A good pass under another header; None takes a member out."""
    header = {name: value for name, value in {**HEADER, **members}.items() if value is not None}
    return raw(canonical.encode(header), canonical.encode(it.good().as_claims()), ed25519())


def spelt(it: Reception, change: Callable[[str], str]) -> str:
    """A good pass whose claims are spelt as no canonical encoder spells them, and signed so."""
    text = canonical.encode(it.good().as_claims()).decode()
    changed = change(text)
    assert changed != text
    return raw(canonical.encode(HEADER), changed.encode("utf-8", "surrogatepass"), ed25519())


def claiming(it: Reception, **claims: Any) -> str:
    """A pass of the honoured issuer's own key that says something no honest node would."""
    said = {**it.good().as_claims(), **claims}
    # Spelt as it has to be, as far as it can be: only what it says is wrong.
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return raw(canonical.encode(HEADER), text.encode(), ed25519())


def hs256(it: Reception) -> str:
    """The public key, which everybody has, as the secret of an HMAC (RFC 8725, 2.1)."""
    secret = key_of("tartu").public
    header = canonical.encode({**HEADER, "alg": "HS256"})
    return raw(header, canonical.encode(it.good().as_claims()), lambda data: hmac.digest(secret, data, "sha256"))


def altered(it: Reception) -> str:
    head, _, signature = it.good().sign("pass-1", key_of("tartu")).split(".")
    return f"{head}.{encode_base64(canonical.encode(it.good(name='Somebody Else').as_claims()))}.{signature}"


def respelt(it: Reception) -> str:
    """Two characters of base64url that mean the same bytes: the last of 64 has bits to spare."""
    token = it.good().sign("pass-1", key_of("tartu"))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]
    for each in (token, other):
        signature = each.rpartition(".")[2]
        assert base64.urlsafe_b64decode(signature + "==") == base64.urlsafe_b64decode(token.rpartition(".")[2] + "==")
    return other


FORGED: dict[str, Callable[[Reception], str]] = {
    "no algorithm": lambda it: raw(
        canonical.encode({**HEADER, "alg": "none"}), canonical.encode(it.good().as_claims()), lambda _: b""
    ),
    "no algorithm, with a signature that holds": lambda it: headed(it, alg="none"),
    "an HMAC with the public key": hs256,
    "the old name of the algorithm": lambda it: headed(it, alg="EdDSA"),
    "another kind of token": lambda it: headed(it, typ="JWT"),
    "no kind of token": lambda it: headed(it, typ=None),
    "no key named": lambda it: headed(it, kid=None),
    "its own key in the header": lambda it: headed(it, jwk={"crv": "Ed25519", "kty": "OKP", "x": "A" * 43}),
    "a place where its key is": lambda it: headed(it, jku="https://evil.example/keys"),
    "a certificate": lambda it: headed(it, x5c=["MII"]),
    "something critical": lambda it: headed(it, crit=["exp"]),
    "a payload that isn't encoded": lambda it: headed(it, b64=False, crit=["b64"]),
    "a key that nobody published": lambda it: it.good().sign("pass-1", key_named("mallory")),
    "the issuer's signing key": lambda it: it.good().sign("pass-1", it.home.signing_key),
    "the issuer's sealing key": lambda it: it.good().sign("sealing-1", key_of("tartu", "sealing")),
    "the key of another honoured issuer": lambda it: it.good().sign("pass-1", key_of("lund")),
    "the name of another issuer on one's own pass": lambda it: it.good(issuer=it.others["lund"].id).sign(
        "pass-1", key_of("tartu")
    ),
    "the kid of another record": lambda it: headed(it, kid="self"),
    "a kid that is a path": lambda it: headed(it, kid="../keys/pass-1"),
    "a kid of the next epoch": lambda it: it.good().sign("pass-2", key_of("tartu")),
    "a kid spelt in another way": lambda it: headed(it, kid="pass-01"),
    "claims of another pass": altered,
    "a signature cut short": lambda it: it.good().sign("pass-1", key_of("tartu"))[:-2],
    "a signature of zeros": lambda it: it.good().sign("pass-1", key_of("tartu"))[:-86] + "A" * 86,
    "another spelling of the signature": respelt,
    "padding": lambda it: it.good().sign("pass-1", key_of("tartu")) + "==",
    "the letters of plain base64": lambda it: it.good().sign("pass-1", key_of("tartu")).replace("_", "/"),
    "a fourth part": lambda it: it.good().sign("pass-1", key_of("tartu")) + ".AAAA",
    "a key given twice": lambda it: spelt(it, lambda text: text.replace('"iat"', '"aud":"x","iat"', 1)),
    "the name given twice": lambda it: spelt(it, lambda text: text.replace('"name"', '"name":"Eve","name"')),
    "space between members": lambda it: spelt(it, lambda text: text.replace(",", ", ", 1)),
    "a needless escape": lambda it: spelt(it, lambda text: text.replace("Liis", "\\u004ciis")),
    "a lone surrogate": lambda it: spelt(it, lambda text: text.replace("Liis", "\\ud800")),
    "bytes that are no UTF-8": lambda it: spelt(it, lambda text: text.replace("Liis", "\udcff")),
    "a time that is a float": lambda it: spelt(
        it, lambda text: text.replace(f'"iat":{NOW - DAY}', f'"iat":{NOW - DAY}.0')
    ),
    "a time that is not a number": lambda it: spelt(it, lambda text: text.replace(f'"iat":{NOW - DAY}', '"iat":NaN')),
    "a time beyond all numbers": lambda it: spelt(it, lambda text: text.replace(f'"iat":{NOW - DAY}', '"iat":1e999')),
    "a time before 1970": lambda it: claiming(it, nbf=-1),
    "a time in quotes": lambda it: claiming(it, exp=str(MIDNIGHT + DAY)),
    "true for a time": lambda it: claiming(it, iat=True),
    "null for a time": lambda it: claiming(it, iat=None),
    "no end": lambda it: claiming(it, exp=2**53 - 1),
    "an end beyond integers": lambda it: claiming(it, exp=2**63),
    "a hundred days": lambda it: claiming(it, days=[TODAY, format_time(NOW + 99 * DAY)[:10]], exp=MIDNIGHT + 100 * DAY),
    "a claim that nobody knows": lambda it: claiming(it, admin=True),
    "claims that are a list": lambda it: raw(canonical.encode(HEADER), b"[]", ed25519()),
    "claims nested without end": lambda it: raw(canonical.encode(HEADER), b"[" * 500 + b"]" * 500, ed25519()),
    "a name that turns the line round": lambda it: claiming(it, name="\u202eKO si siiL"),
    "a name with an unseen letter": lambda it: claiming(it, name="Li\u200bis"),
    "a name in decomposed letters": lambda it: claiming(it, name="To\u0303nis"),
    "a name with a new line": lambda it: claiming(it, name="Liis\n✓ OK"),
    "a name that steers a terminal": lambda it: claiming(it, name="\x1b[2J"),
    "more than a pass may have": lambda it: claiming(it, name="x" * LONGEST),
    "names that are right, and too long together": lambda it: claiming(it, name="李" * 200, company="李" * 200),
    "a name of more letters than a name has": lambda it: claiming(it, name="x" * 201),
    "an end before its beginning": lambda it: claiming(it, nbf=MIDNIGHT + DAY, exp=MIDNIGHT + DAY - 1),
    "a megabyte": lambda it: "A" * 1_000_000,
    "a megabyte of dots": lambda it: "." * 1_000_000,
    "nothing": lambda it: "",
    "a pass in other digits": lambda it: claiming(it, days=["２０２６-11-21", TODAY]),
}


@pytest.mark.parametrize("made", FORGED.values(), ids=FORGED)
async def test_what_is_forged_is_nobodys_pass_and_nothing_that_it_says_is_shown(
    reception: Reception, made: Callable[[Reception], str]
) -> None:
    said = await reception.says(made(reception))
    assert said["verdict"] == Word.UNKNOWN_ISSUER
    assert "pass" not in said
    # Told apart from a good one by what it is, not because nothing is good here.
    assert (await reception.says(reception.good().sign("pass-1", key_of("tartu"))))["verdict"] == Word.OK


BENT: dict[str, tuple[dict[str, Any], Word]] = {
    "not yet": ({"days": TOMORROW, "begins": MIDNIGHT + DAY, "ends": MIDNIGHT + 2 * DAY}, Word.NOT_YET),
    "of the day after the hours it is good": ({"days": TOMORROW}, Word.NOT_YET),
    "issued far in the future": ({"issued": MIDNIGHT + DAY - 1}, Word.NOT_YET),
    "expired": ({"issued": NOW - 2 * DAY, "begins": MIDNIGHT - DAY, "ends": MIDNIGHT}, Word.EXPIRED),
    "of the day before the hours it is good": ({"days": YESTERDAY}, Word.EXPIRED),
    "revoked": ({"index": 9}, Word.REVOKED),
    "a place beyond the status list": ({"index": 1 << 20}, Word.REVOKED),
    "a status list that isn't there": ({"status_list": "nowhere"}, Word.STALE),
    "a status list that is another record": ({"status_list": "self"}, Word.STALE),
    "another venue of this host": ({"venues": ("lab",)}, Word.NOT_THIS_VENUE),
    "this venue's id at another host": ({"host": Author("oulu").id}, Word.NOT_THIS_VENUE),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "word"), BENT.values(), ids=BENT)
async def test_a_pass_that_is_not_for_here_and_now_says_why(
    reception: Reception, fields: dict[str, Any], word: Word
) -> None:
    said = await reception.says(reception.good(**fields).sign("pass-1", key_of("tartu")))
    assert (said["verdict"], said["pass"]["name"]) == (word, "Liis Tamm")
    assert said["issuer"] == {
        "node_id": reception.home.id, "organisation": "Tartu Park", "phone": "+3725551205",
    }  # fmt: skip
    assert said["revocations_as_of"] == format_time(NOW - 3_600)


def expelled(it: Reception, author: Author) -> None:
    it.node.acceptance.replace(replace(it.node.acceptance.answer, known={}))


def blocked(it: Reception, author: Author) -> None:
    it.node.database.write_now(lambda db: blocks.block(db, author.id, "a thief", NOW))


def listed(it: Reception, author: Author) -> None:
    it.node.accept(author, Standing.LISTED)


def forked(it: Reception, author: Author) -> None:
    """Two machines went on from one state, each on its own."""
    one, other = author.twin(), author.twin()
    one.put("farewell", {"date": TODAY, "reason": {"en": "One."}})
    other.put("farewell", {"date": TODAY, "reason": {"en": "Other."}})
    evidence = of_heads(author.card, one.commit(), [other.commit()])
    assert evidence is not None
    held = it.node.author(author.id)
    assert held is not None
    it.node.database.write_now(lambda db: authors.keep_evidence(db, held.no, evidence))


def replaced(it: Reception, author: Author) -> None:
    """A newer card has come, and no state under it yet."""
    author.rotate()
    it.node.database.write_now(lambda db: authors.introduce(db, author.card))


REFUSED: dict[str, tuple[Callable[[Reception, Author], None], str]] = {
    "who is not accepted any more": (expelled, "not accepted here any more"),
    "who is blocked": (blocked, "blocked at this node"),
    "who is only listed": (listed, "not honoured yet"),
    "whose key has signed two histories": (forked, "two histories"),
    "whose key was replaced, of its old epoch": (replaced, "has replaced the key"),
}


@pytest.mark.parametrize(("befall", "sentence"), REFUSED.values(), ids=REFUSED)
async def test_nobodys_pass_is_honoured(
    reception: Reception, befall: Callable[[Reception, Author], None], sentence: str
) -> None:
    token = reception.good().sign("pass-1", key_of("tartu"))
    assert (await reception.says(token))["verdict"] == Word.OK
    befall(reception, reception.home)
    said = await reception.says(token)
    assert said["verdict"] == Word.UNKNOWN_ISSUER
    assert sentence in said["sentence"]
    assert "pass" not in said


async def test_a_pass_of_somebody_of_whom_nobody_here_has_heard_says_so(reception: Reception) -> None:
    said = await reception.says(reception.good(issuer=Author("nobody").id).sign("pass-1", key_of("nobody")))
    assert said["verdict"] == Word.UNKNOWN_ISSUER
    assert "issuer" not in said


async def test_a_replayed_pass_of_one_day_lets_nobody_in_again(reception: Reception) -> None:
    token = reception.good().sign("pass-1", key_of("tartu"))
    assert (await reception.desk.arrive(token))["verdict"] == Word.OK
    for said in (await reception.says(token), await reception.desk.arrive(token)):
        assert said["verdict"] == Word.EXPIRED
        assert "used here at 14:00" in said["sentence"]
        assert said["arrived"] == [format_time(NOW)]


async def test_who_is_silent_is_not_called_from_here(reception: Reception) -> None:
    """Contacts are personal: they are hidden when the beat is over, also at the desk."""
    reception.node.clock.pass_by(15 * DAY)
    said = await reception.says(reception.good().sign("pass-1", key_of("tartu")))
    assert said["verdict"] == Word.EXPIRED
    assert said["issuer"]["phone"] == ""
