"""The seven verdicts: when each is given, which goes before which, and what is shown beside it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.roaming.verdicts import LEEWAY, Agreed, Place, Rules, Verdict, Word, verify
from node.roaming.visit import Days, State
from tests.protocol.builders import key_named
from tests.roaming.pass_examples import HOME, KEY, NOON, OTHER, PLACE, KnownToDesk, at, issuer_of, pass_of, revocations

THREE = {"days": Days("2027-06-02", "2027-06-04"), "ends": at("2027-06-05T00:00")}


def shown(
    known: KnownToDesk | None = None,
    *,
    now: float = NOON,
    rules: Rules | None = None,
    place: Place = PLACE,
    **fields: Any,
) -> Verdict:
    token = pass_of(**fields).sign("pass-1", KEY)
    return verify(token, known or KnownToDesk(), place, now=now, rules=rules or Rules())


def test_a_good_pass_shows_who_it_is_and_whom_to_call() -> None:
    verdict = shown()
    assert (verdict.word, verdict.sentence) == (Word.OK, "Liis Tamm of Nordic Sensors OÜ is welcome")
    assert verdict.claims == pass_of()
    assert verdict.issuer is not None
    assert (verdict.issuer.name, verdict.issuer.phone) == ("Tartu Science Park", "+3725551234")
    assert verdict.issuer.heard == NOON - 3_600


TIMES = {
    "the second before its first day": (at("2027-06-02T00:00") - 1, Word.NOT_YET),
    "the first second of its first day": (at("2027-06-02T00:00"), Word.OK),
    "the last second of its last day": (at("2027-06-05T00:00") - 1, Word.OK),
    "the second after its last day": (at("2027-06-05T00:00"), Word.EXPIRED),
}


@pytest.mark.parametrize(("now", "word"), TIMES.values(), ids=TIMES)
def test_a_pass_is_good_on_its_days_by_the_venues_own_clock(now: int, word: Word) -> None:
    known = KnownToDesk(issuers={HOME: issuer_of(heard=now - 60, fresh_until=now + 60)})
    assert shown(known, now=now, **THREE).word is word


def test_days_count_by_the_venues_clock_even_where_the_times_are_wider() -> None:
    """An issuer that thinks of another zone: its times let the pass begin the evening before."""
    wide = {"begins": at("2027-06-01T18:00"), "ends": at("2027-06-03T18:00")}
    for now, word in ((at("2027-06-01T23:00"), Word.NOT_YET), (NOON, Word.OK), (at("2027-06-03T00:30"), Word.EXPIRED)):
        known = KnownToDesk(issuers={HOME: issuer_of(heard=now - 60, fresh_until=now + 60)})
        assert shown(known, now=now, **wide).word is word


def test_times_count_even_where_the_day_is_right() -> None:
    narrow = {"begins": at("2027-06-02T09:00"), "ends": at("2027-06-02T17:00")}
    for clock, word in (("08:59", Word.NOT_YET), ("09:00", Word.OK), ("16:59", Word.OK), ("17:00", Word.EXPIRED)):
        now = at(f"2027-06-02T{clock}")
        known = KnownToDesk(issuers={HOME: issuer_of(heard=now - 60, fresh_until=now + 60)})
        assert shown(known, now=now, **narrow).word is word


def test_a_signature_of_another_key_proves_nothing() -> None:
    known = KnownToDesk(issuers={HOME: issuer_of(keys={"pass-1": key_named("tartu/pass/2").public})})
    assert (shown(known).word, shown(known).claims) == (Word.UNKNOWN_ISSUER, None)


def test_a_pass_of_the_future_is_not_yet_good_but_for_a_minute_between_clocks() -> None:
    assert shown(issued=NOON + LEEWAY).word is Word.OK
    verdict = shown(issued=NOON + LEEWAY + 1)
    assert verdict.word is Word.NOT_YET
    assert "clock" in verdict.sentence


AGES: dict[str, tuple[dict[str, Any], str]] = {
    "a beat that is older than the desk allows": ({"heard": NOON - 73 * 3_600}, "nothing was heard"),
    "a beat that has expired": ({"fresh_until": NOON}, "nothing was heard"),
    "no beat at all": ({"heard": None, "fresh_until": None}, "nothing was heard"),
}


@pytest.mark.parametrize(("fields", "sentence"), AGES.values(), ids=AGES)
def test_what_is_too_old_to_know_of_revocations_is_stale(fields: dict[str, Any], sentence: str) -> None:
    verdict = shown(KnownToDesk(issuers={HOME: issuer_of(**fields)}))
    assert verdict.word is Word.STALE
    assert sentence in verdict.sentence
    assert verdict.claims is not None


def test_the_desk_says_how_old_is_too_old() -> None:
    known = KnownToDesk(issuers={HOME: issuer_of(heard=NOON - 100 * 3_600)})
    assert shown(known, rules=Rules(stale_hours=99)).word is Word.STALE
    assert shown(known, rules=Rules(stale_hours=100)).word is Word.OK


def test_without_the_status_list_or_with_one_that_is_over_nobody_can_say_ok() -> None:
    assert shown(KnownToDesk(lists={})).word is Word.STALE
    old = revocations(issued="2027-06-01T09:00:00Z", ttl=86_400)
    assert shown(KnownToDesk(lists={(HOME, "passes"): old})).word is Word.STALE


def test_another_issuers_list_revokes_nothing() -> None:
    lists = {(HOME, "passes"): revocations(), (OTHER, "passes"): revocations(7)}
    assert shown(KnownToDesk(lists=lists)).word is Word.OK


def test_what_is_old_can_still_say_no() -> None:
    known = KnownToDesk(
        issuers={HOME: issuer_of(heard=NOON - 1_000_000, fresh_until=0)}, lists={(HOME, "passes"): revocations(7)}
    )
    assert shown(known).word is Word.REVOKED


def test_revoked_goes_before_another_venue_and_that_before_the_times() -> None:
    known = KnownToDesk(lists={(HOME, "passes"): revocations(7)})
    late = at("2027-07-01T12:00")
    assert shown(known, now=late, venues=("lab",)).word is Word.REVOKED
    assert shown(now=late, venues=("lab",)).word is Word.NOT_THIS_VENUE


def test_a_host_is_part_of_the_venue() -> None:
    """Venues of two hosts may have one id."""
    assert shown(host=OTHER).word is Word.NOT_THIS_VENUE
    assert shown(venues=("lab", "desk")).word is Word.OK


def test_one_days_pass_lets_somebody_in_once_or_is_noted() -> None:
    came = KnownToDesk(came=[at("2027-06-02T09:10")])
    refused = shown(came)
    assert refused.word is Word.EXPIRED
    assert "09:10" in refused.sentence
    noted = shown(came, rules=Rules(replay="note"))
    assert noted.word is Word.OK
    assert "09:10" in noted.sentence


def test_a_pass_of_several_days_lets_its_bearer_in_each_time() -> None:
    came = KnownToDesk(came=[at("2027-06-02T09:10")])
    verdict = shown(came, **THREE)
    assert (verdict.word, verdict.arrived) == (Word.OK, (at("2027-06-02T09:10"),))


TERMS: dict[str, tuple[int, dict[str, Any], Word, str]] = {
    "for as long as is free there": (3, THREE, Word.OK, ""),
    "for longer": (2, THREE, Word.NOT_THIS_VENUE, "who have not asked for 2 days at most: call Tartu Science Park"),
    "for two days where one is free": (1, THREE, Word.NOT_THIS_VENUE, "for 1 day at most"),
    "where notice is wanted": (0, {}, Word.NOT_THIS_VENUE, "takes nobody who has not asked before: call Tartu"),
}


@pytest.mark.parametrize("what", TERMS)
def test_who_has_not_asked_for_a_visit_is_let_in_by_the_venues_terms_alone(what: str) -> None:
    days, fields, word, sentence = TERMS[what]
    verdict = shown(place=replace(PLACE, unasked_days=days), **fields)
    assert (verdict.word, sentence in verdict.sentence) == (word, True), verdict.sentence
    assert verdict.claims is not None


def test_who_comes_to_their_own_organisations_venue_needs_no_asking() -> None:
    assert shown(place=replace(PLACE, host=HOME, unasked_days=0), host=HOME).word is Word.OK


TODAY = Days("2027-06-02", "2027-06-02")
AGREED: dict[str, tuple[Agreed, Word]] = {
    "accepted": (Agreed(State.ACCEPTED, "desk", TODAY), Word.OK),
    "given up": (Agreed(State.NO_SHOW, "desk", TODAY), Word.OK),
    "not answered": (Agreed(State.ASKED, "desk", TODAY), Word.REVOKED),
    "declined": (Agreed(State.DECLINED, "desk", TODAY), Word.REVOKED),
    "to another venue of the host's": (Agreed(State.ACCEPTED, "lab", TODAY), Word.NOT_THIS_VENUE),
    "over since yesterday": (Agreed(State.ACCEPTED, "desk", Days("2027-05-31", "2027-06-01")), Word.EXPIRED),
    "of tomorrow": (Agreed(State.ACCEPTED, "desk", Days("2027-06-03", "2027-06-04")), Word.NOT_YET),
}


@pytest.mark.parametrize("what", AGREED)
def test_what_was_agreed_counts_whatever_the_pass_says_of_a_visit_that_is(what: str) -> None:
    agreed, word = AGREED[what]
    wide = {**THREE, "venues": ("desk", "lab")}
    verdict = shown(KnownToDesk(agreed=agreed), place=replace(PLACE, unasked_days=0), **wide)
    assert verdict.word is word, verdict.sentence
    assert word is Word.OK or ": " in verdict.sentence or "agreed from" in verdict.sentence


REFUSED = "it is blocked here"


def test_who_is_refused_is_an_unknown_issuer_whatever_the_pass_says() -> None:
    verdict = shown(KnownToDesk(issuers={HOME: issuer_of(refused=REFUSED)}))
    assert (verdict.word, verdict.sentence, verdict.claims) == (Word.UNKNOWN_ISSUER, REFUSED, None)


@given(
    refused=st.sampled_from(["", REFUSED]),
    key=st.sampled_from(["pass-1", "pass-2"]),
    heard=st.none() | st.integers(NOON - 500_000, NOON),
    revoked=st.sampled_from([(), (7,), (8,)]),
    venue=st.sampled_from(["desk", "lab"]),
    now=st.integers(NOON - 200_000, NOON + 200_000),
    came=st.sampled_from([[], [NOON - 60]]),
)
def test_ok_is_said_only_when_nothing_at_all_speaks_against_it(
    refused: str, key: str, heard: int | None, revoked: tuple[int, ...], venue: str, now: int, came: list[int]
) -> None:
    issuer = issuer_of(
        refused=refused, keys={key: KEY.public}, heard=heard, fresh_until=None if heard is None else heard + 300_000
    )
    known = KnownToDesk({HOME: issuer}, {(HOME, "passes"): revocations(*revoked)}, came)
    ok = (
        not refused
        and key == "pass-1"
        and heard is not None
        and now - heard <= min(72 * 3_600, 300_000 - 1)
        and revoked != (7,)
        and venue == "desk"
        and at("2027-06-02T00:00") <= now < at("2027-06-03T00:00")
        and not came
    )
    assert (shown(known, now=now, venues=(venue,)).word is Word.OK) == ok


def test_the_pass_key_of_another_epoch_counts_for_nothing() -> None:
    newer = issuer_of(keys={"pass-2": KEY.public})
    verdict = shown(KnownToDesk(issuers={HOME: newer}))
    assert verdict.word is Word.UNKNOWN_ISSUER
    assert "replaced" in verdict.sentence
