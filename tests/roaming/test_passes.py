"""The form of a pass: one spelling, read by another program's JWT library, and changed in no byte."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OKPKey

from node.errors import InputError, Malformed
from node.protocol import canonical
from node.protocol.keys import public_key
from node.protocol.names import encode_base64
from node.roaming.passes import LONGEST, MOST_VENUES, Pass, Token
from node.roaming.verdicts import Rules, Word, verify
from node.roaming.visit import Days
from tests.roaming.pass_examples import KEY, NOON, PLACE, KnownToDesk, at, pass_of

TOKEN = pass_of().sign("pass-1", KEY)


def test_a_pass_says_what_it_was_issued_for() -> None:
    read = Token.parse(TOKEN)
    read.check(KEY.public)
    assert (read.claims, read.kid) == (pass_of(), "pass-1")


def test_another_jwt_library_reads_it_by_the_public_key_alone() -> None:
    """joserfc's whole front door, which this program doesn't use to read: header, signature and claims."""
    read = jwt.decode(TOKEN, OKPKey.import_key(public_key(KEY.public)), algorithms=["Ed25519"])
    assert read.header == {"alg": "Ed25519", "kid": "pass-1", "typ": "bra-pass+jwt"}
    assert read.claims == pass_of().as_claims()
    assert read.claims["status"] == {"status_list": {"idx": 7, "uri": "bra:status_list/passes"}}


def test_a_usual_pass_fits_a_code_that_a_telephone_reads_from_a_screen() -> None:
    assert len(TOKEN) < 700


def test_the_longest_names_that_a_directory_takes_are_refused_with_what_to_do() -> None:
    long = pass_of(name="李" * 200, company="王" * 200)
    with pytest.raises(InputError, match="shorten the names"):
        long.sign("pass-1", KEY)
    assert len(pass_of(name="李" * 100, company="王" * 100).sign("pass-1", KEY)) <= LONGEST


@given(place=st.integers(0, len(TOKEN) - 1), other=st.integers(0, 255))
@settings(max_examples=600)
def test_no_byte_of_a_good_pass_can_be_changed(place: int, other: int) -> None:
    changed = TOKEN[:place] + chr(other) + TOKEN[place + 1 :]
    known = KnownToDesk()
    assert verify(TOKEN, known, PLACE, now=NOON, rules=Rules()).word is Word.OK
    if changed != TOKEN:
        verdict = verify(changed, known, PLACE, now=NOON, rules=Rules())
        assert verdict.word is Word.UNKNOWN_ISSUER
        assert verdict.claims is None


@given(cut=st.integers(0, len(TOKEN)), put=st.text(max_size=8))
def test_nothing_can_be_put_into_it_or_taken_out(cut: int, put: str) -> None:
    for changed in (TOKEN[:cut] + put + TOKEN[cut:], TOKEN[:cut], TOKEN[cut:]):
        if changed != TOKEN:
            assert verify(changed, KnownToDesk(), PLACE, now=NOON, rules=Rules()).word is Word.UNKNOWN_ISSUER


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda data: data.decode("latin-1")))
def test_whatever_is_scanned_gets_a_verdict_and_raises_nothing(text: str) -> None:
    assert verify(text, KnownToDesk(), PLACE, now=NOON, rules=Rules()).word is Word.UNKNOWN_ISSUER


def with_header(**members: str) -> str:
    header = {"alg": "Ed25519", "kid": "pass-1", "typ": "bra-pass+jwt", **members}
    return encode_base64(canonical.encode(header)) + TOKEN[TOKEN.index(".") :]


def respelt() -> str:
    """The last of 86 characters has four bits to spare."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return TOKEN[:-1] + alphabet[alphabet.index(TOKEN[-1]) ^ 1]


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(with_header(alg="none"), id="no algorithm"),
        pytest.param(with_header(alg="HS256"), id="an HMAC"),
        pytest.param(with_header(alg="EdDSA"), id="the algorithm's old name"),
        pytest.param(with_header(typ="JWT"), id="another type"),
        pytest.param(with_header(kid="self"), id="the key of another record"),
        pytest.param(respelt(), id="another spelling of the signature"),
        pytest.param(TOKEN[:-4], id="a signature cut short"),
    ],
)
def test_what_has_not_the_form_is_refused_before_any_key_is_looked_for(token: str) -> None:
    with pytest.raises(Malformed):
        Token.parse(token)


