"""vCard 4, as vobject reads it, and line by line as RFC 6350 has it."""

import pytest
import vobject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.exports import Collection
from tests.exports.shown import HOSTILE, NAMES, NO_CHARACTERS, TARTU, lines_of, records, shown, written
from tests.kinds.kind_examples import example


def cards(*found, about=None):
    data = written("vcf", *found, **({"about": about} if about else {}))
    lines_of(data)
    return list(vobject.readComponents(data.decode()))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_an_address_book_reads_a_person(name):
    [card] = cards(shown("contact", example("contact", name=name)))
    assert (card.version.value, card.kind.value, card.fn.value) == ("4.0", "individual", name)
    assert (card.role.value, card.org.value) == ("Soft-landing manager", ["Tartu Science Park"])
    assert (card.email.value, card.tel.value) == ("landing@park.example", "tel:+37256123456")
    assert [(each.params["PREF"], each.value) for each in card.lang_list] == [
        (["1"], "et"), (["2"], "zh-Hant"), (["3"], "de-CH"),
    ]  # fmt: skip
    assert card.categories.value == ["Visas", "Offices"]
    assert (card.uid.value, card.rev.value) == (f"urn:bra:{TARTU}:contact:x", "20270115T090000Z")
    assert "Hours: Mo-Fr 10:00-16:00" in card.note.value
    assert "2027-01-15" not in card.note.value.split("Published")[0], "the day of consent is nobody else's business"


def test_a_role_without_a_name_is_a_part_of_its_organisation():
    [card] = cards(shown("contact", example("contact", name=..., consent=...)))
    assert (card.kind.value, card.fn.value) == ("org", "Soft-landing manager")


def test_an_address_book_reads_a_venue():
    [card] = cards(shown("venue"), about=Collection("Venues", link=lambda record: f"https://n.example/{record['id']}"))
    assert (card.kind.value, card.fn.value) == ("location", "Delta Centre, desk room")
    address = card.adr.value
    assert (address.street, address.city, address.country) == ("Narva mnt 18", "Tartu", "Estonia")
    assert card.adr.params["CC"] == ["EE"]
    assert (card.geo.value, card.tz.value) == ("geo:58.385000,26.725000", "Europe/Tallinn")
    assert (card.email.value, card.tel.value) == ("desk@park.example", "tel:+37256123456")
    assert (card.photo.value, card.source.value) == ("https://park.example/a.jpg", "https://n.example/x")
    notes = {each.params["LANGUAGE"][0]: each.value for each in card.note_list if each.params.get("ALTID") == ["2"]}
    assert notes == {"en": "Bus 3\nto the end", "et": "Buss 3"}


def test_an_address_book_reads_an_organisation():
    [card] = cards(shown("organisation"))
    assert (card.kind.value, card.fn.value, card.url.value) == ("org", "Tartu Science Park", "https://park.example")
    assert (card.adr.value.city, card.categories.value) == ("Tartu", ["ict", "green_energy"])
    assert "logo" not in card.contents, "a hash is no address"


def test_a_fold_never_parts_a_character():
    [card] = cards(shown("contact", example("contact", name="慕" * 60, role="ö" * 150)))
    assert (card.fn.value, card.role.value) == ("慕" * 60, "ö" * 150)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_line_to_a_card(text):
    names = [name for name, _, _ in lines_of(written("vcf", shown("venue")))]
    data = written(
        "vcf", shown("venue", example("venue", directions={"en": f"x{text}", "et": text or "x"}), licence=text)
    )
    assert [name for name, _, _ in lines_of(data)] == names


@given(st.lists(records("contact", "organisation", "venue"), min_size=1, max_size=4))
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_any_record_is_read_again(found):
    read = cards(*found)
    assert len(read) == len(found)
    for card, record in zip(read, found, strict=True):
        body = record["body"]
        name = (body.get("name") or body["role"]).translate(NO_CHARACTERS)
        assert card.fn.value == name