STAY = Days("2027-06-01", "2027-06-30")

NOT_ISSUED: dict[str, Callable[[Pass], Pass]] = {
    "it ends before it begins": lambda it: replace(it, ends=it.begins),
    "it ended before it was issued": lambda it: replace(it, issued=it.ends),
    "a day for a hundred days": lambda it: replace(it, ends=it.begins + 100 * 86_400),
    "a hundred days": lambda it: replace(it, days=Days("2027-06-02", "2027-09-09"), ends=it.begins + 100 * 86_400),
    "an hour more than 72, for one day": lambda it: replace(it, ends=it.begins + 73 * 3_600),
    "a month of days, and a week after them": lambda it: replace(it, days=STAY, ends=it.begins + 37 * 86_400),
    "no venue": lambda it: replace(it, venues=()),
    "more venues than a host's desk list": lambda it: replace(
        it, venues=tuple(f"v{n}" for n in range(MOST_VENUES + 1))
    ),
    "a venue twice": lambda it: replace(it, venues=("desk", "desk")),
    "a time before 1970": lambda it: replace(it, issued=-1),
    "an empty name": lambda it: replace(it, name=""),
    "a name of spaces": lambda it: replace(it, name="   "),
    "a name with space around it": lambda it: replace(it, name=" Liis"),
    "a name over two lines": lambda it: replace(it, name="Liis\nOK"),
    "a name that turns the line round": lambda it: replace(it, name="\u202eKO"),
    "a name with what nobody sees": lambda it: replace(it, name="Liis\u200bTamm"),
    "a name that steers a terminal": lambda it: replace(it, name="\x1b[2JLiis"),
    "a name in decomposed letters": lambda it: replace(it, name="Liis To\u0303nisson"),
    "a company of control characters": lambda it: replace(it, company="\x00\x01"),
    "a visit that is no id": lambda it: replace(it, visit="../x"),
    "a host that is no node": lambda it: replace(it, host="bra1"),
}


@pytest.mark.parametrize("alter", NOT_ISSUED.values(), ids=NOT_ISSUED)
def test_no_pass_says_this(alter: Callable[[Pass], Pass]) -> None:
    with pytest.raises(Malformed):
        Pass.parse(alter(pass_of()).as_claims())


def test_a_month_of_days_may_be_said_and_so_may_72_hours() -> None:
    for good in (
        replace(pass_of(), days=STAY, begins=at("2027-06-01T00:00"), ends=at("2027-07-01T00:00")),
        replace(pass_of(), ends=pass_of().begins + 72 * 3_600),
    ):
        assert Pass.parse(good.as_claims()) == good


def test_days_on_which_the_clocks_change_are_whole_days() -> None:
    """A day of 25 hours, and three of them with it, are not too long."""
    autumn = replace(
        pass_of(), days=Days("2027-10-29", "2027-11-01"), begins=at("2027-10-29T00:00"), ends=at("2027-11-02T00:00")
    )
    assert autumn.ends - autumn.begins == 97 * 3_600
    assert Pass.parse(autumn.as_claims()) == autumn


@pytest.mark.parametrize("claim", sorted(pass_of().as_claims()))
def test_no_claim_may_be_left_out_or_be_of_another_type(claim: str) -> None:
    claims = json.loads(json.dumps(pass_of().as_claims()))
    for wrong in ([], {}, 1.5, True, None, "", -1):
        with pytest.raises(Malformed):
            Pass.parse({**claims, claim: wrong})
    with pytest.raises(Malformed):
        Pass.parse({name: value for name, value in claims.items() if name != claim})
    with pytest.raises(Malformed):
        Pass.parse({**claims, "admin": True})
